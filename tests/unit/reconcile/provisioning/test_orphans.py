"""Which databases of a server are said to be claimed by nobody."""

from __future__ import annotations

from dbalias.api.meta import JSON, Key
from dbalias.reconcile.provisioning.orphans import render_orphans
from dbalias.servers.marks import Mark
from dbalias.servers.plot import Marked

USERS = Key("shop", "users")


def marked(database: str, key: Key = USERS, *, installation: str = "here") -> Marked:
    """Return a database with the mark of an alias."""
    return Marked(database, Mark(installation, key.namespace, key.name))


def told(*found: Marked, claimed: dict[Key, str], unread: tuple[Key, ...] = ()) -> JSON:
    """Return what the status says."""
    return render_orphans(found, installation="here", claimed=claimed, unread=unread)


def test_database_whose_alias_is_gone_is_an_orphan_and_says_whose_it_was() -> None:
    """Applying that alias again takes it back."""
    assert told(marked("shop_users"), claimed={}) == {
        "count": 1,
        "databases": [{"name": "shop_users", "alias": "shop/users"}],
    }


def test_claimed_databases_and_those_of_other_installations_are_none() -> None:
    """Another cluster's retained database is not ours to list."""
    found = (marked("shop_users"), marked("theirs", installation="there"))
    assert told(*found, claimed={USERS: "shop_users"}) == {"count": 0, "databases": []}


def test_former_database_of_an_alias_that_has_another_one_now_is_an_orphan() -> None:
    """The alias was deleted and applied again under another name."""
    found = (marked("old"), marked("new"))
    assert told(*found, claimed={USERS: "new"})["databases"] == [
        {"name": "old", "alias": "shop/users"}
    ]


def test_nothing_of_an_alias_that_cannot_be_read_is_an_orphan() -> None:
    """It may claim it still."""
    assert told(marked("shop_users"), claimed={}, unread=(USERS,))["count"] == 0


def test_names_are_bounded_and_the_count_is_of_all() -> None:
    """A status has room for a hundred; the same hundred in every pass."""
    found = [marked(f"db{number:03}") for number in reversed(range(250))]
    status = told(*found, claimed={})
    assert status["count"] == 250
    assert [one["name"] for one in status["databases"]] == [f"db{n:03}" for n in range(100)]
