"""States that nobody meant: old Secrets, forged notes, moved aliases. None is passed over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import psycopg

from dbalias.api.meta import JSON
from dbalias.api.ownership import ROTATE_REQUESTED_AT
from dbalias.api.secrets import SecretBytes
from dbalias.reconcile.ports import Cluster, ForbiddenError, Resource
from dbalias.reconcile.provisioning.ports import Endpoint
from dbalias.servers.faults import Fault, ServerFaultError
from integration.provisioning.logins import connect_patiently
from integration.provisioning.rig import Rig, an_alias, rigged, secret
from localkube.databases import DatabaseServer


async def rotate(rig: Rig, request: str) -> None:
    """Rotate the login of the alias, whose project does not exist."""
    note = {ROTATE_REQUESTED_AT: request}
    await rig.patch(Resource.ALIASES, "users", metadata={"annotations": note})
    rig.later(timedelta(minutes=1))
    await rig.run()


async def stored(rig: Rig) -> dict[str, Any]:
    """Return the binding Secret as a backup has it."""
    body = await rig.cluster.get(Resource.SECRETS, rig.namespace, "users-binding")
    assert body is not None
    return {"data": body["data"], "metadata": {"annotations": body["metadata"]["annotations"]}}


async def test_a_secret_from_a_backup_opens_its_database_again(rig: Rig) -> None:
    """Its password was replaced on the server since, by two rotations."""
    await rig.alias()
    await rig.run()
    backup = await stored(rig)
    await rotate(rig, "once")
    await rotate(rig, "twice")
    await rig.patch(Resource.SECRETS, "users-binding", **backup)
    rig.restart()
    await rig.run()
    assert rig.opens(await rig.binding())


async def test_a_comment_that_a_tenant_writes_hides_no_other_alias(
    kubeconfig: Path, administered_postgres: DatabaseServer
) -> None:
    """Whoever owns a database may comment on it, whatever it says."""
    async with rigged(kubeconfig, administered_postgres) as rig:
        await rig.declare()
        await rig.alias()
        await rig.run()
        binding = await rig.binding()
        assert binding is not None
        comment = f"COMMENT ON DATABASE \"{binding['database']}\" IS '{'[' * 5000}'"
        with psycopg.connect(binding["uri"], autocommit=True) as tenant:
            tenant.execute(comment.encode())
        await rig.alias("others")
        rig.restart()
        await rig.run()
        assert (await rig.provisioned("others"))["status"] == "True"


async def test_a_locked_login_opens_again_where_logins_are_tried(rig: Rig) -> None:
    """A deletion that was given up may have left it so."""
    await rig.patch(Resource.SERVERS, "main", spec={"checkLogins": True})
    await rig.alias()
    await rig.run()
    binding = await rig.binding()
    assert binding is not None
    if rig.database.engine == "postgresql":
        rig.database.admin_sql(f'ALTER ROLE "{binding["username"]}" NOLOGIN')
    else:
        rig.database.admin_sql(f"ALTER USER `{binding['username']}`@'%%' ACCOUNT LOCK", [])
    assert not rig.opens(binding)
    rig.restart()
    await rig.run()
    assert rig.opens(await rig.binding())


@dataclass(frozen=True, slots=True)
class Closed:
    """A server that lets in nobody but its administrator."""

    inner: Endpoint

    def __getattr__(self, name: str) -> Any:
        """Everything else is as it is."""
        return getattr(self.inner, name)

    async def try_login(self, user: str, password: SecretBytes, database: str) -> None:
        """Refuse."""
        raise ServerFaultError(Fault.LOGIN_REFUSED, f"{user} is refused")


async def test_a_login_that_stays_refused_is_told_where_logins_are_tried(rig: Rig) -> None:
    """Setting its password once more is no proof that the Secret opens its database."""
    await rig.patch(Resource.SERVERS, "main", spec={"checkLogins": True})
    await rig.alias()
    await rig.run()
    assert (await rig.provisioned())["status"] == "True"
    binding = await rig.binding()
    rig.restart(connect=lambda address: cast(Endpoint, Closed(connect_patiently(address))))
    await rig.run()
    assert (await rig.provisioned())["reason"] == "LoginRefused"
    assert await rig.binding() == binding


async def test_no_login_is_published_unseen_where_logins_are_tried(rig: Rig) -> None:
    """Nor that of an alias which comes between two looks for drift: it is called connected."""
    await rig.patch(Resource.SERVERS, "main", spec={"checkLogins": True})
    rig.restart(connect=lambda address: cast(Endpoint, Closed(connect_patiently(address))))
    await rig.run()
    await rig.alias()
    await rig.run()
    assert (await rig.provisioned())["reason"] == "LoginRefused"
    assert await rig.binding() is None


@dataclass(frozen=True, slots=True)
class Discreet:
    """Kubernetes where the operator may not read Secrets of people."""

    inner: Cluster

    def __getattr__(self, name: str) -> Any:
        """Everything else is as it is."""
        return getattr(self.inner, name)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> JSON | None:
        """Read, unless it is such a Secret."""
        if name == "given":
            raise ForbiddenError(f"GET {name} answered 403 Forbidden")
        return await self.inner.get(resource, namespace, name)


async def test_a_secret_that_may_not_be_read_is_told_and_changes_nothing(rig: Rig) -> None:
    """Else the alias would seem to wait for a server that nobody has looked at."""
    await rig.put(Resource.SECRETS, secret("given", password="first of them"))
    given = {"secretRef": {"name": "given"}}
    await rig.put(Resource.ALIASES, an_alias("users", credentials=given, provision={}))
    await rig.run()
    binding = await rig.binding()
    await rig.put(Resource.ALIASES, an_alias("new", credentials=given, provision={}))
    rig.restart(cast(Cluster, Discreet(rig.cluster)))
    for _ in range(2):
        await rig.run()
        for name in ("users", "new"):
            told = await rig.provisioned(name)
            assert (told["status"], told["reason"]) == ("False", "Unreadable")
            assert "403" in told["message"]
    assert await rig.binding() == binding
    assert rig.opens(binding)
    rig.restart()
    await rig.run()
    assert (await rig.provisioned())["reason"] == "Provisioned"


async def test_an_alias_that_names_no_server_any_more_says_nothing_of_one(rig: Rig) -> None:
    """Else the next database that it asks for would be called lost."""
    await rig.alias()
    await rig.run()
    elsewhere = {"serverRef": None, "provision": None, "engine": "postgresql"}
    await rig.patch(Resource.ALIASES, "users", spec=elsewhere)
    await rig.reconciler.abandonments.handle(rig.alias_key("users"))
    status = await rig.status()
    assert "provision" not in status
    assert "binding" not in status


async def test_an_alias_with_another_name_gets_another_database(rig: Rig) -> None:
    """What its status remembers is of the one before."""
    await rig.alias()
    await rig.run()
    name = f"{rig.namespace}_second"
    await rig.patch(Resource.ALIASES, "users", spec={"provision": None})
    await rig.patch(Resource.ALIASES, "users", spec={"name": name})
    await rig.patch(Resource.ALIASES, "users", spec={"provision": {}})
    await rig.run()
    assert (await rig.provisioned())["reason"] == "Provisioned"
    assert name in rig.databases()


async def test_a_forged_request_in_a_secret_silences_no_alias(rig: Rig) -> None:
    """Whoever writes Secrets may write more there than a status holds."""
    await rig.alias()
    await rig.run()
    note = {ROTATE_REQUESTED_AT: "x" * 1000}
    await rig.patch(Resource.SECRETS, "users-binding", metadata={"annotations": note})
    await rig.patch(Resource.ALIASES, "users", spec={"provision": {"readOnly": True}})
    rig.restart()
    await rig.run()
    assert (await rig.provisioned())["observedGeneration"] == 2


async def rename(rig: Rig, name: str, **provision: Any) -> None:
    """Let the alias ask for another database, which the API server takes in three steps."""
    for change in ({"provision": None}, {"name": name}, {"provision": provision}):
        await rig.patch(Resource.ALIASES, "users", spec=change)


async def test_readers_of_a_database_of_before_hold_up_nothing(rig: Rig) -> None:
    """They have rights in it, so that nobody can drop them without it."""
    await rig.alias(readOnly=True)
    await rig.run()
    name = f"{rig.namespace}_second"
    await rename(rig, name, readOnly=None, deletionPolicy="Delete")
    await rig.run()
    assert (await rig.provisioned())["reason"] == "Provisioned"
    version = await rig.version(Resource.ALIASES, "users")
    rig.restart()
    await rig.run()
    assert await rig.version(Resource.ALIASES, "users") == version
    await rig.remove(Resource.ALIASES, "users")
    await rig.run()
    assert await rig.version(Resource.ALIASES, "users") is None
    assert rig.databases() == {f"{rig.namespace}_users"}


async def test_readers_that_a_retained_database_has_go_where_they_are_not_wanted(rig: Rig) -> None:
    """The alias that takes it back never reported them; nor does one whose pass died."""
    await rig.alias(readOnly=True)
    await rig.run()
    readers = await rig.binding("users-binding-readonly")
    await rig.remove(Resource.ALIASES, "users")
    await rig.alias()
    rig.restart()
    await rig.run()
    assert not rig.reads(readers)
    assert await rig.binding("users-binding-readonly") is None
    assert rig.logins("users") == {"_a"}


async def test_rights_that_somebody_took_come_back_where_logins_are_tried(rig: Rig) -> None:
    """Whoever may not enter its database is no sign of what the administrator lacks."""
    await rig.patch(Resource.SERVERS, "main", spec={"checkLogins": True})
    await rig.alias()
    await rig.run()
    binding = await rig.binding()
    assert binding is not None
    login = binding["username"]
    if rig.database.engine == "postgresql":
        rig.database.admin_sql(f'REVOKE "{rig.namespace}_users" FROM "{login}"')
        rig.database.admin_sql(f'ALTER ROLE "{login}" RESET ALL')
    else:
        rig.database.admin_sql(f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM `{login}`@'%%'", [])
    assert not rig.opens(binding)
    rig.restart()
    await rig.run()
    assert (await rig.provisioned())["reason"] == "Provisioned"
    assert rig.opens(await rig.binding())
