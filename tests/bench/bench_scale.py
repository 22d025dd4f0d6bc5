"""Many aliases, settings only: time, writes and memory. Nothing here passes or fails by speed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing

from bench.load import Load
from bench.processors import processor_seconds
from bench.reporting import report
from integration.operator.operating import Operator, wait_until
from integration.operator.workbench import Workbench


def seconds_until(probe: Callable[[], bool], *, what: str) -> float:
    """Return the seconds until the probe answers yes."""
    begun = time.monotonic()
    wait_until(probe, seconds=300, what=what)
    return time.monotonic() - begun


def test_a_thousand_aliases_in_ten_projects(bench: Workbench, operator: Operator) -> None:
    """From the last creation to all settings published; writes per alias; memory; rest."""
    with closing(bench.client()) as client:
        projects = tuple(f"p{number}" for number in range(10))
        load = Load(bench.namespace("many"), client, projects, aliases_each=100)
        load.prepare()
        wait_until(bench.is_quiet, seconds=60, what="the operator is at rest")
        at_none, mark = operator.resident_mebibytes(), bench.mark()
        spent = processor_seconds(operator.process.pid)
        creating = load.create()
        publishing = seconds_until(lambda: load.published() == 1000, what="1,000 entries")
        ready = publishing + seconds_until(lambda: load.ready() == 10, what="10 projects Ready")
        spent = processor_seconds(operator.process.pid) - spent
    wait_until(bench.is_quiet, seconds=120, what="the operator is at rest")
    writes = bench.writes(since=mark)
    report(
        "1,000 aliases in 10 projects, created 32 at once, a Secret each",
        seconds_to_create_them=creating,
        seconds_from_last_creation_to_published=publishing,
        seconds_from_last_creation_to_Ready=ready,
        processor_seconds_of_the_operator=spent,
        writes_per_alias=len(writes) / 1000,
        writes_by_resource=str(dict(Counter(one.resource for one in writes))),
        reads_per_alias=len(bench.reads(since=mark)) / 1000,
        resident_MiB_without_aliases=at_none,
        resident_MiB_with_1000_aliases=operator.resident_mebibytes(),
    )
    mark = bench.mark()
    time.sleep(60)
    report("A minute at rest", writes=str(len(bench.writes(since=mark))))


def test_five_hundred_edits_at_once(bench: Workbench, operator: Operator) -> None:
    """How many revisions come of them."""
    with closing(bench.client()) as client:
        load = Load(bench.namespace("wide"), client, ("wide",), aliases_each=500)
        load.prepare()
        load.create()
        wait_until(lambda: load.ready() == 1, seconds=120, what="500 aliases published")
        wait_until(bench.is_quiet, seconds=120, what="the operator is at rest")
        mark = bench.mark()
        editing = load.edit()
        publishing = seconds_until(
            lambda: load.published("CONN_MAX_AGE") == 500, what="500 edits published"
        )
    wait_until(bench.is_quiet, seconds=120, what="the operator is at rest")
    writes = bench.writes(since=mark)
    revisions = [one for one in writes if one.resource == "configmaps"]
    report(
        "500 aliases of one project edited, 32 at once",
        seconds_to_edit_them=editing,
        seconds_from_last_edit_to_published=publishing,
        revisions=str(len(revisions)),
        writes_per_edit=len(writes) / 500,
    )
