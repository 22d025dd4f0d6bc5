"""Databases for many aliases, from nothing: our time over that of the same statements by hand.

DBALIAS_BENCH_ALIASES says how many (200), DBALIAS_BENCH_REST for how many seconds nothing may be
written (700: longer than from one look for drift to the next). What is counted comes from the API
server's audit log and the database server's own.
"""

from __future__ import annotations

import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.floor import ByHand, make_by_hand
from bench.processors import Processors
from bench.provisioned import CONNECTIONS, Load, Progress
from bench.reporting import report
from integration.operator.operating import Operator, wait_until
from integration.operator.workbench import Workbench
from localkube.databases import PostgresServer

ALIASES = int(os.environ.get("DBALIAS_BENCH_ALIASES", "200"))
REST = float(os.environ.get("DBALIAS_BENCH_REST", "700"))
DEBOUNCE = 0.5
AIM = 2.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    """A server of the benchmark's own that tells who logs in."""
    with PostgresServer(tmp_path / "postgres", settings={"log_connections": "on"}) as started:
        yield started


@pytest.fixture
def load(bench: Workbench, operator: Operator, server: PostgresServer) -> Iterator[Load]:
    """What is to be made, while the operator rests and knows the server."""
    with closing(bench.client()) as client:
        load = Load(bench.namespace("many"), client, server, ALIASES)
        load.prepare()
        load.space.wait_for("dbs", "main", reason="Ready")
        wait_until(bench.is_quiet, seconds=60, what="the operator is at rest")
        yield load


@pytest.mark.timeout(7200)
def test_databases_for_many_aliases(
    bench: Workbench, operator: Operator, load: Load, tmp_path: Path
) -> None:
    """Made, left alone, met again by another process, and dropped. Nothing fails by speed."""
    # Before and after: machines shared with others change their pace within minutes.
    before = make_by_hand(load.names(), tmp_path / "before")
    made = making(bench, operator, load)
    after = make_by_hand(load.names(), tmp_path / "after")
    comparing(made, (before, after))
    restarting(bench, operator, load)
    resting(bench, load)
    dropping(bench, load)


@dataclass(frozen=True, slots=True)
class Made:
    """Seconds: of the apply, and from its start until all were provisioned, and Ready.

    ``worked``: of statements on each connection, if all had as many.
    """

    applying: float
    provisioned: float
    ready: float
    worked: float


def making(bench: Workbench, operator: Operator, load: Load) -> Made:
    """Apply all aliases at once."""
    os.sync()
    mark, sessions = bench.mark(), load.sessions()
    memory, worked = operator.resident_mebibytes(), load.worked()
    processors = Processors(operator.process.pid)
    with Progress(load.client) as progress:
        begun = time.monotonic()
        applying = load.create()
        wait_until(lambda: progress.count("Provisioned") == ALIASES, seconds=900)
        wait_until(lambda: progress.count("Ready") == ALIASES, seconds=900)
        spent = processors.spent()
    provisioned, ready = (progress.last(one) - begun for one in ("Provisioned", "Ready"))
    made = Made(applying, provisioned, ready, (load.worked() - worked) / CONNECTIONS)
    wait_until(bench.is_quiet, seconds=120, what="the operator is at rest")
    writes, reads = bench.writes(since=mark), bench.reads(since=mark)
    report(
        "What it took",
        processor_seconds=str(spent),
        resident_MiB_before_and_after=f"{memory:.0f}, {operator.resident_mebibytes():.0f}",
        writes_per_alias=f"{len(writes) / ALIASES:.2f} (aim: 4)",
        writes=str(dict(Counter(f"{one.verb} {one.resource}" for one in writes).most_common())),
        reads_per_alias=len(reads) / ALIASES,
        reads=str(dict(Counter(f"{one.verb} {one.resource}" for one in reads).most_common())),
        sessions_per_alias=f"{(load.sessions() - sessions) / ALIASES:.3f} (aim: 0.1)",
    )
    assert load.databases() == ALIASES
    return made


def comparing(made: Made, by_hand: tuple[ByHand, ByHand]) -> None:
    """Print what was made, over the mean of what the server alone took before and after."""
    floor = statistics.mean(one.seconds for one in by_hand)
    whole, after = made.provisioned, made.provisioned - made.applying
    told = " and ".join(f"{one.seconds:.2f}" for one in by_hand)
    worked = " and ".join(f"{one.worked:.1f}" for one in by_hand)
    report(
        f"{ALIASES} databases on one PostgreSQL server, aliases applied 32 at once",
        load_of_the_machine=os.getloadavg()[0],
        seconds_by_hand=f"{told}, the same statements over {CONNECTIONS} connections",
        processor_seconds_of_the_server_by_hand=worked,
        seconds_to_apply=made.applying,
        seconds_from_the_start_to_provisioned=f"{whole:.2f}, {whole / floor:.2f} by hand",
        seconds_from_the_end_of_the_apply=f"{after:.2f}, {after / floor:.2f} by hand",
        the_same_less_the_debounce=f"{(after - DEBOUNCE) / floor:.2f} by hand (aim: {AIM})",
        seconds_the_server_worked_on_each_connection=made.worked,
        seconds_from_the_end_of_the_apply_to_Ready=made.ready - made.applying,
    )


def restarting(bench: Workbench, operator: Operator, load: Load) -> None:
    """Start another process, which looks at everything and changes nothing."""
    kept, mark, sessions = load.passwords(), bench.mark(), load.sessions()
    operator.stop()
    operator.start()
    wait_until(lambda: load.sessions() > sessions, seconds=60, what="the server is looked at")
    wait_until(
        lambda: operator.has_passed(load.space.name, "p0"), seconds=60, what="a pass has ended"
    )
    time.sleep(20)
    writes = bench.writes(since=mark)
    report(
        "Another process",
        writes=str([str(one) for one in writes]),
        passwords_rewritten=str(sum(kept[name] != now for name, now in load.passwords().items())),
        sessions=str(load.sessions() - sessions),
    )
    assert load.passwords() == kept
    assert not writes


def resting(bench: Workbench, load: Load) -> None:
    """Leave everything alone while the operator looks for drift."""
    mark, sessions = bench.mark(), load.sessions()
    time.sleep(REST)
    writes = bench.writes(since=mark)
    report(
        f"{REST:.0f} seconds at rest",
        writes=str([str(one) for one in writes]),
        sessions=str(load.sessions() - sessions),
    )
    assert not writes


def dropping(bench: Workbench, load: Load) -> None:
    """Let databases go with their aliases, then delete these."""
    load.drop_with_alias()
    wait_until(bench.is_quiet, seconds=120, what="finalizers are set")
    mark, sessions, begun = bench.mark(), load.sessions(), time.monotonic()
    deleting = load.delete()
    wait_until(lambda: load.remaining() == 0, seconds=900, what="aliases to be gone")
    gone = time.monotonic() - begun
    wait_until(bench.is_quiet, seconds=120, what="the operator is at rest")
    writes = bench.writes(since=mark)
    report(
        f"{ALIASES} aliases deleted with their databases",
        seconds_to_delete=deleting,
        seconds_until_all_are_gone=gone,
        writes_per_alias=len(writes) / ALIASES,
        writes=str(dict(Counter(f"{one.verb} {one.resource}" for one in writes).most_common())),
        sessions_per_alias=(load.sessions() - sessions) / ALIASES,
    )
    assert load.databases() == 0
    assert not set(load.passwords()) - {"postgres", "provisioner"}
