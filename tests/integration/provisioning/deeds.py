"""What users do to aliases; with what befalls them, all that may happen in a life."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from dbalias.api.meta import JSON
from dbalias.api.ownership import ROTATE_REQUESTED_AT
from dbalias.api.server import ServerEngine
from dbalias.reconcile.ports import ConflictError, GoneError, Resource
from integration.provisioning.life import SERVERS, Life, Tenant
from integration.provisioning.mishaps import (
    admit,
    begin_outage,
    change_password,
    drop_login,
    edit_secret,
    forget,
    lose_secret,
    make_by_hand,
    replace,
    replace_secret,
    restore_secret,
    spoil_database,
    take_rights,
)
from integration.provisioning.rig import an_alias, secret

Deed = Callable[[Life, Tenant], Awaitable[None]]


async def create(life: Life, tenant: Tenant) -> None:
    """Apply an alias that is not there."""
    chance = life.random
    provision: JSON = {}
    for _ in range(chance.randrange(4)):
        provision |= _a_change(life)
    spec: JSON = {"serverRef": _reference(life, chance.choice(SERVERS)), "provision": provision}
    if chance.random() < 0.35:
        spec["name"] = life.shared
    if chance.random() < 0.25 and not provision.keys() & {"password", "rotation"}:
        spec["credentials"] = {"secretRef": {"name": "given"}}
    provision = {key: value for key, value in provision.items() if value is not None}
    spec["provision"] = provision
    await tenant.rig.put(Resource.ALIASES, an_alias(tenant.name, **spec))
    tenant.traces = True
    for seat in tenant.seats:
        if await tenant.secret(seat) is None:
            forget(seat)
            seat.published = None
    life.tell(f"create {tenant.key}: {spec}")


def _reference(life: Life, server: str) -> JSON:
    return {"name": server, "namespace": life.rig.namespace}


def _a_change(life: Life) -> JSON:
    chance = life.random
    postgresql = life.engine is ServerEngine.POSTGRESQL
    database: list[JSON] = [
        {"connectionLimit": chance.choice((50, 60))},
        *(
            (
                {"schemas": chance.choice((["more"], ["more", "most"]))},
                {"extensions": [{"name": "citext"}]},
                {"extensions": [{"name": "hstore", "schema": "more"}]},
            )
            if postgresql
            else ({"charset": "latin1"}, {"collation": "utf8mb4_bin"}, {"charset": "utf8mb4"})
        ),
    ]
    changes: list[JSON] = [
        {"readOnly": chance.random() < 0.6},
        {"readOnly": chance.random() < 0.6},
        {"deletionPolicy": chance.choice(("Retain", "Delete", "Delete"))},
        {"adopt": chance.random() < 0.7},
        {"password": {"length": 40, "charset": chance.choice(("URLSafe", "Printable"))}},
        {"rotation": chance.choice(({"interval": "10m"}, {"interval": "12h"}, None))},
        {"database": chance.choice(database)},
        {"database": None},
        {"database": {"charset": "utf8mb4"} if postgresql else {"schemas": ["more"]}},
    ]
    return dict(chance.choice(changes))


async def edit(life: Life, tenant: Tenant) -> None:
    """Change what an alias asks for."""
    change = _a_change(life)
    taken = await life.patch(tenant, Resource.ALIASES, tenant.name, spec={"provision": change})
    await _reprieve(tenant)
    life.tell(f"edit {tenant.key}: {change}{'' if taken else ' (refused)'}")


async def move(life: Life, tenant: Tenant) -> None:
    """Let an alias ask for no database any more, and perhaps name another server or database."""
    body = await tenant.body()
    if body is None:
        return
    if body["spec"].get("provision") is None:
        tenant.meddled = True
        taken = await life.patch(tenant, Resource.ALIASES, tenant.name, spec={"provision": {}})
        life.tell(f"provision {tenant.key} again{'' if taken else ' (refused)'}")
        return
    change: dict[str, Any] = {"provision": None, "credentials": None}
    await life.patch(tenant, Resource.ALIASES, tenant.name, spec=change)
    await _reprieve(tenant)
    more = {"serverRef": _reference(life, life.random.choice(SERVERS))}
    if life.random.random() < 0.3:
        more = {"name": life.random.choice((life.shared, None))}
    taken = await life.patch(tenant, Resource.ALIASES, tenant.name, spec=more)
    tenant.meddled = True
    life.tell(f"provision {tenant.key} no more, {more}{'' if taken else ' (refused)'}")


async def abandon(life: Life, tenant: Tenant) -> None:
    """Let an alias name no server any more, which a watch tells of unless it was not there."""
    body = await tenant.body()
    if body is None:
        return
    bare = {"provision": None, "serverRef": None, "credentials": None, "engine": "sqlite3"}
    named = {"name": body["spec"].get("name") or "x"}
    await life.patch(tenant, Resource.ALIASES, tenant.name, spec=bare | named)
    await _reprieve(tenant)
    tenant.meddled = True
    life.tell(f"abandon {tenant.key}")
    if life.random.random() < 0.5:
        await life.processes[0].reconciler.abandonments.handle(tenant.key)


async def _reprieve(tenant: Tenant) -> None:
    """Expect nothing to be dropped where what goes was edited to retain it."""
    body = await tenant.body()
    provision = (body or {"spec": {}})["spec"].get("provision") or {}
    if provision.get("deletionPolicy") != "Delete":
        tenant.dying = None


async def delete(life: Life, tenant: Tenant) -> None:
    """Delete an alias."""
    body = await tenant.body()
    if body is None or "deletionTimestamp" in body["metadata"]:
        return
    provision = body["spec"].get("provision") or {}
    if life.is_held(body) and provision.get("deletionPolicy") == "Delete":
        tenant.dying = body["metadata"]["uid"]
    life.tell(f"delete {tenant.key} ({'to be dropped' if tenant.dying else 'retained'})")
    await tenant.rig.remove(Resource.ALIASES, tenant.name)


async def request(life: Life, tenant: Tenant) -> None:
    """Ask for a rotation."""
    note = {ROTATE_REQUESTED_AT: f"request {life.random.randrange(1000)}"}
    await life.patch(tenant, Resource.ALIASES, tenant.name, metadata={"annotations": note})
    life.tell(f"rotate {tenant.key}")


async def let_time_pass(life: Life, tenant: Tenant) -> None:
    """Move the clock."""
    life.past += timedelta(minutes=life.random.choice((1, 6, 11, 60, 1000)))
    life.tell(f"time passes: {life.past}")


async def give(life: Life, tenant: Tenant) -> None:
    """Change the password that aliases are given, or lose it."""
    if life.random.random() < 0.2:
        if await tenant.rig.version(Resource.SECRETS, "given"):
            await tenant.rig.remove(Resource.SECRETS, "given")
        life.tell(f"lose the given password of {tenant.rig.namespace}")
        return
    password = f"given {life.random.randrange(1000)} times"
    await replace(tenant, secret("given", password=password))
    life.secrets.add(password)
    life.tell(f"give {tenant.rig.namespace} {password}")


async def settle(life: Life, tenant: Tenant) -> None:
    """Say as the project's pass does who has which login, or as it did a while ago."""
    published = tenant.seats[0].published
    if published is None or await tenant.body() is None:
        return
    behind = life.random.random() < 0.2
    login = f"{published[0][:-1]}{'a' if published[0].endswith('b') else 'b'}"
    login = login if behind else published[0]
    try:
        await tenant.rig.settle(tenant.name, login)
    except ConflictError:
        return
    life.tell(f"settle {tenant.key} with {login}")


DEEDS: dict[Deed, int] = {
    edit: 8,
    move: 2,
    abandon: 1,
    delete: 5,
    request: 5,
    let_time_pass: 4,
    give: 2,
    settle: 6,
    lose_secret: 3,
    edit_secret: 4,
    replace_secret: 1,
    restore_secret: 2,
    drop_login: 3,
    change_password: 2,
    take_rights: 2,
    spoil_database: 2,
    make_by_hand: 2,
    admit: 1,
    begin_outage: 3,
}


async def do_something(life: Life) -> None:
    """Let one thing happen to one alias; one that is not there is mostly applied."""
    tenant = life.random.choice(life.tenants)
    deed = life.random.choices(list(DEEDS), list(DEEDS.values()))[0]
    if await tenant.body() is None and life.random.random() < 0.8:
        deed = create
    try:
        await deed(life, tenant)
    except GoneError:
        life.tell("  it was gone")
