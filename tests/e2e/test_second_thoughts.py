"""While a migration runs somebody changes his mind: what runs is never killed for that."""

from __future__ import annotations

import time

import pytest

from stage.api import JSON
from stage.held import Held, start_all
from stage.kill.holds import ALIAS
from stage.kill.steps import Step
from stage.objects import PROJECT
from stage.play import NewShop, Shop, is_complete


def uids(shop: Shop) -> list[str]:
    """Return who the pods are that run."""
    return [pod["metadata"]["uid"] for pod in shop.running(alias=ALIAS)]


@pytest.mark.parametrize(
    ("change", "then"),
    [
        ({"suspend": True}, "Migrated"),
        ({"migrate": {"mode": "Never"}}, "NotManaged"),
        ({"migrate": {"mode": "Check"}}, "Migrated"),
    ],
    ids=["suspended", "never to be migrated", "to be looked at only"],
)
def test_run_goes_on_to_its_end_while_its_project_becomes(
    change: JSON, then: str, shop: Shop
) -> None:
    """Its outcome counts: nothing runs a second time when the change is taken back."""
    run = Held(shop, shop.postgres("gated"), Step.SECOND)
    start_all([run])
    before = uids(shop)
    run.apply(**change)
    time.sleep(3)
    assert uids(shop) == before
    run.open()
    run.expect("Migrated", "True", reason=then)
    run.apply()
    run.demand_one_run()


def test_suspended_project_starts_nothing_until_it_is_let_go_on(shop: Shop) -> None:
    """What it waits for is said; what it was told meanwhile is done then."""
    run = Held(shop, shop.mariadb("gated"), Step.BETWEEN)
    run.start(suspend=True)
    run.expect("Migrated", "False", reason="Suspended")
    time.sleep(6)  # a run would start once everything has stood still for five seconds
    assert shop.jobs() == []
    run.open()
    run.apply()
    run.demand_one_run()


def test_project_deleted_and_made_again_while_a_migration_runs_never_runs_twice_at_once(
    new_shop: NewShop,
) -> None:
    """The garbage collector takes the first run, which stops between two migrations."""
    shops = [new_shop("again-postgres"), new_shop("again-mariadb")]
    runs = [
        Held(shops[0], shops[0].postgres("gated"), Step.SECOND),
        Held(shops[1], shops[1].mariadb("gated"), Step.FIRST),
    ]
    start_all(runs)
    for run in runs:
        run.shop.delete("DjangoProject", PROJECT)
        time.sleep(1)
        run.apply()
    for run in runs:
        run.open()
    for run in runs:
        most = 0

        def ends(run: Held = run) -> bool:
            nonlocal most
            most = max(most, len(run.shop.running(alias=ALIAS)))
            return run.shop.is_ready()

        run.shop.eventually(ends, what="everything to be Ready")
        assert most <= 1
        assert all(map(is_complete, run.shop.jobs()))
        run.demand_one_history()
