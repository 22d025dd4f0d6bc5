"""Every way a run can end, each with its exit code and a message that helps."""

from __future__ import annotations

import dataclasses
import json

from dbalias.api.project import Settings
from dbalias.django.sources import SourceRef, SourceState
from integration.runtime.pod import EXPRESS, Pod, a_database
from integration.runtime.test_lock import publish_default
from integration.runtime.waiting import LOOK, wait
from localkube.databases import DatabaseServer
from localkube.ports import reserve_port
from unit.builders import a_policy, a_project, a_rule

AWKWARD = [
    'it\'s "quoted"',
    "back\\slash\\",
    "100%s %(x)s %",
    "{{ template }} {% x %} ${HOME} $$",
    "two\nlines\tand a tab",
    " spaces around ",
    "pässwörd-密码-🔑",
    "a:b/c@d?e#f&g;h`i|j",
]


def test_passwords_of_any_characters_log_in(pod: Pod, server: DatabaseServer) -> None:
    """Quotes, backslashes, templates, newlines and unicode arrive as they are."""
    found = {f"db{i}": a_database(server, password) for i, password in enumerate(AWKWARD)}
    found["default"] = a_database(server, "".join(AWKWARD))
    sources: dict[SourceRef, SourceState] = {}
    for alias, database in found.items():
        sources |= database.sources(alias)
    pod.publish([database.alias(alias) for alias, database in found.items()], sources=sources)

    outcome = pod.run("default", "--app=contenttypes")
    opened = pod.manage(
        "shell",
        "-c",
        "from django.db import connections\n"
        "for one in connections.all(): one.ensure_connection(); print('opened', one.alias)",
    )

    assert outcome.code == 0, outcome.output
    assert {f"opened {alias}" for alias in found} <= set(opened.splitlines())


def test_a_wrong_password_is_a_refused_login(pod: Pod, server: DatabaseServer) -> None:
    """Exit 8; user and address are named, the password is not."""
    database = a_database(server)
    wrong = database.sources("default", password="wr0ng-and-secret")
    pod.publish([database.alias("default")], sources=wrong)

    outcome = pod.run("default")

    assert outcome.code == 8, outcome.output
    assert outcome.report["reason"] == "LoginRefused"
    assert database.user in outcome.report["message"]
    assert f"{server.host}:{server.port}" in outcome.report["message"]
    assert "wr0ng" not in outcome.output + json.dumps(outcome.report)


def test_a_port_without_a_server_is_unreachable(pod: Pod, server: DatabaseServer) -> None:
    """Exit 4, and that nothing listens."""
    port = reserve_port()
    publish_default(pod, server, port=port)

    outcome = pod.run("default")

    assert outcome.code == 4, outcome.output
    assert f"127.0.0.1:{port} refuses the connection" in outcome.report["message"]


def test_a_host_that_does_not_resolve_is_unreachable(pod: Pod, server: DatabaseServer) -> None:
    """Exit 4, and that the name is the trouble."""
    publish_default(pod, server, host="no-such-host.invalid")

    outcome = pod.run("default")

    assert outcome.code == 4, outcome.output
    assert "does not resolve" in outcome.report["message"]


def test_a_database_that_does_not_exist_is_named(pod: Pod, server: DatabaseServer) -> None:
    """Exit 4 on PostgreSQL; MariaDB does not tell a stranger whether a database exists: exit 8."""
    publish_default(pod, server, name="nowhere")

    outcome = pod.run("default")

    assert outcome.code == (4 if server.kind == "postgresql" else 8), outcome.output
    assert server.kind != "postgresql" or "no database nowhere" in outcome.report["message"]


def test_a_migration_that_fails_half_way_is_named_with_what_it_left(
    pod: Pod, server: DatabaseServer
) -> None:
    """Exit 5; MariaDB keeps the half-made table, PostgreSQL does not."""
    database = publish_default(pod, server)
    pod.env["SHOP_EXTRA_APPS"] = "broken"

    outcome = pod.run("default")

    is_kept = server.kind == "mariadb"
    assert outcome.code == 5, outcome.output
    assert outcome.report["reason"] == "MigrationFailed"
    assert outcome.report["current"] == "broken.0001_initial"
    assert outcome.report["message"].startswith("broken.0001_initial failed (ProgrammingError")
    assert ("stays in the database" in outcome.report["message"]) == is_kept
    assert ("broken_half" in database.tables) == is_kept


def test_settings_that_do_not_import_are_named_with_the_reason(
    pod: Pod, postgres: DatabaseServer
) -> None:
    """Exit 2, one line, the module and why."""
    database = a_database(postgres)
    project = a_project(settings=Settings(module="shop.setings"))
    pod.publish([database.alias("default")], sources=database.sources("default"), project=project)

    outcome = pod.run("default")

    assert outcome.code == 2
    assert "shop.setings" in outcome.report["message"]
    assert "is not in this image" in outcome.report["message"]


def test_a_missing_credential_is_named_by_alias_and_file(
    pod: Pod, postgres: DatabaseServer
) -> None:
    """Exit 2 without a traceback when the mounted Secret lacks a file."""
    publish_default(pod, postgres)
    # <alias>.password is for other readers; the loader's file also names the database.
    (needed,) = (pod.mount / "..data").glob("default.*.password")
    needed.unlink()

    outcome = pod.run("default")

    assert outcome.code == 2
    assert 'alias "default"' in outcome.report["message"]
    assert needed.name in outcome.report["message"]
    assert "Traceback" not in outcome.output


