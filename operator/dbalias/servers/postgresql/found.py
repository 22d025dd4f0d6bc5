"""What was read on a PostgreSQL server, as values: the administrator, databases, roles, insides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dbalias.servers.marks import Mark
from dbalias.servers.wanted import Wanted

MEMBERSHIP_OPTIONS = 160000
"""Since this version a membership says whether it inherits and may be acted as; whoever makes a
role administers it, and nobody else with CREATEROLE does."""
OWNED_PUBLIC = 150000
"""Since this version schema public belongs to whoever owns the database, and to nobody else."""
_ALWAYS_THERE = frozenset({"public", "pg_catalog"})


@dataclass(frozen=True, slots=True)
class Admin:
    """The role that we are on the server, and what it may do there."""

    name: str
    version: int
    """``server_version_num``: 150018 for 15.18."""
    system: str = ""
    """The cluster's own identifier, which a restored copy keeps."""
    database: str = "postgres"
    """Where its sessions are."""
    is_superuser: bool = False
    creates_databases: bool = True
    creates_roles: bool = True
    inherits: bool = True

    @property
    def has_membership_options(self) -> bool:
        """Tell whether a membership has the options INHERIT and SET (PostgreSQL 16)."""
        return self.version >= MEMBERSHIP_OPTIONS


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the server."""

    name: str
    mark: Mark | None = None
    can_login: bool = False
    """Has LOGIN and is not past its VALID UNTIL."""
    powers: tuple[str, ...] = ()
    """Attributes that reach beyond a database, such as SUPERUSER."""
    groups: frozenset[str] = frozenset()
    """The roles whose rights it inherits and as which it may act."""
    memberships: frozenset[str] = frozenset()
    """All roles that it is a member of, also those that give it nothing by themselves."""
    used_in: frozenset[str] = frozenset()
    """The databases in which it owns or may do something, or that it owns."""
    served_in: frozenset[str] = frozenset()
    """Those that belong to its own alias: under a name of before it had another."""
    settings: Mapping[str, str] = field(default_factory=dict)
    is_held: bool = True
    """The administrator has its rights and may act as it."""
    is_ruled: bool = True
    """The administrator may alter and drop it."""


@dataclass(frozen=True, slots=True)
class Database:
    """A database of the server, seen from outside."""

    name: str
    oid: str
    owner: str
    mark: Mark | None = None
    owner_mark: Mark | None = None
    encoding: str = "UTF8"
    locale: str = ""
    connection_limit: int = -1
    public: frozenset[str] = frozenset()
    """What everybody may do with it: CONNECT, TEMPORARY."""
    owner_rights: frozenset[str] = frozenset({"CREATE", "CONNECT", "TEMPORARY"})
    connectors: frozenset[str] = frozenset()
    """Roles with a CONNECT of their own."""
    is_held: bool = True
    """The administrator has its owner's rights."""
    is_open: bool = True
    """The administrator may connect to it."""
    is_template: bool = False
    """Its owner lets everybody copy it."""

    @property
    def proof(self) -> Mark | None:
        """The mark that says whose it is.

        The owner role's own goes first: nobody who works in the database could have written it,
        whereas an owner may write what he likes on his database.
        """
        return self.owner_mark or self.mark


@dataclass(frozen=True, slots=True)
class Installed:
    """An extension that is there; ``is_updatable``: to the wanted version, if there is a way."""

    version: str
    schema: str
    is_updatable: bool = True


@dataclass(frozen=True, slots=True)
class Thing:
    """A schema, relation, routine or type; ``kind`` and ``identity`` are the server's own words,
    quoted by it.
    """

    kind: str
    identity: str
    owner: str
    is_held: bool
    """The administrator has its owner's rights."""


@dataclass(frozen=True, slots=True)
class Unread:
    """What a reader may not read yet: a relation, a schema, or what will be made (``kind``)."""

    reader: str
    kind: str
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Inside:
    """What a session in the database saw."""

    extensions: Mapping[str, Installed] = field(default_factory=dict)
    schemas: Mapping[str, str] = field(default_factory=dict)
    """Owners by name, without the system's."""
    is_public_open: bool = True
    """The owner role may create in schema public."""
    is_public_shared: bool = False
    """Everybody may create in schema public."""
    is_public_held: bool = True
    """The administrator may say who creates in schema public."""
    strays: tuple[Thing, ...] = ()
    """What should be the owner role's and is not."""
    unread: tuple[Unread, ...] = ()


def list_roles(wanted: Wanted) -> tuple[str, ...]:
    """Return the names of the roles that an alias may have, its owner role first."""
    pairs = [wanted.logins, *([wanted.readers] if wanted.readers else [])]
    return (wanted.owner, *(name for pair in pairs for name in (pair.a, pair.b)))


def list_schemas(wanted: Wanted) -> tuple[str, ...]:
    """Return the schemas that an alias asked for, those of its extensions among them."""
    spec = wanted.spec
    named = [*spec.schemas, *(one.schema for one in spec.extensions if one.schema)]
    return tuple(name for name in dict.fromkeys(named) if name not in _ALWAYS_THERE)


@dataclass(frozen=True, slots=True)
class Found:
    """All that was read for one wanted database."""

    wanted: Wanted
    admin: Admin
    database: Database | None = None
    template: Database | None = None
    """The one that is to be copied."""
    roles: Mapping[str, Role] = field(default_factory=dict)
    """Those of the wanted names that exist, and whatever else carries the alias' mark."""
    encoding: str | None = None
    """What the server calls the wanted encoding; empty where it knows none of that name."""
    inside: Inside | None = None
    """None: nobody looked."""

    @property
    def owner(self) -> Role | None:
        """The owner role."""
        return self.roles.get(self.wanted.owner)

    def is_used_elsewhere(self, role: Role) -> bool:
        """Tell whether a role has something in another database, so that it cannot be dropped."""
        return bool(role.used_in - {self.wanted.database})

    def is_retained(self, role: Role) -> bool:
        """Tell whether a role belongs to a database that the alias had under another name."""
        return bool(role.served_in - {self.wanted.database})

    @property
    def readers(self) -> tuple[str, ...]:
        """The names of the logins that may only read."""
        pair = self.wanted.readers
        return (pair.a, pair.b) if pair else ()

    @property
    def login_names(self) -> tuple[str, ...]:
        """The names of all wanted logins."""
        return list_roles(self.wanted)[1:]

    @property
    def adopts(self) -> bool:
        """Tell whether the database was made by somebody else and is not taken over in full yet.

        Its own mark is the last that an adoption writes.
        """
        database = self.database
        if database is None or database.mark is not None:
            return False
        return database.proof is None or database.proof.adopted

    @property
    def needs_inside(self) -> bool:
        """Tell whether what is in the database may have to be changed, as far as is known."""
        return self.wanted.wants_inside or bool(self.wanted.spec.template) or self.adopts
