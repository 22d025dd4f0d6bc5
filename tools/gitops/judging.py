"""What Flux, Helm 4 and Argo CD say of objects: their own judges in a small Go program."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from localkube.binaries import go_environment
from localkube.golang import find_go
from localkube.paths import cache_dir
from localkube.progress import exclusive, run_logged, step
from rendering import HEALTH_SCRIPT

SOURCE = Path(__file__).parent / "go"


class Kstatus(StrEnum):
    """What Flux and Helm 4 wait by."""

    IN_PROGRESS = "InProgress"
    CURRENT = "Current"
    FAILED = "Failed"
    TERMINATING = "Terminating"


class Health(StrEnum):
    """What Argo CD shows."""

    PROGRESSING = "Progressing"
    HEALTHY = "Healthy"
    SUSPENDED = "Suspended"
    DEGRADED = "Degraded"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What both say of one version of an object; ``message`` is Argo CD's."""

    kstatus: Kstatus
    health: Health
    message: str

    @property
    def is_green(self) -> bool:
        """Whether either would go on as if all were well."""
        return self.kstatus is Kstatus.CURRENT or self.health is Health.HEALTHY

    @property
    def is_red(self) -> bool:
        """Whether either would give up."""
        return self.kstatus is Kstatus.FAILED or self.health is Health.DEGRADED


def judge(objects: Iterable[Any], *, script: Path = HEALTH_SCRIPT) -> list[Verdict]:
    """Return a verdict for each object, as it is read from the API; one process for all."""
    lines = "".join(f"{json.dumps(one)}\n" for one in objects)
    done = subprocess.run(
        [find_judge(), script], input=lines, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ValueError(done.stderr.strip())
    return [_verdict(json.loads(line)) for line in done.stdout.splitlines()]


@cache
def find_judge() -> Path:
    """Return the program, built once for what it is made from and kept in the cache."""
    target = cache_dir() / f"judge-{_fingerprint()}"
    with exclusive(target.with_name(target.name + ".lock")):
        if not target.exists():
            _build(target)
    return target


def _verdict(told: Any) -> Verdict:
    health = told["health"]
    return Verdict(Kstatus(told["kstatus"]), Health(health["status"]), health["message"])


def _fingerprint() -> str:
    total = hashlib.sha256()
    for file in sorted(SOURCE.iterdir()):
        total.update(file.read_bytes())
    return total.hexdigest()[:8]


def _build(target: Path) -> None:
    source, partial = (target.with_name(f"{target.name}.{end}") for end in ("source", "partial"))
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(SOURCE, source)
    # Flags as for localkube's programs: packages that Kubernetes shares are not compiled again.
    flags = ["-trimpath", "-ldflags", "-s -w", "-gcflags", "all=-dwarf=false"]
    argv: list[str | Path] = [find_go(), "build", *flags, "-o", partial, "."]
    with step("building the judges of Flux and Argo CD, once", expect="a minute"):
        log = cache_dir() / "logs" / f"{target.name}.log"
        run_logged(argv, log, cwd=source, env=go_environment())
    shutil.rmtree(source)
    partial.rename(target)
