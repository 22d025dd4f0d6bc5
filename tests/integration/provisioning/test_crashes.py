"""The process dies at every statement and every write; the next one comes to the same end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from dbalias.api.ownership import ROTATE_REQUESTED_AT
from dbalias.reconcile.ports import Resource
from integration.provisioning.mortal import Fate, KilledError, MortalCluster
from integration.provisioning.rig import Rig, an_alias

MOST = 60
"""Moments of one life; a scenario that has more never ends."""
MANY = 1000
"""Moments that no life has."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is prepared by a healthy process, what then happens, and which logins remain.

    ``shown``: the binding Secret opens its database also at the moment of the death.
    """

    prepare: Callable[[Rig, str], Awaitable[None]]
    happen: Callable[[Rig, str], Awaitable[None]]
    logins: frozenset[str]
    shown: bool = True


async def _nothing(rig: Rig, name: str) -> None:
    """It begins from nothing."""


async def _create(rig: Rig, name: str) -> None:
    await rig.put(Resource.ALIASES, an_alias(name, provision={"readOnly": True}))


async def _provisioned(rig: Rig, name: str) -> None:
    await rig.put(Resource.ALIASES, an_alias(name, provision={"deletionPolicy": "Delete"}))
    await rig.run()


async def _request(rig: Rig, name: str) -> None:
    metadata = {"annotations": {ROTATE_REQUESTED_AT: "2026-01-01T00:00:00Z"}}
    await rig.patch(Resource.ALIASES, name, metadata=metadata)


async def _lose_the_secret(rig: Rig, name: str) -> None:
    await rig.remove(Resource.SECRETS, f"{name}-binding")


async def _edit_the_secret(rig: Rig, name: str) -> None:
    await rig.patch(Resource.SECRETS, f"{name}-binding", data={"password": "b29wcw=="})


async def _lose_the_login(rig: Rig, name: str) -> None:
    rig.drop_login(f"{rig.namespace}_{name}_a")


async def _made_by_hand(rig: Rig, name: str) -> None:
    rig.make_by_hand(f"{rig.namespace}_{name}")


async def _adopt(rig: Rig, name: str) -> None:
    await rig.put(Resource.ALIASES, an_alias(name, provision={"adopt": True}))


SCENARIOS = {
    "create": Scenario(_nothing, _create, frozenset({"_a", "_ra"})),
    "rotate": Scenario(_provisioned, _request, frozenset({"_a", "_b"})),
    "adopt": Scenario(_made_by_hand, _adopt, frozenset({"_a"})),
    "lost-secret": Scenario(_provisioned, _lose_the_secret, frozenset({"_a", "_b"})),
    "edited-secret": Scenario(_provisioned, _edit_the_secret, frozenset({"_a", "_b"}), shown=False),
    "lost-login": Scenario(_provisioned, _lose_the_login, frozenset({"_a"}), shown=False),
}


async def a_life(rig: Rig, fatal: int) -> Fate:
    """Run one pass of a process that dies at its ``fatal`` moment; return how far it came."""
    fate = Fate(fatal)
    rig.restart(MortalCluster(rig.cluster, fate), fate.connect)
    try:
        await rig.run()
    except* KilledError:
        assert fate.is_met
    return fate


@pytest.mark.parametrize("kind", SCENARIOS)
async def test_a_process_that_dies_anywhere_leaves_what_the_next_one_finishes(
    rig: Rig, kind: str
) -> None:
    """Exactly the wanted roles, a Secret that opens its database, and nothing left to do."""
    scenario = SCENARIOS[kind]
    for fatal in range(MOST):
        name = f"{kind}{fatal}"
        rig.restart()
        await scenario.prepare(rig, name)
        await scenario.happen(rig, name)
        fate = await a_life(rig, fatal)
        moment = fate.said[-1] if fate.said else "nothing"
        binding = await rig.binding(f"{name}-binding")
        assert not scenario.shown or binding is None or rig.opens(binding), moment
        readers = await rig.binding(f"{name}-binding-readonly")
        assert readers is None or rig.reads(readers), moment
        rig.restart()
        await rig.run()
        told = await rig.provisioned(name)
        assert told["status"] == "True", (moment, told)
        assert rig.opens(await rig.binding(f"{name}-binding")), moment
        if "_ra" in scenario.logins:
            assert rig.reads(await rig.binding(f"{name}-binding-readonly")), moment
        assert rig.logins(name) == scenario.logins, moment
        assert (await a_life(rig, MANY)).said == [], moment
        await _forget(rig, name)
        if not fate.is_met:
            assert fatal > 1, f"only {fatal} moments: {fate.said}"
            return
    pytest.fail(f"{kind} has more than {MOST} moments")


async def test_a_deletion_that_dies_anywhere_is_finished_by_the_next_process(rig: Rig) -> None:
    """Database, logins, owner, Secret and finalizer are gone, whenever the first one died."""
    for fatal in range(MOST):
        name = f"delete{fatal}"
        rig.restart()
        await _provisioned(rig, name)
        await rig.remove(Resource.ALIASES, name)
        fate = await a_life(rig, fatal)
        moment = fate.said[-1] if fate.said else "nothing"
        rig.restart()
        await rig.run()
        assert await rig.version(Resource.ALIASES, name) is None, moment
        assert await rig.binding(f"{name}-binding") is None, moment
        assert not rig.databases(), moment
        assert not rig.roles(), moment
        if not fate.is_met:
            assert fatal > 1, f"only {fatal} moments: {fate.said}"
            return
    pytest.fail(f"a deletion has more than {MOST} moments")


async def _forget(rig: Rig, name: str) -> None:
    """Take an alias away, so that the next passes are short."""
    provision = {"deletionPolicy": "Delete", "adopt": None}
    await rig.patch(Resource.ALIASES, name, spec={"provision": provision})
    await rig.run()
    await rig.remove(Resource.ALIASES, name)
    await rig.run()
