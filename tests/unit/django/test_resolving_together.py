"""Aliases beside one another: parents, claimants, kinds, and which databases are the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dbalias.api.alias import AliasMigrate
from dbalias.api.conditions import Reason
from dbalias.api.project import MigrateMode
from dbalias.django.connections import PhysicalDatabase
from dbalias.django.engines import Family
from dbalias.django.entries import EntryKind
from dbalias.django.resolve import resolve
from dbalias.django.sources import Missing, SourceKind, SourceRef
from unit.builders import (
    a_child,
    a_project,
    a_replica,
    an_alias,
    an_empty_default,
    credentials,
)
from unit.django.resolving import INVALID, problems_of


def test_a_missing_parent_may_appear_and_a_circle_may_not() -> None:
    """The first is waited for, the second is an error in both."""
    assert problems_of(a_child("a", "b")) == [("spec.inheritFrom", Reason.PARENT_NOT_FOUND)]
    assert problems_of(a_child("a", "b"), a_child("b", "a")) == [("spec.inheritFrom", INVALID)]
    assert problems_of(an_empty_default(), a_child("a", "default")) == [
        ("spec.inheritFrom", INVALID)
    ]


def test_the_older_claimant_keeps_the_alias_whatever_the_order() -> None:
    """By age, then by name."""
    old, new = an_alias(object="z", age=9), an_alias(object="a")
    for order in ([old, new], [new, old]):
        resolution = resolve(a_project(), order, {})
        assert resolution.entries["users"].object == "z"
        assert resolution.losers["a"].reason is Reason.ALIAS_CONFLICT


def test_one_alias_that_cannot_be_resolved_leaves_the_others_alone() -> None:
    """The four others flow."""
    broken = an_alias("broken", credentials=credentials("gone"))
    sources = {SourceRef(SourceKind.SECRET, "gone"): Missing()}
    resolution = resolve(a_project(), [an_alias("a"), broken, an_alias("b")], sources)
    assert set(resolution.entries) == {"a", "b"}
    assert set(resolution.owners) == {"a", "b", "broken"}


@pytest.mark.parametrize(
    ("alias", "kind"),
    [
        (an_alias(), EntryKind.PRIMARY),
        (an_alias(engine="sqlite3"), EntryKind.LOCAL),
        (replace(an_alias(), role=a_replica("r", "x").role), EntryKind.REPLICA),
        (an_empty_default(), EntryKind.EMPTY),
    ],
)
def test_the_kind_tells_whether_there_is_anything_to_migrate(alias: Any, kind: EntryKind) -> None:
    """Only a primary has migrations."""
    assert resolve(a_project(), [alias], {}).entries[alias.alias].kind is kind


def test_the_alias_decides_its_mode_before_the_project() -> None:
    """A foreign database stays foreign in a project that migrates."""
    never = an_alias("a", migrate=AliasMigrate(mode=MigrateMode.NEVER))
    resolution = resolve(a_project(), [never, an_alias("b")], {})
    assert resolution.entries["a"].mode is MigrateMode.NEVER
    assert resolution.entries["b"].mode is MigrateMode.AUTO


def test_an_alias_may_not_take_the_files_of_another_ones_migrations() -> None:
    """``users.migrate`` would be published as ``users.migrate.user``, like users' own."""
    assert problems_of(an_alias("users"), an_alias("users.migrate")) == [("spec.alias", INVALID)]


def database(**fields: str) -> str:
    """Return the key of a PostgreSQL database as seen from the namespace shop."""
    return PhysicalDatabase(Family.POSTGRESQL, **{"namespace": "shop", **fields}).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"host": "db"}, {"host": "DB", "port": "5432"}),
        ({"host": "db"}, {"host": "db.shop"}),
        ({"host": "db"}, {"host": "db.shop.svc.cluster.local."}),
    ],
)
def test_two_spellings_of_one_database_have_one_key(one: Any, other: Any) -> None:
    """Two runs at once on one database are what the key prevents."""
    assert database(**one) == database(**other)


@pytest.mark.parametrize(
    "other", [{"host": "db.other"}, {"host": "db", "port": "1"}, {"host": "db", "name": "x"}]
)
def test_different_databases_have_different_keys(other: Any) -> None:
    """Else one would wait for the other without need."""
    assert database(host="db") != database(**other)
