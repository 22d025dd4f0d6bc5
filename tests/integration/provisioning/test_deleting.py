"""What becomes of a database with its alias, and that nothing can hold a deletion up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from dbalias.reconcile.ports import Cluster, RefusedError, Resource
from integration.provisioning.rig import Rig


async def test_by_default_database_login_and_secret_are_retained_and_listed(rig: Rig) -> None:
    """And no finalizer ever holds the alias."""
    body = await rig.alias()
    await rig.run()
    assert "finalizers" not in body["metadata"]
    binding = await rig.binding()
    await rig.remove(Resource.ALIASES, "users")
    await rig.run()
    assert await rig.binding() == binding
    assert rig.opens(binding)
    name = f"{rig.namespace}_users"
    assert {"name": name, "alias": f"{rig.namespace}/users"} in await rig.orphans()


async def test_with_delete_all_that_was_made_is_dropped(rig: Rig) -> None:
    """Database, owner, logins, readers and both Secrets; sessions are ended."""
    await rig.alias(deletionPolicy="Delete", readOnly=True)
    await rig.run()
    await rig.remove(Resource.ALIASES, "users")
    await rig.run()
    assert await rig.version(Resource.ALIASES, "users") is None
    assert (rig.databases(), rig.roles()) == (set(), set())
    assert await rig.binding() is None
    assert await rig.binding("users-binding-readonly") is None


async def test_the_finalizer_goes_when_the_policy_becomes_retain(rig: Rig) -> None:
    """Then the alias can be deleted without the operator."""
    await rig.alias(deletionPolicy="Delete")
    await rig.run()
    await rig.patch(Resource.ALIASES, "users", spec={"provision": {"deletionPolicy": "Retain"}})
    await rig.run()
    await rig.remove(Resource.ALIASES, "users")
    assert await rig.version(Resource.ALIASES, "users") is None


async def test_an_alias_that_is_provisioned_no_more_is_let_go_and_says_nothing(rig: Rig) -> None:
    """Its database stays, and so does the Secret."""
    await rig.alias(deletionPolicy="Delete")
    await rig.run()
    await rig.patch(Resource.ALIASES, "users", spec={"provision": None})
    await rig.run()
    status = await rig.status()
    assert "provision" not in status
    assert "Provisioned" not in status["conditions"]
    assert rig.opens(await rig.binding())
    await rig.remove(Resource.ALIASES, "users")
    assert await rig.version(Resource.ALIASES, "users") is None


async def test_an_alias_that_names_no_server_any_more_is_let_go(rig: Rig) -> None:
    """Nobody finds it by its server then; the watch tells of it."""
    await rig.alias(deletionPolicy="Delete")
    await rig.run()
    local = {"provision": None, "serverRef": None, "engine": "sqlite3", "name": "x"}
    await rig.patch(Resource.ALIASES, "users", spec=local)
    await rig.remove(Resource.ALIASES, "users")
    assert await rig.version(Resource.ALIASES, "users") is not None
    await rig.reconciler.abandonments.handle(rig.alias_key("users"))
    assert await rig.version(Resource.ALIASES, "users") is None


async def test_a_deletion_does_not_wait_for_a_server_that_is_gone(rig: Rig) -> None:
    """The object that says where the database is will not come back: a warning, and gone."""
    await rig.alias(deletionPolicy="Delete")
    await rig.run()
    await rig.remove(Resource.SERVERS, "main")
    await rig.remove(Resource.ALIASES, "users")
    await rig.run()
    assert await rig.version(Resource.ALIASES, "users") is None
    assert await rig.events("users") == ["DatabaseRetained"]


async def test_a_deletion_does_not_wait_for_an_administrators_secret_that_is_gone(
    rig: Rig,
) -> None:
    """Likewise."""
    await rig.alias(deletionPolicy="Delete")
    await rig.run()
    await rig.remove(Resource.SECRETS, "admin")
    await rig.remove(Resource.ALIASES, "users")
    await rig.run()
    assert await rig.version(Resource.ALIASES, "users") is None
    assert await rig.events("users") == ["DatabaseRetained"]


@dataclass(frozen=True, slots=True)
class Keeping:
    """Kubernetes with an admission webhook that lets nobody delete Secrets."""

    inner: Cluster

    def __getattr__(self, name: str) -> Any:
        """Everything else is as it is."""
        return getattr(self.inner, name)

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str) -> None:
        """Refuse."""
        raise RefusedError(f"DELETE {name} answered 403 Forbidden")


async def test_a_deletion_does_not_wait_for_a_secret_that_may_not_be_deleted(rig: Rig) -> None:
    """Its database is dropped, so it opens nothing; a warning tells of it."""
    await rig.alias(deletionPolicy="Delete")
    await rig.run()
    await rig.remove(Resource.ALIASES, "users")
    rig.restart(cast(Cluster, Keeping(rig.cluster)))
    await rig.run()
    assert await rig.version(Resource.ALIASES, "users") is None
    assert rig.databases() == set()
    assert await rig.events("users") == ["SecretRetained"]


async def test_a_deletion_waits_ten_minutes_for_a_server_that_does_not_answer(rig: Rig) -> None:
    """Its condition says until when; then it is let go with a warning."""
    await rig.alias(deletionPolicy="Delete")
    await rig.run()
    await rig.patch(Resource.SERVERS, "main", spec={"port": 1})
    await rig.remove(Resource.ALIASES, "users")
    await rig.run()
    told = await rig.provisioned()
    assert told["reason"] == "ServerUnavailable"
    assert "the deletion waits until" in told["message"]
    version = await rig.version(Resource.ALIASES, "users")
    await rig.run()
    assert await rig.version(Resource.ALIASES, "users") == version
    rig.later(timedelta(minutes=11))
    await rig.run()
    assert await rig.version(Resource.ALIASES, "users") is None
    assert await rig.events("users") == ["DatabaseRetained"]


async def test_a_deletion_goes_on_when_the_server_answers_again(rig: Rig) -> None:
    """Nothing but time was lost."""
    await rig.alias(deletionPolicy="Delete")
    await rig.run()
    await rig.patch(Resource.SERVERS, "main", spec={"port": 1})
    await rig.remove(Resource.ALIASES, "users")
    await rig.run()
    await rig.patch(Resource.SERVERS, "main", spec={"port": rig.database.port})
    await rig.run()
    assert await rig.version(Resource.ALIASES, "users") is None
    assert (rig.databases(), rig.roles()) == (set(), set())


async def test_a_deletion_finishes_when_the_database_is_gone_already(rig: Rig) -> None:
    """What is left of it, roles and Secret, goes."""
    await rig.alias(deletionPolicy="Delete")
    await rig.run()
    rig.database.drop_database(f"{rig.namespace}_users")
    await rig.remove(Resource.ALIASES, "users")
    rig.restart()
    await rig.run()
    assert await rig.version(Resource.ALIASES, "users") is None
    assert rig.roles() == set()
