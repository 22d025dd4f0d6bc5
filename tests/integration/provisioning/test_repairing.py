"""What differs from what was made: repaired without a broken login, or reported."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from dbalias.api.ownership import ROTATE_REQUESTED_AT
from dbalias.reconcile import poll
from dbalias.reconcile.ports import Resource
from dbalias.reconcile.provisioning import reconciler
from integration.provisioning.rig import Rig, an_alias, rigged, secret
from localkube.databases import DatabaseServer


async def test_a_lost_secret_comes_back_with_the_other_login(rig: Rig) -> None:
    """Whoever still holds the lost one goes on."""
    await rig.alias()
    await rig.run()
    lost = await rig.binding()
    await rig.remove(Resource.SECRETS, "users-binding")
    rig.reconciler.binding_changed(rig.key, rig.alias_key("users"))
    await rig.run()
    found = await rig.binding()
    assert found is not None
    assert lost is not None
    assert found["username"] != lost["username"]
    assert rig.opens(found)
    assert rig.opens(lost)


async def test_an_edited_password_is_replaced_by_the_other_login(rig: Rig) -> None:
    """The login of before keeps its password."""
    await rig.alias()
    await rig.run()
    issued = await rig.binding()
    await rig.patch(Resource.SECRETS, "users-binding", data={"password": "b29wcw=="})
    rig.reconciler.binding_changed(rig.key, rig.alias_key("users"))
    await rig.run()
    found = await rig.binding()
    assert found is not None
    assert issued is not None
    assert found["username"] != issued["username"]
    assert rig.opens(found)
    assert rig.opens(issued)


async def test_another_edit_of_a_secret_is_undone_with_the_same_login(rig: Rig) -> None:
    """Keys that nobody asked for go, the host is what the server says."""
    await rig.alias()
    await rig.run()
    issued = await rig.binding()
    edit = {"host": "ZXZpbA==", "json.py": "b29wcw=="}
    await rig.patch(Resource.SECRETS, "users-binding", data=edit)
    rig.restart()
    await rig.run()
    assert await rig.binding() == issued


async def test_a_dropped_login_is_made_again_with_the_password_of_the_secret(rig: Rig) -> None:
    """Nobody has to learn anything new."""
    await rig.alias()
    await rig.run()
    issued = await rig.binding()
    rig.drop_login(f"{rig.namespace}_users_a")
    assert not rig.opens(issued)
    await rig.run()
    assert await rig.binding() == issued
    assert rig.opens(issued)


async def test_what_was_changed_inside_a_database_is_found_when_the_clock_asks(
    kubeconfig: Path, administered_postgres: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No event tells of it, and a survey sees a database from outside alone."""
    monkeypatch.setattr(reconciler, "RESYNC", timedelta(0))
    async with rigged(kubeconfig, administered_postgres) as rig:
        await rig.declare()
        await rig.alias(database={"extensions": [{"name": "citext"}]})
        await rig.run()
        place = {"database": f"{rig.namespace}_users"}
        rig.database.admin_sql("DROP EXTENSION citext", **place)
        await rig.run()
        listed = "SELECT extname FROM pg_extension WHERE extname = 'citext'"
        assert rig.database.admin_sql(listed, **place) == [("citext",)]


async def test_a_changed_password_is_found_by_logging_in_where_that_is_allowed(rig: Rig) -> None:
    """``checkLogins`` tries each published login when everything is looked at."""
    await rig.patch(Resource.SERVERS, "main", spec={"checkLogins": True})
    await rig.alias()
    await rig.run()
    issued = await rig.binding()
    rig.change_password(f"{rig.namespace}_users_a")
    assert not rig.opens(issued)
    rig.restart()
    await rig.run()
    assert await rig.binding() == issued
    assert rig.opens(issued)


async def test_a_database_that_vanished_is_reported_and_not_replaced_by_an_empty_one(
    rig: Rig,
) -> None:
    """Restoring it is a person's work, and an empty one would hide that."""
    await rig.alias()
    await rig.run()
    rig.database.drop_database(f"{rig.namespace}_users")
    await rig.run()
    assert (await rig.provisioned())["reason"] == "DatabaseLost"
    assert rig.databases() == set()
    await rig.remove(Resource.ALIASES, "users")
    await rig.alias()
    await rig.run()
    assert (await rig.provisioned())["reason"] == "Provisioned"
    assert rig.opens(await rig.binding())


async def test_a_requested_rotation_publishes_the_other_login_and_is_acknowledged(
    rig: Rig,
) -> None:
    """The old login stays valid; the request is answered once."""
    await rig.alias()
    await rig.run()
    old = await rig.binding()
    asked = {"annotations": {ROTATE_REQUESTED_AT: "2026-01-01T00:00:00Z"}}
    await rig.patch(Resource.ALIASES, "users", metadata=asked)
    await rig.run()
    new = await rig.binding()
    assert new is not None
    assert old is not None
    assert new["username"] != old["username"]
    assert rig.opens(new)
    assert rig.opens(old)
    assert (await rig.status())["lastHandledRotateRequest"] == "2026-01-01T00:00:00Z"
    await rig.run()
    assert await rig.binding() == new


