"""The report of a run: JSON in the pod's termination message, and readable lines in its log.

It is written anew at each step, so that a run that was killed still tells how far it came. The
kubelet keeps 4,096 bytes: lists lose their ends, never the report its syntax.

Every line of the log that is ours begins with ``dbalias: ``. Those that tell the progress have
one form each, for programs that follow a run (names hold no spaces; S and N are numbers):

    dbalias: state STATE                    one of auditing locking planning migrating
    dbalias: applying APP.MIGRATION (I of N)
    dbalias: applied APP.MIGRATION in S s
    dbalias: waiting for the database lock for S s: held by HOLDER
    dbalias: still applying APP.MIGRATION for S s: WHAT IT WAITS FOR
    dbalias: ended EXIT REASON: MESSAGE     the last line of every run that ended by itself
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FORMAT = 1
LIMIT = 4096
"""Bytes; what the kubelet keeps of a termination message."""
PLAN_SHARE = 1024
"""Bytes of a report that a plan keeps while something else must be cut."""
PLAN_WITH_SQL = 4
"""Migrations that a plan beyond its share keeps, with the beginning of their SQL."""
ENDED = frozenset({"done", "failed", "stopped"})
"""States after which nothing more is written."""
DEFAULT_PATH = "/dev/termination-log"
_LONGEST_TEXT = 1000
_LONGEST_ITEM = 600

_Spot = tuple[dict[str, Any], str]


def log(text: str) -> None:
    """Write one line for people to stdout."""
    with contextlib.suppress(OSError):  # nobody reads: no reason to end a run
        sys.stdout.write(f"dbalias: {one_line(text, limit=10_000)}\n")
        sys.stdout.flush()


def write_any_text() -> None:
    """Let no name end a run that the image's locale cannot write: it is shown with escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def one_line(text: str, *, limit: int) -> str:
    """Return text without control characters or broken unicode, at most ``limit`` characters."""
    words = " ".join(text.split())
    clean = "".join(c for c in words if c.isprintable()).encode("utf-8", "replace").decode()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def encode(content: Mapping[str, Any]) -> bytes:
    """Return a report as JSON of at most LIMIT bytes; what is too long is cut at its end."""
    small = _bounded(dict(content))
    while True:
        data = json.dumps(small, ensure_ascii=False, separators=(",", ":")).encode()
        if len(data) <= LIMIT:
            return data
        _shorten(small)


class Report:
    """What is known about one run; ``update`` changes it and writes it at once.

    ``path`` None: there is nowhere to write to (a run by hand outside a pod).
    """

    def __init__(self, database: str | None, path: str | None) -> None:
        self._path = path
        self._began = self._step_began = time.monotonic()
        self.content: dict[str, Any] = {
            "format": FORMAT,
            "database": database,
            "state": "starting",
            "exit": None,
            "reason": None,
            "message": "",
            "revision": None,
            "applied": [],
            "appliedCount": 0,
            "pending": [],
            "pendingCount": 0,
            "plan": None,
            "current": None,
            "currentAtomic": None,
            "commandExit": None,
            "transactionalDDL": None,
            "last": None,
            "ahead": [],
            "aheadCount": 0,
            "missingTables": [],
            "missingCount": 0,
            "audit": {"errors": [], "errorCount": 0, "warnings": [], "warningCount": 0},
            "routes": [],
            "routesCount": 0,
            "modelsCount": 0,
            "holder": None,
            "elapsedSeconds": 0.0,
            "django": None,
        }

    def update(self, **changes: Any) -> None:
        """Change some fields and write the report; a new state is a line of the log."""
        before = self.content["state"]
        self.content.update(changes)
        if self.content["state"] not in {before, *ENDED}:
            log(f"state {self.content['state']}")
        self.content["elapsedSeconds"] = round(time.monotonic() - self._began, 1)
        self._write(encode(self.content))

    def began(self, migration: str, *, atomic: bool) -> None:
        """Note that a migration is about to start; until ``finished`` it is the current one."""
        self._step_began = time.monotonic()
        self.update(state="migrating", current=migration, currentAtomic=atomic)
        number = self.content["appliedCount"] + 1
        total = max(number, self.content["appliedCount"] + self.content["pendingCount"])
        log(f"applying {migration} ({number} of {total})")

    def finished(self, migration: str) -> None:
        """Note that a migration was applied and recorded."""
        self.update(
            current=None,
            currentAtomic=None,
            last=migration,
            applied=[*self.content["applied"], migration],
            appliedCount=self.content["appliedCount"] + 1,
            pendingCount=max(0, self.content["pendingCount"] - 1),
        )
        log(f"applied {migration} in {time.monotonic() - self._step_began:.1f} s")

    def ended(self, state: str, *, code: int, reason: str, message: str) -> None:
        """Note how the run ended: nothing is written after this."""
        self.update(state=state, exit=code, reason=reason, message=message)
        log(f"ended {code} {reason}: {message}")

    def _write(self, data: bytes) -> None:
        """Write in one call, always as long while the run goes on: no reader sees half of it."""
        if self._path is None:
            return
        try:
            with open(self._path, "wb", opener=_without_truncating, buffering=0) as file:
                file.write(data.ljust(LIMIT))
                file.truncate(len(data) if self.content["state"] in ENDED else LIMIT)
        except OSError as error:  # no such place, or no room: the exit code tells the most
            log(f"no report is written to {self._path}: {error.strerror}")
            self._path = None


