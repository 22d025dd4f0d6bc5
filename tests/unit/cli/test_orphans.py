"""What is said of a database that no alias claims."""

from __future__ import annotations

from typing import Any

import pytest

from dbalias.api.meta import Key
from dbalias.api.server import ServerEngine
from dbalias.cli.orphans import Found, Orphan, Shown, describe, judge

MAIN = Key("databases", "main")
FOUND = Found("shop_users", Key("shop", "users"), MAIN, ServerEngine.POSTGRESQL)
SECRETS = ("users-binding", "users-binding-readonly")


def an_alias(**spec: Any) -> dict[str, Any]:
    """Return a DatabaseAlias as the API server has it."""
    return {"metadata": {"name": "users"}, "spec": {"projectRef": {"name": "shop"}} | spec}


def test_database_of_a_deleted_alias_can_be_taken_back_or_dropped_by_hand() -> None:
    """Both are shown; the roles of PostgreSQL go after the database that they own."""
    orphan = judge(FOUND, None)
    assert "spec.name shop_users" in orphan.advice
    assert "spec.serverRef databases/main" in orphan.advice
    assert orphan.drop == (
        'DROP DATABASE IF EXISTS "shop_users" WITH (FORCE)',
        *(f'DROP ROLE IF EXISTS "shop_users{suffix}"' for suffix in ("_a", "_b", "_ra", "_rb", "")),
    )
    assert orphan.secrets == SECRETS


def test_database_of_an_alias_without_provision_can_be_taken_back() -> None:
    """Its alias is there, and asks for none."""
    orphan = judge(FOUND, an_alias(engine="postgresql"))
    assert "set spec.provision" in orphan.advice
    assert orphan.drop


@pytest.mark.parametrize("place", [{"name": "other"}, {"name": "main", "namespace": "databases"}])
def test_how_to_drop_is_never_shown_while_an_alias_may_use_it(place: dict[str, str]) -> None:
    """Two DatabaseServers may name one machine, and one alias has the same logins on both."""
    orphan = judge(FOUND, an_alias(serverRef=place, provision={}))
    assert orphan.drop == orphan.secrets == ()
    assert "keep it" in orphan.advice


def test_lines_for_people_name_the_server_the_alias_and_each_statement() -> None:
    """Ready to be pasted, for whoever has decided to."""
    shown = Shown("databases/main", 2, (judge(FOUND, None),))
    assert list(describe([shown])) == [
        "DatabaseServer databases/main: no alias claims 2 databases, of which these",
        "  shop_users of DatabaseAlias shop/users: its alias is gone; to take it back, apply it "
        "again with spec.name shop_users, spec.provision, and spec.serverRef databases/main",
        "    to drop it for ever, as an administrator of the server:",
        '      DROP DATABASE IF EXISTS "shop_users" WITH (FORCE);',
        '      DROP ROLE IF EXISTS "shop_users_a";',
        '      DROP ROLE IF EXISTS "shop_users_b";',
        '      DROP ROLE IF EXISTS "shop_users_ra";',
        '      DROP ROLE IF EXISTS "shop_users_rb";',
        '      DROP ROLE IF EXISTS "shop_users";',
        "      kubectl delete secret --ignore-not-found -n shop users-binding "
        "users-binding-readonly",
    ]


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (None, "the operator has not looked at it yet"),
        (0, "an alias claims each database that was made"),
        (1, "no alias claims one database"),
    ],
)
def test_headline_tells_nothing_found_from_not_looked(count: int | None, said: str) -> None:
    """An empty list alone would look like a clean server."""
    found = (Orphan("x", "a/b", "…"),) if count else ()
    first = next(describe([Shown("databases/main", count, found)]))
    assert first == f"DatabaseServer databases/main: {said}"


def test_namespace_without_servers_says_so() -> None:
    """Not nothing."""
    assert list(describe([])) == ["there is no DatabaseServer here"]
