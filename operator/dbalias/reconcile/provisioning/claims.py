"""Who claims which database of a server, and what each claim comes to there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from dbalias.api.alias import DatabaseAlias, TLSMode
from dbalias.api.meta import Key
from dbalias.api.problems import Problem
from dbalias.api.provision import DatabaseSpec, Provision
from dbalias.api.server import DatabaseServer
from dbalias.django.engines import Family, family_of
from dbalias.django.faults import problem
from dbalias.servers.marks import Mark
from dbalias.servers.names import database_name, role_names
from dbalias.servers.wanted import Wanted

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_POSTGRESQL_ALONE = ("encoding", "locale", "template", "extensions", "schemas")
_MYSQL_ALONE = ("charset", "collation")
_DEMANDING = (TLSMode.REQUIRE, TLSMode.VERIFY_CA, TLSMode.VERIFY_FULL)


@dataclass(frozen=True, slots=True)
class Claim:
    """One alias that wants a database here."""

    alias: DatabaseAlias
    provision: Provision
    wanted: Wanted
    place: str
    """Where its server is declared to be; see ``DatabaseServer.place``."""

    @property
    def key(self) -> Key:
        """The alias object."""
        return key_of(self.alias)

    @property
    def server(self) -> str | None:
        """The server that the alias names, as statuses say it."""
        named = self.alias.server
        return str(Key(named.namespace, named.name)) if named else None

    @property
    def seen_at(self) -> str | None:
        """Where the database was seen last, if its server leads elsewhere now."""
        seen = (self.alias.status.get("provision") or {}).get("place")
        return None if seen in (None, self.place) else str(seen)

    @property
    def withdraws_readers(self) -> bool:
        """Tell whether there may be readers from before that are wanted no more."""
        return self.wanted.readers is not None and not self.provision.read_only


def key_of(alias: DatabaseAlias) -> Key:
    """Return the namespace and name of an alias object."""
    return Key(alias.metadata.namespace, alias.metadata.name)


def build_claim(alias: DatabaseAlias, server: DatabaseServer, installation: str) -> Claim:
    """Return what an alias with ``provision`` comes to on its server."""
    assert alias.provision is not None
    here = (alias.metadata.namespace, alias.metadata.name)
    names = role_names(*here, engine=server.engine)
    database = database_name(*here, declared=alias.name, engine=server.engine)
    wanted = Wanted(
        mark=Mark(installation, *here),
        database=database,
        owner=names.owner,
        logins=names.logins,
        readers=names.readers if _concerns_readers(alias, alias.provision) else None,
        spec=alias.provision.database,
        adopt=alias.provision.adopt and _may_adopt(alias, server, database),
        require_tls=_demands_tls(server),
    )
    return Claim(alias, alias.provision, wanted, server.place)


def _may_adopt(alias: DatabaseAlias, server: DatabaseServer, database: str) -> bool:
    """Tell whether the server agrees, too: what exists there may be another team's."""
    is_own = alias.metadata.namespace == server.metadata.namespace
    return is_own or database in server.adoptable


def _concerns_readers(alias: DatabaseAlias, provision: Provision) -> bool:
    """Tell whether logins that may only read are wanted, or may be there from before."""
    reported = (alias.status.get("provision") or {}).get("readOnlyLogin")
    return provision.read_only or alias.metadata.deleting or reported is not None


def find_misfit(alias: DatabaseAlias, server: DatabaseServer) -> Problem | None:
    """Return what an alias asks of its server that no server of this engine has."""
    family = family_of(server.engine.value)
    if alias.engine is not None and family_of(alias.engine) not in (family, Family.OTHER):
        return problem(
            alias,
            "spec.engine",
            f"{alias.engine} is no engine for a server of {server.engine}",
            "Leave it out, or set one of the server's family",
        )
    spec = alias.provision.database if alias.provision else DatabaseSpec()
    for name in _MYSQL_ALONE if family is Family.POSTGRESQL else _POSTGRESQL_ALONE:
        if getattr(spec, name):
            field = f"spec.provision.database.{name}"
            return problem(alias, field, f"{name} means nothing to {server.engine}", "Remove it")
    return None


def elect(
    claims: Iterable[Claim], holders: Mapping[str, Key]
) -> tuple[tuple[Claim, ...], dict[Key, Claim]]:
    """Return one claim for each database, and by each that is refused the one that it lost to.

    Whoever holds a database by its mark keeps it (``holders``, by database), else the older.
    """
    winners: dict[str, Claim] = {}
    losers: dict[Key, Claim] = {}
    for claim in sorted(claims, key=_age):
        database = claim.wanted.database
        first = winners.setdefault(database, claim)
        if first is not claim and holders.get(database) == claim.key:
            winners[database] = claim
    for claim in claims:
        winner = winners[claim.wanted.database]
        if winner is not claim:
            losers[claim.key] = winner
    return tuple(winners.values()), losers


def _age(claim: Claim) -> tuple[datetime, Key]:
    return claim.alias.metadata.created_at or _LONG_AGO, claim.key


def _demands_tls(server: DatabaseServer) -> bool:
    tls = server.tls
    return tls is not None and (tls.mode in _DEMANDING or (tls.mode is None and bool(tls.ca)))
