"""A check beside a migration: when it runs, what it tells, and that it disturbs nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dbalias.api.conditions import Reason, Status
from dbalias.api.project import MigrateMode
from dbalias.django.entries import EntryKind
from dbalias.migrations.jobs import job_name
from dbalias.migrations.marks import Purpose, Task
from dbalias.migrations.record import Completed, Outcome, Record
from dbalias.migrations.standing import Standing, sum_up
from dbalias.migrations.wanted import Wanted
from unit.migrations.builders import (
    FAILED,
    NOW,
    SUCCEEDED,
    a_complete_job,
    a_failed_job,
    a_job,
    a_report,
    a_running_record,
    a_wish,
    seconds,
    verdict_on,
)
from unit.migrations.test_order import released

LATER = NOW + seconds(60)
BY_HAND = [MigrateMode.CHECK, MigrateMode.APPROVE]


def a_check(**changes: Any) -> Wanted:
    """The wish for a check, by default under mode Check."""
    return a_wish(**({"purpose": Purpose.CHECK, "mode": MigrateMode.CHECK} | changes))


def a_checked_record(pending: int = 0, **changes: Any) -> Record:
    """The record of a check that completed, a minute after the last migration."""
    names = tuple(f"shop.{number:04}_m" for number in range(1, pending + 1))[:10]
    completed = Completed(
        "identity-a", "shop:1", "check-1", LATER, pending_count=pending, pending=names,
        started_at=LATER,
    )  # fmt: skip
    fields: dict[str, Any] = {
        "outcome": Outcome.SUCCEEDED, "job": "check-1", "completed": completed, "started_at": LATER,
    }  # fmt: skip
    return a_running_record(**(fields | changes))


def standing(mode: MigrateMode, record: Record, check: Record, **changes: Any) -> Standing:
    """Where an alias with these two records stands, long after."""
    at = NOW + seconds(3600)
    wish = a_wish(mode=mode, **changes)
    return sum_up(
        wish,
        migrate=verdict_on(wish, record, at=at),
        check=verdict_on(replace(wish, purpose=Purpose.CHECK), check, at=at),
    )


@pytest.mark.parametrize("mode", BY_HAND)
def test_check_starts_by_itself_once_for_each_identity_where_a_person_decides(
    mode: MigrateMode,
) -> None:
    """Under a name of its own, so that it never meets a migrate Job."""
    wish = a_check(mode=mode)
    start = verdict_on(wish).start
    assert start
    assert start.job == job_name("shop", Task("users", Purpose.CHECK), "identity-a", 1)
    assert start.job != job_name("shop", Task("users", Purpose.MIGRATE), "identity-a", 1)
    assert verdict_on(wish, a_checked_record()).start is None
    assert verdict_on(replace(wish, identity="identity-b"), a_checked_record()).start


@pytest.mark.parametrize("pending", [0, 3])
def test_check_is_repeated_on_request_whatever_it_found(pending: int) -> None:
    """Someone may have migrated by hand."""
    asked = a_check(requested_at="now")
    start = verdict_on(asked, a_checked_record(pending)).start
    assert start
    assert verdict_on(asked, a_checked_record(pending, handled_request="now")).start is None


def test_check_under_mode_auto_runs_on_request_alone() -> None:
    """And one that was asked for is owed until it has told something."""
    idle = a_check(mode=MigrateMode.AUTO)
    asked = replace(idle, requested_at="now")
    assert verdict_on(idle).start is None
    start = verdict_on(asked).start
    assert start
    again = verdict_on(asked, start.record).start
    assert again
    assert again.job == start.job
    retried = a_running_record(
        outcome=Outcome.FAILED, handled_request="now", retry_at=NOW, reason=Reason.LOGIN_REFUSED
    )
    assert verdict_on(asked, retried).start
    assert verdict_on(asked, replace(retried, retry_at=None)).start is None


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (a_check(kind=EntryKind.EMPTY), Reason.EMPTY_DEFAULT),
        (a_check(kind=EntryKind.REPLICA), Reason.REPLICA),
        (a_check(mode=MigrateMode.NEVER), Reason.NOT_MANAGED),
        (a_check(image=None), Reason.NOT_MANAGED),
    ],
    ids=["the empty default", "a replica", "mode Never", "no image"],
)
def test_check_of_what_is_never_migrated_is_answered_without_a_run(
    wanted: Wanted, reason: Reason
) -> None:
    """The request is taken up, and there is nothing to look at."""
    verdict = verdict_on(replace(wanted, requested_at="now"))
    assert (verdict.start, verdict.done) == (None, True)
    assert verdict.condition.reason is reason
    assert verdict.record.handled_request == "now"


@pytest.mark.parametrize("code", [None, 137, 143])
def test_killed_check_is_tried_again_whatever_the_engine(code: int | None) -> None:
    """Nothing was written: there is no half-done migration to look for."""
    killed = a_failed_job(code or 0, None, purpose=Purpose.CHECK)
    if code is None:
        killed = replace(killed, pod=None, failure_message="")
    verdict = verdict_on(a_check(transactional_ddl=False), a_running_record(), [killed])
    assert (verdict.record.outcome, verdict.record.reason) == (Outcome.FAILED, Reason.INTERRUPTED)
    assert verdict.record.retry_at


def test_check_whose_report_is_lost_has_told_nothing_and_is_tried_again() -> None:
    """Its exit code says that it ended, not what it saw."""
    silent = a_complete_job(None, purpose=Purpose.CHECK)
    verdict = verdict_on(a_check(), a_running_record(), [silent])
    assert verdict.record.completed is None
    assert verdict.record.retry_at
    assert "its report is lost" in verdict.record.message


def test_check_that_found_something_names_the_first_and_the_count() -> None:
    """Migrated is False for as long as the wish stays the same."""
    names = [f"shop.{number:04}_m" for number in range(1, 8)]
    report = a_report(state="done", exit=0, pending=names, pendingCount=12)
    seen = a_complete_job(report, purpose=Purpose.CHECK)
    verdict = verdict_on(a_check(), a_running_record(), [seen])
    told = verdict.condition
    assert (told.status, told.reason) == (Status.FALSE, Reason.PENDING)
    assert "12 migration(s) pending: shop.0001_m, shop.0002_m" in told.message
    assert "and 7 more" in told.message
    assert (verdict.done, verdict.failed, verdict.start) == (False, False, None)
    assert Record.parse(verdict.record.render()) == verdict.record


def test_pending_migrations_of_a_migrate_run_are_no_findings() -> None:
    """A command of the project may leave some to other schemas, and its exit code counts."""
    left = a_complete_job(a_report(state="done", exit=0, pending=["a.1"], pendingCount=1))
    verdict = verdict_on(a_wish(), a_running_record(), [left])
    assert verdict.done
    assert verdict.record.completed
    assert verdict.record.completed.pending_count == 0


@pytest.mark.parametrize(
    ("mode", "check", "status", "reason"),
    [
        (MigrateMode.CHECK, a_checked_record(), Status.TRUE, Reason.MIGRATED),
        (MigrateMode.CHECK, a_checked_record(2), Status.FALSE, Reason.PENDING),
        (MigrateMode.APPROVE, a_checked_record(), Status.TRUE, Reason.MIGRATED),
        (MigrateMode.APPROVE, a_checked_record(2), Status.FALSE, Reason.AWAITING_APPROVAL),
        (MigrateMode.CHECK, Record(), Status.FALSE, Reason.CHECKING),
        (MigrateMode.AUTO, a_checked_record(), Status.FALSE, Reason.MIGRATING),
        (MigrateMode.AUTO, a_checked_record(2), Status.FALSE, Reason.MIGRATING),
    ],
)
def test_alias_that_was_never_migrated_stands_as(
    mode: MigrateMode, check: Record, status: Status, reason: Reason
) -> None:
    """A check speaks for it where a person decides; under Auto its migration does."""
    told = standing(mode, Record(), check)
    assert (told.condition.status, told.condition.reason) == (status, reason)
    assert told.done is (status is Status.TRUE)


def test_database_ahead_is_said_by_a_check_too() -> None:
    """Nothing is pending, and the database knows more than the image."""
    record = a_checked_record()
    assert record.completed
    ahead = replace(record.completed, ahead_count=1, ahead=("shop.0009_z",))
    told = standing(MigrateMode.CHECK, Record(), replace(record, completed=ahead))
    assert (told.condition.reason, told.done) == (Reason.DATABASE_AHEAD, True)


REFUSED = a_running_record(
    outcome=Outcome.FAILED, reason=Reason.MISSING_TABLES, message="No table.", started_at=LATER
)


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (a_checked_record(2), Reason.PENDING),
        (REFUSED, Reason.MISSING_TABLES),
        (replace(REFUSED, reason=Reason.AUDIT_REFUSED), Reason.AUDIT_REFUSED),
    ],
)
@pytest.mark.parametrize("mode", [MigrateMode.AUTO, *BY_HAND])
def test_later_check_that_misses_something_is_believed_over_the_migration(
    mode: MigrateMode, check: Record, reason: Reason
) -> None:
    """Somebody restored a backup, say; nothing is started because of it."""
    told = standing(mode, SUCCEEDED, check)
    assert told.condition.status is Status.FALSE
    wanted = Reason.AWAITING_APPROVAL if mode is MigrateMode.APPROVE else Reason.PENDING
    assert told.condition.reason is (wanted if reason is Reason.PENDING else reason)
    assert not told.done
    assert (told.migrate.start, told.check.start) == (None, None)


@pytest.mark.parametrize(
    "check",
    [
        replace(a_checked_record(2), completed=Completed("identity-b", pending_count=2)),
        replace(
            a_checked_record(2),
            completed=Completed("identity-a", pending_count=2, started_at=NOW - seconds(1)),
        ),
        replace(REFUSED, started_at=NOW - seconds(1)),
        replace(REFUSED, identity="identity-b"),
        replace(REFUSED, reason=Reason.DATABASE_UNREACHABLE, retry_at=LATER),
        replace(REFUSED, reason=Reason.SETTINGS_FAILED),
        a_checked_record(0),
    ],
    ids=[
        "of something else",
        "which began before the migration ended",
        "refused before the migration ended",
        "refused something else",
        "did not get there",
        "did not load the settings",
        "found nothing",
    ],
)
def test_migrated_alias_stays_so_beside_a_check_that(check: Record) -> None:
    """It tells of another moment or another wish, or of itself alone."""
    assert standing(MigrateMode.AUTO, SUCCEEDED, check).done


def test_running_check_changes_nothing_for_a_migrated_alias() -> None:
    """Condition and record are those of the migration."""
    running = a_job(name="check-1", uid="check", purpose=Purpose.CHECK)
    wish = a_wish()
    before = verdict_on(wish, SUCCEEDED)
    migrate = verdict_on(wish, SUCCEEDED, [running])
    check = verdict_on(a_check(mode=MigrateMode.AUTO, requested_at="now"), Record(), [running])
    assert migrate == before
    told = sum_up(wish, migrate=migrate, check=check)
    assert (told.done, told.active) == (True, True)
    assert told.condition == before.condition


def test_failed_migration_is_still_one_after_a_check() -> None:
    """What waits for a person is not started over by looking at it."""
    told = standing(MigrateMode.AUTO, FAILED, a_checked_record(2))
    assert told.migrate.start is None
    assert (told.failed, told.condition.reason) == (True, Reason.MIGRATION_FAILED)


def beside(wish: Wanted, record: Record, jobs: list[Any]) -> Standing:
    """Where an alias stands whose check was just asked for."""
    check = replace(wish, purpose=Purpose.CHECK, requested_at="now")
    return sum_up(
        wish,
        migrate=verdict_on(wish, record, jobs),
        check=verdict_on(check, Record(), jobs),
    )


@pytest.mark.parametrize("database", ["mysql://db/users", ""], ids=["known", "of no known engine"])
def test_check_waits_while_its_database_is_migrated_and_no_migration_waits_for_it(
    database: str,
) -> None:
    """It would tell of a moment; a migration that starts in this pass goes first, too."""
    wish = a_wish(database=database)
    starting = released((wish, beside(wish, Record(), [])))
    assert starting.allowed == (Task("users", Purpose.MIGRATE),)
    assert starting.held[Task("users", Purpose.CHECK)].reason is Reason.QUEUED

    running = released((wish, beside(wish, a_running_record(), [a_job()])))
    assert running.allowed == ()
    assert "not checked yet" in running.held[Task("users", Purpose.CHECK)].message

    checking = a_job(name="check-1", uid="check", purpose=Purpose.CHECK)
    assert released((wish, beside(wish, Record(), [checking]))).allowed == (
        Task("users", Purpose.MIGRATE),
    )


def test_check_runs_where_the_migration_waits_for_another_alias() -> None:
    """That is when one wants to know."""
    wish = a_wish(depends_on=("default",))
    told = released((wish, beside(wish, Record(), [])))
    assert told.allowed == (Task("users", Purpose.CHECK),)


def test_check_that_runs_takes_no_turn_from_a_migration() -> None:
    """Its pod may wait for an image or a node for ever; another check waits for its turn."""
    checking = a_job(name="check-1", uid="check", purpose=Purpose.CHECK)
    looked_at = (a_wish(), beside(a_wish(), SUCCEEDED, [checking]))
    other = a_wish(alias="orders", object="shop-orders", database="mysql://db/orders")
    told = released(looked_at, (other, beside(other, Record(), [])), max_parallel=1)
    assert told.allowed == (Task("orders", Purpose.MIGRATE),)
    assert told.held.keys() == {Task("orders", Purpose.CHECK)}
    told = released(looked_at, (other, beside(other, SUCCEEDED, [])), max_parallel=1)
    assert told.held[Task("orders", Purpose.CHECK)].reason is Reason.QUEUED


def test_checks_wait_for_their_turn_among_all() -> None:
    """A pod is a pod; migrations take their turn first."""
    wish = a_wish()
    done = beside(wish, SUCCEEDED, [])
    other = a_wish(alias="orders", object="shop-orders", database="mysql://db/orders")
    told = released((wish, done), (other, beside(other, Record(), [])), max_parallel=1)
    assert told.allowed == (Task("orders", Purpose.MIGRATE),)
