"""For initContainers: waits until every alias that is ours to migrate is migrated.

    python /etc/dbalias/dbalias_wait.py [--database=ALIAS]... [--timeout=300]

As far as this image knows: migrations that are applied and unknown here pass, for that is a
rollback. Aliases that are not ours to migrate are never waited for, not even when they are
named. Reads the databases only, needs no access to Kubernetes. Exit code 0 when all are there,
1 when the time is over (and says what is missing), 2 for a broken configuration.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

if __name__ == "__main__":  # Python knows at most the dated folder behind ..data, and not the cwd
    sys.path[:0] = [str(Path(__file__).absolute().parent), str(Path.cwd())]

import dbalias_databases
from dbalias_errors import Exit, RunError, code_of, open_connection
from dbalias_report import log, write_any_text
from dbalias_setup import find_connection, seconds, set_up

_POLL_SECONDS = 2.0
_SAY_EVERY_SECONDS = 10.0
_PATIENCE = 40.0
_NOT_YET = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Wait as these arguments say (default: the process'); return the exit code."""
    parser = argparse.ArgumentParser(prog="dbalias_wait", allow_abbrev=False)
    parser.add_argument("--database", action="append", default=[])
    parser.add_argument("--timeout", type=seconds, default=300.0)
    options = parser.parse_args(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dbalias_settings")
    os.environ.setdefault("PGCONNECT_TIMEOUT", "10")
    write_any_text()
    try:
        set_up(None)
        aliases = _ours(options.database)
        missing = wait(aliases, timeout=options.timeout)
    except RunError as failure:
        log(failure.message)
        return int(failure.code)
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        log(f"the migrations of this image cannot be read: {type(error).__name__}")
        return int(Exit.CONFIGURATION)
    if missing:
        log(f"not migrated after {options.timeout:.0f} s: " + "; ".join(missing.values()))
        return _NOT_YET
    log("migrated: " + (", ".join(aliases) or "nothing is ours to migrate"))
    return int(Exit.DONE)


def _ours(named: Sequence[str]) -> list[str]:
    """Return which of the named aliases are ours to migrate; all that are, for none named."""
    document = dbalias_databases.document()
    routing = document["routing"]
    if not named:
        return list(routing["managed"])
    ours = {*routing["managed"], *document.get("unavailable", {})}
    for alias in named:
        if alias not in ours:
            why = routing["guard"]["never"].get(alias)
            if why is None:
                find_connection(alias)
            log(f'"{alias}" is not ours to migrate ({why or "not managed"}): not waited for')
    return [alias for alias in dict.fromkeys(named) if alias in ours]


def wait(aliases: Sequence[str], *, timeout: float) -> Mapping[str, str]:
    """Poll until nothing is missing or ``timeout`` seconds passed; return alias → what is."""
    deadline = time.monotonic() + timeout
    said = 0.0
    missing = dict.fromkeys(aliases, "")
    while True:
        found = {alias: _what_is_missing(alias, deadline) for alias in missing}
        missing = {alias: what for alias, what in found.items() if what}
        left = deadline - time.monotonic()
        if not missing or left <= 0:
            return missing
        if not said or time.monotonic() - said >= _SAY_EVERY_SECONDS:
            said = time.monotonic()
            log(f"waiting, {left:.0f} s left: " + "; ".join(missing.values()))
        time.sleep(min(_POLL_SECONDS, max(0.0, left)))


def _what_is_missing(alias: str, deadline: float) -> str:
    """Return what an alias lacks in one sentence, or nothing."""
    from django.db import connections
    from django.db.migrations.exceptions import InconsistentMigrationHistory
    from django.db.utils import DatabaseError, InterfaceError

    from dbalias_plan import read_plan

    document = dbalias_databases.document()
    if alias in document.get("unavailable", {}):
        return f'alias "{alias}" is not published yet ({document["unavailable"][alias]})'
    connection = find_connection(alias)
    try:
        open_connection(connection, patience=max(1.0, min(_PATIENCE, deadline - time.monotonic())))
        pending = read_plan(connection, document["routing"].get("apps", {}).get(alias)).pending
    except RunError as failure:
        if failure.code is Exit.CONFIGURATION:
            raise
        del connections[alias]  # a driver may still be busy with the old one
        return failure.message
    except InconsistentMigrationHistory as error:
        return f'database "{alias}": {error}'
    except (DatabaseError, InterfaceError) as error:
        connection.close()
        return f'database "{alias}": reading its migrations failed (error {code_of(error)})'
    connection.close()
    return f'"{alias}" lacks {len(pending)} migrations, first {pending[0]}' if pending else ""


if __name__ == "__main__":
    sys.exit(main())
