"""The routers of the guide's second half beside the policies of examples/auth-router.

On real servers: `auth_db` and `primary` on one, `replica1` and `replica2` on another that
replicates it and takes no writes. docs/how-to/guide-routers.md explains the table, which
``make guide-routers`` prints.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from integration.runtime.examples import place_of, publish_example
from integration.runtime.pod import Database, Pod, a_database
from localkube.databases import DatabaseServer, MariaDBServer

IMAGE = Path(__file__).parent / "image"
ALIASES = ("auth_db", "primary", "replica1", "replica2")
DONE = "done"
APPS = ("admin", "auth", "catalog", "contenttypes", "customers", "orders", "sessions")
OWNERS = {
    "django_admin_log": "admin",
    "django_content_type": "contenttypes",
    "django_session": "sessions",
}
"""The app of each table that is not called after it."""


class Servers(NamedTuple):
    """A primary, and a server that replicates it and is read only."""

    primary: DatabaseServer
    replica: DatabaseServer

    def wait_until_replicated(self) -> None:
        """Wait until the replica has applied all that the primary has logged."""
        ((position,),) = self.primary.admin_sql("SELECT @@gtid_binlog_pos")
        ((late,),) = self.replica.admin_sql("SELECT MASTER_GTID_WAIT(%s, 300)", [position])
        assert late == 0, self.replica.admin_sql("SHOW SLAVE STATUS")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Both servers, with replication between them."""
    folder = tmp_path_factory.mktemp("replication")
    logged = MariaDBServer(folder / "primary", settings={"log-bin": "changes", "server-id": "1"})
    reading = MariaDBServer(folder / "replica", settings={"read-only": "ON", "server-id": "2"})
    with logged as primary, reading as replica:
        password = secrets.token_urlsafe(12)
        primary.admin_sql("CREATE USER follower@'%%' IDENTIFIED BY %s", [password])
        primary.admin_sql("GRANT REPLICATION SLAVE ON *.* TO follower@'%'")
        ((position,),) = primary.admin_sql("SELECT @@gtid_binlog_pos")
        replica.admin_sql("SET GLOBAL gtid_slave_pos = %s", [position])
        replica.admin_sql(
            "CHANGE MASTER TO MASTER_HOST = %s, MASTER_PORT = %s, MASTER_USER = 'follower', "
            "MASTER_PASSWORD = %s, MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1",
            [primary.host, primary.port, password],
        )
        replica.admin_sql("START SLAVE")
        yield Servers(primary, replica)


class Migrated(NamedTuple):
    """How migrating one alias ended, and the apps that have tables there then."""

    ended: str
    apps: tuple[str, ...]


class Setting(NamedTuple):
    """The shop with one of the two kinds of settings, and its databases."""

    pod: Pod
    servers: Servers
    accounts: Database
    shop: Database

    def places(self) -> dict[str, dict[str, Any]]:
        """Return the fields of each alias."""
        address = {"host": self.servers.replica.host, "port": self.servers.replica.port}
        own = {"auth_db": place_of(self.accounts), "primary": place_of(self.shop)}
        return own | {"replica1": address, "replica2": address}

    def apps_on(self, alias: str) -> tuple[str, ...]:
        """Return the apps that have tables in the database of an alias."""
        if alias == "auth_db":
            tables = self.accounts.tables
        elif alias == "primary":
            tables = self.shop.tables
        else:
            self.servers.wait_until_replicated()
            tables = self.servers.replica.tables(self.shop.name)
        owners = {OWNERS.get(table, table.split("_")[0]) for table in tables}
        return tuple(sorted(owners & set(APPS)))


@pytest.fixture
def setting(tmp_path: Path, servers: Servers) -> Iterator[Setting]:
    """A pod without settings, and fresh databases that are replicated."""
    pod = Pod(tmp_path)
    for file in IMAGE.glob("*.py"):
        shutil.copy(file, pod.image)
    made = Setting(pod, servers, a_database(servers.primary), a_database(servers.primary))
    servers.wait_until_replicated()
    yield made
    pod.close()


def migrate_literally(
    setting: Setting, *, engine: str = "mysql", aliases: Sequence[str] = ALIASES
) -> dict[str, Migrated]:
    """Run what the guide says to run, alias by alias; return how each ended."""
    places = setting.places()
    inherited = {alias: places["primary"] | places[alias] for alias in ("replica1", "replica2")}
    databases = {
        alias: {"ENGINE": f"django.db.backends.{engine}"}
        | {key.upper(): str(value) for key, value in place.items()}
        for alias, place in (places | inherited).items()
    }
    env = {"DJANGO_SETTINGS_MODULE": "guide_settings", "GUIDE_DATABASES": json.dumps(databases)}
    ended = {}
    for alias in aliases:
        done = setting.pod.try_manage("migrate", f"--database={alias}", "--no-input", **env)
        said = done.stderr.strip() if done.returncode else DONE
        ended[alias] = Migrated(said, setting.apps_on(alias))
    return ended


