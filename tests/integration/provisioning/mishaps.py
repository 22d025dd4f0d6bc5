"""What befalls aliases by the hands of administrators and by fate: Secrets, servers, outages."""

from __future__ import annotations

from dbalias.api.meta import JSON, Key
from dbalias.reconcile.ports import AlreadyExistsError, Resource
from dbalias.servers.bindings import binding_name
from integration.provisioning.life import SERVERS, Life, Seat, Tenant
from integration.provisioning.rig import ADMIN_PASSWORD, secret


def _meddle(tenant: Tenant) -> None:
    tenant.meddled = True


async def lose_secret(life: Life, tenant: Tenant) -> None:
    """Delete a binding Secret."""
    seat = life.random.choice(tenant.seats)
    body = await tenant.secret(seat)
    if body is None:
        return
    _meddle(tenant)
    await tenant.rig.remove(Resource.SECRETS, body["metadata"]["name"])
    await _notice(life, tenant)
    life.tell(f"lose {body['metadata']['name']} of {tenant.key}")


async def edit_secret(life: Life, tenant: Tenant) -> None:
    """Edit something in a binding Secret."""
    seat = life.random.choice(tenant.seats)
    body = await tenant.secret(seat)
    if body is None:
        return
    _meddle(tenant)
    changes: list[JSON] = [
        {"data": {"password": "b29wcw=="}},
        {"data": {"password": None}},
        {"data": {"username": "b29wcw=="}},
        {"data": {"host": "ZXZpbA==", "other": "b29wcw=="}},
        {"data": {"password": "b29wcw=="}, "metadata": {"annotations": None}},
        {"metadata": {"annotations": {"dbalias.dev/checksum": None}}},
        {"metadata": {"annotations": {"dbalias.dev/rotated-at": "nonsense"}}},
        {"metadata": {"annotations": {"dbalias.dev/login": "nobody"}}},
        {"metadata": {"labels": None}},
    ]
    change = life.random.choice(changes)
    name = body["metadata"]["name"]
    await life.patch(tenant, Resource.SECRETS, name, **change)
    await _notice(life, tenant)
    life.tell(f"edit {name} of {tenant.key}: {change}")


async def replace_secret(life: Life, tenant: Tenant) -> None:
    """Put somebody else's Secret in the place of a binding Secret, or take it away again."""
    seat = life.random.choice(tenant.seats)
    name = binding_name(tenant.name, readers=seat.readers)
    _meddle(tenant)
    await replace(tenant, secret(name, password="theirs"))
    await _notice(life, tenant)
    life.tell(f"replace {name} of {tenant.key}")


async def restore_secret(life: Life, tenant: Tenant) -> None:
    """Put a binding Secret back as a backup has it."""
    seat = life.random.choice(tenant.seats)
    body = await tenant.secret(seat)
    if body is None or not seat.backups or "annotations" not in body["metadata"]:
        return
    _meddle(tenant)
    await life.patch(
        tenant, Resource.SECRETS, body["metadata"]["name"], **life.random.choice(seat.backups)
    )
    forget(seat)
    await _notice(life, tenant)
    life.tell(f"restore {body['metadata']['name']} of {tenant.key}")


async def drop_login(life: Life, tenant: Tenant) -> None:
    """Drop one of an alias' logins by hand."""
    login = life.random.choice(tenant.roles(life.engine)[1:])
    if login not in life.ground.roles():
        return
    _meddle(tenant)
    life.ground.drop_role(login)
    _forget_login(tenant, login)
    life.tell(f"drop login {login}")


async def change_password(life: Life, tenant: Tenant) -> None:
    """Give a login another password by hand."""
    login = life.random.choice(tenant.roles(life.engine)[1:])
    if login not in life.ground.roles() or not life.checks_logins:
        return
    _meddle(tenant)
    life.ground.change_password(login)
    _forget_login(tenant, login)
    life.tell(f"change the password of {login}")


async def take_rights(life: Life, tenant: Tenant) -> None:
    """Take a login's rights by hand."""
    login = life.random.choice(tenant.roles(life.engine)[1:3])
    body = await tenant.body()
    if login not in life.ground.roles() or body is None:
        return
    _meddle(tenant)
    life.ground.take_rights(await life.wants(body), login)
    _forget_login(tenant, login)
    life.tell(f"take the rights of {login}")


