"""What a person sees of a status: on a terminal or in a log, narrow or wide, few or fifty."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dbalias.api.meta import Key
from dbalias.cli.output import Style
from dbalias.cli.progress import (
    AliasProgress,
    CommandProgress,
    ProjectProgress,
    State,
    read_progress,
)
from dbalias.cli.status import document
from dbalias.cli.status_lines import Screen, bar, describe, describe_change
from dbalias.cli.steps import Step, read_step

PIPE = Screen(Style())
TERMINAL = Screen(Style(), width=80, height=24)


def an_alias(alias: str = "users", state: State = State.MIGRATED, **fields: Any) -> AliasProgress:
    """Return an alias in some state."""
    given = {"reason": state.value.title(), "message": f"{alias} is {state.value}"}
    return AliasProgress(
        object=f"DatabaseAlias/{alias}", alias=alias, ready=state is State.MIGRATED,
        stalled=state is State.FAILED, state=state, **(given | fields),
    )  # fmt: skip


def a_project(*aliases: AliasProgress, **fields: Any) -> ProjectProgress:
    """Return a project with these aliases."""
    return ProjectProgress(
        Key("prod", "shop"), declared=True, ready=False, stalled=False, aliases=aliases, **fields
    )


def drawn(project: ProjectProgress, screen: Screen = PIPE) -> list[str]:
    """Return the lines of one project."""
    return list(describe([project], screen=screen))


@pytest.mark.parametrize(
    ("lines", "step"),
    [
        ([], None),
        (["a line of the application's", "applying shop.0001 (1 of 2)"], None),
        (["dbalias: state auditing"], Step("auditing")),
        (
            ["dbalias: applying shop.0002_stock (2 of 7)", "a line between"],
            Step("migrating", "shop.0002_stock", 2, 7),
        ),
        (
            ["dbalias: applying shop.0002 (2 of 7)", "dbalias: applied shop.0002 in 1.5 s"],
            Step("migrating", "", 2, 7),
        ),
        (
            [
                "dbalias: applying shop.0002 (2 of 7)",
                "dbalias: still applying shop.0002 for 60 s: session 7 holds a lock on stock",
            ],
            Step("migrating", "shop.0002", 2, 7, "session 7 holds a lock on stock"),
        ),
        (
            ["dbalias: waiting for the database lock for 5 s: held by session 7 of shop"],
            Step("locking", waits="the database lock is held by session 7 of shop"),
        ),
        (
            ["dbalias: applying shop.0002 (2 of 7)", "dbalias: ended 5 MigrationFailed: it broke"],
            Step("ended"),
        ),
    ],
)
def test_step_of_a_run_is_what_the_last_of_its_lines_tell(
    lines: list[str], step: Step | None
) -> None:
    """Lines of the application tell nothing, whatever they look like."""
    assert read_step(lines) == step


def test_bar_grows_with_what_is_applied_not_with_what_is_begun() -> None:
    """The second of four being applied is a quarter done."""
    assert bar(Step("migrating", "shop.0002", 2, 4), length=8) == "[##......] 1/4"
    assert bar(Step("migrating", "", 4, 4), length=8) == "[########] 4/4"


def test_running_alias_has_a_bar_on_a_terminal_and_words_elsewhere() -> None:
    """Both name the migration, how many there are, and what it waits for."""
    step = Step("migrating", "shop.0002_stock", 2, 4, "session 7")
    project = a_project(an_alias(state=State.RUNNING, step=step, elapsed=65))
    (row,) = [line for line in drawn(project) if "users" in line]
    assert row.split("  ")[-1] == "shop.0002_stock (2 of 4); waits: session 7"
    assert "running 1m05s" in row
    terminal = "\n".join(drawn(project, TERMINAL))
    assert "[####............] 1/4 shop.0002_stock" in terminal


def test_narrow_terminal_is_never_overrun_and_loses_no_failure() -> None:
    """The table is cut at the edge; what has failed stands below it, whole, with its log."""
    message = "the migration shop.0007 failed: " + "a long story " * 20
    failed = an_alias(
        state=State.FAILED, message=message, database="postgresql db:5432/users",
        log=("Traceback", "x" * 200),
    )  # fmt: skip
    for width in (40, 80, 200):
        lines = drawn(a_project(failed), Screen(Style(), width=width, height=50))
        assert max(map(len, lines)) <= width
        whole = " ".join(" ".join(lines).split())
        assert " ".join(message.split()) in whole
        assert any(line.startswith("    | Traceback") for line in lines)
        assert ("db:5432" in whole) is (width == 200)


def test_fifty_aliases_are_counted_and_a_low_terminal_shows_those_that_are_not_done() -> None:
    """Nobody scrolls for the one that failed."""
    many = [an_alias(f"a{n:02}") for n in range(48)]
    project = a_project(*many, an_alias("b", State.RUNNING), an_alias("c", State.FAILED))
    count = "  50 aliases: 48 migrated, 1 running, 1 failed"
    assert count in drawn(project)
    lines = drawn(project, TERMINAL)
    assert f"{count} (48 not shown)" in lines
    assert len(lines) <= 24
    assert any(line.startswith("  c ") for line in lines)


def test_commands_are_shown_where_they_run() -> None:
    """On an alias, or on the project itself; a failed one with its last lines."""
    commands = (
        CommandProgress("cache-table", "users", State.DONE, "", "ended well"),
        CommandProgress("history", "", State.FAILED, "CommandFailed", "no", log=("shop: 0008",)),
    )
    lines = drawn(a_project(an_alias(), commands=commands))
    assert any(line.split()[:3] == ["cache-table", "users", "done"] for line in lines)
    assert any(line.split()[:3] == ["history", "(project)", "failed"] for line in lines)
    assert "    | shop: 0008" in lines


def test_running_command_shows_the_last_line_that_it_wrote() -> None:
    """Its progress is its own to tell; lines of the runner are not."""
    log = ("dbalias: state running", "300 of 900 rows", "dbalias: something of ours")
    command = CommandProgress("fill", "users", State.RUNNING, "Running", "Job j", log=log)
    (row, *_) = [line for line in drawn(a_project(commands=(command,))) if "fill" in line]
    assert row.endswith("300 of 900 rows")


def test_document_for_programs_has_steps_logs_commands_and_plans() -> None:
    """All that a person sees, as JSON takes it."""
    users = an_alias(state=State.RUNNING, step=Step("migrating", "shop.0001", 1, 2), log=("a",))
    command = CommandProgress("fill", "users", State.RUNNING, "Running", "Job j", elapsed=4)
    project = a_project(users, commands=(command,), plan={"digest": "abc"})
    (told,) = json.loads(json.dumps(document([project])))["projects"]
    assert told["aliases"][0]["step"]["current"] == "shop.0001"
    assert told["aliases"][0]["log"] == ["a"]
    assert told["commands"][0]["elapsedSeconds"] == 4
    assert told["plan"] == {"digest": "abc"}


def test_commands_are_read_from_the_statuses_of_aliases_and_of_the_project() -> None:
    """Each as its record stands."""
    now = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
    running = {"name": "cache-table", "outcome": "Running", "job": "j-1",
               "startedAt": "2026-01-01T12:00:00Z"}  # fmt: skip
    failed = {"name": "history", "outcome": "Failed", "reason": "CommandFailed", "job": "j-2"}
    metadata = {"namespace": "prod", "name": "shop", "generation": 1}
    project = {"metadata": metadata, "spec": {}, "status": {"commands": [failed]}}
    alias = {
        "metadata": metadata | {"name": "users"},
        "spec": {"projectRef": {"name": "shop"}},
        "status": {"commands": [running]},
    }
    (told,) = read_progress([project], [alias], now=now)
    seen = [(one.name, one.alias, one.state, one.elapsed) for one in told.commands]
    assert seen == [
        ("history", "", State.FAILED, None),
        ("cache-table", "users", State.RUNNING, 30),
    ]


def test_plan_that_waits_is_shown_with_what_approves_it() -> None:
    """Until the digest that is approved is that of the plan."""
    plan = {"digest": "abc", "aliases": [{"alias": "users"}], "computing": ["orders"]}
    waiting = drawn(a_project(an_alias(), plan=plan))
    assert "  plan abc for users: waits for: dbalias approve shop" in waiting
    assert "  plan being made for orders" in waiting
    approved = drawn(a_project(an_alias(), plan=plan, approval={"digest": "abc"}))
    assert "  plan abc for users: approved" in approved


def test_log_of_a_watch_has_a_line_for_what_changed_and_no_other() -> None:
    """Time alone is no change, and neither are further lines of a log."""
    step = Step("migrating", "shop.0001", 1, 2)
    users = an_alias(state=State.RUNNING, step=step, elapsed=3)
    before = a_project(an_alias("orders"), users)
    later = a_project(an_alias("orders"), replace(users, elapsed=9, log=("more",)))
    assert list(describe_change(before, later)) == []
    onwards = replace(users, step=Step("migrating", "shop.0002", 2, 2), elapsed=12)
    assert list(describe_change(before, a_project(an_alias("orders"), onwards))) == [
        "shop/users: running 12s Running shop.0002 (2 of 2)"
    ]
