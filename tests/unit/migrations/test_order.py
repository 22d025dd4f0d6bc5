"""Which runs may start now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbalias.api.conditions import ConditionValue, Reason
from dbalias.migrations.decide import decide
from dbalias.migrations.identity import database_mark
from dbalias.migrations.marks import OF_THE_SCHEMA, Purpose, Task
from dbalias.migrations.observed import JobState
from dbalias.migrations.order import Release, cycle_problems, find_cycles, release
from dbalias.migrations.record import Completed, Outcome, Record
from dbalias.migrations.standing import Errand, Standing, sum_up
from dbalias.migrations.wanted import Wanted
from unit.migrations.builders import NOW, a_complete_job, a_job, a_running_record, a_wish

Alias = tuple[Wanted, Standing]


def an_alias(name: str, record: Record = Record(), **changes: Any) -> Alias:  # noqa: B008
    """An alias on a database of its own, and where it stands."""
    running = record.outcome is Outcome.RUNNING
    jobs = [a_job(name=record.job, alias=name)] if running else []
    fields = {"alias": name, "object": f"shop-{name}", "database": f"mysql://db/{name}"}
    wanted = a_wish(**(fields | changes))
    return wanted, standing_of(wanted, record, jobs)


def standing_of(
    wanted: Wanted,
    record: Record,
    jobs: Sequence[JobState],
    check: Record = Record(),  # noqa: B008
) -> Standing:
    """Where an alias stands with these records and Jobs."""
    migrate, checked = (
        decide(replace(wanted, purpose=purpose), record=stored, jobs=jobs, now=NOW)
        for purpose, stored in zip(OF_THE_SCHEMA, (record, check), strict=True)
    )
    return sum_up(wanted, migrate=migrate, check=checked)


def running(name: str, **changes: Any) -> Alias:
    """An alias whose Job runs."""
    return an_alias(name, a_running_record(job=f"job-{name}"), **changes)


def migrated(name: str) -> Alias:
    """An alias on which nothing is left to do."""
    done = a_running_record(outcome=Outcome.SUCCEEDED, completed=Completed("identity-a"))
    return an_alias(name, done)


def failed(name: str, failures: int = 1) -> Alias:
    """An alias whose migration failed and waits for a person."""
    record = a_running_record(
        outcome=Outcome.FAILED, failures=failures, reason=Reason.MIGRATION_FAILED
    )
    return an_alias(name, record)


@dataclass(frozen=True)
class Through:
    """What may start, and why the others wait, by alias."""

    allowed: tuple[str, ...]
    held: Mapping[str, ConditionValue]

    def __iter__(self) -> Iterator[Any]:
        return iter((self.allowed, self.held))


def released(*aliases: Alias, max_parallel: int = 4, jobs: tuple[JobState, ...] = ()) -> Release:
    """What may start among these aliases, of both purposes."""
    standings = {one.alias: standing for one, standing in aliases}
    return release(standings, errands_of(*aliases), running=jobs, max_parallel=max_parallel)


def errands_of(*aliases: Alias) -> dict[Task, Errand]:
    """The tasks of these aliases."""
    found = [
        Errand(replace(one, purpose=purpose), standing.of(purpose))
        for one, standing in aliases
        for purpose in OF_THE_SCHEMA
    ]
    return {errand.wanted.task: errand for errand in found}


def let_through(*aliases: Alias, max_parallel: int = 4, jobs: tuple[JobState, ...] = ()) -> Through:
    """Which migrations may start among these aliases, where nobody asks for a check."""
    allowed, held = released(*aliases, max_parallel=max_parallel, jobs=jobs)
    assert {turn.purpose for turn in (*allowed, *held)} <= {Purpose.MIGRATE}
    told = {turn.alias: condition for turn, condition in held.items()}
    return Through(tuple(turn.alias for turn in allowed), told)


def test_all_start_when_nothing_is_in_the_way() -> None:
    """Several databases are migrated side by side."""
    allowed, held = let_through(an_alias("b"), an_alias("a"), migrated("c"))
    assert allowed == ("a", "b")
    assert held == {}


@pytest.mark.parametrize(
    ("dependency", "words"),
    [
        (an_alias("default"), "not migrated yet"),
        (running("default"), "not migrated yet"),
        (failed("default"), "migration failed"),
        (an_alias("another"), "not an alias of this project"),
    ],
    ids=["waiting to start", "running", "failed", "absent"],
)
def test_alias_waits_for_a_dependency_that_is(dependency: Alias, words: str) -> None:
    """A failed one counts as not migrated; the condition names it."""
    allowed, held = let_through(an_alias("users", depends_on=("default",)), dependency)
    assert "users" not in allowed
    assert held["users"].reason is Reason.DEPENDENCY_NOT_MIGRATED
    assert "default" in held["users"].message
    assert words in held["users"].message


def test_alias_starts_after_its_dependencies() -> None:
    """All of them are done."""
    dependent = an_alias("users", depends_on=("default", "empty"))
    assert let_through(dependent, migrated("default"), migrated("empty")).allowed == ("users",)


def test_one_alias_failing_leaves_the_others_alone() -> None:
    """Only those that depend on it wait."""
    assert let_through(failed("a"), an_alias("b")).allowed == ("b",)


def test_no_more_run_at_once_than_is_allowed() -> None:
    """Those that run already count; who waits is told why."""
    allowed, held = let_through(running("a"), an_alias("b"), an_alias("c"), max_parallel=2)
    assert allowed == ("b",)
    assert held["c"].reason is Reason.QUEUED
    assert "allows 2 at once" in held["c"].message


def test_alias_that_keeps_failing_lets_the_others_go_first() -> None:
    """Or a wrong password would starve a queue of one."""
    wanted, standing = an_alias("a")
    verdict = standing.migrate
    verdict = replace(verdict, record=replace(verdict.record, failures=3))
    standing = replace(standing, migrate=verdict)
    assert let_through((wanted, standing), an_alias("b"), max_parallel=1).allowed == ("b",)


def test_one_run_at_a_time_on_a_physical_database() -> None:
    """GET_LOCK is per Galera node; the second is told who is before it."""
    same: dict[str, Any] = {"database": "mysql://db/same"}
    allowed, held = let_through(an_alias("a", **same), an_alias("b", **same))
    assert allowed == ("a",)
    assert held["b"].reason is Reason.QUEUED
    assert "same physical database" in held["b"].message
    allowed, held = let_through(running("a", **same), an_alias("b", **same))
    assert allowed == ()
    assert "job-a" in held["b"].message


def test_job_of_an_alias_that_is_gone_still_holds_its_database() -> None:
    """Found by the mark it carries; a finished one holds nothing."""
    mark = database_mark("mysql://db/users")
    holder = a_job(name="left-over", database=mark)
    assert "left-over" in let_through(an_alias("users"), jobs=(holder,)).held["users"].message
    ended = a_complete_job(database=mark)
    assert let_through(an_alias("users"), jobs=(ended,)).allowed == ("users",)


def test_cycle_is_refused_for_each_alias_in_it() -> None:
    """And whatever leans on it waits; the others go on."""
    cycle = (an_alias("a", depends_on=("b",)), an_alias("b", depends_on=("a",)))
    allowed, held = let_through(*cycle, an_alias("c", depends_on=("a",)), an_alias("d"))
    assert allowed == ("d",)
    assert held["a"].reason is held["b"].reason is Reason.DEPENDENCY_CYCLE
    assert "a → b → a" in held["a"].message
    assert held["c"].reason is Reason.DEPENDENCY_NOT_MIGRATED


@pytest.mark.parametrize(
    ("depends", "cycles"),
    [
        ({"a": ["a"]}, {"a": ("a", "a")}),
        ({"a": ["b", "c"], "b": [], "c": ["b"]}, {}),
        (
            {"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]},
            {"a": ("a", "b", "c", "a"), "b": ("b", "c", "a", "b"), "c": ("c", "a", "b", "c")},
        ),
        ({"a": ["unknown"]}, {}),
    ],
    ids=["itself", "a diamond", "three, and one that leans on them", "an unknown alias"],
)
def test_cycles_are_found_in(
    depends: dict[str, list[str]], cycles: dict[str, tuple[str, ...]]
) -> None:
    """Each with the shortest way back."""
    assert find_cycles(depends) == cycles


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=4)))
def test_without_the_aliases_in_cycles_an_order_exists(depends: dict[str, list[str]]) -> None:
    """Taking away what is free of dependencies, again and again, takes away all."""
    left = {alias: set(on) for alias, on in depends.items() if alias not in find_cycles(depends)}
    while free := [alias for alias, on in left.items() if not on & set(left)]:
        for alias in free:
            del left[alias]
    assert not left


def test_cycle_problem_names_field_and_remedy() -> None:
    """For the alias' own condition; others have none."""
    problems = cycle_problems([a_wish(depends_on=("users",)), a_wish(alias="b")])
    assert set(problems) == {"users"}
    assert problems["users"].reason is Reason.DEPENDENCY_CYCLE
    assert "DatabaseAlias/shop-users spec.migrate.dependsOn" in str(problems["users"])
    assert "users → users" in str(problems["users"])