async def spoil_database(life: Life, tenant: Tenant) -> None:
    """Drop a database by hand, give it to another, or remove its marks."""
    body = await tenant.body()
    if body is None:
        return
    name = await life.wants(body)
    if name not in life.ground.databases():
        return
    for one in life.tenants:
        _meddle(one)
        for seat in one.seats:
            forget(seat)
    what = life.random.choice(("drop", "own", "unmark", "unmark wholly"))
    owner = tenant.roles(life.engine)[0]
    if what == "drop":
        life.ground.server.drop_database(name)
        for known in (life.kept, life.by_hand, life.makers):
            known.pop(name, None)
    elif what == "own":
        life.ground.take_ownership(name)
    elif life.ground.marks(name):
        life.ground.unmark(name, owner, wholly=what == "unmark wholly")
        life.unmarked.add(name)
    if not life.ground.marks(name):
        life.makers.pop(name, None)
    life.tell(f"spoil database {name} by hand: {what}")


async def make_by_hand(life: Life, tenant: Tenant) -> None:
    """Make a database, or a role, of a name that an alias may want."""
    names = [life.shared, f"{tenant.key.namespace}_{tenant.name}"]
    name = life.random.choice(names)
    if name in life.ground.databases():
        return
    if life.random.random() < 0.3:
        login = life.random.choice(tenant.roles(life.engine))
        if login not in life.ground.roles():
            life.ground.make_role(login)
            tenant.traces = True
            life.tell(f"make login {login} by hand")
        return
    life.kept[name] = f"by hand {len(life.story)}"
    life.ground.make_database(name, life.kept[name])
    life.by_hand[name] = life.ground.portrait(name)
    life.tell(f"make database {name} by hand")


async def admit(life: Life, tenant: Tenant) -> None:
    """Admit the other namespace, or no more."""
    life.admits = not life.admits
    allowed = {"from": "All" if life.admits else "Same"}
    for server in SERVERS:
        await life.rig.patch(Resource.SERVERS, server, spec={"allowedNamespaces": allowed})
    life.tell(f"admit: {life.admits}")


async def begin_outage(life: Life, tenant: Tenant) -> None:
    """Let the server be out of reach for a while, or end that."""
    if life.outage is not None:
        await end_outage(life)
        return
    life.outage = life.random.choice(("port", "login", "shut", "frozen", "secret", "object"))
    life.tell(f"outage: {life.outage}")
    match life.outage:
        case "port":
            for server in SERVERS:
                await life.rig.patch(Resource.SERVERS, server, spec={"port": 1})
        case "login":
            await _replace_admin(life, "wrong")
        case "secret":
            await life.rig.remove(Resource.SECRETS, "admin")
        case "object":
            life.gone = await _take_servers(life)
        case "shut":
            life.ground.shut(out=True)
        case "frozen":
            life.ground.freeze(on=True)


async def end_outage(life: Life) -> None:
    """Let the server be reached again."""
    port = life.ground.server.port
    match life.outage:
        case "port":
            for server in SERVERS:
                await life.rig.patch(Resource.SERVERS, server, spec={"port": port})
        case "login" | "secret":
            await _replace_admin(life, ADMIN_PASSWORD)
        case "object":
            for body in life.gone:
                await life.rig.put(Resource.SERVERS, body)
        case "shut":
            life.ground.shut(out=False)
        case "frozen":
            life.ground.freeze(on=False)
    if life.outage is not None:
        life.tell(f"outage over: {life.outage}")
    life.outage = None


async def _take_servers(life: Life) -> list[JSON]:
    taken = []
    for server in SERVERS:
        body = await life.rig.cluster.get(Resource.SERVERS, life.rig.namespace, server)
        assert body is not None
        taken.append({**body, "metadata": {"name": server}, "status": None})
        del taken[-1]["status"]
        await life.rig.remove(Resource.SERVERS, server)
    return taken


async def _replace_admin(life: Life, password: str) -> None:
    body = secret("admin", username=life.ground.keeper, password=password)
    try:
        await life.rig.put(Resource.SECRETS, body)
    except AlreadyExistsError:
        await life.rig.patch(Resource.SECRETS, "admin", data=body["data"])


async def replace(tenant: Tenant, body: JSON) -> None:
    """Put a Secret where one may lie."""
    name = body["metadata"]["name"]
    if await tenant.rig.version(Resource.SECRETS, name):
        await tenant.rig.remove(Resource.SECRETS, name)
    await tenant.rig.put(Resource.SECRETS, body)


async def _notice(life: Life, tenant: Tenant) -> None:
    """Let the project's pass tell a process of it, or let it miss that."""
    body = await tenant.body()
    reference = ((body or {}).get("spec") or {}).get("serverRef")
    if reference and life.random.random() < 0.7:
        for process in life.processes:
            for server in SERVERS:
                key = Key(life.rig.namespace, server)
                process.reconciler.binding_changed(key, tenant.key)


def forget(seat: Seat) -> None:
    """Expect no more of logins that were published before."""
    seat.valid.clear()


def _forget_login(tenant: Tenant, login: str) -> None:
    for seat in tenant.seats:
        seat.valid.pop(login, None)