def migrate_ours(setting: Setting) -> dict[str, Migrated]:
    """Publish examples/auth-router and run each alias' Job; return how each ended."""
    publish_example(setting.pod, "auth-router", setting.places())
    ended = {}
    for alias in ALIASES:
        outcome = setting.pod.run(alias)
        said = outcome.report["message"] if outcome.code else DONE
        ended[alias] = Migrated(said, setting.apps_on(alias))
    return ended


def show(title: str, found: Mapping[str, Migrated]) -> None:
    """Print how each alias ended, and what is there."""
    print(f"\n{title}")
    for alias, one in found.items():
        print(f"  {alias:9} {' '.join(one.apps) or '-':67} {one.ended.splitlines()[-1][:90]}")


def test_our_tables_are_made_in_one_place_each(setting: Setting) -> None:
    """Accounts with the admin, everything else on the primary; a replica only replicates."""
    found = migrate_ours(setting)
    show("examples/auth-router", found)

    everything_else = ("catalog", "customers", "orders", "sessions")
    never = 'alias "{}" is never migrated (replica)'
    assert found == {
        "auth_db": Migrated(DONE, ("admin", "auth", "contenttypes")),
        "primary": Migrated(DONE, everything_else),
        "replica1": Migrated(never.format("replica1"), everything_else),
        "replica2": Migrated(never.format("replica2"), everything_else),
    }


def test_the_guides_tables_are_made_in_more_places_and_partly_not_at_all(setting: Setting) -> None:
    """auth_db gets every app; the primary stops at the admin; a replica takes no tables."""
    found = migrate_literally(setting)
    show("the guide's routers", found)

    assert found["auth_db"] == Migrated(DONE, APPS)
    assert "errno: 150" in found["primary"].ended
    # MariaDB keeps the table that was made before its foreign key was refused.
    assert found["primary"].apps == ("admin",)
    for replica in ("replica1", "replica2"):
        assert "running with the --read-only option" in found[replica].ended


def test_the_guides_primary_stops_at_the_admin_on_postgresql_too(
    setting: Setting, postgres: DatabaseServer
) -> None:
    """The tables that the admin's log refers to are in auth_db; this server leaves nothing."""
    beside = Setting(
        setting.pod, Servers(postgres, postgres), a_database(postgres), a_database(postgres)
    )

    found = migrate_literally(beside, engine="postgresql", aliases=["auth_db", "primary"])
    ended = found["primary"].ended

    assert found["auth_db"] == Migrated(DONE, APPS)
    assert re.search(r'relation "(django_content_type|auth_user)" does not exist', ended)
    assert found["primary"].apps == ()


def test_both_answer_alike_but_for_the_admin(setting: Setting) -> None:
    """Reads, writes and relations of every model; ours keep the admin beside the accounts."""
    publish_example(setting.pod, "auth-router", setting.places())
    (setting.pod.image / "manage.py").write_text("import guide_answers\n")

    answers = json.loads(setting.pod.manage())

    ours, literal = answers["ours"], answers["literal"]
    differing = {key: (ours[key], literal[key]) for key in ours if ours[key] != literal[key]}
    assert differing == {
        "write admin.LogEntry": ("auth_db", "primary"),
        "read admin.LogEntry": (["auth_db"], ["replica1", "replica2"]),
    }
    assert ours["read orders.Order"] == ["replica1", "replica2"]
    assert ours["relation auth.User orders.Order"] is True
    assert len(ours) > 100


USE = """
import time
from catalog.models import Tag
from django.db import transaction
from django.db.utils import OperationalError

print("written to", Tag.objects.create(word="blue")._state.db)
deadline = time.monotonic() + 240
while not Tag.objects.using("replica1").exists():
    assert time.monotonic() < deadline
    time.sleep(0.05)
tag = Tag.objects.get()
print("read from one of", tag._state.db.rstrip("12"))
with transaction.atomic(using="primary"):
    print("read in a transaction from", Tag.objects.get()._state.db)
tag.save()
print("what a replica gave is saved to", tag._state.db)
try:
    Tag.objects.using("replica1").create(word="red")
except OperationalError as error:
    print("a replica refuses a write with", error.args[0])
"""


def test_writes_go_to_the_primary_and_reads_to_what_replicates_it(setting: Setting) -> None:
    """Through the application, with real replication between the two."""
    migrate_ours(setting)

    told = setting.pod.manage("shell", "-c", USE).splitlines()

    assert told[-5:] == [
        "written to primary",
        "read from one of replica",
        "read in a transaction from primary",
        "what a replica gave is saved to primary",
        "a replica refuses a write with 1290",
    ]
