"""What a Secret gives to an entry of DATABASES, by preset, by keys and by URL."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbalias.api.alias import AliasMigrate, DatabaseAlias, MigrateConnection
from dbalias.api.conditions import Reason
from dbalias.api.problems import Problem
from dbalias.api.urls import parse_url, render_url
from dbalias.django.entries import Entry
from dbalias.django.resolve import resolve
from dbalias.django.sources import Missing, SourceKind, SourceRef, Sources, Unavailable
from unit.builders import a_child, a_project, a_secret, an_alias, credentials

LOGIN = SourceRef(SourceKind.SECRET, "login")
WHOLE = {"username": "u", "password": "p", "host": "db", "port": "5433"}


def entry_of(alias: DatabaseAlias, sources: Sources) -> Entry:
    """Return the entry of one alias, which must resolve."""
    resolution = resolve(a_project(), [alias], sources)
    assert not resolution.problems
    return resolution.entries[alias.alias]


def problem_of(alias: DatabaseAlias, sources: Sources) -> Problem:
    """Return the first problem of one alias."""
    return resolve(a_project(), [alias], sources).problems[alias.alias][0]


def loaded(entry: Entry) -> dict[str, Any]:
    """Return Django's dictionary as the loader would put it together."""
    settings = {**entry.connection.settings, "OPTIONS": {}}
    settings["OPTIONS"] = dict(entry.connection.settings.get("OPTIONS", {}))
    for path, name in entry.connection.secrets:
        place = settings
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = entry.secret_data[name].reveal().decode()
    return settings


