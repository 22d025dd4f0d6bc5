"""The binding Secret: what consumers find in it, and what we make of one that is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbalias.api.meta import JSON
from dbalias.api.ownership import CHECKSUM
from dbalias.api.secrets import SecretBytes, fingerprint
from dbalias.api.server import ServerEngine
from dbalias.servers.bindings import (
    Binding,
    Edited,
    Foreign,
    Intact,
    Issued,
    Missing,
    Place,
    binding_name,
    build_binding,
    read_binding,
)
from dbalias.servers.marks import Mark
from unit.servers.stored import stored

MARK = Mark("dbalias/dbalias", "shop", "users")
POSTGRESQL, MARIADB = ServerEngine.POSTGRESQL, ServerEngine.MARIADB
ROTATED = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
PLACE = Place(POSTGRESQL, "db.databases.svc", "shop_users")
PASSWORD = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=128)
REQUEST = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=253)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def issued(password: str = "s3cret", **fields: Any) -> Issued:
    """Return a login as it was published."""
    given: dict[str, Any] = {"login": "shop_users_a", "rotated_at": ROTATED}
    return Issued(password=SecretBytes(password.encode()), **(given | fields))


def texts(binding: Binding) -> dict[str, str]:
    """Return the data as consumers read it."""
    return {key: value.reveal().decode() for key, value in binding.data.items()}


def test_binding_has_the_entries_of_the_specification() -> None:
    """And the Secret's own type is that of its entry."""
    binding = build_binding(PLACE, issued(), MARK)
    assert binding.type == "servicebinding.io/postgresql"
    assert texts(binding) == {
        "type": "postgresql",
        "provider": "postgresql",
        "host": "db.databases.svc",
        "port": "5432",
        "database": "shop_users",
        "username": "shop_users_a",
        "password": "s3cret",
        "uri": "postgresql://shop_users_a:s3cret@db.databases.svc:5432/shop_users",
    }


def test_mariadb_is_a_provider_of_the_type_that_consumers_know() -> None:
    """Their type is mysql; there is none called mariadb."""
    binding = build_binding(Place(MARIADB, "db", "x", port=3307), issued(), MARK)
    assert binding.type == "servicebinding.io/mysql"
    told = texts(binding)
    assert (told["type"], told["provider"], told["port"]) == ("mysql", "mariadb", "3307")
    assert told["uri"].startswith("mysql://")


def test_authority_is_beside_the_login_where_the_server_has_one() -> None:
    """Else a consumer could not verify the server."""
    binding = build_binding(replace(PLACE, ca=b"PEM"), issued(), MARK)
    assert texts(binding)["ca.crt"] == "PEM"


@given(user=TEXT, password=TEXT, database=TEXT, host=st.sampled_from(["db", "2001:db8::1"]))
def test_uri_gives_back_whatever_it_was_made_of(
    user: str, password: str, database: str, host: str
) -> None:
    """As the standard library reads it, with hosts of IPv6 in brackets."""
    place = replace(PLACE, host=host, database=database)
    parts = urlsplit(texts(build_binding(place, issued(password, login=user), MARK))["uri"])
    assert (parts.hostname, parts.port) == (host, 5432)
    assert unquote(parts.username or "") == user
    assert unquote(parts.password or "") == password
    assert unquote(parts.path[1:]) == database


@given(user=TEXT, password=PASSWORD, request_=st.none() | REQUEST)
def test_binding_that_was_written_is_read_as_it_was_issued(
    user: str, password: str, request_: str | None
) -> None:
    """It is the only memory of the password, of its time and of the request that it met."""
    login = issued(password, login=user, request=request_)
    binding = build_binding(PLACE, login, MARK)
    body = stored(binding)
    assert read_binding(body, MARK, POSTGRESQL) == Intact(login, "7")
    assert binding.is_written_in(body)


def test_binding_of_a_kept_login_is_the_same_in_every_pass() -> None:
    """A checksum that was salted anew would be written again for ever."""
    first = build_binding(PLACE, issued(), MARK)
    found = read_binding(stored(first), MARK, POSTGRESQL)
    assert isinstance(found, Intact)
    assert build_binding(PLACE, found.issued, MARK) == first


