"""What things are called on a server: legal there, and no two aliases alike."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbalias.api import limits
from dbalias.api.server import ServerEngine
from dbalias.servers.names import database_name, role_names

ENGINES = list(ServerEngine)
NAMESPACES = st.from_regex(limits.DNS_LABEL, fullmatch=True).filter(lambda one: len(one) <= 63)
OBJECTS = st.from_regex(limits.SUBDOMAIN, fullmatch=True).filter(lambda one: len(one) <= 253)
ALIASES = st.tuples(NAMESPACES, OBJECTS) | st.sampled_from(
    [
        ("pg", "catalog"),
        ("information", "schema"),
        ("performance", "schema"),
        ("a", "b-a"),
        ("a", "b"),
        ("a-b", "a"),
        ("n" * 63, "o" * 253),
        ("n" * 63, "o" * 252),
        ("n", "o" * 253),
    ]
)


def names_of(alias: tuple[str, str], engine: ServerEngine) -> list[str]:
    """Return what all roles of an alias are called."""
    roles = role_names(*alias, engine=engine)
    return [roles.owner, roles.logins.a, roles.logins.b, roles.readers.a, roles.readers.b]


@pytest.mark.parametrize("engine", ENGINES)
def test_short_names_say_namespace_and_object(engine: ServerEngine) -> None:
    """So that a person who looks at the server knows whose they are."""
    assert database_name("shop", "users", declared=None, engine=engine) == "shop_users"
    assert names_of(("shop", "users"), engine) == [
        "shop_users",
        "shop_users_a",
        "shop_users_b",
        "shop_users_ra",
        "shop_users_rb",
    ]


def test_declared_name_is_the_databases_alone() -> None:
    """Roles keep theirs: a name that is declared twice must not make two aliases share logins."""
    declared = database_name("a", "b", declared="Ünï `x`", engine=ServerEngine.POSTGRESQL)
    assert declared == "Ünï `x`"
    assert role_names("a", "b", engine=ServerEngine.POSTGRESQL).owner == "a_b"


@pytest.mark.parametrize("engine", ENGINES)
@given(one=ALIASES, other=ALIASES)
def test_no_two_aliases_share_a_name(
    engine: ServerEngine, one: tuple[str, str], other: tuple[str, str]
) -> None:
    """Whether cut or not: neither a database nor any role of one is one of the other."""
    mine, yours = names_of(one, engine), names_of(other, engine)
    assert len(set(mine)) == len(mine)
    if one != other:
        assert not set(mine) & set(yours)
        databases = {database_name(*it, declared=None, engine=engine) for it in (one, other)}
        assert len(databases) == 2


@pytest.mark.parametrize("engine", ENGINES)
@given(alias=ALIASES)
def test_every_name_is_legal_on_its_server(engine: ServerEngine, alias: tuple[str, str]) -> None:
    """Short enough, and none of those that a server keeps for itself."""
    database = database_name(*alias, declared=None, engine=engine)
    for name in [*names_of(alias, engine), database]:
        assert re.fullmatch(r"[a-z0-9_][a-z0-9_.-]*", name)
        assert not name.startswith("pg_")
        assert name not in {"information_schema", "performance_schema"}
    longest = 63 if engine is ServerEngine.POSTGRESQL else 32
    assert max(map(len, names_of(alias, engine))) <= longest
    pattern = database.replace("_", r"\_")
    assert len(database) <= 63
    assert engine is ServerEngine.POSTGRESQL or len(pattern) <= 64


def test_cut_name_still_begins_with_the_namespace_and_is_always_the_same() -> None:
    """A name that changed with a version of ours would lose the database."""
    database = database_name("shop", "u" * 80, declared=None, engine=ServerEngine.POSTGRESQL)
    assert database == f"shop_{'u' * 44}__vxrdtbe7fb36"
    roles = role_names("shop", "user-accounts-archive-2019", engine=ServerEngine.MARIADB)
    assert roles.logins.b == "shop_user-accou__cviph7udjzbu_b"
