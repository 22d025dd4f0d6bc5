"""What ``dbalias manage`` refuses before anything is made, and in which order it goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from dbalias.api.alias import AliasMigrate, DatabaseAlias
from dbalias.api.meta import JSON
from dbalias.cli.manage_databases import Published, choose, find_published, in_order
from dbalias.cli.manage_words import complete, demand_command, demand_place
from dbalias.cli.refusal import RefusedError
from unit.builders import a_project, an_alias

POSTGRES: JSON = {"settings": {"ENGINE": "django.db.backends.postgresql"}}
DATABASES: dict[str, JSON] = {
    "orders": POSTGRES,
    "users": POSTGRES | {"migrate": {"secrets": [[["PASSWORD"], "users.migrate.x.password"]]}},
    "copy": POSTGRES,
    "foreign": POSTGRES,
    "file": {"settings": {"ENGINE": "django.db.backends.sqlite3"}},
}
DOCUMENT: JSON = {
    "databases": DATABASES,
    "unavailable": {"late": "SecretNotFound"},
    "routing": {
        "guard": {"never": {"default": "empty", "copy": "replica", "foreign": "not managed"}},
        "managed": ["orders", "users"],
    },
}
ALIASES = {
    name: an_alias(name, migrate=AliasMigrate(depends_on=depends_on))
    for name, depends_on in {
        "default": (), "orders": ("users",), "users": (), "copy": (), "foreign": (),
        "file": (), "late": (),
    }.items()
}  # fmt: skip


def refusal_of(words: Sequence[str], *, yes: bool = False) -> str:
    """Return why a command is not run at all, nothing if it may."""
    try:
        demand_command(words, yes=yes)
    except RefusedError as error:
        return " ".join(error.lines)
    return ""


def chosen(words: str, *names: str, every: bool = False) -> list[str]:
    """Return the aliases that a command runs on."""
    found = choose(
        names,
        every=every,
        words=words.split(),
        aliases=ALIASES,
        published=Published("shop-databases", DOCUMENT),
    )
    return [one.alias for one in found]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "a management command follows --"),
        ("--database=users", "a management command follows --"),
        ("flush", "--yes"),
        ("migrate orders zero", "--yes"),
        ("createsuperuser", "DJANGO_SUPERUSER_PASSWORD"),
        ("dbshell", "kubectl exec"),
        ("shell", "-c CODE"),
        ("runserver", "needs a terminal"),
        ("changepassword ann", "needs a terminal"),
        ("remove_stale_contenttypes", "--no-input"),
        ("dumpdata --database=users", "--database users -- dumpdata"),
        ("dumpdata --database users", "--database users -- dumpdata"),
    ],
)
def test_words_that_a_job_cannot_run_are_refused_with_the_remedy(line: str, said: str) -> None:
    """Each for its own reason, and before anything is read."""
    assert said in refusal_of(line.split())


@pytest.mark.parametrize(
    "line",
    [
        "migrate",
        "showmigrations",
        "createsuperuser --no-input --username=ann --email=a@example.org",
        "shell --command=print(1)",
        "shell -c print(1)",
        "remove_stale_contenttypes --noinput",
        "import_stock -- --database=theirs",
    ],
)
def test_words_that_need_nobody_are_run(line: str) -> None:
    """What a Job can do, and what stands behind a ``--`` of the command's own."""
    assert refusal_of(line.split()) == ""


def test_yes_allows_what_deletes_data_and_answers_its_question() -> None:
    """`flush` asks at a terminal; in a Job nobody would answer."""
    assert refusal_of(["flush"], yes=True) == ""
    assert complete(["flush"]) == ("flush", "--no-input")
    assert complete(["flush", "--noinput"]) == ("flush", "--noinput")
    assert complete(["migrate"]) == ("migrate",)


@pytest.mark.parametrize(
    ("command", "chosen", "said"),
    [
        ("dumpdata", False, "add --database ALIAS, or --all"),
        ("migrate", False, "there are: orders, users"),
        ("makemigrations", True, "takes no database"),
    ],
)
def test_place_of_a_command_is_demanded(command: str, chosen: bool, said: str) -> None:
    """Nothing reaches default only because nobody named a database."""
    with pytest.raises(RefusedError, match=said):
        demand_place([command], chosen=chosen, known=["orders", "users"])