@pytest.mark.parametrize(
    "edit",
    [{"username": b"root"}, {"password": b"mine"}, {"password": None}, {"username": b"\xff"}],
    ids=["another user", "another password", "no password", "a user that is no text"],
)
def test_edited_login_is_noticed_and_the_published_one_still_known(
    edit: dict[str, bytes | None],
) -> None:
    """So that the repair leaves that one alone."""
    body = stored(build_binding(PLACE, issued(), MARK), **edit)
    assert read_binding(body, MARK, POSTGRESQL) == Edited("shop_users_a", "7")


@pytest.mark.parametrize("password", [b"", b"\xff", b"a\0b", b"x" * 600], ids=repr)
def test_password_that_cannot_be_one_is_edited_whatever_vouches_for_it(password: bytes) -> None:
    """Whoever writes Secrets can write checksums: what is no text would end the pass."""
    forged = build_binding(PLACE, issued(), MARK)
    login = replace(issued(), password=SecretBytes(password), salt="x")
    checksum = fingerprint(
        "x", {"username": SecretBytes(login.login.encode()), "password": login.password}
    )
    body = stored(forged, password=password)
    body["metadata"]["annotations"][CHECKSUM] = f"x:{checksum}"
    assert read_binding(body, MARK, POSTGRESQL) == Edited("shop_users_a", "7")


def test_edit_beside_the_login_is_repaired_without_a_rotation() -> None:
    """A host that was edited, a key that was added: the login is still the one that was issued."""
    binding = build_binding(PLACE, issued(), MARK)
    for edit in ({"host": b"elsewhere"}, {"more": b"x"}, {"uri": None}):
        body = stored(binding, **edit)
        assert isinstance(read_binding(body, MARK, POSTGRESQL), Intact)
        assert not binding.is_written_in(body)


def test_lost_annotation_or_label_is_written_again() -> None:
    """Without them the next pass, or the policy, would not know the Secret."""
    binding = build_binding(PLACE, issued(request="now"), MARK)
    for where in ("annotations", "labels"):
        for name in getattr(binding, where):
            body = stored(binding)
            del body["metadata"][where][name]
            assert not binding.is_written_in(body)


def test_secret_of_the_same_owner_is_ours_whether_or_not_the_database_was_adopted() -> None:
    """Adopting is the database's matter."""
    body = stored(build_binding(PLACE, issued(), replace(MARK, adopted=True)))
    assert isinstance(read_binding(body, MARK, POSTGRESQL), Intact)


@pytest.mark.parametrize(
    ("body", "holder"),
    [
        ({"metadata": {"name": "users-binding"}, "type": "Opaque"}, None),
        ({"metadata": {"name": "users-binding"}, "type": "servicebinding.io/postgresql"}, None),
        (stored(build_binding(PLACE, issued(), replace(MARK, name="x"))), replace(MARK, name="x")),
        (stored(build_binding(PLACE, issued(), MARK)) | {"type": "Opaque"}, MARK),
    ],
    ids=[
        "no mark",
        "another operator's of our type",
        "the mark of another alias",
        "a type that cannot be changed",
    ],
)
def test_secret_that_is_not_ours_is_foreign(body: JSON, holder: Mark | None) -> None:
    """And is never written."""
    assert read_binding(body, MARK, POSTGRESQL) == Foreign(holder)


def test_secret_that_does_not_exist_is_missing() -> None:
    """Both kinds have names of their own."""
    assert read_binding(None, MARK, POSTGRESQL) == Missing()
    assert binding_name("users") == "users-binding"
    assert binding_name("users", readers=True) == "users-binding-readonly"


def test_nothing_but_the_data_holds_the_password() -> None:
    """Annotations are shown by kubectl describe, and a repr ends in logs."""
    login = issued("hunter2!")
    binding = build_binding(PLACE, login, MARK)
    assert "hunter2" not in f"{binding!r}{login!r}{binding.annotations}"
    assert "hunter2" not in repr(read_binding(stored(binding), MARK, POSTGRESQL))
