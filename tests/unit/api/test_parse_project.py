"""DjangoProject: what a body becomes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from dbalias.api.meta import Key, Metadata
from dbalias.api.parse import parse_project
from dbalias.api.project import (
    AuditMode,
    Command,
    CommandScope,
    CommandTime,
    DjangoProject,
    MigrateMode,
    OnFailure,
    PodOptions,
    Profile,
    ProfileEntry,
    ProjectMigrate,
    PublishMode,
    Routing,
    Settings,
    SettingsMode,
    Unmatched,
    WaitFor,
    Workload,
    WorkloadKind,
)
from unit.api.bodies import a_project

POD: dict[str, Any] = {
    "resources": {"limits": {"cpu": "1"}},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
    ],
    "imagePullSecrets": [{"name": "pull"}],
    "imagePullPolicy": "Always",
    "serviceAccountName": "migrator",
    "env": [{"name": "A", "value": "b"}],
    "envFrom": [{"secretRef": {"name": "s"}}],
    "labels": {"team": "shop"},
    "annotations": {"note": "x"},
    "priorityClassName": "high",
    "runAsUser": 1000,
    "runAsGroup": 1000,
    "fsGroup": 1000,
    "volumes": [{"name": "tmp", "emptyDir": {}}],
    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
}


def _problems(**spec: Any) -> list[str]:
    return [problem.field for problem in parse_project(a_project(**spec)).problems]


def test_project_with_nothing_said_has_the_defaults() -> None:
    """The defaults are those of the types."""
    project = parse_project(a_project()).value
    assert project == DjangoProject(metadata=Metadata("", "users"))
    assert project.key == Key("", "users")


def test_project_with_everything_said_is_read_whole() -> None:
    """Every field arrives where the type has it."""
    body = a_project(
        image="shop:1.4",
        settings={
            "module": "shop.settings",
            "mode": "Imported",
            "extra": [{"name": "R", "value": ["r1"]}, {"name": "N", "valueJSON": "null"}],
        },
        interpreter=["/venv/bin/python", "-B"],
        routing={
            "before": ["shop.routers.A"],
            "after": ["shop.routers.B"],
            "unmatched": "Refuse",
            "audit": "Warn",
        },
        publish="Immediately",
        profiles=[
            {
                "name": "web",
                "aliases": [
                    {"alias": "*", "connMaxAge": 300, "connHealthChecks": True},
                    {"alias": "users", "connMaxAge": "Unlimited", "options": {"pool": False}},
                ],
            }
        ],
        waitFor={"aliases": ["default"], "policies": ["auth"]},
        migrate={
            "mode": "Check",
            "command": ["./manage.py", "migrate_schemas"],
            "args": ["--fake-initial"],
            "maxParallel": 2,
            "lockTimeoutSeconds": 60,
            "deadlineSeconds": 600,
            "historyLimit": 0,
        },
        commands=[
            {
                "name": "check",
                "args": ["check"],
                "scope": "Project",
                "when": "BeforeMigrate",
                "onFailure": "Warn",
            },
            {"name": "cache", "args": ["createcachetable"], "databases": ["default"]},
        ],
        workloads=[{"kind": "Deployment", "name": "web"}],
        suspend=True,
    )
    assert parse_project({**body, "status": {"revision": "r"}}).value == DjangoProject(
        metadata=Metadata("", "users"),
        image="shop:1.4",
        settings=Settings("shop.settings", SettingsMode.IMPORTED, {"R": ["r1"], "N": None}),
        interpreter=("/venv/bin/python", "-B"),
        routing=Routing(("shop.routers.A",), ("shop.routers.B",), Unmatched.REFUSE, AuditMode.WARN),
        publish=PublishMode.IMMEDIATELY,
        profiles=(
            Profile(
                "web",
                (
                    ProfileEntry("*", {"CONN_MAX_AGE": 300, "CONN_HEALTH_CHECKS": True}),
                    ProfileEntry("users", {"CONN_MAX_AGE": None, "OPTIONS": {"pool": False}}),
                ),
            ),
        ),
        wait_for=WaitFor(("default",), ("auth",)),
        migrate=ProjectMigrate(
            MigrateMode.CHECK,
            ("./manage.py", "migrate_schemas"),
            ("--fake-initial",),
            max_parallel=2,
            lock_timeout_seconds=60,
            deadline_seconds=600,
            history_limit=0,
        ),
        commands=(
            Command(
                "check",
                ("check",),
                CommandScope.PROJECT,
                when=CommandTime.BEFORE_MIGRATE,
                on_failure=OnFailure.WARN,
            ),
            Command("cache", ("createcachetable",), databases=("default",)),
        ),
        workloads=(Workload(WorkloadKind.DEPLOYMENT, "web"),),
        suspend=True,
        status={"revision": "r"},
    )


def test_every_pod_option_arrives() -> None:
    """Each field of ``pod`` has a place in the type, lists as tuples."""
    project = parse_project(a_project(migrate={"pod": POD})).value
    assert project
    pod = project.migrate.pod
    said = [getattr(pod, field.name) for field in fields(PodOptions)]
    assert [list(v) if isinstance(v, tuple) else v for v in said] == list(POD.values())


@pytest.mark.parametrize(
    "pod",
    [
        {"hostNetwork": True},
        {"securityContext": {"privileged": True}},
        {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
        {"runAsUser": 0},
    ],
    ids=["host network", "security context", "host path", "root"],
)
def test_pod_option_that_reaches_the_node_is_refused(pod: dict[str, Any]) -> None:
    """What is not among the typed options does not pass."""
    assert _problems(migrate={"pod": pod})


def test_empty_interpreter_is_the_default_one() -> None:
    """An empty list means what an absent one does."""
    project = parse_project(a_project(interpreter=[])).value
    assert project
    assert project.interpreter == ("python",)


@pytest.mark.parametrize(
    ("extra", "at"),
    [
        ({"name": "A"}, ""),
        ({"name": "A", "value": None}, ""),
        ({"name": "A", "value": 1, "valueJSON": "1"}, ""),
        ({"name": "A", "valueJSON": "{"}, ".valueJSON"),
    ],
    ids=["neither", "a null", "both", "no JSON"],
)
def test_setting_needs_one_value(extra: dict[str, Any], at: str) -> None:
    """The value itself or its JSON text."""
    assert _problems(settings={"extra": [extra]}) == [f"spec.settings.extra[0]{at}"]


def test_problems_of_a_project_are_told_at_once() -> None:
    """Shape and rules, in one answer."""
    assert _problems(
        image="a b",
        settings={"mode": "Imported"},
        migrate={"deadlineSeconds": 60, "pod": {"env": [{"name": "DBALIAS_X"}]}},
        commands=[{"name": "c", "args": ["check"], "scope": "Project", "databases": ["a"]}],
    ) == [
        "spec.image",
        "spec.settings.module",
        "spec.migrate.deadlineSeconds",
        "spec.migrate.pod.env[0].name",
        "spec.commands[0].databases",
    ]
