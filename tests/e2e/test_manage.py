"""`dbalias manage`, `retry` and `status`, by somebody with ordinary rights, on real pods."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stage.held import Held, start_all
from stage.kill.steps import Step
from stage.objects import empty_default, entry, policy, project, rule
from stage.person import Person, finish, interrupt_after, wait_for_line
from stage.play import Shop

PEOPLE = policy("people", rule(["customers", "orders"], write="users"))
pytestmark = pytest.mark.usefixtures("steady_kubelet")
MANAGED = "dbalias.dev/purpose=manage"
NewPerson = Callable[..., Person]


@pytest.fixture
def person(shop: Shop, tmp_path: Path) -> Iterator[Person]:
    """Somebody who may edit in the shop's namespace, and nothing more."""
    made = Person(shop, tmp_path, role="edit")
    yield made
    made.close()


def two_databases(shop: Shop) -> None:
    """Publish the guide's first example: default on PostgreSQL, users on MariaDB."""
    users = entry("users", shop.mariadb("user_data"), migrate={"dependsOn": ["default"]})
    shop.apply(project(), entry("default", shop.postgres("app_data")), users, PEOPLE)
    shop.wait_ready()


def test_command_runs_on_each_database_in_turn_and_leaves_nothing_behind(
    shop: Shop, person: Person
) -> None:
    """Its lines alone on standard output, its exit code; the operator's own runs are as before."""
    two_databases(shop)
    dumped = person.run("manage", "shop", "--database=users", "--", "dumpdata", "orders")
    assert dumped.code == 0, dumped.err
    assert {row["model"] for row in json.loads(dumped.out)} == {"orders.shippingmethod"}

    made = person.run("manage", "shop", "--all", "--", "createcachetable", "--dry-run")
    assert made.code == 0, made.err
    places = [line.split()[2] for line in made.err.splitlines() if ": Job " in line]
    assert places == ["default:", "users:"]

    failed = person.run("manage", "shop", "--all", "--", "loaddata", "nowhere")
    assert failed.code == 1
    assert "No fixture named 'nowhere' found" in failed.out
    assert "not tried: users" in failed.err

    shop.eventually(lambda: not shop.objects("Job", labelSelector=MANAGED), what="no Job left")
    assert [shop.attempts(name) for name in ("default", "users")] == [1, 1]
    assert shop.is_ready()


def test_ctrl_c_tells_the_command_to_stop_and_shows_its_last_lines(
    shop: Shop, person: Person
) -> None:
    """The Job is deleted, the pod gets SIGTERM; nothing goes on that nobody looks at."""
    shop.apply(project(), entry("default", shop.postgres("app_data")))
    shop.wait_ready()
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit('told to stop'))\n"
        "print('begun')\n"
        "time.sleep(300)"
    )
    process = person.start("manage", "shop", "--", "shell", "-c", code)
    ended = interrupt_after(process, "begun")
    assert ended.code == 130, ended.err
    assert "told to stop" in ended.out
    assert shop.objects("Job", labelSelector=MANAGED) == []

    deaf = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('begun')\n"
        "time.sleep(120)\n"
        "print('done')"
    )
    left = interrupt_after(
        person.start("manage", "shop", "--", "shell", "-c", deaf), "begun", times=2
    )
    assert left.code == 130, left.err
    assert "done" not in left.out


def test_job_that_cannot_start_says_why_and_ends_with_its_time(shop: Shop, person: Person) -> None:
    """In the words of the operator's own Jobs; exit code 124, as timeout(1) has it."""
    shop.apply(project(), entry("default", shop.postgres("app_data")))
    shop.wait_ready()
    shop.limit_pods(0)
    ended = person.run(
        "manage", "shop", "--database=default", "--timeout=30", "--", "showmigrations"
    )
    assert ended.code == 124, ended.err
    assert "does not get on (PodNotCreated): its pod cannot be created" in ended.err
    assert "exceeded quota" in ended.err


def test_nothing_is_made_of_what_is_refused(shop: Shop, person: Person) -> None:
    """An empty default, no database at all, destruction without a word: exit code 2."""
    users = entry("users", shop.postgres("user_data"))
    shop.apply(project(), empty_default(), users, policy("all", rule(["*"], write="users")))
    shop.wait_ready()
    for words, said in (
        (["--database=default", "--", "dumpdata"], "empty on purpose"),
        (["--", "dumpdata"], "add --database ALIAS"),
        (["--database=users", "--", "flush"], "add --yes"),
        (["--database=user", "--", "migrate"], "did you mean users?"),
    ):
        ended = person.run("manage", "shop", *words)
        assert (ended.code, ended.out) == (2, "")
        assert said in ended.err
    assert shop.objects("Job", labelSelector=MANAGED) == []
    emptied = person.run("manage", "shop", "--database=users", "--yes", "--", "flush")
    assert emptied.code == 0, emptied.err


def test_retry_runs_again_what_has_failed(shop: Shop, person: Person) -> None:
    """Status shows the failure with the last lines of its log; a request starts the next run."""
    env = {"SHOP_EXTRA_APPS": "broken"}
    shop.apply(project(env=env), entry("default", shop.postgres("app_data")))
    shop.expect("Migrated", "False", reason="MigrationFailed", alias="default")

    shown = person.run("status", "shop")
    assert shown.code == 1
    assert "broken.0001" in shown.out
    asked = person.run("retry", "shop")
    assert asked.code == 0, asked.err
    assert "default: asked for a run (attempt 1 of the migration failed" in asked.out
    shop.eventually(lambda: shop.attempts("default") == 2, what="a second attempt")

    refused = person.run("retry", "shop", "defalt")
    assert (refused.code, "did you mean default?" in refused.err) == (2, True)


def test_watching_shows_each_migration_while_it_runs(shop: Shop, person: Person) -> None:
    """Which one of how many, as the log of the Job's pod tells it; then all is Ready."""
    run = Held(shop, shop.postgres("app_data"), Step.SECOND)
    start_all([run])
    process = person.start("status", "shop", "--watch")
    wait_for_line(process.stdout, "gated.0002_data")
    run.open()
    watched = finish(process)
    assert watched.code == 0, watched.err
    assert "shop: Ready" in watched.out
