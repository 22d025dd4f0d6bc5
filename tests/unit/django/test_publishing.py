"""The artefact, the gate before it, and the files that go with it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbalias.api.conditions import Reason
from dbalias.api.meta import JSON
from dbalias.api.project import DjangoProject, Profile, ProfileEntry, PublishMode, Settings
from dbalias.api.secrets import SecretBytes
from dbalias.django import document as document_module
from dbalias.django import runtime_files as runtime_module
from dbalias.django.artefact import (
    Artefact,
    build_artefact,
    check_size,
    config_map_data,
    migrate_secret_data,
    needed_files,
    runtime_files,
    runtime_hash,
    secret_data,
    stable_document,
)
from dbalias.django.entries import Resolution
from dbalias.django.resolve import resolve
from dbalias.django.routing import build_routing
from unit.builders import a_policy, a_project, a_rule, a_secret, an_alias, credentials

AFTER = PublishMode.AFTER_MIGRATE
LOGIN = credentials(password="p")


def artefact_of(
    *aliases: Any,
    sources: Any = None,
    policies: Any = (),
    published: JSON | None = None,
    project: DjangoProject | None = None,
) -> tuple[Artefact, Resolution]:
    """Return the artefact of these declarations, and their resolution."""
    project = project or a_project()
    resolution = resolve(project, aliases, sources or {})
    routing = build_routing(project, resolution, policies, aliases=aliases)
    return build_artefact(project, resolution, routing, published=published), resolution


def desired_of(*aliases: Any, **fields: Any) -> Any:
    """Return the desired document alone."""
    return artefact_of(*aliases, **fields)[0].document


def shown(desired: JSON, published: JSON | None, *migrated: str) -> Any:
    """Return what applications may see."""
    return stable_document(desired, published, migrated=set(migrated), mode=AFTER)


DEFAULT, USERS = an_alias("default"), an_alias("users")


def test_the_document_says_all_that_was_declared() -> None:
    """Settings, extra, profiles, routers; its revision names all of it."""
    project = a_project(
        settings=Settings(module="shop.settings", extra={"REPLICAS": ["r1"]}),
        profiles=(Profile("web", (ProfileEntry("*", {"CONN_MAX_AGE": 300}),)),),
    )
    found = desired_of(DEFAULT, project=project)
    assert found["settings"] == {"module": "shop.settings", "mode": "Overlay"}
    assert found["extra"] == {"REPLICAS": ["r1"]}
    assert found["profiles"] == {"web": {"*": {"CONN_MAX_AGE": 300}}}
    assert found["revision"] == desired_of(DEFAULT, project=project)["revision"]
    assert found["revision"] != desired_of(DEFAULT)["revision"]


def test_an_isolation_level_for_every_alias_is_spelled_for_each() -> None:
    """Backends want different words; an entry of its own comes before it."""
    level = {"OPTIONS": {"isolation_level": "read committed", "connect_timeout": 5}}
    own = {"OPTIONS": {"isolation_level": "serializable"}}
    profile = Profile("web", (ProfileEntry("*", level), ProfileEntry("b", own)))
    aliases = DEFAULT, an_alias("a", engine="mysql"), an_alias("b")
    found = desired_of(*aliases, project=a_project(profiles=(profile,)))
    assert found["profiles"]["web"] == {
        "*": {"OPTIONS": {"connect_timeout": 5}},
        "default": {"OPTIONS": {"isolation_level": 2}},
        "a": {"OPTIONS": {"isolation_level": "read committed"}},
        "b": {"OPTIONS": {"isolation_level": 4}},
    }


def test_a_password_changes_no_revision() -> None:
    """It flows through the Secret; the document only names the file."""
    alias = an_alias("default", credentials=LOGIN)
    one, other = (desired_of(alias, sources=a_secret(p=value)) for value in ("a", "b"))
    assert one == other


def test_an_alias_that_breaks_keeps_its_last_good_entry() -> None:
    """One that never had an entry is named with the reason instead."""
    alias = an_alias("users", credentials=LOGIN)
    good = desired_of(DEFAULT, alias, sources=a_secret(p="x"))
    assert desired_of(DEFAULT, alias, published=good)["databases"] == good["databases"]
    assert desired_of(DEFAULT, alias)["unavailable"] == {"users": "Unreadable"}


def test_nothing_is_published_without_a_default() -> None:
    """Django refuses every command then."""
    assert shown(desired_of(USERS), None, "users") is None
    assert shown(desired_of(DEFAULT, USERS), None, "users") is None


def test_a_new_alias_appears_when_it_is_migrated() -> None:
    """Until then it is named as pending, and the others flow."""
    desired = desired_of(DEFAULT, USERS)
    first = shown(desired, None, "default")
    assert set(first["databases"]) == {"default"}
    assert first["unavailable"] == {"users": "Pending"}
    assert shown(desired, first, "default", "users") == desired


def test_publishing_immediately_waits_for_nothing() -> None:
    """The project asked for it."""
    desired = desired_of(DEFAULT, USERS)
    mode = PublishMode.IMMEDIATELY
    assert stable_document(desired, None, migrated=set(), mode=mode) == desired


@pytest.mark.parametrize(
    ("key", "fields"),
    [("HOST", {"host": "new"}), ("PORT", {"port": 1}), ("NAME", {"name": "new"})],
)
def test_an_entry_that_leads_elsewhere_waits_as_a_whole(key: str, fields: Any) -> None:
    """No pod of the old release meets a database without tables, nor options of another server."""
    before = desired_of(DEFAULT, an_alias(host="old", port=5, options={"sslmode": "disable"}))
    given = {"host": "old", "port": 5, "options": {"sslmode": "require"}, **fields}
    desired = desired_of(DEFAULT, an_alias(**given))
    held = shown(desired, before, "default")["databases"]["users"]
    assert held == before["databases"]["users"]
    assert held["settings"][key] != desired["databases"]["users"]["settings"][key]
    assert shown(desired, before, "default", "users") == desired


def test_an_entry_that_stays_where_it_leads_waits_for_nothing() -> None:
    """Whatever else changes about it flows, also while its migrations are pending."""
    before = desired_of(DEFAULT, an_alias(conn_max_age=1))
    desired = desired_of(DEFAULT, an_alias(conn_max_age=2, options={"sslmode": "require"}))
    assert shown(desired, before, "default") == desired


def test_an_address_that_changes_in_a_secret_waits_too() -> None:
    """The old one stays in the published Secret as long as the document needs it."""
    alias = an_alias(credentials=credentials(host="h", password="p"))
    old, resolution = artefact_of(DEFAULT, alias, sources=a_secret(h="old", p="1"))
    before = secret_data(resolution, published={}, keep=old.document)
    new, resolution = artefact_of(DEFAULT, alias, sources=a_secret(h="new", p="2"))
    held = shown(new.document, old.document, "default")
    data = secret_data(resolution, published=before, keep=held)
    assert held["databases"]["users"]["secrets"] == old.document["databases"]["users"]["secrets"]
    assert needed_files(held) | needed_files(new.document) <= data.keys()
    assert data["users.url"].reveal() == b"postgresql://users_user:1@old/users_data"
    assert data["users.password"].reveal() == b"1"


def test_a_login_for_another_server_is_another_file() -> None:
    """Old ConfigMap and new Secret, or the reverse: an address never meets the other's password."""
    alias = an_alias(credentials=LOGIN, host="old")
    old, resolution = artefact_of(DEFAULT, alias, sources=a_secret(p="1"))
    before = secret_data(resolution, published={}, keep=old.document)
    moved = an_alias(credentials=LOGIN, host="new")
    new, resolution = artefact_of(DEFAULT, moved, sources=a_secret(p="2"))
    after = secret_data(resolution, published=before, keep=old.document)
    for artefact, password in ((old, b"1"), (new, b"2")):
        places = {path[0]: name for path, name in login_places(artefact)}
        assert after[places["PASSWORD"]].reveal() == password


