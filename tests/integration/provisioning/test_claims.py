"""Whose a database is: claims of two, what stands already, and what is withdrawn."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from dbalias.api.meta import JSON
from dbalias.reconcile.ports import Cluster, Resource, UnreadableError
from integration.provisioning.rig import Rig, an_alias, secret
from localkube.databases import DatabaseServer

DOCS = Path(__file__).parents[3] / "docs"


async def test_of_two_claimants_the_younger_is_refused_and_harms_nothing(rig: Rig) -> None:
    """Also when it is deleted with the policy Delete."""
    await rig.put(Resource.ALIASES, an_alias("first", name=f"{rig.namespace}_x", provision={}))
    await rig.run()
    greedy = an_alias("second", name=f"{rig.namespace}_x", provision={"deletionPolicy": "Delete"})
    await rig.put(Resource.ALIASES, greedy)
    await rig.run()
    told = await rig.provisioned("second")
    assert told["reason"] == "DatabaseClaimed"
    assert f"{rig.namespace}/first" in told["message"]
    await rig.remove(Resource.ALIASES, "second")
    await rig.run()
    assert await rig.version(Resource.ALIASES, "second") is None
    assert rig.opens(await rig.binding("first-binding"))


async def test_whoever_holds_a_database_keeps_it_though_another_is_older(rig: Rig) -> None:
    """After a rebuild from Git neither the times of creation nor the names say anything."""
    await rig.put(Resource.ALIASES, an_alias("holder", name=f"{rig.namespace}_x", provision={}))
    await rig.run()
    await rig.remove(Resource.ALIASES, "holder")
    await rig.put(Resource.ALIASES, an_alias("another", name=f"{rig.namespace}_x", provision={}))
    await rig.put(Resource.ALIASES, an_alias("holder", name=f"{rig.namespace}_x", provision={}))
    rig.restart()
    await rig.run()
    assert (await rig.provisioned("another"))["reason"] == "DatabaseClaimed"
    assert (await rig.provisioned("holder"))["reason"] == "Provisioned"


async def test_a_rebuilt_cluster_takes_its_own_back_without_adopting(rig: Rig) -> None:
    """The alias is new, its Secret is gone, and the mark on the server is the same."""
    await rig.alias()
    await rig.run()
    await rig.remove(Resource.ALIASES, "users")
    await rig.remove(Resource.SECRETS, "users-binding")
    await rig.alias()
    rig.restart()
    await rig.run()
    assert (await rig.provisioned())["reason"] == "Provisioned"
    assert rig.opens(await rig.binding())


async def test_another_installation_is_refused(
    kubeconfig: Path, rig: Rig, database: DatabaseServer
) -> None:
    """Its mark is another, though namespace and name are the same."""
    await rig.alias()
    await rig.run()
    rig.installation = "elsewhere/dbalias"
    rig.restart()
    await rig.run()
    told = await rig.provisioned()
    assert told["reason"] == "DatabaseClaimed"
    assert "tests/dbalias" in told["message"]


async def test_a_database_made_by_hand_is_refused_and_told_what_adopting_would_change(
    rig: Rig,
) -> None:
    """Nothing of it is touched before ``adopt`` says so; afterwards its tables are ours."""
    name = f"{rig.namespace}_users"
    rig.make_by_hand(name)
    await rig.alias()
    await rig.run()
    told = await rig.provisioned()
    assert told["reason"] == "DatabaseExists"
    assert "which changes:" in told["message"]
    assert rig.roles() == set()
    await rig.patch(Resource.ALIASES, "users", spec={"provision": {"adopt": True}})
    await rig.run()
    assert (await rig.provisioned())["reason"] == "Provisioned"
    assert rig.opens(await rig.binding())


async def test_what_was_adopted_outlives_its_alias_whatever_the_policy(rig: Rig) -> None:
    """Only what this alias made is ever dropped; a warning says that it stays."""
    name = f"{rig.namespace}_users"
    rig.make_by_hand(name)
    await rig.alias(adopt=True, deletionPolicy="Delete")
    await rig.run()
    await rig.remove(Resource.ALIASES, "users")
    await rig.run()
    assert await rig.version(Resource.ALIASES, "users") is None
    assert name in rig.databases()
    assert await rig.events("users") == ["DatabaseRetained"]


def statements(page: str, engine: str) -> list[list[str]]:
    """Return the blocks of SQL of a page that are for an engine, statement by statement."""
    text = (DOCS / page).read_text()
    blocks = re.findall(r"^```sql\n-- (.*)\n([^`]*(?:`\w+`[^`]*)*)^```$", text, re.MULTILINE)
    word = "PostgreSQL" if engine == "postgresql" else "MariaDB"
    return [body.splitlines() for servers, body in blocks if word in servers]


async def test_what_was_retained_goes_to_another_alias_as_the_page_says(rig: Rig) -> None:
    """Its mark is dropped by hand, then it is adopted; the logins of before open nothing more."""
    await rig.alias()
    await rig.run()
    before, name = await rig.binding(), f"{rig.namespace}_users"
    await rig.remove(Resource.ALIASES, "users")
    unmark, clean = statements("how-to/retained-databases.md", rig.database.engine)
    for text in unmark:
        rig.database.admin_sql(text.replace("shop_users", name))
    await rig.put(Resource.ALIASES, an_alias("heirs", name=name, provision={"adopt": True}))
    await rig.run()
    assert (await rig.provisioned("heirs"))["reason"] == "Provisioned"
    for text in clean:
        rig.database.admin_sql(text.replace("shop_users", name))
    assert rig.logins("users") == set()
    assert not rig.reads(before)
    assert rig.opens(await rig.binding("heirs-binding"))
    rig.restart()
    await rig.run()
    assert (await rig.provisioned("heirs"))["reason"] == "Provisioned"


async def test_a_secret_of_somebody_else_is_left_alone(rig: Rig) -> None:
    """Also one that another operator made for a service binding; the condition says which it is."""
    family = "postgresql" if rig.database.engine == "postgresql" else "mysql"
    kind = {"type": f"servicebinding.io/{family}"}
    await rig.put(Resource.SECRETS, secret("users-binding", password="theirs") | kind)
    await rig.alias()
    await rig.run()
    told = await rig.provisioned()
    assert told["reason"] == "NameTaken"
    assert "users-binding" in told["message"]
    assert await rig.binding() == {"password": "theirs"}
    await rig.remove(Resource.SECRETS, "users-binding")
    rig.restart()
    await rig.run()
    assert rig.opens(await rig.binding())


async def test_a_withdrawn_namespace_is_managed_no_more_and_loses_nothing(rig: Rig) -> None:
    """The Secret and its login stay as they are; a deletion lets go at once."""
    async with rig.neighbour() as other:
        await rig.patch(Resource.SERVERS, "main", spec={"allowedNamespaces": {"from": "All"}})
        await other.put(Resource.ALIASES, other.guest_of(rig, deletionPolicy="Delete"))
        await rig.run()
        binding = await other.binding()
        assert other.opens(binding)
        await rig.patch(Resource.SERVERS, "main", spec={"allowedNamespaces": {"from": "Same"}})
        await rig.run()
        assert (await other.provisioned())["reason"] == "NamespaceNotAllowed"
        assert await other.binding() == binding
        assert other.opens(binding)
        for admitted, reason in (("All", "Provisioned"), ("Same", "NamespaceNotAllowed")):
            allowed = {"from": admitted}
            await rig.patch(Resource.SERVERS, "main", spec={"allowedNamespaces": allowed})
            await rig.run()
            assert (await other.provisioned())["reason"] == reason
        await other.remove(Resource.ALIASES, "users")
        await rig.run()
        assert await other.version(Resource.ALIASES, "users") is None
        assert other.opens(binding)


async def test_a_namespace_is_admitted_by_its_labels(rig: Rig) -> None:
    """They are read by name, and denied while they do not match."""
    async with rig.neighbour() as other:
        selector = {"from": "Selector", "selector": {"matchLabels": {"team": "shop"}}}
        await rig.patch(Resource.SERVERS, "main", spec={"allowedNamespaces": selector})
        await other.put(Resource.ALIASES, other.guest_of(rig))
        again = await rig.run()
        assert (await other.provisioned())["reason"] == "NamespaceNotAllowed"
        assert again is not None
        assert again <= 30
        await other.label(team="shop")
        await rig.run()
        assert other.opens(await other.binding())


@dataclass(frozen=True, slots=True)
class Forgetful:
    """Kubernetes, for as long as it answers nothing about namespaces."""

    inner: Cluster

    def __getattr__(self, name: str) -> Any:
        """Everything else is as it is."""
        return getattr(self.inner, name)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> JSON | None:
        """Read, unless it is a namespace."""
        if resource is Resource.NAMESPACES:
            raise UnreadableError("500")
        return await self.inner.get(resource, namespace, name)


async def test_a_deletion_waits_for_labels_that_are_not_answered(rig: Rig) -> None:
    """Who is admitted no more is let go at once, and keeps the database that was to be dropped."""
    async with rig.neighbour() as other:
        selector = {"from": "Selector", "selector": {"matchLabels": {"team": "shop"}}}
        await rig.patch(Resource.SERVERS, "main", spec={"allowedNamespaces": selector})
        await other.label(team="shop")
        await other.put(Resource.ALIASES, other.guest_of(rig, deletionPolicy="Delete"))
        await rig.run()
        await other.remove(Resource.ALIASES, "users")
        rig.restart(cast(Cluster, Forgetful(rig.cluster)))
        with pytest.raises(UnreadableError):
            await rig.run()
        rig.restart()
        await rig.run()
        assert await other.version(Resource.ALIASES, "users") is None
        assert other.databases() == set()


async def test_a_field_of_another_family_is_refused_by_name(rig: Rig) -> None:
    """One object cannot know the server's engine, so it is found here."""
    is_postgresql = rig.database.engine == "postgresql"
    field = {"charset": "utf8mb4"} if is_postgresql else {"schemas": ["more"]}
    await rig.alias(database=field)
    await rig.run()
    told = await rig.provisioned()
    assert told["reason"] == "InvalidConfiguration"
    assert next(iter(field)) in told["message"]
    assert rig.databases() == set()
