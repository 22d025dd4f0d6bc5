"""From how a run ended to what follows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbalias.api.conditions import Reason
from dbalias.migrations.outcomes import Evidence, Retry, delay, exit_code_in, judge
from dbalias.migrations.report import Report
from dbalias_errors import REASONS, Exit

AUTO, WAIT = Retry.AUTO, Retry.WAIT


@pytest.mark.parametrize(
    ("code", "reason", "retry"),
    [
        (2, Reason.SETTINGS_FAILED, WAIT),
        (3, Reason.LOCK_NOT_OBTAINED, AUTO),
        (4, Reason.DATABASE_UNREACHABLE, AUTO),
        (5, Reason.MIGRATION_FAILED, WAIT),
        (6, Reason.AUDIT_REFUSED, WAIT),
        (7, Reason.INTERRUPTED, AUTO),
        (8, Reason.LOGIN_REFUSED, AUTO),
        (9, Reason.MISSING_TABLES, WAIT),
        (12, Reason.POOLER_IN_THE_WAY, WAIT),
        (13, Reason.MIGRATION_INTERRUPTED, WAIT),
        (1, Reason.MIGRATION_FAILED, WAIT),
        (42, Reason.MIGRATION_FAILED, WAIT),
    ],
)
@pytest.mark.parametrize("transactional", [True, False])
def test_exit_code_decides(code: int, reason: Reason, retry: Retry, transactional: bool) -> None:
    """Time cures some ends, others only a person; the engine has no say in that."""
    ending = judge(Evidence(code, transactional_ddl=transactional))
    assert (ending.reason, ending.retry) == (reason, retry)


@pytest.mark.parametrize("code", [code for code in Exit if code is not Exit.DONE])
def test_every_exit_code_of_the_runners_is_known_when_its_pod_is_gone(code: Exit) -> None:
    """The Failed condition's words are enough: the reason is the one the report had."""
    told = exit_code_in(f"Container migrate for pod shop/x failed with exit code {code.value}")

    assert told == code
    assert judge(Evidence(told)).reason == REASONS[code]


def working(**fields: object) -> Report:
    """The report of a run in the midst of a migration."""
    return Report(state="migrating", current="shop.0003_x", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("evidence", "retry"),
    [
        (Evidence(137, Report(state="locking")), AUTO),
        (Evidence(137, Report(state="migrating", applied_count=2)), AUTO),
        (Evidence(137, working(current_atomic=True, transactional_ddl=True)), AUTO),
        (Evidence(137, working(current_atomic=False, transactional_ddl=True)), WAIT),
        (Evidence(137, working(current_atomic=True, transactional_ddl=False)), WAIT),
        (Evidence(137, working(transactional_ddl=True)), WAIT),
        (Evidence(137, working(current_atomic=True), transactional_ddl=True), AUTO),
        (Evidence(None, transactional_ddl=True), AUTO),
        (Evidence(None, transactional_ddl=False), WAIT),
        (Evidence(None, ran=False), AUTO),
        (Evidence(143, Report(state="starting")), AUTO),
        (Evidence(0, Report(state="done", exit=0)), AUTO),
    ],
    ids=[
        "before any migration",
        "between two migrations",
        "in an atomic migration on PostgreSQL",
        "in a migration that is not atomic",
        "in a migration on MariaDB",
        "in a migration of which nothing is known",
        "in an atomic migration, the engine known from the alias",
        "without a report, on PostgreSQL",
        "without a report, on MariaDB",
        "before its container ran",
        "by SIGTERM, before the runner could catch it",
        "after it was done",
    ],
)
def test_killed_run_is_repeated_only_if_nothing_can_be_half_done_when_killed(
    evidence: Evidence, retry: Retry
) -> None:
    """Else it waits for a person, under a reason of its own."""
    ending = judge(evidence)
    assert ending.retry is retry
    expected = Reason.INTERRUPTED if retry is AUTO else Reason.MIGRATION_INTERRUPTED
    assert ending.reason is expected


def test_run_killed_after_it_had_failed_is_judged_by_its_report() -> None:
    """The kill came while it cleaned up."""
    ending = judge(Evidence(137, Report(state="failed", exit=5, message="boom")))
    assert (ending.reason, ending.retry) == (Reason.MIGRATION_FAILED, WAIT)


def test_container_that_could_not_be_started_waits_for_a_change() -> None:
    """An interpreter that the image does not have is not cured by time."""
    ending = judge(Evidence(128, detail="StartError; python: not found", ran=False))
    assert (ending.reason, ending.retry) == (Reason.POD_CANNOT_START, WAIT)
    assert "python: not found" in ending.happened


def test_account_has_the_runners_own_words_and_the_migration() -> None:
    """What a person needs to know comes first."""
    report = Report(state="failed", exit=5, message="duplicate column", current="shop.0003_x")
    happened = judge(Evidence(5, report)).happened
    assert happened == "duplicate column (in migration shop.0003_x)"


def test_account_names_who_holds_the_lock() -> None:
    """Else nobody knows whom to ask."""
    happened = judge(Evidence(3, Report(state="failed", holder="pod a, since 12:00"))).happened
    assert "pod a, since 12:00" in happened


def test_account_of_a_killed_run_says_how_and_where() -> None:
    """Kubernetes' word, the exit code, and the migration that was in progress."""
    happened = judge(Evidence(137, working(), detail="OOMKilled")).happened
    assert "shop.0003_x" in happened
    assert "exit code 137, OOMKilled" in happened


@given(
    code=st.none() | st.integers(0, 255),
    report=st.none()
    | st.builds(Report, state=st.text(), exit=st.none() | st.integers(), message=st.text()),
    ran=st.booleans(),
)
def test_judge_has_an_answer_to_anything(
    code: int | None, report: Report | None, ran: bool
) -> None:
    """Total: no end of a run can stop the operator."""
    ending = judge(Evidence(code, report, ran=ran))
    assert ending.happened
    assert ending.remedy


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Container migrate for pod ns/p failed with exit code 5 matching FailJob rule", 5),
        ("Job was active longer than specified deadline", None),
        ("", None),
    ],
)
def test_exit_code_survives_a_lost_pod(message: str, code: int | None) -> None:
    """podFailurePolicy writes it into the Job's condition."""
    assert exit_code_in(message) == code


@pytest.mark.parametrize(
    ("failures", "longest"), [(1, 10), (2, 20), (3, 40), (5, 160), (6, 300), (1000, 300)]
)
def test_delay_doubles_up_to_five_minutes(failures: int, longest: int) -> None:
    """Less at most a tenth, the same for the same seed."""
    pause = delay(failures, seed="alias-1")
    assert timedelta(seconds=longest) * 0.9 <= pause <= timedelta(seconds=longest)
    assert pause == delay(failures, seed="alias-1")


def test_delay_spreads_aliases() -> None:
    """A server that comes back is not met by all at once."""
    assert len({delay(6, seed=f"alias-{n}") for n in range(50)}) > 40
