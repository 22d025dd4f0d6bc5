"""What makes a run the same run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dbalias.api.alias import Credentials
from dbalias.api.project import (
    AuditMode,
    PodOptions,
    ProjectMigrate,
    Routing,
    Settings,
    SettingsMode,
)
from dbalias.migrations.identity import body_hash, database_mark, run_identity
from dbalias.migrations.jobs import JobSpec, build_job
from unit.migrations.builders import a_project, an_alias, an_entry

BASE: dict[str, Any] = {
    "project": a_project(),
    "entry": an_entry(),
    "routing": {"apps": ["auth"]},
    "alias": an_alias(),
}


@pytest.mark.parametrize(
    "changed",
    [
        {"project": a_project(image="shop:2")},
        {"project": a_project(migrate=ProjectMigrate(command=("x",)))},
        {"project": a_project(migrate=ProjectMigrate(args=("--fake",)))},
        {"project": a_project(settings=Settings("shop.settings"))},
        {"project": a_project(settings=Settings(mode=SettingsMode.IMPORTED))},
        {"alias": an_alias(args=("--fake",))},
        {"alias": an_alias(apps=("auth",))},
        {"routing": {"apps": ["auth", "shop"]}},
        {"entry": an_entry("other")},
    ],
    ids=[
        "another image",
        "another command",
        "other arguments of the project",
        "another settings module",
        "another way to build on the module",
        "other arguments of the alias",
        "other apps",
        "other routing",
        "another physical database",
    ],
)
def test_identity_is_another_for(changed: dict[str, Any]) -> None:
    """Whatever changes what a run would do makes a new run due."""
    assert run_identity(**(BASE | changed)) != run_identity(**BASE)


@pytest.mark.parametrize(
    "changed",
    [
        {"project": a_project(migrate=ProjectMigrate(pod=PodOptions(labels={"a": "b"})))},
        {"project": a_project(migrate=ProjectMigrate(max_parallel=1, history_limit=9))},
        {"project": a_project(routing=Routing(audit=AuditMode.WARN))},
        {"alias": replace(an_alias(), credentials=Credentials("other"))},
        {"alias": an_alias(depends_on=("default",))},
    ],
    ids=["the pod's options", "width and history", "the audit's mode", "the Secret", "order"],
)
def test_identity_does_not_depend_on(changed: dict[str, Any]) -> None:
    """What does not change the database makes nothing pending."""
    assert run_identity(**(BASE | changed)) == run_identity(**BASE)


def a_body(credentials: str = "cred-1", **changes: Any) -> str:
    """The hash of a Job's body."""
    fields: dict[str, Any] = {
        "project": a_project(),
        "alias": an_alias(),
        "config_map": "shop-databases-rev-run",
        "secret": "shop-databases",
    }
    return body_hash(build_job(JobSpec(**(fields | changes))), credentials)


def test_body_is_the_same_for_every_attempt() -> None:
    """Else a failed attempt would look changed, and be repeated without end."""
    assert a_body(attempt=1) == a_body(attempt=2, name="x", identity="i", body="b")


@pytest.mark.parametrize(
    "changed",
    [
        {"credentials": "cred-2"},
        {"config_map": "shop-databases-rev2-run"},
        {"migrate_secret": "shop-migrate"},
        {"project": a_project(migrate=ProjectMigrate(deadline_seconds=9))},
        {
            "project": a_project(
                migrate=ProjectMigrate(pod=PodOptions(resources={"limits": {"memory": "2Gi"}}))
            )
        },
        {"project": a_project(routing=Routing(audit=AuditMode.WARN))},
    ],
    ids=["a Secret", "the settings", "a source", "the deadline", "resources", "the audit's mode"],
)
def test_body_is_another_after_a_change_of(changed: dict[str, Any]) -> None:
    """After a failure any of these may let the next attempt succeed."""
    assert a_body(**changed) != a_body()


def test_body_hash_leaves_the_job_as_it_is() -> None:
    """It looks at a copy."""
    spec = JobSpec(a_project(), an_alias(), config_map="c", secret="s")
    job = build_job(spec)
    body_hash(job, "cred")
    assert job == build_job(spec)


def test_database_mark_shows_nothing_of_the_database() -> None:
    """An annotation is public; host and name may have come from a Secret."""
    mark = database_mark("mysql://secret-host:3306/users")
    assert "secret" not in mark
    assert mark == database_mark("mysql://secret-host:3306/users")
    assert mark != database_mark("mysql://secret-host:3306/other")
