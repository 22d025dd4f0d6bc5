"""The program of a management command's Job: one database or none, one child, one report.

    python -c BOOTSTRAP [--database=ALIAS] [--reads] [--lock-timeout=SECONDS] -- COMMAND [ARG]...

The command is Django's or the project's own. It runs as a child process of the same interpreter,
with the same settings and path, and gets SIGTERM when this process gets it. With a database it is
told ``--database=ALIAS`` and runs under the lock that migrations of that database take, unless
``--reads`` says that it writes nothing there. Without one there is neither lock nor option.
Exit codes: dbalias_errors.Exit; a command that fails is COMMAND, and the report has its own code.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # Python knows at most the dated folder behind ..data, and not the cwd
    sys.path[:0] = [str(Path(__file__).absolute().parent), str(Path.cwd())]

import dbalias_databases
from dbalias_command import ending, run_child
from dbalias_errors import Exit, RunError
from dbalias_explain import end
from dbalias_report import Report, log, report_path
from dbalias_setup import find_migrated, find_published, prepare, seconds, set_up

_OPTION = "--database"


class Run:
    """One command: its options, its report, and whether it was asked to stop."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.words: list[str] = options.words
        self.report = Report(options.database, report_path(os.environ))
        self.lock: Any = None
        self.is_stopping = False

    def stop(self, signum: int, frame: object) -> None:
        """Signal handler: pass it on to the command."""
        self.is_stopping = True

    def why_stop(self) -> str | None:
        """Return why to stop now, or None."""
        if self.is_stopping:
            return "asked to stop (SIGTERM)"
        if self.lock is not None and self.lock.is_lost:
            return "the session that holds the database lock has ended"
        return None

    def execute(self) -> None:
        """Do all of it; RunError tells how it ended otherwise."""
        import django

        self.report.update(django=django.get_version())
        words = with_database(self.words, self.options.database)
        set_up(None)
        self.report.update(revision=dbalias_databases.document()["revision"])
        if self.options.database is None:
            self._run(words)
            return
        # A foreign database would get the whole history written into it.
        find = find_migrated if self.words[0] == "migrate" else find_published
        connection = find(self.options.database)
        if self.options.reads:
            self._run(words)
        else:
            self._run_under_lock(words, connection)

    def _run_under_lock(self, words: Sequence[str], connection: Any) -> None:
        from dbalias_lock import database_lock

        self.report.update(state="locking")
        with database_lock(
            connection,
            timeout=self.options.lock_timeout,
            tell_holder=lambda holder: self.report.update(holder=holder),
            should_stop=lambda: self.is_stopping,
        ) as self.lock:
            self._run(words)

    def _run(self, words: Sequence[str]) -> None:
        """Run the command; while it may write, the report says that it was begun."""
        reason = self.why_stop()
        if reason is not None:
            raise RunError(Exit.STOPPED, f"{reason}; {self.words[0]} was not begun")
        self.report.update(state="running", holder=None)
        if not self.options.reads:
            self.report.update(current=f"command: {self.words[0]}", currentAtomic=False)
        code, reason = run_child([sys.executable, "-m", "django", *words], why_stop=self.why_stop)
        self.report.update(commandExit=code if code >= 0 else 128 - code)
        if code and reason is not None:
            raise RunError(
                Exit.STOPPED, f"{reason}; {self.words[0]} was told to stop, by {ending(code)}"
            )
        if code:
            raise RunError(Exit.COMMAND, f"{self.words[0]} ended with {ending(code)}: see the log")
        self.report.update(current=None, currentAtomic=None)


def with_database(words: Sequence[str], alias: str | None) -> list[str]:
    """Return the command's words with ``--database=ALIAS``; raise RunError if they name another.

    It goes to the end, where an option of a subcommand has to be, but before a ``--`` of theirs.
    """
    cut = words.index("--") if "--" in words else len(words)
    named = _named(words[:cut])
    if alias is None:
        return list(words)
    if any(name != alias for name in named):
        raise RunError(
            Exit.CONFIGURATION,
            f'the command names the database "{named[0]}", and this run is for "{alias}": leave '
            f"{_OPTION} out of the command's own words",
        )
    told = [] if named else [f"{_OPTION}={alias}"]
    return [*words[:cut], *told, *words[cut:]]


def _named(words: Sequence[str]) -> list[str]:
    """Return the databases that a command's own words name."""
    joined = [word.partition("=")[2] for word in words if word.startswith(f"{_OPTION}=")]
    apart = [name for word, name in zip(words, [*words[1:], ""]) if word == _OPTION]
    return joined + apart


def main(argv: Sequence[str] | None = None) -> int:
    """Run with these arguments (default: the process'); return the exit code."""
    options = parse(sys.argv[1:] if argv is None else argv)
    prepare(options.database)
    run = Run(options)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, run.stop)
    run.report.update()
    where = f"database {options.database}" if options.database else "no database"
    attempt = os.environ.get("DBALIAS_ATTEMPT", "by hand")
    log(f"command {run.words[0]}, {where}, attempt {attempt}")
    try:
        run.execute()
    except RunError as error:
        return end(run.report, error.code, error.message)
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        return end(
            run.report,
            Exit.CONFIGURATION,
            f"before the command: {type(error).__name__}: see the log",
        )
    return end(run.report, Exit.DONE, f"{run.words[0]} has ended well", done="Completed")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the Job's arguments; what follows ``--`` is the command."""
    words = list(argv)
    cut = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(
        prog="dbalias_manage", allow_abbrev=False, usage="%(prog)s [options] -- COMMAND [ARG]..."
    )
    parser.add_argument(_OPTION)
    parser.add_argument("--reads", action="store_true", help="it writes nothing: take no lock")
    parser.add_argument("--lock-timeout", type=seconds, default=300.0)
    options = parser.parse_args(words[:cut])
    options.words = words[cut + 1 :]
    if not options.words:
        parser.error("a management command follows --")
    return options


if __name__ == "__main__":
    sys.exit(main())