def login_places(artefact: Artefact) -> Any:
    """Return which files the entry of ``users`` reads."""
    return artefact.document["databases"]["users"]["secrets"]


def test_another_engine_keeps_the_options_of_the_old_one() -> None:
    """sslmode means nothing to MySQL."""
    before = desired_of(DEFAULT, an_alias(options={"sslmode": "require"}))
    desired = desired_of(DEFAULT, an_alias(engine="mysql", options={"charset": "utf8mb4"}))
    assert shown(desired, before, "default")["databases"] == before["databases"]


def test_routes_change_when_all_is_migrated_and_keep_what_they_use() -> None:
    """A deleted alias stays as long as a published rule leads to it."""
    old = desired_of(DEFAULT, USERS, policies=[a_policy("p", a_rule("users", "auth"))])
    new = a_policy("p", a_rule("orders", "auth"))
    desired = desired_of(DEFAULT, an_alias("orders"), policies=[new])
    held = shown(desired, old, "default")
    assert held["routing"] == old["routing"]
    assert set(held["databases"]) == {"default", "users"}
    assert held["unavailable"] == {"orders": "Pending"}
    assert shown(desired, held, "default", "orders") == desired


def test_an_alias_that_cannot_be_resolved_does_not_hold_the_routes() -> None:
    """There is nothing of it to migrate, and routes that do not lead to it flow."""
    old = desired_of(DEFAULT)
    broken = an_alias("users", credentials=LOGIN)
    desired = desired_of(DEFAULT, broken, policies=[a_policy("p", a_rule("default", "a"))])
    assert shown(desired, old, "default")["routing"] == desired["routing"]


