"""The program of management commands: one child, under the lock where it may write, reported."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from dbalias.api.alias import AliasMigrate, MigrateConnection
from dbalias.api.project import MigrateMode
from integration.runtime.apart import Apart
from integration.runtime.pod import IMAGE, Database, Outcome, Pod, Run, a_database
from localkube.databases import DatabaseServer
from unit.builders import a_replica

PROGRAM = "dbalias_manage.py"


def errands(pod: Pod, server: DatabaseServer) -> Database:
    """Publish default on a server, to an image with the app of these tests."""
    database = a_database(server)
    pod.publish([database.alias("default")], sources=database.sources("default"))
    install(pod)
    return database


def install(pod: Pod) -> None:
    """Put the app whose commands the tests run into the image."""
    shutil.copytree(IMAGE / "errands", pod.image / "errands", dirs_exist_ok=True)
    pod.env["SHOP_EXTRA_APPS"] = "errands"


def manage(pod: Pod, alias: str, *words: str) -> Outcome:
    """Run the program to its end."""
    return pod.start(alias, *words, program=PROGRAM).end()


def a_waiting_command(pod: Pod, ready: Path, *words: str) -> Run:
    """Start a command that waits for a signal, and return once it does."""
    run = pod.start("default", "--", "wait_for_signal", str(ready), *words, program=PROGRAM)
    run.wait_until(lambda _: ready.exists())
    return run


def test_command_runs_on_its_database_under_the_lock(pod: Pod, server: DatabaseServer) -> None:
    """`--database` is appended, and nobody else migrates there meanwhile."""
    errands(pod, server)
    ended = manage(pod, "default", "--", "ask_for_lock")
    assert ended.code == 0, ended.output
    assert "default: the lock is held" in ended.output
    told = {key: ended.report[key] for key in ("state", "reason", "commandExit", "current")}
    assert told == {"state": "done", "reason": "Completed", "commandExit": 0, "current": None}


def test_command_logs_in_as_migrations_do(tmp_path: Path, postgres: DatabaseServer) -> None:
    """`migrate.connection` is for every Job of the alias, and for no process without one."""
    database = a_database(postgres)
    direct = AliasMigrate(connection=MigrateConnection(user=database.user))
    web = database.alias("default", user="web", migrate=direct)
    apart = Apart.make(tmp_path)
    apart.publish(web, sources=database.sources("default"))
    install(apart.job)
    own = manage(apart.job, "default", "--", "ask_for_lock")
    assert f"logged in as {database.user}" in own.output
    without = manage(apart.job, "", "--", "ask_for_lock")
    apart.close()
    assert without.report["reason"] == "CommandFailed"  # web may not log in at all


def test_command_that_only_reads_takes_no_lock(pod: Pod, postgres: DatabaseServer) -> None:
    """It needs not wait for a migration that runs."""
    errands(pod, postgres)
    ended = manage(pod, "default", "--reads", "--", "ask_for_lock")
    assert "default: the lock is free" in ended.output


def test_command_without_a_database_gets_neither_option_nor_lock(
    pod: Pod, postgres: DatabaseServer
) -> None:
    """`end` would take the option; it runs with its own words alone."""
    errands(pod, postgres)
    ended = manage(pod, "", "--", "ask_for_lock")
    assert "default: the lock is free" in ended.output
    assert ended.report["database"] is None


def test_command_that_fails_keeps_its_own_exit_code_in_the_report(
    pod: Pod, postgres: DatabaseServer
) -> None:
    """The run's is 10; one that may have written is named as begun, one that reads is not."""
    errands(pod, postgres)
    writing = manage(pod, "default", "--", "end", "3")
    assert (writing.code, writing.report["reason"]) == (10, "CommandFailed")
    assert writing.report["commandExit"] == 3
    assert writing.report["message"] == "end ended with exit code 3: see the log"
    assert writing.report["current"] == "command: end"
    assert manage(pod, "default", "--reads", "--", "end", "3").report["current"] is None


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_command_is_told_to_stop_once_and_may_end_well(
    pod: Pod, postgres: DatabaseServer, tmp_path: Path, signum: signal.Signals
) -> None:
    """What it does then counts: it finished, and so did the run."""
    errands(pod, postgres)
    run = a_waiting_command(pod, tmp_path / "ready")
    run.send(signum)
    ended = run.end()
    assert ended.code == 0, ended.output
    assert "told 1 time by SIGTERM" in ended.output


def test_command_that_dies_of_the_signal_was_interrupted(
    pod: Pod, postgres: DatabaseServer, tmp_path: Path
) -> None:
    """Exit 7, the command's own end as shells count it, and what it was at."""
    errands(pod, postgres)
    run = a_waiting_command(pod, tmp_path / "ready", "--dying")
    run.send(signal.SIGTERM)
    ended = run.end()
    assert (ended.code, ended.report["reason"]) == (7, "Interrupted")
    assert ended.report["commandExit"] == 128 + signal.SIGTERM
    assert ended.report["current"] == "command: wait_for_signal"


def test_command_waits_for_the_lock_and_then_names_its_holder(
    pod: Pod, postgres: DatabaseServer, tmp_path: Path
) -> None:
    """Two on one database: the second gives up after --lock-timeout, exit 3."""
    errands(pod, postgres)
    holder = a_waiting_command(pod, tmp_path / "ready")
    waiter = manage(pod, "default", "--lock-timeout=1", "--", "end", "0")
    assert (waiter.code, waiter.report["reason"]) == (3, "LockNotObtained")
    assert "held by session" in waiter.report["message"]
    assert "commandExit" not in waiter.report or waiter.report["commandExit"] is None
    holder.send(signal.SIGTERM)
    assert holder.end().code == 0


def test_database_in_the_commands_own_words_has_to_agree(
    pod: Pod, postgres: DatabaseServer
) -> None:
    """The same one is said once; another one is refused before anything runs."""
    errands(pod, postgres)
    for same in (["--database=default"], ["--database", "default"]):
        assert manage(pod, "default", "--", "ask_for_lock", *same).code == 0
    other = manage(pod, "default", "--", "ask_for_lock", "--database=users")
    assert (other.code, other.report["commandExit"]) == (2, None)
    assert 'names the database "users"' in other.report["message"]


def test_migrate_is_refused_where_it_would_write_a_foreign_history(
    pod: Pod, postgres: DatabaseServer
) -> None:
    """An alias that is not ours to migrate may be read and written, never migrated."""
    database = a_database(postgres)
    foreign = database.alias("default", migrate=AliasMigrate(mode=MigrateMode.NEVER))
    replica = a_replica("copy", "default", host=postgres.host)
    pod.publish([foreign, replica], sources=database.sources("default"))
    for alias in ("default", "copy"):
        refused = manage(pod, alias, "--", "migrate")
        assert refused.code == 2
        assert "never migrated" in refused.report["message"]
        assert manage(pod, alias, "--reads", "--", "showmigrations").code == 0
    assert database.tables == set()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--", "no_such_command"], "no_such_command ended with exit code 1"),
        (["--"], "a management command follows --"),
    ],
)
def test_what_cannot_run_says_so(
    pod: Pod, postgres: DatabaseServer, words: list[str], said: str
) -> None:
    """An unknown command is Django's to refuse; none at all is ours."""
    errands(pod, postgres)
    ended = manage(pod, "default", *words)
    assert ended.code != 0
    assert said in ended.output