def test_an_unknown_alias_is_refused_with_the_known_ones(
    pod: Pod, postgres: DatabaseServer
) -> None:
    """Exit 2."""
    publish_default(pod, postgres)

    outcome = pod.run("users")

    assert outcome.code == 2
    assert outcome.report["message"] == 'there is no alias "users"; there are default'


def test_tables_that_routing_allows_too_late_are_missing(pod: Pod, server: DatabaseServer) -> None:
    """Exit 9: Django has recorded the migrations and finds nothing to do."""
    first, second = a_database(server), a_database(server)
    aliases = [first.alias("default"), second.alias("users")]
    sources = first.sources("default") | second.sources("users")
    pod.publish(aliases, [a_policy("p", a_rule("default", "*"))], sources=sources)
    assert pod.run("users").code == 0
    moved = a_policy("p", a_rule("users", "customers"), a_rule("default", "catalog", "auth"))
    pod.publish(aliases, [moved], sources=sources)

    outcome = pod.run("users")

    assert outcome.code == 9, outcome.output
    assert outcome.report["missingTables"] == ["customers_customer"]
    assert "--fake APP zero" in outcome.report["message"]


def test_tables_that_signals_after_migrate_miss_are_missing_tables(
    pod: Pod, server: DatabaseServer
) -> None:
    """Exit 9 too: creating permissions fails first, and its error would not say what to do."""
    first, second = a_database(server), a_database(server)
    aliases = [first.alias("default"), second.alias("users")]
    sources = first.sources("default") | second.sources("users")
    pod.publish(aliases, [a_policy("p", a_rule("default", "*"))], sources=sources)
    assert pod.run("users").code == 0
    pod.publish(aliases, sources=sources)

    outcome = pod.run("users")

    assert outcome.code == 9, outcome.output
    assert "auth_permission" in outcome.report["missingTables"]


def test_an_older_image_finds_nothing_to_do_and_tells_what_the_database_has(
    pod: Pod, server: DatabaseServer
) -> None:
    """Exit 0 with `ahead`; the newer image again: nothing to do and nothing ahead."""
    publish_default(pod, server)
    assert pod.run("default").code == 0
    pod.install("1.4")
    older = pod.run("default")
    pod.install("1.5")
    newer = pod.run("default")

    assert older.code == newer.code == 0
    assert older.report["appliedCount"] == newer.report["appliedCount"] == 0
    assert older.report["ahead"] == [f"orders.{EXPRESS}"]
    assert newer.report["ahead"] == []


def test_apps_named_for_an_alias_are_the_only_ones_migrated(
    pod: Pod, postgres: DatabaseServer
) -> None:
    """--app, repeated: one after the other, with what they depend on."""
    database = publish_default(pod, postgres)

    outcome = pod.run("default", "--app=customers", "--app=sessions")

    assert outcome.code == 0, outcome.output
    assert database.tables == {"customers_customer", "django_session", "django_migrations"}


def test_a_command_of_the_project_runs_under_the_same_lock_and_report(
    pod: Pod, postgres: DatabaseServer
) -> None:
    """--command gets --database and the arguments; what it applied is reported."""
    database = publish_default(pod, postgres)
    words = ("--command=python", "--command=manage.py", "--command=migrate", "--", "-v0")

    outcome = pod.run("default", *words)

    assert outcome.code == 0, outcome.output
    assert outcome.report["appliedCount"] == 24
    assert outcome.report["last"] == "sessions.0001_initial"
    assert "orders_order" in database.tables


def test_a_command_that_fails_is_a_failed_migration(pod: Pod, postgres: DatabaseServer) -> None:
    """Exit 5 with the command's own exit code."""
    publish_default(pod, postgres)

    outcome = pod.run(
        "default", "--command=python", "--command=-c", "--command=raise SystemExit(3)"
    )

    assert outcome.code == 5
    assert "exit code 3" in outcome.report["message"]


def test_the_program_runs_by_hand_as_a_file(pod: Pod, postgres: DatabaseServer) -> None:
    """`python /etc/dbalias/dbalias_migrate.py` finds the project in the working directory."""
    publish_default(pod, postgres)

    outcome = pod.start("default", "--app=contenttypes", program="dbalias_migrate.py").end()

    assert outcome.code == 0, outcome.output


def test_waiting_ends_when_every_managed_alias_is_migrated(
    pod: Pod, server: DatabaseServer
) -> None:
    """dbalias_wait names what is missing, then passes; also for an older image."""
    database = publish_default(pod, server)
    before = wait(pod, timeout=LOOK)
    waiting = pod.start("", program="dbalias_wait.py")
    assert pod.run("default").code == 0
    after = waiting.end()
    pod.install("1.4")
    older = wait(pod)
    wrong = dataclasses.replace(database, password="wrong")
    pod.publish([database.alias("default")], sources=wrong.sources("default"))
    refused = wait(pod, timeout=LOOK)

    assert before.code == 1
    assert '"default" lacks 24 migrations' in before.output
    assert after.code == 0, after.output
    assert older.code == 0, older.output
    assert refused.code == 1
    assert "refuses the login" in refused.output
