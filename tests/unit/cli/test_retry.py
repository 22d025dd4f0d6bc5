"""Of what another run is asked for, and of what none can be."""

from __future__ import annotations

from typing import Any

import pytest

from dbalias.api.alias import DatabaseAlias
from dbalias.cli.as_user import Declared
from dbalias.cli.refusal import RefusedError
from dbalias.cli.retry import find_asked
from unit.builders import a_project, an_alias

FAILED = {"attempt": 3, "outcome": "Failed", "reason": "MigrationFailed"}
EMPTY = {"type": "Migrated", "status": "True", "reason": "EmptyDefault", "message": "it is empty"}


def declared(*aliases: DatabaseAlias, **status: Any) -> Declared:
    """Return a project with this status, and its aliases."""
    return Declared(a_project(status=status), {one.alias: one for one in aliases})


def asked(told: Declared, *names: str, check: bool = False) -> list[tuple[str, str]]:
    """Return what is asked for, and why."""
    return [(one.place, one.why) for one in find_asked(told, names, check=check)]


def test_without_a_name_those_are_asked_that_failed() -> None:
    """Whether a migration, a check or a command has."""
    told = declared(
        an_alias("a", status={"migration": FAILED}),
        an_alias("b", status={"check": FAILED | {"reason": "AuditRefused", "attempt": 1}}),
        an_alias("c", status={"commands": [FAILED | {"name": "fill"}]}),
        an_alias("d", status={"migration": {"attempt": 1, "outcome": "Succeeded"}}),
        an_alias("e", status={"migration": {"attempt": 1, "outcome": "Running"}}),
    )
    assert asked(told) == [
        ("a", "attempt 3 of the migration failed: MigrationFailed"),
        ("b", "attempt 1 of the check failed: AuditRefused"),
        ("c", "attempt 3 of the command fill failed: MigrationFailed"),
    ]


def test_named_aliases_are_asked_whether_or_not_they_failed() -> None:
    """And no others."""
    told = declared(an_alias("a", status={"migration": FAILED}), an_alias("b"))
    assert asked(told, "b") == [("b", "as you wish")]


def test_command_of_the_project_itself_is_asked_of_the_project() -> None:
    """Which asks every alias too, so only where something of its own has failed."""
    told = declared(an_alias("a"), commands=[FAILED | {"name": "history"}])
    ((place, why),) = asked(told)
    assert place == "project and all aliases"
    assert "the command history failed" in why
    assert asked(told, check=True) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("user", "did you mean users?"),
        ("elsewhere", "there are: default, users"),
        ("default", "nothing is ever run on default: it is empty"),
    ],
)
def test_name_of_which_nothing_runs_is_refused(name: str, said: str) -> None:
    """Before anything is asked of the others."""
    told = declared(an_alias("users"), an_alias("default", status={"conditions": [EMPTY]}))
    with pytest.raises(RefusedError) as refused:
        asked(told, "users", name)
    assert said in refused.value.lines[0]
