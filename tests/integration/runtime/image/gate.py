"""Gates in a run: it stops at the one that GATE names, until the test lets it on.

At the gate it makes the file GATE_FOLDER/reached and waits for GATE_FOLDER/open. Settings import
this module, so the gates are up before the run has come to any of the places.
"""

import os
import time
from pathlib import Path

from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder

import dbalias_audit
import dbalias_lock
import dbalias_plan
import dbalias_report


def pass_gate(name):
    """Wait here if this is the gate that is shut."""
    if os.environ.get("GATE") != name:
        return
    folder = Path(os.environ["GATE_FOLDER"])
    (folder / "reached").touch()
    while not (folder / "open").exists():
        time.sleep(0.01)


class Gate(Operation):
    """A gate between two operations of a migration."""

    reduces_to_sql = False
    reversible = True

    def __init__(self, name):
        self.name = name

    def state_forwards(self, app_label, state):
        """Change nothing."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        """Wait."""
        pass_gate(self.name)


def put_gates(owner, method, *, before=None, after=None):
    """Put gates around a function; each is named by a function of its arguments."""
    inner = getattr(owner, method)

    def gated(*args, **kwargs):
        if before is not None:
            pass_gate(before(*args))
        result = inner(*args, **kwargs)
        if after is not None:
            pass_gate(after(*args))
        return result

    setattr(owner, method, gated)


def _of_migration(place):
    return lambda self, *args: f"{getattr(self, 'name', None)} {place}"


def _of_record(place):
    return lambda self, app, name: f"{name} {place}"


pass_gate("settings")
put_gates(dbalias_audit.Audit, "findings", before=lambda *_: "audit", after=lambda *_: "audited")
put_gates(dbalias_lock.HeldLock, "__init__", after=lambda *_: "locked")
put_gates(dbalias_plan, "read_plan", after=lambda *_: "planned")
put_gates(Migration, "apply", before=_of_migration("before"))
put_gates(
    MigrationRecorder,
    "record_applied",
    before=_of_record("recording"),
    after=_of_record("recorded"),
)
put_gates(
    MigrationExecutor, "apply_migration", after=lambda self, state, m, *_: f"{m.name} committed"
)
put_gates(
    dbalias_report.Report, "finished", after=lambda self, name: f"{name.split('.')[-1]} finished"
)
put_gates(dbalias_plan, "missing_tables", before=lambda *_: "looking", after=lambda *_: "looked")
put_gates(dbalias_report.Report, "ended", after=lambda *_: "reported")