@pytest.mark.parametrize(
    ("declared", "data"),
    [
        (credentials(preset="CloudNativePG"), {**WHOLE, "dbname": "app"}),
        (credentials(preset="ServiceBinding"), {**WHOLE, "database": "app", "type": "postgresql"}),
        (credentials(preset="ServiceBinding"), {"uri": "postgresql://u:p@db:5433/app"}),
        (credentials(preset="URL"), {"url": "postgres://u:p@db:5433/app"}),
        (credentials(preset="URL"), {"uri": "postgresql://u:p@db:5433/app"}),
        (credentials(url="dsn"), {"dsn": "postgresql://u:p@db:5433/app"}),
        (
            credentials(user="a", password="b", host="c", port="d", name="e"),
            {"a": "u", "b": "p", "c": "db", "d": "5433", "e": "app"},
        ),
    ],
)
def test_every_layout_of_a_secret_comes_to_the_same_connection(declared: Any, data: Any) -> None:
    """A preset is another spelling, not another result; nothing of it is public."""
    alias = an_alias(credentials=declared, name=None, user=None)
    entry = entry_of(alias, a_secret(**data))
    found = loaded(entry)
    assert [found[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        *("u", "p", "db", "5433", "app")
    ]
    assert dict(entry.connection.settings) == {"ENGINE": "django.db.backends.postgresql"}


def test_a_declared_user_is_published_beside_its_password() -> None:
    """Both change in one object, so that no pod sees a new user with an old password."""
    entry = entry_of(an_alias(credentials=credentials()), a_secret(password="p"))
    (password, user) = (name for _, name in entry.connection.secrets)
    assert (unmarked(password), unmarked(user)) == ("users.password", "users.user")
    assert entry.secret_data[user].reveal() == b"users_user"
    assert "USER" not in entry.connection.settings


def test_without_credentials_the_user_is_public_and_no_file_is_needed() -> None:
    """Peer and certificate logins have no password at all."""
    entry = entry_of(an_alias(), {})
    assert entry.connection.settings["USER"] == "users_user"
    assert entry.connection.secrets == ()


def unmarked(name: str) -> str:
    """Return a file's name without the mark of the database that it is for."""
    return re.sub(r"\.[a-z2-7]{8}\.", ".", name)


def test_files_are_named_by_the_database_that_they_are_for() -> None:
    """A changed host is a changed entry, so that it can wait, and its login with it."""
    alias = an_alias(credentials=credentials(host="h", password="p"))
    one = entry_of(alias, a_secret(h="db1", p="x"))
    other = entry_of(alias, a_secret(h="db2", p="y"))
    again = entry_of(alias, a_secret(h="db1", p="y"))
    assert one.connection == again.connection
    assert not set(one.secret_data) & set(other.secret_data)
    assert one.connection.database.key != other.connection.database.key


def test_a_line_end_stays_in_a_password_and_goes_from_a_host() -> None:
    """A password is verbatim; in a host name no line's end can be meant."""
    alias = an_alias(credentials=credentials(host="h", password="p"))
    found = loaded(entry_of(alias, a_secret(h="db\n", p="secret\n")))
    assert (found["HOST"], found["PASSWORD"]) == ("db", "secret\n")


def test_a_migrate_connection_has_a_login_of_its_own() -> None:
    """Its user and password go into the Secret of the Jobs; the rest is the alias' own."""
    direct = MigrateConnection(host="direct", credentials=credentials("ddl", "BasicAuth"))
    alias = an_alias(credentials=credentials(), migrate=AliasMigrate(connection=direct))
    sources = {**a_secret(password="p"), **a_secret("ddl", username="owner", password="q")}
    entry = entry_of(alias, sources)
    assert entry.migration
    assert entry.migration.settings["HOST"] == "direct"
    assert entry.migration.settings["NAME"] == "users_data"
    found = {unmarked(name): value for name, value in entry.migrate_secret_data.items()}
    assert {name: value.reveal() for name, value in found.items()} == {
        "users.migrate.user": b"owner",
        "users.migrate.password": b"q",
    }
    assert set(map(unmarked, entry.secret_data)) == {"users.user", "users.password"}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (Missing(), Reason.SECRET_NOT_FOUND),
        (Unavailable("forbidden"), Reason.UNREADABLE),
        (a_secret(username="u")[LOGIN], Reason.SECRET_KEY_MISSING),
        (a_secret(password=b"\xff")[LOGIN], Reason.INVALID_CONFIGURATION),
        (a_secret(password=b"a\0b")[LOGIN], Reason.INVALID_CONFIGURATION),
    ],
)
def test_a_secret_that_cannot_be_used_says_why(source: Any, reason: Reason) -> None:
    """What another object may cure and what only an edit cures are kept apart."""
    assert problem_of(an_alias(credentials=credentials()), {LOGIN: source}).reason is reason


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:hunter2@db/app",
        "postgres://u:hunter2/x@db/app",
        "postgres://u:hunter2#x@db/app",
        "postgres://u:hunter2%zz@db/app",
        "postgres://u:hunter2@db/app?hunter2=1",
        "postgres://u:p@db/app?sslmode=hunter2",
        "postgres://u:p@db/app?connect_timeout=hunter2",
        "hunter2",
    ],
)
def test_a_bad_url_is_refused_without_being_shown(url: str) -> None:
    """The message names the Secret and the remedy, never a part of the value."""
    alias = an_alias(credentials=credentials(preset="URL"), name=None, user=None)
    problem = problem_of(alias, a_secret(url=url))
    assert problem.reason is Reason.INVALID_CONFIGURATION
    assert "hunter2" not in str(problem)
    assert "Secret login" in str(problem)


def test_an_empty_host_is_no_host() -> None:
    """To libpq it would mean a socket of the pod itself; an empty port means the default."""
    alias = an_alias(credentials=credentials(host="h", port="o", password="p"))
    problem = problem_of(alias, a_secret(h=" \n", o="1", p="x"))
    assert problem.reason is Reason.INVALID_CONFIGURATION
    assert "the key h of Secret login is empty" in str(problem)
    assert loaded(entry_of(alias, a_secret(h="db", o="", p="x")))["PORT"] == ""


@pytest.mark.parametrize(
    "port", ["0", "65536", "-1", "5432x", "5432,5433", "٣", "9" * 40, "5432,,5433"]
)
def test_a_port_from_a_secret_is_checked_like_a_declared_one(port: str) -> None:
    """Its value is not shown."""
    alias = an_alias(credentials=credentials(host="h", port="o", password="p"))
    problem = problem_of(alias, a_secret(h="db", o=port, p="x"))
    assert problem.field == "spec.port"
    assert problem.reason is Reason.INVALID_CONFIGURATION


