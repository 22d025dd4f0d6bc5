"""What holds for every alias when everything has come to rest, whatever happened before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dbalias.api.conditions import Reason
from dbalias.api.meta import JSON, Key
from dbalias.api.server import ServerEngine
from dbalias.reconcile.ports import Resource
from dbalias.servers.bindings import Foreign, Intact, read_binding
from integration.provisioning.life import SERVERS, Life, Seat, Tenant
from integration.provisioning.logins import can_make_a_table, can_read, can_store, decoded
from integration.provisioning.mishaps import end_outage

ROUNDS = 8
"""Passes over each server until nothing is left to do."""
TROUBLESHOOTING = Path(__file__).parents[3] / "docs/troubleshooting.md"


async def come_to_rest(life: Life) -> None:
    """Run fresh processes until none writes anything."""
    life.tell("rest")
    for tenant in life.tenants:
        await life.processes[0].reconciler.abandonments.handle(tenant.key)
    for _ in range(ROUNDS):
        process = await life.restart(0)
        for server in SERVERS:
            await life.run(0, server)
        if not process.fate.said:
            return
    raise AssertionError(f"no rest: {process.fate.said}")


async def keep_promises(life: Life) -> None:
    """End what hinders the server, come to rest, and look at everything."""
    await end_outage(life)
    await come_to_rest(life)
    for tenant in life.tenants:
        await _is_buried(life, tenant)
    for tenant in life.tenants:
        await _is_served_or_told_why_not(life, tenant)
    await _nothing_is_lost(life)
    await _nothing_is_left(life)
    await _no_secret_is_told(life)
    for tenant in life.tenants:
        tenant.meddled = False
        for seat in tenant.seats:
            if await tenant.secret(seat) is None:
                # Nothing tells any more which login was published.
                seat.published = None


async def _is_buried(life: Life, tenant: Tenant) -> None:
    """A deletion is through; what was to be dropped is gone, or a warning says that it is not."""
    body = await tenant.body()
    if body is not None:
        assert "deletionTimestamp" not in body["metadata"], f"{tenant.key} cannot go"
    if tenant.dying is None:
        return
    events = await tenant.rig.cluster.list(Resource.EVENTS, tenant.rig.namespace)
    warned = any(one["involvedObject"].get("uid") == tenant.dying for one in events)
    tenant.dying = None
    if warned:
        return
    if body is None:
        tenant.traces = any(_is_of(life, tenant, name) for name in life.ground.databases())
        for seat in tenant.seats:
            seat.valid.clear()
            found = read_binding(await tenant.secret(seat), tenant.mark, life.engine)
            assert isinstance(found, Foreign) or await tenant.secret(seat) is None, tenant.key


async def _is_served_or_told_why_not(life: Life, tenant: Tenant) -> None:
    body = await tenant.body()
    if body is None or body["spec"].get("provision") is None:
        if body is not None:
            told = (body.get("status") or {}).keys()
            assert not told & {"binding", "provision"}, (tenant.key, told)
        await _old_logins_work(life, tenant)
        return
    told = (await tenant.rig.status(tenant.name))["conditions"].get("Provisioned")
    assert told is not None, f"{tenant.key} is told nothing"
    assert told["observedGeneration"] == body["metadata"]["generation"], (tenant.key, told)
    if told["status"] == "True":
        await _is_served(life, tenant, body)
        return
    reason = Reason(told["reason"])
    assert f"### {reason.value}\n" in TROUBLESHOOTING.read_text(), told
    assert await _is_true(life, tenant, body, reason), (tenant.key, told)


async def _is_served(life: Life, tenant: Tenant, body: JSON) -> None:
    """The Secrets open the alias' database and no other; the logins of before work as well."""
    database = await life.wants(body)
    binding = await _binding(tenant, life, tenant.seats[0])
    assert binding["database"] == database, tenant.key
    assert can_make_a_table(binding), f"{tenant.key}: {binding['username']} opens nothing"
    await _fill(life, tenant, binding)
    logins = [binding]
    if body["spec"]["provision"].get("readOnly"):
        logins.append(await _binding(tenant, life, tenant.seats[1]))
        assert can_read(logins[1]), f"{tenant.key}: its readers are locked out"
        assert not can_make_a_table(logins[1]), f"{tenant.key}: its readers write"
    else:
        await _readers_are_gone(life, tenant, binding)
    # PostgreSQL lets everybody into what is made by hand.
    others = (life.kept.keys() & life.ground.databases()) - life.by_hand.keys()
    for other in (one for one in others if not _is_of(life, tenant, one)):
        for login in logins:
            elsewhere = _with_uri(login | {"database": other})
            assert not can_read(elsewhere), f"{tenant.key} gets into {other}"
    await _old_logins_work(life, tenant)


async def _readers_are_gone(life: Life, tenant: Tenant, binding: dict[str, str]) -> None:
    """Nobody reads who is not wanted any more; those of a database of before stay with it."""
    seat = tenant.seats[1]
    if sum(_is_of(life, tenant, one) for one in life.ground.databases()) == 1:
        found = read_binding(await tenant.secret(seat), tenant.mark, life.engine)
        assert not isinstance(found, Intact), f"{tenant.key} has readers"
        for name, password in seat.valid.items():
            login = binding | {"username": name, "password": password}
            assert not can_read(_with_uri(login)), f"{tenant.key}: {name} is let in"
    seat.valid.clear()
    seat.published = None


