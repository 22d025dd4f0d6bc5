"""The guide's second example: what each command does while ``default`` is empty, on real servers.

Documented in docs/how-to/empty-default.md, which the tables here read like.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from environments import environment, running_interpreter
from integration.runtime.browsing import running
from integration.runtime.examples import place_of, publish_example
from integration.runtime.pod import Database, Pod, a_database
from localkube.databases import DatabaseServer
from unit.builders import a_policy, a_rule

# Whoever is first makes the environment of a series, from parts that may have to be fetched.
pytestmark = pytest.mark.timeout(3600)

DUMMY = "settings.DATABASES is improperly configured. Please supply the ENGINE value."
"""The one message of Django's dummy backend."""
EMPTY = 'the alias "default" is intentionally empty: name another one with --database'
"""What the generated guard says, where Django would say nothing."""

CACHE = (
    "\nCACHES = {'default': {'BACKEND': 'django.core.cache.backends.db.DatabaseCache', "
    "'LOCATION': 'cache_table'}}\n"
)
FIXTURE = [
    {"model": "catalog.tag", "pk": 7, "fields": {"word": "blue"}},
    {"model": "catalog.category", "pk": 7, "fields": {"name": "Lamps"}},
]
NO_INPUT = "createsuperuser --no-input --username=root --email=root@example.com"


class Does(NamedTuple):
    """How a command ends: its exit code, and what it says on either stream."""

    code: int
    says: str


FAILS = Does(1, DUMMY)
WITHOUT_DATABASE = {
    # fails, because it works on default
    "migrate": FAILS,
    "showmigrations": FAILS,
    "sqlmigrate catalog 0001": FAILS,
    "loaddata fixture.json": FAILS,
    "flush --no-input": FAILS,
    "sqlflush": FAILS,
    "inspectdb": FAILS,
    "dbshell": FAILS,
    NO_INPUT: FAILS,
    "changepassword root": FAILS,
    "createcachetable": Does(1, EMPTY),
    # fails, and takes no --database
    "squashmigrations catalog 0002 --no-input": FAILS,
    # works
    "check": Does(0, "no issues"),
    "makemigrations --check --dry-run": Does(0, "No changes detected"),
    "optimizemigration catalog 0001": Does(0, "No optimizations possible"),
    "clearsessions": Does(0, ""),
    # does nothing and exits 0
    "dumpdata": Does(0, EMPTY),
    "remove_stale_contenttypes --no-input": Does(0, EMPTY),
    "sqlsequencereset catalog": Does(0, "No sequences found."),
    "loaddata --database=users fixture.json": Does(0, "Installed 0 object(s) (of 2)"),
}
WITH_DATABASE = {
    "migrate --database=users": Does(0, "No migrations to apply"),
    "showmigrations --database=customers": Does(0, "[X] 0001_initial"),
    "sqlmigrate --database=customers catalog 0001": Does(0, "CREATE TABLE"),
    "loaddata --database=customers fixture.json": Does(0, "Installed 2 object(s)"),
    "dumpdata --database=customers catalog.tag": Does(0, '"word": "blue"'),
    "sqlflush --database=customers": Does(0, "catalog_tag"),
    "inspectdb --database=customers catalog_tag": Does(0, "class CatalogTag"),
    f"{NO_INPUT} --database=users": Does(0, "Superuser created"),
    "createcachetable --database=users": Does(0, ""),
    "remove_stale_contenttypes --no-input --database=users": Does(0, ""),
    "flush --no-input --database=customers": Does(0, ""),
}


def ending(done: subprocess.CompletedProcess[str]) -> Does:
    """Return how a command ended, with all that it said."""
    return Does(done.returncode, f"{done.stdout}\n{done.stderr}")


class Second(NamedTuple):
    """The guide's second example, published and migrated."""

    pod: Pod
    users: Database
    customers: Database

    def run(self, line: str) -> Does:
        """Run a command line of manage.py; return how it ended, with all that it said."""
        return ending(self.pod.try_manage(*line.split()))

    def differences(self, table: Mapping[str, Does], *before: str) -> dict[str, Does]:
        """Return the commands that end otherwise than a table says, and how they did.

        ``before``: words that stand before each; then it is one word, else it is split.
        """
        lines = [[*before, line] if before else line.split() for line in table]
        ended = dict(zip(table, map(ending, self.pod.manage_each(*lines)), strict=True))
        return {
            line: did
            for line, did in ended.items()
            if did.code != table[line].code or table[line].says not in did.says
        }


@pytest.fixture
def second(tmp_path: Path, mariadb: DatabaseServer) -> Iterator[Callable[[str], Second]]:
    """A function that sets the second example up for one series of Django."""
    pod = Pod(tmp_path)
    pod.env["DJANGO_SUPERUSER_PASSWORD"] = "open-sesame"

    def set_up(series: str) -> Second:
        pod.python = environment(running_interpreter(), f"django-{series}", "pymysql").python
        (pod.image / "fixture.json").write_text(json.dumps(FIXTURE))
        with (pod.image / "shop" / "settings.py").open("a") as settings:
            settings.write(CACHE)
        users, customers = a_database(mariadb), a_database(mariadb)
        places = {"users": place_of(users), "customers": place_of(customers)}
        places["users"]["test"] = {"name": users.name}
        places["customers"]["test"] = {"name": customers.name}
        cache = a_policy("cache", a_rule("users", "django_cache"), order=30)
        publish_example(pod, "guide-second", places, policies=[cache])
        for alias in places:
            outcome = pod.run(alias)
            assert outcome.code == 0, outcome.output
        return Second(pod, users, customers)

    yield set_up
    pod.close()


