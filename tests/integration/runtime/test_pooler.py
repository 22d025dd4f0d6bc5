"""PgBouncer between application and PostgreSQL: migrations go around it, or are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dbalias.api.alias import AliasMigrate, Credentials, DatabaseAlias, MigrateConnection, Pooler
from integration.runtime.apart import Apart
from integration.runtime.pod import Database, a_database
from localkube.databases import DatabaseServer
from stage.pooling import PgBouncer
from unit.builders import a_secret

APPLICATION = """
from concurrent.futures import ThreadPoolExecutor
from django.db import connection, transaction
from catalog.models import Category
Category.objects.bulk_create(Category(name=f"c{n}") for n in range(3000))
def count(_):
    try:
        with transaction.atomic():
            Category.objects.select_for_update().first()
            return [Category.objects.filter(name__startswith="c").count() for _ in range(8)][-1]
    finally:
        connection.close()
with ThreadPoolExecutor(6) as threads:
    assert set(threads.map(count, range(12))) == {3000}
assert sum(1 for _ in Category.objects.iterator(chunk_size=100)) >= 3000
print("max age", connection.settings_dict["CONN_MAX_AGE"])
"""


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Apart]:
    """Return a Job's pod and the application's."""
    made = Apart.make(tmp_path)
    yield made
    made.close()


@pytest.fixture
def database(postgres: DatabaseServer) -> Database:
    """Return an empty database."""
    return a_database(postgres)


def behind(pooler: PgBouncer, database: Database, /, **fields: Any) -> DatabaseAlias:
    """Return the alias `default` that leads to the pooler."""
    return database.alias("default", host=pooler.host, port=pooler.port, **fields)


def past_it(database: Database) -> AliasMigrate:
    """Return a migrate.connection to the server itself."""
    server = database.server
    return AliasMigrate(connection=MigrateConnection(host=server.host, port=server.port))


def test_migrations_go_around_a_transaction_pooler_and_the_application_through_it(
    apart: Apart, database: Database
) -> None:
    """Threads, transactions and iterators over many rows work there; no migration was seen."""
    with PgBouncer(database) as pooler:
        alias = behind(pooler, database, pooler=Pooler.TRANSACTION, migrate=past_it(database))
        apart.publish(alias, sources=database.sources("default"))
        outcome = apart.job.run("default")
        seen = pooler.transactions()
        printed = apart.app.manage("shell", "-c", APPLICATION)

        assert outcome.code == 0, outcome.output
        assert outcome.report["appliedCount"] == 24
        assert seen == 0
        assert pooler.transactions() > 12
        assert "max age 0" in printed


def test_a_transaction_pooler_that_nobody_declared_is_refused_before_any_lock(
    apart: Apart, database: Database
) -> None:
    """Exit 12 with the remedy; nothing stays behind in a session that the application uses."""
    with PgBouncer(database) as pooler:
        apart.publish(behind(pooler, database), sources=database.sources("default"))
        outcome = apart.job.run("default")
        left = database.lock_holders
        timeout = apart.app.manage(
            "shell",
            "-c",
            "from django.db import connection as c\n"
            "with c.cursor() as cursor:\n"
            "    cursor.execute('SHOW statement_timeout'); print(cursor.fetchone()[0])",
        )

    assert outcome.code == 12, outcome.output
    assert outcome.report["reason"] == "PoolerInTheWay"
    assert "spec.migrate.connection" in outcome.report["message"]
    assert database.tables == set()
    assert left == []
    assert timeout.split()[-1] == "0"


def test_a_session_pooler_carries_the_lock(apart: Apart, database: Database) -> None:
    """Its sessions are the server's own: two runs at once, one of which waits."""
    with PgBouncer(database, "session") as pooler:
        alias = behind(pooler, database, pooler=Pooler.SESSION)
        apart.publish(alias, sources=database.sources("default"))
        outcomes = [run.end() for run in [apart.job.start("default") for _ in range(2)]]

    assert [outcome.code for outcome in outcomes] == [0, 0], outcomes
    assert sorted(outcome.report["appliedCount"] for outcome in outcomes) == [0, 24]


def test_a_statement_pooler_is_refused_too(apart: Apart, database: Database) -> None:
    """It lets no transaction begin."""
    with PgBouncer(database, "statement") as pooler:
        apart.publish(behind(pooler, database), sources=database.sources("default"))
        outcome = apart.job.run("default")

    assert outcome.code == 12, outcome.output


def test_every_field_of_migrate_connection_is_the_jobs_alone(
    apart: Apart, database: Database
) -> None:
    """Host, user, password and options are used by the Job, and in no file of the application."""
    server, owner = database.server, f"{database.name}_owner"
    password = "for-migrations-only"
    server.admin_sql(f"CREATE ROLE {owner} LOGIN PASSWORD '{password}'")
    server.admin_sql(f"ALTER DATABASE {database.name} OWNER TO {owner}")
    server.admin_sql(f"ALTER ROLE {database.user} CONNECTION LIMIT 0")
    connection = MigrateConnection(
        host="localhost",
        port=server.port,
        user=owner,
        credentials=Credentials(secret="owner-login", keys={"password": "password"}),
        options={"application_name": "only-in-jobs"},
    )
    alias = database.alias("default", migrate=AliasMigrate(connection=connection))
    sources = database.sources("default") | a_secret("owner-login", password=password)
    apart.publish(alias, sources=sources)

    outcome = apart.job.run("default")

    owners = database.rows("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    assert outcome.code == 0, outcome.output
    assert owners == [(owner,)]
    for path in apart.app.mount.iterdir():
        text = path.read_text() if path.is_file() else ""
        for secret in (password, owner, "only-in-jobs", "localhost"):
            assert secret not in text or path.suffix == ".py", path
