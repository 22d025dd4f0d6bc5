"""CRDs that are not there yet, and CRDs that go while the operator works."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from integration.operator.objects import alias, project, secret
from integration.operator.operating import Operator, running, wait_until
from integration.operator.workbench import Workbench
from rendering import CRDS

LONG_ENOUGH = 15
"""Seconds for every watch to have noticed."""


@pytest.fixture
def early(own_bench: Workbench) -> Iterator[Operator]:
    """An operator that was there before its CRDs."""
    delete_crds(own_bench)
    with running(own_bench.operator()) as started:
        yield started


def test_an_operator_without_crds_says_so_and_proceeds_once_they_are_there(
    own_bench: Workbench, early: Operator
) -> None:
    """It waits, alive, and names what is missing."""
    wait_until(
        lambda: "djangoprojects.dbalias.dev" in early.log.read_text(), what="the missing CRDs named"
    )
    assert early.is_running()
    assert not early.is_ready()
    own_bench.install_crds()
    space = own_bench.namespace("crds")
    space.apply(project(), alias("default"), secret())
    space.wait_for("djp", "shop", reason="Ready")
    wait_until(early.is_ready, what="readiness")


def test_deleted_crds_end_nothing_and_return_to_work(own_bench: Workbench, early: Operator) -> None:
    """All objects go with them; the operator stays and serves those that come after."""
    own_bench.install_crds()
    space = own_bench.namespace("crds")
    space.apply(project(), alias("default"), secret())
    space.wait_for("djp", "shop", reason="Ready")
    delete_crds(own_bench)
    time.sleep(LONG_ENOUGH)
    assert early.is_running()
    own_bench.install_crds()
    space.apply(project(), alias("default", host="new.example"))
    space.wait_for("djp", "shop", reason="Ready")
    assert space.document()["databases"]["default"]["settings"]["HOST"] == "new.example"
    assert early.is_running()


def delete_crds(bench: Workbench) -> None:
    """Delete those that are there, with all objects of their kinds."""
    bench.kubectl("delete", "-f", str(CRDS), "--ignore-not-found", "--timeout=180s")
