"""Real drivers refuse what is wrong, and the runner says so without saying the secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from dbalias.api.alias import AliasMigrate, MigrateConnection
from integration.runtime.pod import Database, Outcome, Pod, a_database
from localkube.databases import DatabaseServer, MariaDBServer, PostgresServer
from unit.builders import a_secret, an_alias, credentials

MARK = "s3cr3tM4rk"
NASTY = f'%s {{0}} "{MARK}" \\ $HOME \''


@pytest.fixture(params=["postgres", "mariadb"])
def database(request: pytest.FixtureRequest) -> Database:
    """A database on each of the two servers in turn, with a marked password."""
    server: DatabaseServer = request.getfixturevalue(request.param)
    return a_database(server, password=f"right {NASTY}")


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[Pod]:
    """A pod of the shop."""
    made = Pod(tmp_path)
    yield made
    made.close()


def said(outcome: Outcome) -> str:
    """Return all that a run leaves behind."""
    return f"{outcome.output} {json.dumps(outcome.report, ensure_ascii=False)}"


def test_a_refused_login_is_told_without_its_password(pod: Pod, database: Database) -> None:
    """By the runner, by ``check`` and by the application's own traceback."""
    wrong = database.sources("default", password=f"wrong {NASTY}")
    pod.publish([database.alias("default")], sources=wrong)
    outcome = pod.run("default")
    assert outcome.code == 8
    assert MARK not in said(outcome)
    for words in (["check", "--database=default"], ["showmigrations"], ["shop_report"]):
        done = pod.try_manage(*words)
        assert MARK not in done.stdout + done.stderr


def test_a_refused_login_for_migrations_is_told_without_its_password(
    pod: Pod, database: Database
) -> None:
    """The connection that only Jobs use."""
    direct = MigrateConnection(user=database.user, credentials=credentials("ddl", password="p"))
    alias = database.alias("default", migrate=AliasMigrate(connection=direct))
    sources = {**database.sources("default"), **a_secret("ddl", p=f"wrong {NASTY}")}
    pod.publish([alias], sources=sources)
    outcome = pod.run("default")
    assert outcome.code in (2, 8)
    assert MARK not in said(outcome)


def test_an_option_of_a_url_that_the_server_refuses_is_not_quoted(
    pod: Pod, postgres: PostgresServer
) -> None:
    """PostgreSQL quotes it in its message, the runner does not."""
    database = a_database(postgres, password=NASTY)
    place = f"{postgres.host}:{postgres.port}/{database.name}"
    login = f"{database.user}:{quote(NASTY, safe='')}"
    url = f"postgresql://{login}@{place}?options=-c%20{MARK}%3D1"
    alias = an_alias("default", name=None, user=None, credentials=credentials(url="url"))
    pod.publish([alias], sources=a_secret(url=url))
    outcome = pod.run("default")
    assert outcome.code != 0
    assert MARK not in said(outcome)


def test_an_address_that_does_not_answer_is_told_without_the_password(
    pod: Pod, mariadb: MariaDBServer
) -> None:
    """Nothing listens there."""
    database = a_database(mariadb, password=NASTY)
    pod.publish([database.alias("default", port=1)], sources=database.sources("default"))
    outcome = pod.run("default")
    assert outcome.code == 4
    assert MARK not in said(outcome)


def test_a_process_over_a_broken_credential_ends_without_showing_it(
    pod: Pod, postgres: PostgresServer
) -> None:
    """``manage.py check``, a traceback asked for, and the runner."""
    database = a_database(postgres)
    pod.publish([database.alias("default")], sources=database.sources("default"))
    (file,) = (pod.mount / "..data").glob("default.*.password")
    file.write_bytes(f"{NASTY}".encode() + b"\xff")
    for words in (["check"], ["check", "--traceback"], ["shop_report", "--traceback"]):
        done = pod.try_manage(*words)
        assert done.returncode == 2
        assert file.name in done.stderr
        assert MARK not in done.stdout + done.stderr
    outcome = pod.run("default")
    assert outcome.code == 2
    assert MARK not in said(outcome)
