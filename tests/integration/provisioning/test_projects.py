"""Projects and the server pass together: the operator's process, real logins, two writers."""

from __future__ import annotations

import base64
import time
from functools import partial

from integration.operator.objects import alias, project
from integration.operator.operating import wait_until
from integration.operator.workbench import Body, Request, Space
from integration.provisioning.logins import can_read, decoded
from integration.provisioning.rig import an_alias
from localkube.databases import DatabaseServer

DEFAULT, BINDING = "shop-default", "shop-default-binding"
ROTATE = "dbalias.dev/rotate-requested-at"
AT_REST = 8.0
"""Seconds in which two writers that answer each other would be seen."""


def provisioned(space: Space, *others: Body) -> dict[str, str]:
    """Apply a project with a database of its own; return its binding once all is published."""
    space.apply(project("shop"), an_alias(DEFAULT, alias="default", provision={}), *others)
    space.wait_for("djangoproject", "shop", reason="Ready")
    space.wait_for("databasealias", DEFAULT, reason="Ready")
    return binding(space)


def binding(space: Space, name: str = DEFAULT) -> dict[str, str]:
    """Return what the binding Secret of an alias holds."""
    body = space.get("secret", f"{name}-binding")
    assert body is not None
    return decoded(body)


def published(space: Space) -> dict[str, str]:
    """Return user and password as applications have them."""
    body = space.get("secret", "shop-databases")
    assert body is not None
    return {name: decoded(body)[f"default.{name}"] for name in ("user", "password")}


def settled(space: Space, login: str, name: str = DEFAULT) -> bool:
    """Tell whether the project says that everybody has this login."""
    body = space.get("databasealias", name) or {}
    return bool((body.get("status") or {}).get("settledLogin") == login)


def writes(space: Space, *, since: int) -> list[Request]:
    """Return what the operator wrote in a namespace; what was refused is written again."""
    written = space.bench.writes(since=since)
    return [one for one in written if one.namespace == space.name and one.code < 300]


def is_at_rest(space: Space) -> bool:
    """Tell whether nothing was tried to be written for a while, after whatever came late."""
    begun = space.bench.mark()
    time.sleep(AT_REST)
    return space.name not in {one.namespace for one in space.bench.writes(since=begun)}


def test_what_was_made_and_published_is_written_once_and_left_alone(served: Space) -> None:
    """Four writes for each alias, statuses and all; two writers do not answer each other."""
    begun = served.bench.mark()
    more = [an_alias(f"shop-{n}", alias=f"more{n}", provision={}) for n in range(4)]
    heir = alias("replica", inheritFrom="default", role="Replica", host="replica.example")
    provisioned(served, *more, heir)
    names = (DEFAULT, *(body["metadata"]["name"] for body in more))
    for name in names:
        served.wait_for("databasealias", name, reason="Ready")
        wait_until(partial(settled, served, binding(served, name)["username"], name))
    wait_until(lambda: is_at_rest(served), what="two writers that leave each other alone")
    written = writes(served, since=begun)
    for name in names:
        own = [write for write in written if write.name in (name, f"{name}-binding")]
        assert len(own) <= 4, own


def test_requested_rotation_is_published_and_settles_while_the_last_login_stays(
    served: Space,
) -> None:
    """Whoever still holds it goes on."""
    before = provisioned(served)
    wait_until(lambda: settled(served, before["username"]))
    served.patch(
        "databasealias", DEFAULT, metadata={"annotations": {ROTATE: "2026-01-01T00:00:00Z"}}
    )
    wait_until(lambda: binding(served)["username"] != before["username"])
    after = binding(served)
    wait_until(lambda: settled(served, after["username"]))
    assert published(served) == {"user": after["username"], "password": after["password"]}
    assert can_read(before)
    assert can_read(after)


def test_edited_binding_is_repaired_and_applications_never_see_it(served: Space) -> None:
    """They have the login of before until there is another that works."""
    before = provisioned(served)
    shown = published(served)
    served.patch("secret", BINDING, data={"password": base64.b64encode(b"edited").decode()})
    seen = []

    def repaired() -> bool:
        seen.append(published(served))
        return published(served) not in (shown, {**shown, "password": "edited"})

    wait_until(repaired, seconds=180)
    assert all(one["password"] != "edited" for one in seen)
    after = binding(served)
    assert published(served) == {"user": after["username"], "password": after["password"]}
    assert can_read(after)
    assert can_read(before)


def test_namespace_has_what_the_server_admits_and_keeps_what_is_published(served: Space) -> None:
    """Both sides agree; when one does so no more, nothing is taken from applications."""
    guest = served.bench.namespace("guest")
    server = {"name": "main", "namespace": served.name}
    guest.apply(project("shop"), an_alias(DEFAULT, alias="default", serverRef=server, provision={}))
    guest.wait_for("databasealias", DEFAULT, reason="NamespaceNotAllowed")
    assert guest.get("secret", BINDING) is None
    served.patch("databaseserver", "main", spec={"allowedNamespaces": {"from": "All"}})
    guest.wait_for("djangoproject", "shop", reason="Ready")
    shown = published(guest)
    served.patch("databaseserver", "main", spec={"allowedNamespaces": {"from": "Same"}})
    guest.wait_for("databasealias", DEFAULT, reason="NamespaceNotAllowed")
    assert published(guest) == shown
    assert can_read(binding(guest))


def test_namespace_is_gone_with_the_databases_that_go_with_their_aliases(
    served: Space, administered_postgres: DatabaseServer
) -> None:
    """A guest's is dropped; that of a server which goes with it holds nothing up either."""
    guest, own = served.bench.namespace("guest"), {"deletionPolicy": "Delete"}
    server = {"name": "main", "namespace": served.name}
    served.patch("databaseserver", "main", spec={"allowedNamespaces": {"from": "All"}})
    guest.apply(an_alias("users", serverRef=server, provision=own))
    served.apply(an_alias("users", provision=own))
    for space in (guest, served):
        space.wait_for("databasealias", "users", reason="Provisioned", wanted="Provisioned")
        served.bench.kubectl("delete", "namespace", space.name, "--timeout=300s")
    rows = administered_postgres.admin_sql("SELECT datname FROM pg_database")
    assert (f"{guest.name}_users",) not in rows