async def _binding(tenant: Tenant, life: Life, seat: Seat) -> dict[str, str]:
    body = await tenant.secret(seat)
    found = read_binding(body, tenant.mark, life.engine)
    assert isinstance(found, Intact), f"{tenant.key}: {found}"
    assert body is not None
    return decoded(body)


def _with_uri(binding: dict[str, str]) -> dict[str, str]:
    """Return a binding whose URI says what its other fields say; PostgreSQL is reached by it."""
    user, password, database = (
        quote(binding[one], safe="") for one in ("username", "password", "database")
    )
    place = f"{binding['host']}:{binding['port']}/{database}"
    return binding | {"uri": f"postgresql://{user}:{password}@{place}"}


async def _old_logins_work(life: Life, tenant: Tenant) -> None:
    """Who was published last, and the one before it, is let in for as long as nobody meddled."""
    seat = tenant.seats[0]
    body = await tenant.secret(seat)
    if body is None or not isinstance(read_binding(body, tenant.mark, life.engine), Intact):
        return
    binding = decoded(body)
    if binding["database"] not in life.ground.databases():
        return
    for name, password in seat.valid.items():
        login = binding | {"username": name, "password": password}
        assert can_make_a_table(_with_uri(login)), f"{tenant.key}: {name} opens nothing"


async def _fill(life: Life, tenant: Tenant, binding: dict[str, str]) -> None:
    """Store something as the application does, where nothing is stored yet."""
    database = binding["database"]
    if life.by_hand.pop(database, None) is None and life.is_made(database):
        life.makers.setdefault(database, tenant.key)
    if database not in life.kept:
        life.kept[database] = f"{tenant.key} {len(life.story)}"
        assert can_store(binding, life.kept[database]), f"{tenant.key} stores nothing"


async def _is_true(life: Life, tenant: Tenant, body: JSON, reason: Reason) -> bool:
    """Tell whether what hinders an alias is there."""
    database, ground = await life.wants(body), life.ground
    exists, marks = database in ground.databases(), ground.marks(database)
    roles = ground.marks_of_roles(tenant.roles(life.engine))
    found: dict[Reason, bool] = {
        Reason.DATABASE_LOST: not exists,
        Reason.DATABASE_EXISTS: exists and not _is_of(life, tenant, database),
        Reason.DATABASE_CLAIMED: await _is_wanted_by_others(life, tenant, database)
        or any(one and not one.is_same_owner(tenant.mark) for one in (*marks, *roles.values())),
        Reason.ROLE_EXISTS: None in roles.values(),
        Reason.NAME_TAKEN: await _is_name_taken(life, tenant),
        Reason.SECRET_NOT_FOUND: not await tenant.rig.version(Resource.SECRETS, "given"),
        Reason.NAMESPACE_NOT_ALLOWED: tenant.rig is life.guest and not life.admits,
        Reason.INVALID_CONFIGURATION: _is_misfit(life, body),
    }
    return found.get(reason, False)


async def _is_wanted_by_others(life: Life, tenant: Tenant, database: str) -> bool:
    bodies = [await one.body() for one in life.tenants if one is not tenant]
    return database in [await life.wants(one) for one in bodies if one is not None]


async def _is_name_taken(life: Life, tenant: Tenant) -> bool:
    bodies = [await tenant.secret(seat) for seat in tenant.seats]
    found = [read_binding(one, tenant.mark, life.engine) for one in bodies]
    return any(isinstance(one, Foreign) for one in found)


def _is_misfit(life: Life, body: JSON) -> bool:
    declared = (body["spec"]["provision"].get("database") or {}).keys()
    if life.engine is ServerEngine.POSTGRESQL:
        return bool(declared & {"charset", "collation"})
    return bool(declared & {"schemas", "extensions"})


async def _nothing_is_lost(life: Life) -> None:
    """What was retained, or belongs to somebody else, is there as it was."""
    there = life.ground.databases()
    for name, value in life.kept.items():
        assert name in there, f"{name} is gone, and nobody asked for that"
        assert life.ground.kept(name) == {value}, name
    for name, portrait in life.by_hand.items():
        assert life.ground.portrait(name) == portrait, name


async def _nothing_is_left(life: Life) -> None:
    """Databases and roles of ours belong to an alias that is there, or were retained."""
    prefixes = (f"{life.rig.namespace}_", f"{life.guest.namespace}_")
    traced = [one for one in life.tenants if one.traces]
    keys = {one.key for one in traced}
    for name in life.ground.databases():
        owners = {Key(one.namespace, one.name) for one in life.ground.claimants(name)}
        is_known = name in {*life.kept, *life.unmarked} or keys & owners
        assert not name.startswith(prefixes) or is_known, f"nobody asked for {name}"
    known = {role for one in traced for role in one.roles(life.engine)}
    left = {one for one in life.ground.roles() if one.startswith(prefixes)} - known
    assert not left, f"nobody has {left}"


def _is_of(life: Life, tenant: Tenant, database: str) -> bool:
    return any(one.is_same_owner(tenant.mark) for one in life.ground.marks(database))


async def _no_secret_is_told(life: Life) -> None:
    told: list[Any] = list(life.story)
    for home in (life.rig, life.guest):
        for resource in (Resource.ALIASES, Resource.SERVERS):
            bodies = await home.cluster.list(resource, home.namespace)
            told += [one.get("status") for one in bodies]
        told += await home.cluster.list(Resource.EVENTS, home.namespace)
    text = json.dumps([one for one in told if one not in life.story])
    text += "\n".join(one for one in life.story if one.startswith("  "))
    assert not [one for one in life.secrets if one in text]
