"""What the operator of the stage spends: processor time, memory, requests."""

from __future__ import annotations

import json
import os
import re
import time
import urllib.request
from collections import Counter
from pathlib import Path

from bench.reporting import report
from stage.operating import operator_processes
from stage.play import Shop
from stage.setting import OPERATOR_ACCOUNT, OPERATOR_NAMESPACE

WRITING = frozenset({"create", "update", "patch", "delete", "deletecollection"})


class Spending:
    """Counts from when it is made until `end`; the operator must not restart meanwhile."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._log = shop.setting.cluster.audit_log
        self._mark = self._log.stat().st_size
        self._processor, self._passes = self._processor_seconds(), self._count_passes()

    def end(self) -> None:
        """Stop counting."""
        self._processor = self._processor_seconds() - self._processor
        self._passes = self._count_passes() - self._passes
        self._memory = self._resident_mebibytes()
        self._requests = self._audited()

    def report(self, *, aliases: int, seconds: float) -> None:
        """Print what was counted."""
        writes = Counter(
            f"{verb} {resource}" for verb, resource in self._requests.elements() if verb in WRITING
        )
        reads = self._requests.total() - writes.total()
        report(
            "What the operator spends meanwhile",
            processor_seconds=self._processor,
            of_one_processor=f"{self._processor / seconds:.1%}",
            resident_MiB=self._memory,
            passes=str(round(self._passes)),
            reads_per_pass=reads / self._passes,
            writes_per_alias=writes.total() / aliases,
            writes=str(dict(writes.most_common())),
        )

    def _processor_seconds(self) -> float:
        ticks = 0
        for pid in operator_processes(self._shop.api):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def _resident_mebibytes(self) -> float:
        found = 0
        for pid in operator_processes(self._shop.api):
            told = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
            found += int(told[1]) if told else 0
        return found / 1024

    def _count_passes(self) -> float:
        (pod,) = self._shop.api.objects("Pod", OPERATOR_NAMESPACE)
        with urllib.request.urlopen(f"http://{pod['status']['podIP']}:8080/metrics") as page:
            text = page.read().decode()
        return sum(
            map(float, re.findall(r"^dbalias_pass_duration_seconds_count (\S+)", text, re.M))
        )

    def _audited(self) -> Counter[tuple[str, str]]:
        time.sleep(1)  # the log is written a moment later
        found: Counter[tuple[str, str]] = Counter()
        with self._log.open("rb") as log:
            log.seek(self._mark)
            for line in log:
                if OPERATOR_ACCOUNT.encode() not in line or not line.endswith(b"\n"):
                    continue
                event = json.loads(line)
                resource = event.get("objectRef", {}).get("resource", "")
                if event["user"]["username"] == OPERATOR_ACCOUNT and resource != "leases":
                    found[event["verb"], resource] += 1
        return found