def test_a_route_that_works_is_not_given_up_for_one_that_leads_nowhere() -> None:
    """An app that is to move to an alias without its Secret stays where its tables are."""
    old = desired_of(DEFAULT)
    broken = an_alias("users", credentials=LOGIN)
    desired = desired_of(DEFAULT, broken, policies=[a_policy("p", a_rule("users", "auth"))])
    assert shown(desired, old, "default")["routing"] == old["routing"]
    assert shown(desired, None, "default")["routing"] == desired["routing"]


def test_migration_connections_are_for_jobs_alone() -> None:
    """The stable document has no trace of them."""
    from dbalias.api.alias import AliasMigrate, MigrateConnection

    direct = AliasMigrate(connection=MigrateConnection(host="direct"))
    desired = desired_of(an_alias("default", migrate=direct))
    assert desired["databases"]["default"]["migrate"]["settings"]["HOST"] == "direct"
    assert "direct" not in json.dumps(shown(desired, None, "default"))


def test_the_published_secret_is_pruned_to_what_is_needed() -> None:
    """Files of an alias that is gone go; those of a broken one stay."""
    sources = a_secret(p="x")
    gone, broken = (an_alias(name, credentials=LOGIN) for name in ("gone", "broken"))
    old, resolution = artefact_of(DEFAULT, gone, broken, sources=sources)
    before = secret_data(resolution, published={}, keep=old.document)
    new, resolution = artefact_of(DEFAULT, broken, published=old.document)
    document = shown(new.document, old.document, "default", "broken")
    data = secret_data(resolution, published=before, keep=document)
    assert set(data) == {
        *("broken.password", "broken.user", "broken.url", "default.url"),
        *needed_files(document),
    }


def test_a_broken_alias_keeps_its_login_for_jobs() -> None:
    """Until its own Secret can be read again."""
    alias = an_alias("users", credentials=LOGIN)
    _, resolution = artefact_of(DEFAULT, alias)
    kept = {"users.migrate.user": SecretBytes(b"u")}
    stray = {"gone.migrate.user": SecretBytes(b"u")}
    assert migrate_secret_data(resolution, published=kept | stray) == kept


def test_no_function_on_the_way_into_a_config_map_takes_a_secret() -> None:
    """The type keeps them apart: neither parameter nor anything in it may be SecretBytes."""
    for module in (document_module, runtime_module):
        assert not any(value is SecretBytes for value in vars(module).values())
    assert get_type_hints(config_map_data) == {"document": Any, "return": dict[str, str]}
    source = inspect.getsource(document_module)
    assert "secret_data" not in source
    assert "reveal" not in source


SECRET = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(value=SECRET.map(lambda text: f"s3cr3t{text}"), key=st.sampled_from(["user", "password"]))
def test_no_value_of_a_secret_is_ever_in_a_config_map(value: str, key: str) -> None:
    """Whichever field it is for, and however it would be spelled in JSON."""
    fields = {"user": "u", "password": "p", "host": "h", "name": "n"}
    alias = an_alias("default", name=None, user=None, credentials=credentials(**fields))
    data = {"u": "a", "p": "b", "h": "c", "n": "d", key[0]: value}
    desired, _ = artefact_of(alias, sources=a_secret(**data))
    assert "s3cr3t" not in config_map_data(desired.document)["databases.json"]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | SECRET,
    lambda inner: st.lists(inner) | st.dictionaries(SECRET, inner),
    max_leaves=9,
)


@given(value=JSON_VALUES)
def test_any_option_reaches_django_unchanged(value: Any) -> None:
    """1.0 stays a float and null a null; nothing is turned into text."""
    alias = an_alias("default", engine="my.own.backend", options={"x": value})
    text = config_map_data(desired_of(alias))["databases.json"]
    found = json.loads(text)["databases"]["default"]["settings"]["OPTIONS"]["x"]
    assert (found, type(found)) == (value, type(value))


def test_the_published_modules_are_the_runtime_and_nothing_else() -> None:
    """A stray name in the folder would be imported by the application."""
    assert "dbalias_databases.py" in runtime_files()
    assert all(name.startswith("dbalias_") for name in runtime_files())
    assert len(runtime_hash()) == 10


def test_a_document_that_no_config_map_can_hold_is_a_problem() -> None:
    """The API server would refuse it without saying what to do."""
    assert check_size(desired_of(DEFAULT)) is None
    large = a_project(settings=Settings(extra={"LARGE": "x" * 1_000_000}))
    problem = check_size(desired_of(DEFAULT, project=large))
    assert problem is not None
    assert problem.reason is Reason.TOO_LARGE


def test_the_document_survives_being_published() -> None:
    """What is read back from the ConfigMap is what was written."""
    desired: Mapping[str, Any] = desired_of(DEFAULT, USERS, policies=[a_policy("p")])
    assert json.loads(config_map_data(desired)["databases.json"]) == desired
