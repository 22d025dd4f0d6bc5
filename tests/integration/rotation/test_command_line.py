"""``rotate`` and ``orphans``, on a real API server and real databases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dbalias.api.ownership import PUBLISHED_LOGIN, ROTATE_REQUESTED_AT
from integration.operator.operating import wait_until
from integration.operator.workbench import Space
from integration.rotation.conftest import ENGINES, provisioned
from localkube.databases import DatabaseServer

ROLES = {
    "postgresql": "SELECT rolname FROM pg_roles WHERE rolname LIKE %s",
    "mariadb": "SELECT User FROM mysql.global_priv WHERE User LIKE %s",
}
BASES = {
    "postgresql": "SELECT datname FROM pg_database WHERE datname = %s",
    "mariadb": "SELECT schema_name FROM information_schema.schemata WHERE schema_name = %s",
}


def dbalias(space: Space, *arguments: str) -> tuple[int, str, str]:
    """Run ``dbalias`` in a namespace; return its exit code, and what it printed."""
    done = subprocess.run(
        [Path(sys.executable).parent / "dbalias", *arguments, "-n", space.name],
        env=os.environ | {"KUBECONFIG": str(space.bench.cluster.kubeconfig)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def published(space: Space, name: str) -> str:
    """Return the login that the binding Secret of an alias publishes."""
    body = space.get("secret", f"shop-{name}-binding")
    assert body is not None
    return str(body["metadata"]["annotations"][PUBLISHED_LOGIN])


def orphans(space: Space, server: str) -> list[dict[str, Any]]:
    """Return what ``dbalias orphans`` says of one server's databases of this namespace.

    Other tests may have left theirs on the same server.
    """
    code, out, err = dbalias(space, "orphans", f"--server={server}", "-o", "json")
    assert (code, err) == (0, "")
    (shown,) = json.loads(out)
    return [one for one in shown["databases"] if one["alias"].startswith(f"{space.name}/")]


def provision(space: Space, name: str, server: str) -> None:
    """Apply an alias and wait for its database."""
    space.apply(provisioned(name, server))
    space.wait_for("dba", f"shop-{name}", wanted="Provisioned", reason="Provisioned")


@pytest.mark.parametrize("server", ENGINES)
def test_rotation_is_asked_for_and_waited_for(home: Space, server: str) -> None:
    """Without a project nobody has to get the login, so that it is over once it is published."""
    provision(home, f"turns-{server}", server)
    before = published(home, f"turns-{server}")
    code, out, err = dbalias(home, "rotate", f"shop-turns-{server}")
    assert (code, err) == (0, "")
    after = published(home, f"turns-{server}")
    assert after != before
    assert after.rpartition("_")[0] == before.rpartition("_")[0]
    *_, last = out.splitlines()
    assert last == (
        f"shop-turns-{server}: {after} is published in the Secret shop-turns-{server}-binding; "
        "there is no project whose workloads need it"
    )


def test_rotation_of_what_is_not_provisioned_is_refused(home: Space) -> None:
    """Before anything is written."""
    body = provisioned("foreign", "postgresql")
    del body["spec"]["provision"]
    home.apply(body)
    code, out, err = dbalias(home, "rotate", "shop-foreign")
    assert (code, out) == (2, "")
    assert "shop-foreign is not provisioned" in err
    told = home.get("dba", "shop-foreign")
    assert told is not None
    assert ROTATE_REQUESTED_AT not in told["metadata"].get("annotations", {})
    assert dbalias(home, "rotate", "nobody")[0] == 2


@pytest.mark.parametrize("server", ENGINES)
def test_retained_database_is_listed_taken_back_and_dropped_by_hand(
    home: Space, server: str, request: pytest.FixtureRequest
) -> None:
    """By applying its alias again, and by the very statements that are shown."""
    machine: DatabaseServer = request.getfixturevalue(server.removesuffix("ql"))
    name = f"kept-{server}"
    base = f"{home.name}_shop-{name}"
    provision(home, name, server)
    home.wait_for("dbs", server, reason="Ready")
    login = published(home, name)
    roles = [f"{login.rpartition('_')[0]}%"]
    assert orphans(home, server) == []

    home.delete("dba", f"shop-{name}")
    (orphan,) = wait_until(lambda: orphans(home, server), what="an orphan")
    assert (orphan["database"], orphan["alias"]) == (base, f"{home.name}/shop-{name}")
    provision(home, name, server)
    assert published(home, name) == login
    wait_until(lambda: not orphans(home, server), what="no orphan")

    home.delete("dba", f"shop-{name}")
    (orphan,) = wait_until(lambda: orphans(home, server), what="an orphan again")
    assert machine.admin_sql(BASES[server], [base]) == [(base,)]
    assert machine.admin_sql(ROLES[server], roles)
    for statement in orphan["drop"]:
        machine.admin_sql(statement)
    assert machine.admin_sql(BASES[server], [base]) == []
    assert machine.admin_sql(ROLES[server], roles) == []
    assert set(orphan["secrets"]) >= {f"shop-{name}-binding"}
