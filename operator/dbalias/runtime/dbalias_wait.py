"""For initContainers: waits until every alias that is ours to migrate is migrated.

    python /etc/dbalias/dbalias_wait.py [--database=ALIAS]... [--timeout=300]

As far as this image knows: migrations that are applied and unknown here pass, for that is a
rollback. Reads the databases only, needs no access to Kubernetes. Exit code 0 when all are
there, 1 when the time is over (and says what is missing), 2 for a broken configuration.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

if __name__ == "__main__":  # Python knows at most the dated folder behind ..data, and not the cwd
    sys.path[:0] = [str(Path(__file__).absolute().parent), str(Path.cwd())]

import dbalias_databases
from dbalias_errors import Exit, RunError, code_of, open_connection
from dbalias_report import log
from dbalias_setup import find_connection, set_up

_POLL_SECONDS = 2.0
_SAY_EVERY_SECONDS = 10.0
_NOT_YET = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Wait as these arguments say (default: the process'); return the exit code."""
    parser = argparse.ArgumentParser(prog="dbalias_wait", allow_abbrev=False)
    parser.add_argument("--database", action="append", default=[])
    parser.add_argument("--timeout", type=float, default=300.0)
    options = parser.parse_args(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dbalias_settings")
    os.environ.setdefault("PGCONNECT_TIMEOUT", "10")
    try:
        set_up(None)
        aliases = options.database or dbalias_databases.document()["routing"]["managed"]
        missing = wait(aliases, timeout=options.timeout)
    except RunError as failure:
        log(failure.message)
        return int(failure.code)
    if missing:
        log(f"not migrated after {options.timeout:.0f} s: " + "; ".join(missing.values()))
        return _NOT_YET
    log("migrated: " + (", ".join(aliases) or "nothing is ours to migrate"))
    return int(Exit.DONE)


def wait(aliases: Sequence[str], *, timeout: float) -> Mapping[str, str]:
    """Poll until nothing is missing or ``timeout`` seconds passed; return alias → what is."""
    deadline = time.monotonic() + timeout
    said = 0.0
    missing = dict.fromkeys(aliases, "")
    while True:
        missing = {a: what for a in missing for what in [_what_is_missing(a)] if what}
        left = deadline - time.monotonic()
        if not missing or left <= 0:
            return missing
        if not said or time.monotonic() - said >= _SAY_EVERY_SECONDS:
            said = time.monotonic()
            log(f"waiting, {left:.0f} s left: " + "; ".join(missing.values()))
        time.sleep(min(_POLL_SECONDS, max(0.0, left)))


def _what_is_missing(alias: str) -> str:
    """Return what an alias lacks in one sentence, or nothing."""
    from django.db.utils import DatabaseError, InterfaceError

    from dbalias_plan import read_plan

    document = dbalias_databases.document()
    if alias in document.get("unavailable", {}):
        return f'alias "{alias}" is not published yet ({document["unavailable"][alias]})'
    connection = find_connection(alias)
    try:
        open_connection(connection)
        pending = read_plan(connection, document["routing"].get("apps", {}).get(alias)).pending
    except RunError as failure:
        if failure.code is Exit.CONFIGURATION:
            raise
        return failure.message
    except (DatabaseError, InterfaceError) as error:
        return f'database "{alias}": reading its migrations failed (error {code_of(error)})'
    finally:
        connection.close()
    return f'"{alias}" lacks {len(pending)} migrations, first {pending[0]}' if pending else ""


if __name__ == "__main__":
    sys.exit(main())