@pytest.mark.parametrize(
    ("words", "name", "said"),
    [
        ("dumpdata", "default", "empty on purpose: name another database"),
        ("dumpdata", "user", "did you mean users?"),
        ("dumpdata", "elsewhere", "there are: copy, default"),
        ("showmigrations", "late", "not published yet (SecretNotFound)"),
        ("migrate", "copy", "is a replica"),
        ("migrate", "foreign", "not ours to migrate (mode Never)"),
        ("loaddata x", "copy", "takes no writes"),
        ("migrate", "file", "dies with its pod"),
    ],
)  # fmt: skip
def test_database_that_a_command_must_not_reach_is_refused(
    words: str, name: str, said: str
) -> None:
    """With what to name instead."""
    with pytest.raises(RefusedError) as refused:
        chosen(words, name)
    assert said in refused.value.lines[0]


@pytest.mark.parametrize("name", ["copy", "foreign", "file"])
def test_reading_is_allowed_on_every_database(name: str) -> None:
    """A dump of a replica is what replicas are for."""
    assert chosen("dumpdata", name) == [name]


def test_all_means_what_is_ours_to_migrate_in_the_order_of_dependencies() -> None:
    """`orders` comes after `users`; given by name they come in the same order, once."""
    assert chosen("createcachetable", every=True) == ["users", "orders"]
    assert chosen("createcachetable", "orders", "users", "orders") == ["users", "orders"]


def test_order_of_a_cycle_is_that_of_the_names() -> None:
    """The operator refuses it; a person's command need not fail for it."""
    loop: dict[str, DatabaseAlias] = {
        "a": an_alias("a", migrate=AliasMigrate(depends_on=("b",))),
        "b": an_alias("b", migrate=AliasMigrate(depends_on=("a",))),
    }
    assert in_order(loop) == ["a", "b"]


def a_config_map(name: str, document: JSON, *, created: str, **annotations: str) -> JSON:
    """Return a ConfigMap of the project shop."""
    owner: dict[str, Any] = {"controller": True, "uid": "uid-shop"}
    return {
        "metadata": {
            "name": name,
            "creationTimestamp": created,
            "annotations": annotations,
            "ownerReferences": [owner],
        },
        "data": {"databases.json": json.dumps(document)},
    }


def test_settings_are_those_of_applications_unless_jobs_have_more() -> None:
    """Connections of their own, or an alias that waits for its first migration."""
    bare = {alias: {"settings": entry["settings"]} for alias, entry in DATABASES.items()}
    published = {"dbalias.dev/published-at": "2026-01-01T00:05:00Z"}
    stable = a_config_map(
        "shop-databases", DOCUMENT | {"databases": bare}, created="2026-01-01T00:00:00Z",
        **published,
    )  # fmt: skip
    same = a_config_map(
        "shop-databases-a", DOCUMENT | {"databases": bare}, created="2026-01-01T00:01:00Z"
    )
    with_logins = a_config_map("shop-databases-b", DOCUMENT, created="2026-01-01T00:01:00Z")
    newer = a_config_map(
        "shop-databases-c", DOCUMENT | {"databases": {}}, created="2026-01-01T00:09:00Z"
    )
    older = a_config_map(
        "shop-databases-d", DOCUMENT | {"databases": {}}, created="2026-01-01T00:02:00Z"
    )
    for others, name in (
        ([], "shop-databases"),
        ([same], "shop-databases"),
        ([with_logins], "shop-databases-b"),
        ([with_logins, newer], "shop-databases-c"),
        ([older], "shop-databases"),
    ):
        assert find_published(a_project(), [stable, *others]).config_map == name
    assert find_published(a_project(), [with_logins]).config_map == "shop-databases-b"


def test_nothing_published_is_refused() -> None:
    """Neither a foreign ConfigMap nor a damaged one counts."""
    damaged = a_config_map("shop-databases", DOCUMENT, created="2026-01-01T00:00:00Z")
    damaged["data"] = {}
    foreign = a_config_map("shop-databases", DOCUMENT, created="2026-01-01T00:00:00Z")
    foreign["metadata"]["ownerReferences"] = []
    with pytest.raises(RefusedError, match="dbalias status shop"):
        find_published(a_project(), [damaged, foreign])


def test_only_an_alias_with_a_login_for_jobs_alone_reads_it() -> None:
    """Its Secret is mounted for no other alias' Job."""
    published = Published("shop-databases-b", DOCUMENT)
    assert published.has_own_login("users")
    assert not published.has_own_login("orders")
