"""Two operators: one works, the other waits; and neither writes without the Lease."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from dbalias.cluster.lease import DURATION
from integration.operator.handover import Handover
from integration.operator.objects import alias, project, secret
from integration.operator.operating import Operator, running, wait_until
from integration.operator.workbench import Workbench
from localkube.databases import DatabaseServer


def test_one_operator_leads_and_the_other_takes_over_after_its_end(own_bench: Workbench) -> None:
    """The idle one is ready, writes nothing, and goes on within the Lease's duration."""
    space = own_bench.namespace("two")
    first, second = own_bench.operator(), own_bench.operator()
    with running(first, second):
        _, idle = roles(first, second)
        wait_until(idle.is_ready, what="the idle one ready")
        space.apply(project(), alias("default"), secret())
        space.wait_for("djp", "shop", reason="Ready")
        assert not idle.is_leading()
        # A busy machine may take longer, though not each time.
        assert any(takeover(first, second) < DURATION + 10 for _ in range(3))
        space.apply(project("later"), alias("default", of="later"))
        space.wait_for("djp", "later", reason="Ready")


def test_a_hung_api_server_ends_the_leader_and_a_restarted_one_goes_on(
    own_bench: Workbench,
) -> None:
    """It cannot renew, so it may not write: it ends with an error before another may lead."""
    space = own_bench.namespace("hung")
    with running(own_bench.operator()) as operator:
        wait_until(operator.is_leading, what="leading")
        space.apply(project(), alias("default"), secret())
        space.wait_for("djp", "shop", reason="Ready")
        # What is on its way would be written when the server goes on.
        wait_until(own_bench.is_quiet, what="all written")
        with hung(own_bench):
            wait_until(lambda: not operator.is_running(), what="the end")
            assert operator.process.returncode == 1
            mark = own_bench.mark()
        space.apply(project("later"), alias("default", of="later"))
        time.sleep(2)
        assert own_bench.writes(since=mark) == []
        operator.start()
        space.wait_for("djp", "later", reason="Ready")


def test_a_leader_that_was_stopped_breaks_no_login_that_another_published(
    own_bench: Workbench, postgres: DatabaseServer, mariadb: DatabaseServer
) -> None:
    """It was about to set passwords, and goes on when nobody can tell it that it leads no more."""
    scene = Handover(own_bench.namespace("stopped"), (postgres, mariadb))
    first, second = own_bench.operator(), own_bench.operator()
    with running(first, second):
        leader, idle = roles(first, second)
        scene.provision()
        scene.stop_in_the_middle(leader, "2026-01-02T00:00:00Z")
        wait_until(idle.is_leading, what="the other leads")
        scene.wait_for_logins("2026-01-02T00:00:00Z")
        wait_until(own_bench.is_quiet, what="all written")
        idle.kill()
        mark = own_bench.mark()
        with hung(own_bench):
            os.kill(leader.process.pid, signal.SIGCONT)
            wait_until(lambda: not leader.is_running(), what="the end")
        assert leader.process.returncode == 1
        assert scene.broken() == []
        assert own_bench.writes(since=mark) == []


def takeover(*operators: Operator) -> float:
    """Kill the one that leads; return after how many seconds the other does."""
    for one in operators:
        if not one.is_running():
            one.start()
    leader, idle = roles(*operators)
    wait_until(idle.is_ready, what="the idle one ready")
    leader.kill()
    killed = time.monotonic()
    wait_until(idle.is_leading, what="the other leads")
    return time.monotonic() - killed


def roles(*operators: Operator) -> tuple[Operator, Operator]:
    """Wait until one of two operators leads; return it and the other."""
    wait_until(lambda: any(one.is_leading() for one in operators), what="one leads")
    leader, idle = sorted(operators, key=lambda one: not one.is_leading())
    return leader, idle


@contextmanager
def hung(bench: Workbench) -> Iterator[None]:
    """Stop the API server's process in the middle of what it does."""
    pid = bench.cluster.processes["kube-apiserver"].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: "ok" in bench.kubectl("get", "--raw=/readyz", check=False), what="it serves")
