"""The migrate Job's program: one alias, one process, one report.

    python -c BOOTSTRAP --database=ALIAS [--check | --approved=DIGEST] [--app=APP]...
        [--command=WORD]... [-- ARGS]

Settings and ``django.setup()``, the routing audit, the lock on the physical database, the plan,
``migrate --database=ALIAS``, and a look for missing tables. With ``--check`` it takes no lock
and writes nothing: audit, plan with its SQL and digest, missing tables; with ``--approved``
it migrates only what has that digest. Exit codes: dbalias_errors.Exit. SIGTERM stops it between
two migrations. It runs by hand as a file, too.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # Python knows at most the dated folder behind ..data, and not the cwd
    sys.path[:0] = [str(Path(__file__).absolute().parent), str(Path.cwd())]

import dbalias_databases
from dbalias_errors import Exit, RunError, open_connection
from dbalias_explain import end, explain
from dbalias_report import Report, log, report_path
from dbalias_sessions import keep_alive, let_server_notice
from dbalias_setup import prepare, seconds, set_up
from dbalias_watch import watched

_LOG_LINES = 200
_LOST = "the session that holds the database lock has ended, or is silent"


class Run:
    """One run: its options, its report, and whether it was asked to stop."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.alias: str = options.database
        self.report = Report(self.alias, report_path(os.environ))
        self.connection: Any = None
        self.lock: Any = None
        self.is_stopping = False

    def stop(self) -> None:
        """Remember to stop before the next migration."""
        self.is_stopping = True

    def why_stop(self) -> str | None:
        """Return why to stop now, or None."""
        if self.is_stopping:
            return "asked to stop (SIGTERM)"
        if self.lock is not None and self.lock.is_lost:
            return _LOST
        return None

    def pause(self) -> None:
        """Raise RunError STOPPED if this is the moment to stop; asks the server for the lock."""
        is_held = self.lock is None or self.lock.check()
        reason = self.why_stop() or (None if is_held else _LOST)
        if reason is not None:
            last = self.report.content["last"]
            raise RunError(
                Exit.STOPPED,
                f"stopped between migrations after {last or 'none'}: {reason}; "
                f"{self.report.content['pendingCount']} pending",
            )

    def execute(self) -> None:
        """Do all of it; RunError tells how it ended otherwise."""
        import django
        from django.db import connections
        from django.db.backends.signals import connection_created

        self.report.update(django=django.get_version())
        set_up(self.alias)
        self.report.update(revision=dbalias_databases.document()["revision"])
        connection_created.connect(keep_alive)
        connection = self.connection = connections[self.alias]
        self.report.update(state="auditing")
        self._audit(connection)
        self.pause()
        if self.options.check:
            self._check(connection)
        else:
            self._migrate_under_lock(connection)

    def _audit(self, connection: Any) -> None:
        from dbalias_audit import Audit
        from dbalias_plan import existing_tables

        audit = Audit(self.alias)
        for line in audit.table():
            log(line)
        self.report.update(**audit.routes())
        tables = None
        if audit.has_doubtful_constraints():
            open_connection(connection)
            tables = existing_tables(connection)
        findings = audit.findings(tables)
        self.report.update(audit=findings.render())
        for kind, sentences in (("error", findings.errors), ("warning", findings.warnings)):
            for sentence in sentences[:_LOG_LINES]:
                log(f"routing {kind}: {sentence}")
        if findings.errors and self.options.audit == "Enforce":
            more = f" (and {len(findings.errors) - 1} more)" if len(findings.errors) > 1 else ""
            raise RunError(Exit.AUDIT, f"the routing audit refuses{more}: {findings.errors[0]}")

    def _check(self, connection: Any) -> None:
        """Look at what a migration would find, by reading alone."""
        self.report.update(state="planning")
        open_connection(connection)
        apps = self._plan(connection)
        if self.report.content["pendingCount"]:
            proposal = self._propose(connection, apps)
            self.report.update(plan=proposal.render())
            for line in proposal.lines():
                log(line)
        self.pause()
        self._look_for_missing_tables(connection, apps)

    def _propose(self, connection: Any, apps: Sequence[str] | None) -> Any:
        from dbalias_proposal import propose

        options = self.options
        return propose(connection, apps, command=options.command, args=options.args)

    def _demand_approved(self, connection: Any, apps: Sequence[str] | None) -> None:
        """Refuse what differs from the plan that a person approved, if one had to."""
        approved = self.options.approved
        if approved is None:
            return
        proposal = self._propose(connection, apps)
        if proposal.digest != approved:
            raise RunError(
                Exit.PLAN,
                f"nothing was migrated: the approved plan {approved} is not what is pending now, "
                f"the plan {proposal.digest} of {len(proposal.scripts)} migrations",
            )

    def _migrate_under_lock(self, connection: Any) -> None:
        from dbalias_lock import database_lock

        self.report.update(
            state="locking", transactionalDDL=bool(connection.features.can_rollback_ddl)
        )
        with database_lock(
            connection,
            timeout=self.options.lock_timeout,
            tell_holder=lambda holder: self.report.update(holder=holder),
            should_stop=lambda: self.is_stopping,
        ) as self.lock:
            self.report.update(state="planning", holder=None)
            open_connection(connection)
            let_server_notice(connection)
            apps = self._plan(connection)
            self._demand_approved(connection, apps)
            if self.options.command:
                from dbalias_command import migrate_by_command

                migrate_by_command(
                    self.options.command,
                    self.options.args,
                    connection=connection,
                    report=self.report,
                    why_stop=self.why_stop,
                )
            else:
                self._migrate(connection, apps)
            self._look_for_missing_tables(connection, apps)

    def _plan(self, connection: Any) -> list[str] | None:
        from dbalias_plan import read_plan, unmigrated

        absent, bare = unmigrated(self.options.app)
        if absent:
            raise RunError(
                Exit.CONFIGURATION, f"migrate.apps names what is not installed: {', '.join(absent)}"
            )
        for app in bare:
            log(f"the app {app} has no migrations")
        named = [app for app in self.options.app if app not in bare]
        apps = named if self.options.app else None
        plan = read_plan(connection, apps)
        self.report.update(
            pending=plan.pending if self.options.check else [],
            pendingCount=len(plan.pending),
            ahead=plan.ahead,
            aheadCount=len(plan.ahead),
            last=plan.last,
        )
        log(f"{len(plan.pending)} migrations pending on {self.alias}: {_listed(plan.pending)}")
        if plan.ahead:
            log(f"the database has migrations that this image does not: {_listed(plan.ahead)}")
        return apps

    def _migrate(self, connection: Any, apps: Sequence[str] | None) -> None:
        from django.db.utils import DatabaseError

        try:
            self._call_migrate(apps)
        except DatabaseError:
            # What Django does after the last migration may be the first to meet a missing table.
            if not self.report.content["pendingCount"]:
                self._look_for_missing_tables(connection, apps)
            raise
        if self.report.content["pendingCount"]:
            self._demand_nothing_pending(connection, apps)

    def _demand_nothing_pending(self, connection: Any, apps: Sequence[str] | None) -> None:
        """Refuse to call migrated what arguments such as --plan have kept from it."""
        from dbalias_plan import read_plan

        pending = read_plan(connection, apps).pending
        if pending:
            raise RunError(
                Exit.MIGRATION,
                f"migrate ended without an error, and {len(pending)} migrations are pending: "
                f"{_listed(pending, 3)}; correct migrate.args ({' '.join(self.options.args)})",
            )

    def _call_migrate(self, apps: Sequence[str] | None) -> None:
        from django.core.management import call_command

        from dbalias_plan import followed

        skip = "--skip-checks" in self.options.args
        with followed(self.alias, self.report, self.pause):
            for target in [[]] if apps is None else [[app] for app in apps]:
                self.pause()
                words = [*target, f"--database={self.alias}", "--no-input", *self.options.args]
                call_command("migrate", *words, skip_checks=skip)

    def _look_for_missing_tables(self, connection: Any, apps: Sequence[str] | None) -> None:
        from dbalias_plan import missing_tables

        missing = missing_tables(connection, apps)
        if not missing:
            return
        tables = sorted(missing)
        self.report.update(missingTables=tables, missingCount=len(tables))
        owners = sorted({label.split(".")[0] for label in missing.values()})
        raise RunError(
            Exit.MISSING_TABLES,
            f'{len(tables)} tables that routing allows on "{self.alias}" do not exist, and their '
            f"migrations are recorded as applied: {_listed(tables)}. They were recorded while "
            f"routing kept them elsewhere. Run `migrate --database={self.alias} --fake APP zero` "
            f"for {_listed(owners)}, then ask for another run, with --fake-initial where some "
            "of the app's tables exist",
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run with these arguments (default: the process'); return the exit code."""
    options = parse(sys.argv[1:] if argv is None else argv)
    prepare(options.database)
    run = Run(options)
    with watched(run):
        return _run_to_the_end(run)


def _run_to_the_end(run: Run) -> int:
    run.report.update()
    log(f"database {run.alias}, attempt {os.environ.get('DBALIAS_ATTEMPT', 'by hand')}")
    try:
        run.execute()
    except RunError as error:
        return end(run.report, error.code, error.message)
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        explained = explain(error, run.report, is_check=run.options.check)
        return end(run.report, explained.code, explained.message)
    return end(run.report, Exit.DONE, _account(run))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the Job's arguments; what follows ``--`` goes to migrate as it is."""
    words = list(argv)
    cut = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(prog="dbalias_migrate", allow_abbrev=False)
    parser.add_argument("--database", required=True)
    parser.add_argument("--lock-timeout", type=seconds, default=300.0)
    parser.add_argument("--audit", choices=("Enforce", "Warn"), default="Enforce")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--approved")
    parser.add_argument("--app", action="append", default=[])
    parser.add_argument("--command", action="append", default=[])
    options = parser.parse_args(words[:cut])
    options.args = words[cut + 1 :]
    return options


def _account(run: Run) -> str:
    """Return what a run did that ended well."""
    content = run.report.content
    if run.options.check:
        return f"{content['pendingCount']} migrations are pending, and nothing was written"
    count = content["appliedCount"]
    return f"{count} migrations applied" if count else "nothing to migrate"


def _listed(names: Sequence[str], most: int = 10) -> str:
    shown = ", ".join(names[:most]) or "none"
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


if __name__ == "__main__":
    sys.exit(main())