@pytest.mark.parametrize("series", ["4.2", "5.2"])
def test_commands_without_a_database_fail_work_or_say_that_they_found_nothing(
    second: Callable[[str], Second], series: str
) -> None:
    """Exit code and message of each, in the oldest supported Django and in the usual one."""
    shop = second(series)

    assert shop.differences(WITHOUT_DATABASE) == {}
    strict = shop.pod.try_manage("dumpdata", PYTHONWARNINGS="error::RuntimeWarning")
    assert strict.returncode == 1
    assert EMPTY in strict.stderr


def test_the_same_commands_with_a_database_work(second: Callable[[str], Second]) -> None:
    """One at a time, each on the database where its tables are."""
    shop = second("5.2")

    assert shop.differences(WITH_DATABASE) == {}
    assert "cache_table" in shop.users.tables
    assert shop.users.rows("SELECT username FROM auth_user") == [("root",)]
    assert shop.customers.rows("SELECT * FROM catalog_tag") == []


CODE = {
    # transaction.atomic() without using
    "from django.db import transaction\nwith transaction.atomic(): pass": Does(1, DUMMY),
    "from django.db import transaction\nwith transaction.atomic(using='users'): pass": Does(0, ""),
    # raw SQL without a name
    "from django.db import connection; connection.cursor()": Does(1, DUMMY),
    # a model with a route, and one without
    "from catalog.models import Tag; print(Tag.objects.count(), 'tags')": Does(0, "0 tags"),
    "from concurrent_index.models import Reading; Reading.objects.count()": Does(
        1,
        'concurrent_index.Reading is claimed by no routing rule, and "default" is intentionally '
        "empty: add `apps: [concurrent_index]`",
    ),
    # a route can be named by hand: the table is not there
    "from concurrent_index.models import Reading; Reading.objects.using('users').count()": Does(
        1, "concurrent_index_reading' doesn't exist"
    ),
}


def test_code_that_names_no_database_fails_where_no_rule_names_one(
    second: Callable[[str], Second],
) -> None:
    """Models with a rule work; what works on default fails with Django's words or with ours."""
    shop = second("5.2")
    shop.pod.env["SHOP_EXTRA_APPS"] = "concurrent_index"

    assert shop.differences(CODE, "shell", "-c") == {}


TESTS = """
from catalog.models import Tag
from django.test import SimpleTestCase, TestCase


class KeepsTheDefault(TestCase):
    def test_it(self):
        pass


class NamesItsDatabases(TestCase):
    databases = {"customers"}

    def test_it(self):
        Tag.objects.create(word="red")


class NeedsNone(SimpleTestCase):
    def test_it(self):
        self.assertEqual(str(Tag(word="red")), "red")
"""


def test_a_test_case_that_keeps_the_default_fails_and_the_others_pass(
    second: Callable[[str], Second],
) -> None:
    """`databases` has to be named; whatever the test does, cleaning up after it fails."""
    shop = second("5.2")
    (shop.pod.image / "test_kept.py").write_text(TESTS)

    run = shop.run("test --keepdb --no-input -v 2")

    assert run.code == 1
    assert "ERROR: test_it (test_kept.KeepsTheDefault.test_it)" in run.says
    assert DUMMY in run.says
    assert "NamesItsDatabases.test_it) ... ok" in run.says
    assert "NeedsNone.test_it) ... ok" in run.says
    assert "FAILED (errors=1)" in run.says
    assert shop.customers.rows("SELECT * FROM catalog_tag") == []


def test_the_admin_works_once_it_is_routed(second: Callable[[str], Second]) -> None:
    """Log in, add and change and delete a tag: log and session in `users`, tags in `customers`."""
    shop = second("5.2")
    assert shop.run(f"{NO_INPUT} --database=users").code == 0

    with running(shop.pod) as browser:
        welcome = browser.submit(
            "/admin/login/?next=/admin/", username="root", password="open-sesame"
        )
        browser.submit("/admin/catalog/tag/add/", word="blue")
        ((key, _),) = shop.customers.rows("SELECT id, word FROM catalog_tag")
        listed = browser.get("/admin/catalog/tag/")
        browser.submit(f"/admin/catalog/tag/{key}/change/", word="green")
        changed = shop.customers.rows("SELECT word FROM catalog_tag")
        browser.submit(f"/admin/catalog/tag/{key}/delete/", post="yes")

    assert "Site administration" in welcome
    assert "blue" in listed
    assert changed == [("green",)]
    assert shop.customers.rows("SELECT * FROM catalog_tag") == []
    logged = "SELECT object_repr, action_flag FROM django_admin_log ORDER BY id"
    assert shop.users.rows(logged) == [("blue", 1), ("green", 2), ("green", 3)]
    assert len(shop.users.rows("SELECT * FROM django_session")) == 1
