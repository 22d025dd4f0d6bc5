"""From a declared alias to a login that opens its own database."""

from __future__ import annotations

from dbalias.api.meta import JSON
from dbalias.reconcile.ports import Resource
from integration.provisioning.mortal import Fate, MortalCluster
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
    """Neither to Kubernetes, where an apply that changes nothing shows in no version, nor SQL."""
    fate = Fate(fatal=1000)
    rig.restart(MortalCluster(rig.cluster, fate), fate.connect)
    await rig.alias(readOnly=True)
    await rig.run()
    assert "create Secret users-binding" in " ".join(fate.said)
    fate.said.clear()
    await rig.run()
    rig.restart(MortalCluster(rig.cluster, fate), fate.connect)
    await rig.run()
    assert fate.said == []


class Clumsy(MortalCluster):
    """Fails over one Secret in a way that nobody foresaw."""

    async def create(self, resource: Resource, namespace: str, body: JSON) -> JSON:
        """Write, or fail."""
        if body["metadata"]["name"] == "bad-binding":
            raise RuntimeError("nobody foresaw this")
        return await MortalCluster.create(self, resource, namespace, body)


async def test_what_one_alias_meets_leaves_the_others_alone(rig: Rig) -> None:
    """Also what is a mistake of ours; it is tried again, and then it is well."""
    rig.restart(Clumsy(rig.cluster, Fate(fatal=1000)))
    await rig.alias("bad")
    await rig.alias("good")
    again = await rig.run()
    assert rig.opens(await rig.binding("good-binding"))
    assert again is not None
    assert again <= 20
    rig.restart()
    await rig.run()
    assert rig.opens(await rig.binding("bad-binding"))
