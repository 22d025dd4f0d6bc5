"""List provisioned databases that no alias claims any more, and say what to do with each.

It reads DatabaseServers and DatabaseAliases with your own rights, never a Secret, and drops
nothing: it shows the statements with which an administrator of the server does. What the operator
found at its last look is shown, at most a hundred databases of each server. Exit codes: 0 all
servers are shown; 1 one was not looked at yet; 2 refused, or the cluster cannot be read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from dbalias.api.meta import JSON, Key, Kind
from dbalias.api.server import ServerEngine
from dbalias.cli.as_user import add_context, run_in_namespace
from dbalias.cli.input import object_name
from dbalias.cli.refusal import RefusedError
from dbalias.cli.stream import to_yaml
from dbalias.cluster.user import UserCluster
from dbalias.reconcile.ports import Resource, UnreadableError
from dbalias.servers.bindings import binding_name
from dbalias.servers.by_hand import removal
from dbalias.servers.names import role_names


@dataclass(frozen=True, slots=True)
class Orphan:
    """One database: whose it was, what may be done, how it is dropped (nothing: it may not be)."""

    database: str
    alias: str
    advice: str
    drop: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """One server; ``count`` None: the operator has not looked at it yet."""

    server: str
    count: int | None
    databases: tuple[Orphan, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dbalias orphans``."""
    add_context(parser)
    parser.add_argument("--server", type=object_name, help="this DatabaseServer alone")
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="all servers")
    parser.add_argument("-o", "--output", default="text", choices=("text", "json", "yaml"))


def run(arguments: argparse.Namespace) -> int:
    """Print what nobody claims; return the exit code."""
    shown = run_in_namespace(
        arguments, lambda cluster, namespace: _read(cluster, namespace, arguments)
    )
    told = [asdict(one) for one in shown]
    match arguments.output:
        case "json":
            print(json.dumps(told, indent=2, ensure_ascii=False))
        case "yaml":
            print(to_yaml(told), end="")
        case _:
            print("\n".join(describe(shown)))
    return int(any(one.count is None for one in shown))


async def _read(cluster: UserCluster, namespace: str, arguments: argparse.Namespace) -> list[Shown]:
    named = {"metadata.name": arguments.server} if arguments.server else None
    where = None if arguments.all_namespaces else namespace
    bodies = await cluster.list(Resource.SERVERS, where, fields=named)
    if arguments.server and not bodies:
        place = f"in namespace {where}" if where else "in any namespace"
        raise RefusedError(f"there is no {Kind.SERVER.value}/{arguments.server} {place}")
    return list(await asyncio.gather(*(_read_server(cluster, body) for body in bodies)))


async def _read_server(cluster: UserCluster, body: JSON) -> Shown:
    metadata, orphans = body["metadata"], (body.get("status") or {}).get("orphans")
    server = Key(metadata["namespace"], metadata["name"])
    if orphans is None:
        return Shown(str(server), None)
    engine = ServerEngine(body["spec"]["engine"])

    async def one(listed: JSON) -> Orphan:
        alias = Key(*listed["alias"].split("/"))
        found = Found(listed["name"], alias, server, engine)
        try:
            return judge(found, await cluster.get(Resource.ALIASES, alias.namespace, alias.name))
        except UnreadableError as error:
            return found.kept(f"whether its alias is there cannot be told: {error}")

    databases = await asyncio.gather(*map(one, orphans.get("databases") or ()))
    return Shown(str(server), orphans.get("count") or 0, tuple(databases))


@dataclass(frozen=True, slots=True)
class Found:
    """What a server says of one database: the alias that it was made for."""

    database: str
    alias: Key
    server: Key
    engine: ServerEngine

    def kept(self, advice: str) -> Orphan:
        """Return it as one that may be in use."""
        return Orphan(self.database, str(self.alias), advice)

    def free(self, advice: str) -> Orphan:
        """Return it with the statements that drop it, and the Secrets that then open nothing."""
        names = role_names(self.alias.namespace, self.alias.name, engine=self.engine)
        secrets = tuple(binding_name(self.alias.name, readers=one) for one in (False, True))
        drop = removal(self.engine, self.database, names)
        return Orphan(self.database, str(self.alias), advice, drop, secrets)


def judge(found: Found, alias: JSON | None) -> Orphan:
    """Return what may be done with a database, given the alias of that name, if there is one.

    One that is provisioned has the same logins, here or by another DatabaseServer for the same
    machine: what drops them is not shown.
    """
    if alias is None:
        return found.free(
            f"its alias is gone; to take it back, apply it again with spec.name {found.database}, "
            f"spec.provision, and spec.serverRef {found.server}"
        )
    if alias["spec"].get("provision") is None:
        return found.free("its alias asks for no database; to take it back, set spec.provision")
    place = alias["spec"].get("serverRef") or {}
    server = Key(place.get("namespace") or found.alias.namespace, place.get("name") or "?")
    return found.kept(f"its alias is there and provisioned by DatabaseServer {server}; keep it")


def describe(shown: Sequence[Shown]) -> Iterator[str]:
    """Yield the lines that a person reads."""
    if not shown:
        yield "there is no DatabaseServer here"
    for server in shown:
        yield f"DatabaseServer {server.server}: {_headline(server)}"
        for orphan in server.databases:
            yield f"  {orphan.database} of DatabaseAlias {orphan.alias}: {orphan.advice}"
            if orphan.drop:
                yield "    to drop it for ever, as an administrator of the server:"
                yield from (f"      {statement};" for statement in orphan.drop)
                namespace = orphan.alias.split("/")[0]
                secrets = " ".join(orphan.secrets)
                yield f"      kubectl delete secret --ignore-not-found -n {namespace} {secrets}"


def _headline(server: Shown) -> str:
    match server.count:
        case None:
            return "the operator has not looked at it yet"
        case 0:
            return "an alias claims each database that was made"
        case 1:
            return "no alias claims one database"
    more = len(server.databases) < server.count
    return f"no alias claims {server.count} databases" + (", of which these" if more else "")
