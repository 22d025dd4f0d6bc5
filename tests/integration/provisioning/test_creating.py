"""From a declared alias to a login that opens its own database."""

from __future__ import annotations

from dbalias.reconcile.ports import Resource
from integration.provisioning.rig import Rig


async def test_an_alias_gets_a_database_a_login_and_a_secret(rig: Rig) -> None:
    """One pass, and the Secret opens the database and lets tables be made there."""
    await rig.alias()
    await rig.run()
    told = await rig.provisioned()
    assert (told["status"], told["reason"]) == ("True", "Provisioned"), told
    binding = await rig.binding()
    assert rig.opens(binding)
    assert rig.databases() == {f"{rig.namespace}_users"}
    status = await rig.status()
    assert status["binding"] == {"name": "users-binding"}
    assert status["provision"]["incarnation"]


async def test_a_second_pass_and_a_restart_write_nothing(rig: Rig) -> None:
    """Everything is as it was: alias, server and Secret keep their versions."""
    await rig.alias(readOnly=True)
    await rig.run()
    before = await _versions(rig)
    await rig.run()
    assert await _versions(rig) == before
    rig.restart()
    await rig.run()
    assert await _versions(rig) == before


async def _versions(rig: Rig) -> list[str | None]:
    return [
        await rig.version(Resource.ALIASES, "users"),
        await rig.version(Resource.SECRETS, "users-binding"),
        await rig.version(Resource.SECRETS, "users-binding-readonly"),
        await rig.version(Resource.SERVERS, "main"),
    ]