def _without_truncating(path: str, _: int) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)


def report_path(env: Mapping[str, str]) -> str | None:
    """Return where to report to: DBALIAS_REPORT, else the kubelet's file where there is one."""
    return env.get("DBALIAS_REPORT") or (DEFAULT_PATH if Path(DEFAULT_PATH).exists() else None)


def _bounded(value: Any, limit: int = _LONGEST_TEXT) -> Any:
    if isinstance(value, str):
        return one_line(value, limit=limit)
    if isinstance(value, list):
        return [_bounded(item, _LONGEST_ITEM) for item in value]
    if isinstance(value, dict):
        return {key: _bounded(item, limit) for key, item in value.items()}
    return value


def _shorten(content: dict[str, Any]) -> None:
    """Drop the end of the longest list, or half of the longest text when every list is empty.

    A plan beyond its share gives way first: the log has all of it, and nothing else has the rest.
    """
    places = list(_places(content))
    plan = content.get("plan") or {}
    if any(holder[key] for holder, key in _places(plan) if isinstance(holder[key], list)):
        beyond = len(json.dumps(plan, ensure_ascii=False).encode()) > PLAN_SHARE
        places = list(_places(plan)) if beyond else places
        # `pending` has the names: the SQL of the first tells more than the names again.
        if beyond and len(plan.get("migrations") or ()) > PLAN_WITH_SQL:
            places = [(plan, "migrations")]
    longest = max((p for p in places if isinstance(p[0][p[1]], list)), key=_size)
    items = longest[0][longest[1]]
    if items:
        del items[-1 - len(items) // 8 :]
    else:
        holder, key = max((p for p in places if isinstance(p[0][p[1]], str)), key=_size)
        holder[key] = holder[key][: len(holder[key]) // 2]


def _places(value: Any) -> Iterator[_Spot]:
    """Yield every field at any depth, as the dictionary that holds it and its key."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield value, key
            yield from _places(inner)
    elif isinstance(value, list):
        for item in value:
            yield from _places(item)


def _size(place: _Spot) -> int:
    """Return how much a field asks to be cut: its bytes, without those of lists below it.

    Items that hold lists of their own weigh an eighth: those are cut first.
    """
    holder, key = place
    size = len(json.dumps(_without_lists(holder[key]), ensure_ascii=False).encode())
    nested = isinstance(holder[key], list) and any(isinstance(i, dict) for i in holder[key])
    return size // 8 if nested else size


def _without_lists(value: Any, *, inside: bool = False) -> Any:
    if isinstance(value, list):
        return [] if inside else [_without_lists(item, inside=True) for item in value]
    if isinstance(value, dict):
        return {key: _without_lists(inner, inside=True) for key, inner in value.items()}
    return value
