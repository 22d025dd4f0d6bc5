"""`make django`: every suite of Django that uses a second database, on every pair of servers."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from django_suite.comparison import COMBINATIONS, Bench, Comparison, table
from django_suite.suites import suites_that_use
from environments import (
    SERIES,
    SUITE_PARTS,
    Interpreter,
    Series,
    django_source,
    environment,
    find_interpreters,
)
from localkube.databases import MariaDBServer, PostgresServer, running


def main() -> int:
    """Run what the command line asks for; return 0, or 1 when published settings differ."""
    options = _options()
    series = SERIES[options.series]
    made = environment(_interpreter(series), series.part, *SUITE_PARTS)
    suites = options.suites or suites_that_use("other", django_source(made, series) / "tests")
    # So that who ends this process ends the servers, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="django-suite-"))
    postgres, mariadb = PostgresServer(folder / "postgres"), MariaDBServer(folder / "mariadb")
    with running(postgres, mariadb):
        bench = Bench(made, series, {"PostgreSQL": postgres, "MariaDB": mariadb}, folder)
        print(f"{bench.source.name} on {made.interpreter}: {' '.join(suites)}", flush=True)
        found = [_compared(bench, combination, suites) for combination in COMBINATIONS]
    print(f"{time.monotonic() - started:.0f} s in all")
    if any(one.differences for one in found):
        print(f"Published settings differ from settings by hand. The logs are in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make django", description=__doc__)
    parser.add_argument("--series", choices=SERIES, default="5.2")
    parser.add_argument("suites", nargs="*", help="these instead of all that use `other`")
    return parser.parse_args()


def _interpreter(series: Series) -> Interpreter:
    """Return the newest Python at hand that Django supports this series on."""
    fitting = [found for found in find_interpreters() if series.runs_on(found)]
    if not fitting:
        raise SystemExit(f"no Python at hand runs Django {series.name}: python -m environments")
    return fitting[-1]


def _compared(bench: Bench, combination: str, suites: list[str]) -> Comparison:
    found = bench.compare(combination, suites)
    print("\n".join(table([found])), flush=True)
    return found


sys.exit(main())
