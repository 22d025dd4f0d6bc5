"""How a life begins: on which ground, with which servers and tenants."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dbalias.api.meta import JSON
from dbalias.reconcile.ports import Resource
from integration.provisioning.ground import Ground
from integration.provisioning.ground_mariadb import MariaGround
from integration.provisioning.ground_postgresql import PostgresGround
from integration.provisioning.life import SERVERS, Life, Tenant
from integration.provisioning.rig import ADMIN_PASSWORD, Rig, an_object, secret


@asynccontextmanager
async def begun(rig: Rig, seed: int) -> AsyncIterator[Life]:
    """Give the life of a seed at its beginning: two servers' objects, no alias."""
    async with rig.neighbour() as guest:
        chance = random.Random(seed)
        kind = PostgresGround if rig.database.engine == "postgresql" else MariaGround
        ground: Ground = kind(rig.database, f"keeper_{rig.namespace}")
        ground.make_keeper()
        life = Life(rig, guest, chance, ground)
        life.checks_logins, life.has_project = chance.random() < 0.5, chance.random() < 0.5
        places = [(rig, "one"), (rig, "two"), (rig, "three"), (guest, "one")]
        life.tenants = [Tenant(*place) for place in places]
        await rig.put(
            Resource.SECRETS, secret("admin", username=ground.keeper, password=ADMIN_PASSWORD)
        )
        for name in SERVERS:
            await rig.put(Resource.SERVERS, an_object("DatabaseServer", name, _fields(life)))
        for home in (rig, guest):
            await home.put(Resource.SECRETS, secret("given", password="given at first"))
            if life.has_project:
                await home.put(Resource.PROJECTS, an_object("DjangoProject", "shop", {}))
        life.secrets.add("given at first")
        life.processes = [life.start(), life.start()]
        try:
            yield life
        finally:
            ground.freeze(on=False)
            ground.close()
            for process in life.processes:
                await process.reconciler.close()


def _fields(life: Life) -> JSON:
    return {
        "engine": life.ground.server.engine,
        "host": life.ground.server.host,
        "port": life.ground.server.port,
        "adminCredentials": {"secretRef": {"name": "admin"}, "preset": "BasicAuth"},
        "allowedNamespaces": {"from": "All"},
        "adoptable": [life.shared],
        "checkLogins": life.checks_logins,
        "maxConnections": 3,
    }
