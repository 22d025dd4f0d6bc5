"""Servers that are declared to be elsewhere, by intention or by a slip, and roles in use there."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from dbalias.reconcile.ports import Resource
from integration.operator.objects import project
from integration.operator.operating import wait_until
from integration.operator.workbench import Space
from integration.provisioning.logins import can_read, decoded
from integration.provisioning.rig import Rig, an_alias

NOWHERE = 1
"""A port at which nobody listens."""
SAME = "localhost"
"""Another name of where the servers of these tests are."""
DEFAULT = "shop-default"


async def test_server_that_moved_is_followed_with_the_password_of_the_secret(rig: Rig) -> None:
    """What was found there by its mark may come from a backup, with another password."""
    await rig.alias()
    await rig.run()
    before = await rig.binding()
    assert before is not None
    rig.change_password(before["username"])
    await rig.patch(Resource.SERVERS, "main", spec={"host": SAME})
    await rig.run()
    after = await rig.binding()
    assert after is not None
    assert (after["host"], after["password"]) == (SAME, before["password"])
    assert rig.opens(after)
    assert (await rig.status())["provision"]["place"] == f"{SAME}:{rig.database.port}"


async def test_place_where_nobody_answers_reaches_neither_secret_nor_status(rig: Rig) -> None:
    """Both tell where the database was seen; edited back, nothing is written but the server's."""
    await rig.alias()
    await rig.run()
    binding, version = await rig.binding(), await rig.version(Resource.ALIASES, "users")
    for port in (NOWHERE, rig.database.port):
        await rig.patch(Resource.SERVERS, "main", spec={"port": port})
        await rig.run()
        assert await rig.binding() == binding
        assert await rig.version(Resource.ALIASES, "users") == version


async def test_server_tells_once_that_it_is_away_and_once_that_it_is_back(rig: Rig) -> None:
    """Not at each try."""
    await rig.run()
    for port in (NOWHERE, rig.database.port):
        await rig.patch(Resource.SERVERS, "main", spec={"port": port})
        for _ in range(3):
            rig.later(timedelta(minutes=6))
            await rig.run()
    assert sorted(await rig.events("main")) == ["DatabaseUnreachable", "Ready", "Ready"]


async def in_use(rig: Rig) -> str:
    """Delete an alias whose login was granted what is no database's; return the login.

    Nobody waits ten minutes for what he mends soon.
    """
    await rig.alias(deletionPolicy="Delete")
    await rig.run()
    binding = await rig.binding()
    assert binding is not None
    login = binding["username"]
    rig.database.admin_sql(f'GRANT CREATE ON TABLESPACE pg_default TO "{login}"')
    await rig.remove(Resource.ALIASES, "users")
    again = await rig.run()
    assert again is not None
    assert again < 60
    return login


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_role_that_is_in_use_elsewhere_is_named_and_goes_when_it_is_free(rig: Rig) -> None:
    """With what to do about it; the database is dropped by then."""
    login = await in_use(rig)
    told = await rig.provisioned()
    assert told["reason"] == "RoleInUse"
    assert f"drop login {login}" in told["message"]
    assert "DROP OWNED BY" in told["message"]
    assert rig.databases() == set()
    rig.database.admin_sql(f'DROP OWNED BY "{login}"')
    await rig.run()
    assert await rig.version(Resource.ALIASES, "users") is None
    assert rig.roles() == set()


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_role_that_stays_in_use_holds_a_deletion_up_for_ten_minutes(rig: Rig) -> None:
    """Then it is told that it stays, and that the database does not."""
    login = await in_use(rig)
    rig.later(timedelta(minutes=11))
    await rig.run()
    assert await rig.version(Resource.ALIASES, "users") is None
    assert await rig.events("users") == ["RoleRetained"]
    rig.database.admin_sql(f'DROP OWNED BY "{login}"')


def place(space: Space) -> tuple[str, str]:
    """Return host and port as applications have them."""
    body = space.get("configmap", "shop-databases")
    assert body is not None
    settings = json.loads(body["data"]["databases.json"])["databases"]["default"]["settings"]
    return settings["HOST"], settings["PORT"]


def test_slip_in_a_host_reaches_no_application_and_a_move_does(served: Space) -> None:
    """The two passes agree on where the database is, whichever comes first."""
    served.apply(project("shop"), an_alias(DEFAULT, alias="default", provision={}))
    served.wait_for("djangoproject", "shop", reason="Ready")
    before = place(served)
    served.patch("databaseserver", "main", spec={"port": NOWHERE})
    served.wait_for("databasealias", DEFAULT, reason="ServerMoved")
    served.wait_for("databaseserver", "main", reason="DatabaseUnreachable")
    assert place(served) == before
    served.patch("databaseserver", "main", spec={"port": int(before[1]), "host": SAME})
    wait_until(lambda: place(served) == (SAME, before[1]))
    body = served.get("secret", "shop-default-binding")
    assert body is not None
    assert decoded(body)["host"] == SAME
    assert can_read(decoded(body))
