"""Faults of a run at any step, what the design says of each, and what a database then holds."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from dbalias.api.project import Settings
from dbalias.migrations.outcomes import Retry
from dbalias.migrations.report import Report, parse_report
from integration.runtime.pod import IMAGE, PATIENCE, Database, Pod
from unit.builders import a_project

IMAGE_FILES = ("gate.py", "gated_settings.py", "nursery.py", "steps")
ATOMIC, PARTS, DATA = MIGRATIONS = ("0001_atomic", "0002_parts", "0003_data")
MADE_BY: Mapping[str, tuple[str, ...]] = {
    ATOMIC: ("steps_book", "steps_shelf"),
    PARTS: ("steps_left", "steps_right"),
    DATA: (),
}
STAGES = ("before", "during", "recording", "recorded", "committed", "finished")
BEGINNING = ("settings", "audit", "audited", "locked", "planned")
POINTS = (
    *BEGINNING,
    *(f"{migration} {stage}" for migration in MIGRATIONS for stage in STAGES),
    *("looking", "looked", "reported"),
)


class Fault(StrEnum):
    """What happens to a run."""

    KILL = "SIGKILL"
    TERM = "SIGTERM"
    LOCK = "the lock's session ends"
    CONNECTION = "the migration's session ends"
    SERVER = "the server is killed"


@dataclass(frozen=True, slots=True)
class Expected:
    """How a run ends: its exit code (-9: killed), what follows, and the migration in doubt."""

    code: int
    retry: Retry | None = None
    doubtful: str | None = None


def may_happen(fault: Fault, point: str) -> bool:
    """Return whether there is a session to lose at this point."""
    at = POINTS.index(point)
    if fault is Fault.LOCK:
        return at >= POINTS.index("locked")
    return fault is not Fault.CONNECTION or at >= POINTS.index("planned")


def expected(fault: Fault, point: str, *, rolls_back: bool) -> Expected:
    """Return what the design says; ``rolls_back``: the engine does that with DDL."""
    migration, _, stage = point.partition(" ")
    whole = rolls_back and migration != PARTS
    doubt = Expected(-9 if fault is Fault.KILL else 5, Retry.WAIT, migration)
    if fault is Fault.KILL:
        in_doubt = stage and stage != "finished" and not whole
        return doubt if in_doubt else Expected(-9, Retry.AUTO)
    if fault is Fault.TERM or fault is Fault.LOCK:
        is_last = migration == DATA or point in {"looking", "looked", "reported"}
        return Expected(0) if is_last else Expected(7, Retry.AUTO)
    if point in {"looked", "reported"}:
        return Expected(0)
    if point in {"settings", "audit", "audited", "locked", "looking"}:
        return Expected(4, Retry.AUTO)
    ended = {"committed", "finished"} if whole else {"recorded", "committed", "finished"}
    if point == "planned" or stage in ended:
        return _between(fault, migration, rolls_back=rolls_back)
    return Expected(4, Retry.AUTO) if whole else doubt


def _between(fault: Fault, migration: str, *, rolls_back: bool) -> Expected:
    """A session that ends between two migrations is missed by the next one, or at the end."""
    if fault is Fault.SERVER:  # the lock is gone, too
        return Expected(4 if migration == DATA else 7, Retry.AUTO)
    following = {ATOMIC: PARTS, PARTS: DATA}.get(migration)
    if following is None or (following == DATA and rolls_back):
        return Expected(4, Retry.AUTO)
    return Expected(5, Retry.WAIT, following)


class Nursery:
    """Runs of a pod, each in a process that is forked where Django is imported already."""

    def __init__(self, pod: Pod) -> None:
        for name in IMAGE_FILES:
            copy = shutil.copytree if (IMAGE / name).is_dir() else shutil.copy
            copy(IMAGE / name, pod.image / name)
        self._pod = pod
        self._unended: set[int] = set()
        self._process = subprocess.Popen(
            [str(pod.python), "nursery.py"],
            cwd=pod.image,
            env=pod.application_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def publish(self, database: Database, *others: str) -> None:
        """Publish the alias `default`, and others of the same database."""
        names = ("default", *others)
        self._pod.publish(
            [database.alias(name) for name in names],
            sources={ref: state for name in names for ref, state in database.sources(name).items()},
            project=a_project(settings=Settings(module="gated_settings")),
        )

    def start(self, folder: Path, gate: str = "", *words: str, alias: str = "default") -> GatedRun:
        """Start a run that stops at a gate; its files lie in a folder that is made for it."""
        folder.mkdir()
        env = self._pod.application_environment() | {
            "GATE": gate,
            "GATE_FOLDER": str(folder),
            "DBALIAS_REPORT": str(folder / "report.json"),
        }
        asked = {
            "start": self._pod.bootstrap(),
            "words": [f"--database={alias}", *words],
            "env": env,
            "log": str(folder / "log"),
        }
        pid = int(self._ask(asked))
        self._unended.add(pid)
        return GatedRun(pid, folder, self._end)

    def close(self) -> None:
        """End it, and the runs that a failed test left at their gates."""
        for pid in self._unended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.kill()
        self._process.communicate()

    def _end(self, pid: int) -> int:
        code = int(self._ask({"end": pid}))
        self._unended.remove(pid)
        return code

    def _ask(self, asked: Mapping[str, Any]) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()


@dataclass(frozen=True, slots=True)
class GatedRun:
    """A run that has been started."""

    pid: int
    folder: Path
    ended: Callable[[int], int]

    def wait_at_gate(self) -> None:
        """Wait until it stands at its gate."""
        deadline = time.monotonic() + PATIENCE
        while not (self.folder / "reached").exists():
            assert time.monotonic() < deadline, self.log
            time.sleep(0.01)

    def open_gate(self) -> None:
        """Let it go on."""
        (self.folder / "open").touch()

    def send(self, signum: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, signum)

    def end(self) -> int:
        """Let it go on, wait for its end, and return its exit code (-n: signal n)."""
        self.open_gate()
        return self.ended(self.pid)

    @property
    def log(self) -> str:
        """What it has printed."""
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    @property
    def report(self) -> Report | None:
        """Its report, as the operator reads it."""
        path = self.folder / "report.json"
        text = path.read_text() if path.exists() else ""
        assert len(text.encode()) <= 4096
        return parse_report(text)


def renew(database: Database) -> None:
    """Make the database anew, empty; the sessions of the run before have ended by then.

    A server notices after its client's death, and MariaDB drops a database under its users.
    """
    mysql = "SELECT id FROM information_schema.processlist WHERE user = %s"
    if database.server.kind != "postgresql":
        deadline = time.monotonic() + PATIENCE
        while left := database.server.admin_sql(mysql, [database.user]):
            assert time.monotonic() < deadline, f"sessions of the run before: {left}"
            time.sleep(0.02)
    database.server.drop_database(database.name)
    database.server.create_database(database.name, database.user, database.password)


def state_of(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that a run leaves: columns, indexes, what is recorded, and the data."""
    is_postgres = database.server.kind == "postgresql"
    schema = "'public'" if is_postgres else "DATABASE()"
    indexes = (
        "SELECT tablename, indexname FROM pg_indexes WHERE schemaname = 'public'"
        if is_postgres
        else "SELECT table_name, index_name FROM information_schema.statistics"
        " WHERE table_schema = DATABASE()"
    )
    statements = {
        "columns": "SELECT table_name, column_name, data_type FROM information_schema.columns"
        f" WHERE table_schema = {schema}",
        "constraints": "SELECT table_name, constraint_type FROM"
        f" information_schema.table_constraints WHERE table_schema = {schema}"
        " AND constraint_name NOT LIKE '%not_null'",
        "indexes": indexes,
        "recorded": "SELECT app, name FROM django_migrations",
        "shelves": "SELECT name FROM steps_shelf",
    }
    return {name: sorted(database.rows(statement)) for name, statement in statements.items()}


def repair(database: Database, migration: str) -> None:
    """Undo what a half-done migration left, as a person would who has looked."""
    if "django_migrations" not in database.tables:
        return
    if (migration,) in database.rows("SELECT name FROM django_migrations"):
        return
    for table in MADE_BY[migration]:
        database.rows(f"DROP TABLE IF EXISTS {table}")
    if migration == DATA:
        database.rows("DELETE FROM steps_shelf")


def end_session(database: Database, *, of_lock: bool) -> None:
    """End the session that holds the lock, or the other ones of the run."""
    server = database.server
    if server.kind == "postgresql":
        which = "= ANY(%s)" if of_lock else "<> ALL(%s)"
        server.admin_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE usename = %s AND pid {which}",
            [database.user, database.lock_holders],
        )
        return
    sessions = server.admin_sql(
        "SELECT id FROM information_schema.processlist WHERE user = %s ORDER BY id",
        [database.user],
    )
    for (number,) in sessions[:1] if of_lock else sessions[1:]:  # the lock's is opened first
        server.admin_sql(f"KILL {number}")