async def test_a_requested_rotation_waits_for_the_workloads_of_its_project(rig: Rig) -> None:
    """Until the project says that everybody has the login of now."""
    project = {"apiVersion": "dbalias.dev/v1alpha1", "kind": "DjangoProject"}
    await rig.put(Resource.PROJECTS, project | {"metadata": {"name": "shop"}, "spec": {}})
    await rig.alias()
    await rig.run()
    old = await rig.binding()
    assert old is not None
    asked = {"annotations": {ROTATE_REQUESTED_AT: "2026-01-01T00:00:00Z"}}
    await rig.patch(Resource.ALIASES, "users", metadata=asked)
    await rig.run()
    told = await rig.provisioned()
    assert (told["status"], told["reason"]) == ("True", "RotationPending")
    assert await rig.binding() == old
    await rig.settle("users", old["username"])
    await rig.run()
    assert await rig.binding() != old


async def test_a_rotation_on_schedule_comes_when_its_time_is_over(rig: Rig) -> None:
    """Not before; the next pass is set for it, and the status says when. Readers turn with it."""
    await rig.alias(rotation={"interval": "10m"}, readOnly=True)
    await rig.run()
    old, due = await published(rig), (await rig.status())["provision"]["nextRotation"]
    rig.later(timedelta(minutes=9))
    seconds = await rig.run()
    assert seconds is not None
    assert seconds <= 60
    assert await published(rig) == old
    rig.later(timedelta(minutes=2))
    await rig.run()
    for before, now in zip(old, await published(rig), strict=True):
        assert now["username"] != before["username"]
        assert rig.reads(before)
        assert rig.reads(now)
    assert (await rig.status())["provision"]["nextRotation"] > due


async def published(rig: Rig) -> list[dict[str, str]]:
    """Return both bindings of the alias, its readers' last."""
    found = [await rig.binding(name) for name in ("users-binding", "users-binding-readonly")]
    assert None not in found
    return [one for one in found if one]


async def test_a_given_password_is_used_and_a_changed_one_rotates(rig: Rig) -> None:
    """The Secret that a person keeps is read; it is polled with what the server needs."""
    await rig.put(Resource.SECRETS, secret("given", password="first of them"))
    given = {"secretRef": {"name": "given"}}
    await rig.put(Resource.ALIASES, an_alias("users", credentials=given, provision={}))
    await rig.run()
    old = await rig.binding()
    assert old is not None
    assert old["password"] == "first of them"
    await rig.patch(Resource.SECRETS, "given", data={"password": "c2Vjb25k"})
    await rig.run()
    new = await rig.binding()
    assert new is not None
    assert (new["password"], new["username"] != old["username"]) == ("second", True)
    assert rig.opens(new)
    assert rig.opens(old)


async def test_a_given_password_that_comes_late_is_noticed_soon(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Like every Secret that is awaited, and not as one that may change some day."""
    monkeypatch.setattr(poll, "USUAL", 600.0)
    given = {"secretRef": {"name": "given"}}
    await rig.put(Resource.ALIASES, an_alias("users", credentials=given, provision={}))
    await rig.run()
    told = asyncio.Event()
    rig.reconciler.poll.changed = lambda key: told.set()
    polling = asyncio.create_task(rig.reconciler.poll.run())
    await rig.put(Resource.SECRETS, secret("given", password="here at last"))
    await asyncio.wait_for(told.wait(), 120)
    polling.cancel()
    await rig.run()
    assert rig.opens(await rig.binding())


async def test_readers_may_read_and_nothing_else(rig: Rig) -> None:
    """They have a Secret of their own."""
    await rig.alias(readOnly=True)
    await rig.run()
    assert (await rig.status())["binding"]["readOnly"] == "users-binding-readonly"
    binding = await rig.binding("users-binding-readonly")
    assert rig.reads(binding)
    assert not rig.opens(binding)


async def test_readers_that_are_wanted_no_more_are_locked_out(rig: Rig) -> None:
    """Their Secret goes, its password opens nothing, and the logins go with the database."""
    await rig.alias(readOnly=True, deletionPolicy="Delete")
    await rig.run()
    readers = await rig.binding("users-binding-readonly")
    spec = {"provision": {"readOnly": False}}
    await rig.patch(Resource.ALIASES, "users", spec=spec)
    await rig.run()
    assert await rig.binding("users-binding-readonly") is None
    assert not rig.reads(readers)
    assert rig.opens(await rig.binding())
    assert "readOnlyLogin" not in (await rig.status())["provision"]
    await rig.remove(Resource.ALIASES, "users")
    await rig.run()
    assert rig.roles() == set()
