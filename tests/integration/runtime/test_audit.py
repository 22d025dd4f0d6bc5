"""The routing audit on real models: each error, and what it tells people to change.

The shop's image with Django's own apps that belong together, and `zoo`, an app with relations of
every kind. Where an error says that something would fail, the failure is shown.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbalias.api.project import Routing, Settings, SettingsMode, Unmatched
from integration.runtime.auditing import OWN_ROUTER, SHOP, STAFF, Auditor, about, errors, warnings
from integration.runtime.pod import Outcome, Pod, a_database
from localkube.databases import DatabaseServer
from unit.builders import a_policy, a_rule, an_empty_default

CONTRIB = ("django.contrib.sites", "django.contrib.flatpages", "django.contrib.redirects")
CACHED = """
from shop.settings import *
CACHES = {"default": {
    "BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cached"
}}
"""


# what would reach the empty default


def test_models_that_no_rule_claims_are_refused_app_by_app(auditor: Auditor) -> None:
    """One sentence an app: the whole app where all of it is unclaimed, else its models."""
    auditor.install()
    claimed = a_rule("other", *STAFF, *SHOP[1:], "zoo.animal", "zoo.bird")
    told = errors(
        auditor.look(
            a_policy("p", claimed), aliases=[an_empty_default(), auditor.alias("other")], at="other"
        )
    )
    assert "`apps: [catalog]`" in about(told, "catalog.Product")
    parts = about(told, "zoo.Keeper,")
    assert "zoo.Census, zoo.Keeper, zoo.Keeper_animals, zoo.Label, zoo.Note" in parts
    assert "`models: [zoo.census, zoo.keeper, zoo.label, zoo.note]`" in parts


def test_models_that_would_reach_the_empty_default_are_refused(auditor: Auditor) -> None:
    """To write, or only to read; also the table of a cache, which is no model."""
    auditor.write(
        "own",
        OWN_ROUTER.format(
            write="'default' if model._meta.app_label == 'catalog' else None",
            read="'default' if model._meta.model_name == 'customer' else None",
        ),
    )
    auditor.write("cached", CACHED)
    told = errors(
        auditor.look(
            a_policy("p", a_rule("other", *STAFF, *SHOP)),
            aliases=[an_empty_default(), auditor.alias("other")],
            at="other",
            settings=Settings(module="cached"),
            routing=Routing(before=("own.Router",), unmatched=Unmatched.DEFAULT_ONLY),
        )
    )
    for model in ("catalog.Category", "customers.Customer", "django_cache.CacheEntry"):
        assert 'would reach the empty default "default"' in about(told, model)
    assert "`apps: [django_cache]`" in about(told, "django_cache.CacheEntry")


# writes to replicas, and tables where none may be


def test_models_written_to_a_replica_are_refused_in_one_sentence(auditor: Auditor) -> None:
    """All of them, for the one router or rule that is to be changed."""
    auditor.write("own", OWN_ROUTER.format(write="'copy'", read="None"))
    aliases = [auditor.alias("default"), auditor.replica()]
    told = errors(auditor.look(aliases=aliases, routing=Routing(before=("own.Router",))))
    sentence = about(told, "would be written to the replica")
    assert sentence.startswith("admin.LogEntry, auth.Group, ")
    assert 'more would be written to the replica "copy": name its primary' in sentence


def test_settings_without_the_published_routers_are_refused(auditor: Auditor) -> None:
    """Imported, and DATABASES alone: no policy is in force, and a replica would be migrated."""
    auditor.write("own", "from shop.settings import *\nfrom dbalias_databases import DATABASES\n")
    auditor.pod.env |= {"DJANGO_SETTINGS_MODULE": "own", "PYTHONPATH": str(auditor.pod.mount)}
    told = errors(
        auditor.look(
            a_policy("p", a_rule("default", "*")),
            aliases=[auditor.alias("default"), auditor.replica()],
            settings=Settings(module="own", mode=SettingsMode.IMPORTED),
        )
    )
    lacking = about(told, "DATABASE_ROUTERS of own lacks")
    assert "dbalias_routers.Guard" in lacking
    assert "import DATABASE_ROUTERS from dbalias_databases" in lacking
    assert "(replica)" in about(told, 'would be migrated on "copy"')


# constraints to tables of other databases


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory, postgres: DatabaseServer) -> Iterator[Outcome]:
    """What is found in an image whose relations lead from `default` to `other`."""
    pod = Pod(tmp_path_factory.mktemp("split"))
    auditor = Auditor(pod, a_database(postgres))
    auditor.install(*CONTRIB)
    apart = a_rule("other", "sites", "zoo.animal", "auth.user")
    yield auditor.look(a_policy("p", apart, a_rule("default", "*")))
    pod.close()


@pytest.mark.parametrize(
    ("place", "target"),
    [
        ("zoo.Bird", "zoo.Animal"),
        ("zoo.Keeper_animals", "zoo.Animal"),
        ("flatpages.FlatPage_sites", "sites.Site"),
        ("redirects.Redirect", "sites.Site"),
        ("admin.LogEntry", "auth.User"),
    ],
    ids=[
        "the parent of multi-table inheritance",
        "an automatic join table",
        "flatpages and sites",
        "redirects and sites",
        "the admin's log and its users",
    ],
)
def test_constraint_to_another_database_is_refused(split: Outcome, place: str, target: str) -> None:
    """With both models, where each is made, and both ways out."""
    assert about(errors(split), f"{place} is migrated on") == (
        f'{place} is migrated on "default" with a foreign key to {target}, which is migrated on '
        "other: route both to one database, or set db_constraint=False"
    )


def test_relation_without_a_constraint_is_only_a_warning(split: Outcome) -> None:
    """`db_constraint=False`, and a generic relation: nothing fails, and nothing can be joined."""
    told = split.report["audit"]["warnings"]
    assert "name both in `relations`" in about(told, "zoo.Note (in default)", "zoo.Animal")
    assert about(told, "zoo.Animal (in other) refers to zoo.Label")
    assert not [one for one in told if "zoo.Bird" in one]


def test_permissions_without_content_types_are_refused_even_when_their_table_is_there(
    auditor: Auditor, postgres: DatabaseServer
) -> None:
    """Django makes them after each migrate: what the audit refuses would fail."""
    own = Auditor(auditor.pod, a_database(postgres))
    own.publish(a_policy("p", a_rule("default", "*")))
    assert own.pod.run("default").code == 0
    own.database.rows("DROP TABLE django_content_type CASCADE")
    apart = a_policy("p", a_rule("other", "contenttypes", "admin"), a_rule("default", "*"))
    own.publish(apart)

    refused, failed = own.pod.run("default", "--check"), own.pod.run("default", "--audit=Warn")

    assert "makes permissions after each migrate" in about(errors(refused), "auth.Permission")
    assert failed.code == 5
    assert "django_content_type" in failed.output


def test_constraint_of_a_table_that_is_made_already_is_only_a_warning(
    auditor: Auditor, postgres: DatabaseServer
) -> None:
    """Refusing the next release because of the last would help nobody."""
    own = Auditor(auditor.pod, a_database(postgres))
    own.publish(a_policy("p", a_rule("default", "*")))
    assert own.pod.run("default").code == 0
    own.database.rows("ALTER TABLE catalog_category RENAME TO elsewhere")
    apart = a_policy("p", a_rule("other", "catalog.category"), a_rule("default", "*"))
    told = warnings(own.look(apart))
    assert about(told, "catalog.Product is migrated on", "catalog.Category")


LEGACY = """
from django.db import models

