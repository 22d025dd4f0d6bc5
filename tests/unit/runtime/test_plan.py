"""The plan of one alias and its missing tables, on SQLite databases in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.test.utils import override_settings

from dbalias_plan import missing_tables, read_plan

WITHOUT_AUTH = override_settings(MIGRATION_MODULES={"auth": None})
"""Makes of auth an app that has models and no migrations."""


@pytest.fixture
def connection() -> Iterator[Any]:
    """A database in which content types are migrated."""
    connection = connections["shard"]
    call_command("migrate", "contenttypes", database="shard", verbosity=0)
    yield connection
    connection.connection = None  # a database in memory ends with its last session


def test_recorded_migrations_without_their_table_leave_it_missing(connection: Any) -> None:
    """Named with its model; tables of pending migrations are not missing."""
    connection.cursor().execute("DROP TABLE django_content_type")
    assert missing_tables(connection, None) == {"django_content_type": "contenttypes.ContentType"}


def test_tables_of_an_app_without_migrations_are_not_called_missing(connection: Any) -> None:
    """No migration of theirs is recorded, and Django's migrate makes none."""
    with WITHOUT_AUTH:
        assert missing_tables(connection, None) == {}


def test_plan_for_no_app_is_empty_and_without_a_choice_is_for_all(connection: Any) -> None:
    """Where each app that migrate.apps names has no migrations, nothing is pending."""
    assert read_plan(connection, []).pending == []
    assert read_plan(connection, None).pending[0] == "auth.0001_initial"