@pytest.mark.parametrize(("key", "field"), [("h", "host"), ("n", "name"), ("u", "user")])
def test_what_no_status_can_hold_is_refused(key: str, field: str) -> None:
    """A Secret's value has the bounds of the declared field."""
    keys = {"host": "h", "name": "n", "user": "u", "password": "p"}
    alias = an_alias(engine="shop.db", name=None, user=None, credentials=credentials(**keys))
    data = {"h": "h", "n": "n", "u": "u", "p": "p", key: "x" * 2000}
    assert problem_of(alias, a_secret(**data)).field == f"spec.{field}"


def test_several_hosts_of_a_url_may_leave_ports_out() -> None:
    """libpq reads an empty one as 5432."""
    alias = an_alias(credentials=credentials(preset="URL"), name=None, user=None)
    found = loaded(entry_of(alias, a_secret(url="postgres://u:p@h1:5433,h2/n")))
    assert (found["HOST"], found["PORT"]) == ("h1,h2", "5433,")


def test_options_of_a_url_stay_secret_and_give_way_to_declared_ones() -> None:
    """What came from a Secret is not published; what is declared is nearer."""
    alias = an_alias(
        credentials=credentials(preset="URL"),
        name=None,
        user=None,
        options={"sslmode": "require"},
    )
    entry = entry_of(alias, a_secret(url="postgres://u:p@h/n?sslmode=prefer&connect_timeout=5"))
    assert entry.connection.settings["OPTIONS"] == {"sslmode": "require"}
    assert loaded(entry)["OPTIONS"] == {"sslmode": "require", "connect_timeout": "5"}


def test_a_whole_database_from_a_secret_inherits_no_address() -> None:
    """The port of the parent's server is none of this URL's business."""
    parent = an_alias("default", host="db", port=6432)
    child = a_child("users", "default", credentials=credentials(preset="URL"))
    resolution = resolve(a_project(), [parent, child], a_secret(url="postgres://u:p@h/n"))
    assert "PORT" not in loaded(resolution.entries["users"])


def test_an_own_field_beats_an_inherited_secret() -> None:
    """A replica's host stands beside the login of its parent."""
    parent = an_alias(
        "default", credentials=credentials(preset="CloudNativePG"), name=None, user=None
    )
    child = a_child("ro", "default", host="db-ro")
    resolution = resolve(a_project(), [parent, child], a_secret(**WHOLE, dbname="app"))
    found = loaded(resolution.entries["ro"])
    assert (found["HOST"], found["NAME"], found["PASSWORD"]) == ("db-ro", "app", "p")


def test_a_field_said_twice_is_refused() -> None:
    """Two sources for one field would make one of them a lie."""
    alias = an_alias(credentials=credentials(preset="BasicAuth"))
    problem = problem_of(alias, a_secret(username="u", password="p"))
    assert (problem.field, problem.reason) == ("spec.user", Reason.INVALID_CONFIGURATION)


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(user=TEXT, password=TEXT, name=TEXT)
def test_any_login_survives_a_url(user: str, password: str, name: str) -> None:
    """Whatever is in a value, encoding and reading it gives it back."""
    fields = {"user": user, "password": password, "host": "db", "port": "1", "name": name}
    parsed = parse_url(render_url("postgresql", fields))
    assert parsed is not None
    assert parsed.fields == fields


@pytest.mark.parametrize(
    ("url", "fields"),
    [
        ("mysql://h", {"host": "h"}),
        ("postgresql://h1:1,h2:2/n", {"host": "h1,h2", "port": "1,2", "name": "n"}),
        ("postgresql://[::1]:5/n", {"host": "::1", "port": "5", "name": "n"}),
        ("postgresql://%2Frun%2Fpg/n", {"host": "/run/pg", "name": "n"}),
        ("postgresql:///n", {"name": "n"}),
    ],
)
def test_a_url_may_leave_things_out_or_name_several_hosts(url: str, fields: Any) -> None:
    """libpq's forms are read as libpq reads them."""
    parsed = parse_url(url)
    assert parsed is not None
    assert parsed.fields == fields


@given(password=TEXT)
def test_any_password_reaches_django_unchanged(password: str) -> None:
    """Quotes, percent signs, braces, line ends: nothing on the way interprets them."""
    entry = entry_of(an_alias(credentials=credentials()), a_secret(password=password))
    assert loaded(entry)["PASSWORD"] == password