class Ledger(models.Model):
    class Meta:
        managed = False

class Entry(models.Model):
    ledger = models.ForeignKey(Ledger, on_delete=models.CASCADE)
"""


def test_constraint_to_a_table_that_migrations_may_make_by_sql_is_only_a_warning(
    auditor: Auditor,
) -> None:
    """Of a model that Django does not manage; routed to another database it is refused."""
    auditor.install("legacy")
    (auditor.pod.image / "legacy").mkdir()
    auditor.write("legacy/__init__", "")
    auditor.write("legacy/models", LEGACY)
    together = auditor.look(a_policy("p", a_rule("default", "*")))
    assert about(warnings(together), "legacy.Entry", "legacy.Ledger, whose table is not there")
    apart = auditor.look(a_policy("p", a_rule("other", "legacy.ledger"), a_rule("default", "*")))
    assert "migrated on nowhere" in about(errors(apart), "legacy.Entry")


# routers of the project that misbehave

ASTRAY = """
class Astray:
    def db_for_read(self, model, **hints):
        return "nowhere" if model._meta.app_label == "catalog" else None

    def db_for_write(self, model, **hints):
        return 7 if model._meta.app_label == "orders" else None

class Broken:
    def db_for_write(self, model):
        raise KeyError("s3cret")

    def allow_migrate(self, db, app_label, **hints):
        raise ValueError("s3cret")
"""


def test_router_that_raises_or_answers_nonsense_is_refused_with_its_path(auditor: Auditor) -> None:
    """What it raises is named by type alone: its message may hold values."""
    auditor.write("own", ASTRAY)
    routers = Routing(before=("own.Astray", "own.Broken"))
    outcome = auditor.look(routing=routers)
    told = errors(outcome)
    unknown = about(told, 'the alias "nowhere", which does not exist')
    assert unknown.startswith("the router own.Astray answers")
    assert "catalog.Category, catalog.Product" in unknown
    assert "when asked db_for_read" in unknown
    assert "routing.before" in unknown
    assert "orders.Order" in about(told, "own.Astray", "no alias but a int")
    assert about(told, "own.Broken raises KeyError when asked db_for_write")
    assert about(told, "own.Broken raises ValueError when asked allow_migrate")
    assert "s3cret" not in str(outcome.report)
