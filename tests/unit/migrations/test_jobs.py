"""The Job's name and body."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbalias.api.project import (
    AuditMode,
    PodOptions,
    ProjectMigrate,
    Routing,
    Settings,
    SettingsMode,
)
from dbalias.migrations.jobs import JobSpec, build_job, job_name
from dbalias.migrations.marks import Purpose, Task
from unit.migrations.builders import a_project, an_alias

OBJECT_NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,60}[a-z0-9])?", fullmatch=True)
ALIASES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_.\-]{0,60}[A-Za-z0-9])?", fullmatch=True)
ATTEMPTS = st.integers(1, 10**11)
MIGRATE = (
    "import sys; sys.path.insert(0, '/etc/dbalias'); "
    "import dbalias_migrate; sys.exit(dbalias_migrate.main())"
)


def on(alias: str, purpose: Purpose = Purpose.MIGRATE) -> Task:
    """What a run on an alias is for."""
    return Task(alias, purpose)


def run(command: str, alias: str = "") -> Task:
    """A run of a command, on an alias or for the project."""
    return Task(alias, Purpose.COMMAND, command)


def a_spec(**changes: Any) -> JobSpec:
    """A Job with both Secrets."""
    fields: dict[str, Any] = {
        "project": a_project(),
        "alias": an_alias(),
        "config_map": "shop-databases-rev-run",
        "secret": "shop-databases",
        "migrate_secret": "shop-migrate",
        "attempt": 3,
        "identity": "identity-a",
        "body": "body-a",
        "database": "mark",
    }
    return JobSpec(**(fields | changes))


def with_migrate(**fields: Any) -> JobSpec:
    """A Job of a project whose ``spec.migrate`` has these fields."""
    return a_spec(project=a_project(migrate=ProjectMigrate(**fields)))


def with_pod(**fields: Any) -> dict[str, Any]:
    """The PodSpec under these pod options."""
    spec: dict[str, Any] = pod_of(build_job(with_migrate(pod=PodOptions(**fields))))
    return spec


def pod_of(job: Any) -> Any:
    """The PodSpec of a Job."""
    return job["spec"]["template"]["spec"]


def container_of(job: Any) -> Any:
    """The only container of a Job."""
    (container,) = pod_of(job)["containers"]
    return container


@given(OBJECT_NAMES, ALIASES, st.text(min_size=1), ATTEMPTS)
def test_job_name_is_a_legal_name_for_any_input(
    project: str, alias: str, identity: str, attempt: int
) -> None:
    """It is a DNS label, so the pods' names and labels made from it are legal too."""
    name = job_name(project, on(alias), identity, attempt)
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)
    assert len(name) <= 63
    assert name == job_name(project, on(alias), identity, attempt)


@given(st.text(min_size=1, max_size=70), st.text(min_size=1, max_size=70), ATTEMPTS)
def test_job_name_is_legal_even_for_text_that_no_api_lets_through(
    project: str, alias: str, attempt: int
) -> None:
    """The rule does not lean on anyone's validation."""
    name = job_name(project, on(alias), "i", attempt)
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("shop", on("user_data"), "i", 1), ("shop", on("user-data"), "i", 1)),
        (("shop", on("a" * 18 + "x"), "i", 1), ("shop", on("a" * 18 + "y"), "i", 1)),
        (("a-b", on("c"), "i", 1), ("a", on("b-c"), "i", 1)),
        (("shop", on("users"), "i", 1), ("shop", on("users"), "j", 1)),
        (("shop", on("users"), "i", 1), ("shop", on("users"), "i", 2)),
        (("shop", on("users"), "i", 1), ("shop", on("users", Purpose.CHECK), "i", 1)),
        (("shop", run("flush", "a"), "i", 1), ("shop", run("flush", "b"), "i", 1)),
        (("shop", run("flush"), "i", 1), ("shop", run("clear"), "i", 1)),
        (("shop", run("flush"), "i", 1), ("shop", on("flush"), "i", 1)),
    ],
    ids=[
        "aliases that differ in a character no name may have",
        "aliases that differ after the part that is shown",
        "the dash between project and alias",
        "identities",
        "attempts",
        "purposes",
        "aliases of a command",
        "commands of the project",
        "a command and an alias of its name",
    ],
)
def test_job_name_keeps_apart(
    one: tuple[str, Task, str, int], other: tuple[str, Task, str, int]
) -> None:
    """What is abridged in the name is still in its digest."""
    assert job_name(*one) != job_name(*other)


def test_job_is_one_attempt_in_one_pod() -> None:
    """No retry and no second pod; a failed container fails the Job by its exit code."""
    spec = build_job(a_spec())["spec"]
    assert spec["backoffLimit"] == 0
    assert (spec["completions"], spec["parallelism"]) == (1, 1)
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["podFailurePolicy"] == {
        "rules": [
            {
                "action": "FailJob",
                "onExitCodes": {"containerName": "migrate", "operator": "NotIn", "values": [0]},
            }
        ]
    }
    assert "ttlSecondsAfterFinished" not in spec
    assert "suspend" not in spec


def test_job_says_whose_it_is() -> None:
    """Labels find it, annotations tell what ran, the owner reference lets it be collected."""
    meta = build_job(a_spec(requested_at="2026-05-04T12:00:00Z"))["metadata"]
    assert meta["namespace"] == "ns"
    assert meta["labels"] == {
        "app.kubernetes.io/managed-by": "dbalias",
        "dbalias.dev/project": "shop",
        "dbalias.dev/alias": "users",
        "dbalias.dev/purpose": "migrate",
        "dbalias.dev/attempt": "3",
        "dbalias.dev/database": "mark",
    }
    assert meta["annotations"] == {
        "dbalias.dev/identity": "identity-a",
        "dbalias.dev/body": "body-a",
        "dbalias.dev/object-uid": "alias-1",
        "dbalias.dev/migrate-requested-at": "2026-05-04T12:00:00Z",
    }
    (owner,) = meta["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == (
        "DjangoProject",
        "project-uid",
        True,
    )


def test_job_takes_the_name_that_the_record_holds() -> None:
    """A Job that is created late must collide with the first, not run beside it."""
    assert build_job(a_spec(name="kept"))["metadata"]["name"] == "kept"
    computed = build_job(a_spec())["metadata"]["name"]
    assert computed == job_name("shop", on("users"), "identity-a", 3)


def test_job_has_a_deadline_only_when_one_is_set() -> None:
    """A deadline deletes the pod with its report, and may cut a long ALTER."""
    assert "activeDeadlineSeconds" not in build_job(a_spec())["spec"]
    assert build_job(with_migrate(deadline_seconds=60))["spec"]["activeDeadlineSeconds"] == 60


def test_pod_meets_the_restricted_standard() -> None:
    """Every control of Pod Security ``restricted`` that a Linux pod must state."""
    pod = pod_of(build_job(a_spec()))
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container_of(build_job(a_spec()))["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)


def test_pod_has_no_token_and_is_never_restarted_or_moved() -> None:
    """It needs no API access, and half an ALTER is worse than a full node."""
    job = build_job(a_spec())
    pod = pod_of(job)
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["restartPolicy"] == "Never"
    assert pod["terminationGracePeriodSeconds"] == 600
    annotations = job["spec"]["template"]["metadata"]["annotations"]
    assert annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert annotations["karpenter.sh/do-not-disrupt"] == "true"


def test_pod_mounts_all_published_files_in_one_flat_folder() -> None:
    """The revision's ConfigMap and both Secrets, readable by the group, none optional."""
    pod = pod_of(build_job(a_spec()))
    (volume,) = pod["volumes"]
    assert volume["projected"] == {
        "defaultMode": 0o440,
        "sources": [
            {"configMap": {"name": "shop-databases-rev-run"}},
            {"secret": {"name": "shop-databases"}},
            {"secret": {"name": "shop-migrate"}},
        ],
    }
    assert pod["securityContext"]["fsGroup"] == 65532
    (mount,) = container_of(build_job(a_spec()))["volumeMounts"]
    assert mount == {"name": volume["name"], "mountPath": "/etc/dbalias", "readOnly": True}


def test_pod_without_migration_credentials_mounts_no_migrate_secret() -> None:
    """A source that does not exist would keep the pod from starting."""
    (volume,) = pod_of(build_job(a_spec(migrate_secret=None)))["volumes"]
    assert len(volume["projected"]["sources"]) == 2


def test_container_always_names_the_database() -> None:
    """The arguments are the runner's, then ``--``, then the project's and the alias' own."""
    project = a_project(
        interpreter=("/venv/bin/python", "-X", "dev"),
        routing=Routing(audit=AuditMode.WARN),
        migrate=ProjectMigrate(
            command=("./manage.py", "migrate_schemas"), args=("--fake-initial",)
        ),
    )
    alias = an_alias(apps=("auth", "shop"), args=("--skip-checks",))
    container = container_of(build_job(a_spec(project=project, alias=alias)))
    assert container["command"] == ["/venv/bin/python", "-X", "dev", "-c", MIGRATE]
    assert container["args"] == [
        "--database=users",
        "--lock-timeout=300",
        "--audit=Warn",
        "--app=auth",
        "--app=shop",
        "--command=./manage.py",
        "--command=migrate_schemas",
        "--",
        "--fake-initial",
        "--skip-checks",
    ]


@pytest.mark.parametrize(
    ("settings", "module"),
    [
        (Settings("shop.settings"), "dbalias_settings"),
        (Settings(), "dbalias_settings"),
        (Settings("shop.settings", SettingsMode.IMPORTED), "shop.settings"),
    ],
    ids=["an overlay over a module", "an overlay alone", "a module that imports ours"],
)
def test_container_gets_the_settings_module_of(settings: Settings, module: str) -> None:
    """DJANGO_SETTINGS_MODULE follows the project's mode."""
    env = container_of(build_job(a_spec(project=a_project(settings=settings))))["env"]
    assert {"name": "DJANGO_SETTINGS_MODULE", "value": module} in env
    assert {"name": "DBALIAS_ATTEMPT", "value": "3"} in env


def test_container_keeps_the_users_variables_but_not_those_that_are_ours() -> None:
    """A variable said twice would be decided by its place in the list."""
    theirs = ({"name": "A", "value": "1"}, {"name": "DJANGO_SETTINGS_MODULE", "value": "x"})
    env = container_of(build_job(with_migrate(pod=PodOptions(env=theirs))))["env"]
    assert [entry["name"] for entry in env] == ["A", "DJANGO_SETTINGS_MODULE", "DBALIAS_ATTEMPT"]
    assert env[1]["value"] == "dbalias_settings"


@pytest.mark.parametrize(
    ("option", "value", "field"),
    [
        ("node_selector", {"disk": "ssd"}, "nodeSelector"),
        ("tolerations", [{"operator": "Exists"}], "tolerations"),
        ("affinity", {"nodeAffinity": {}}, "affinity"),
        ("topology_spread_constraints", [{"maxSkew": 1}], "topologySpreadConstraints"),
        ("image_pull_secrets", [{"name": "pull"}], "imagePullSecrets"),
        ("service_account_name", "migrator", "serviceAccountName"),
        ("priority_class_name", "high", "priorityClassName"),
    ],
)
def test_pod_takes_the_option(option: str, value: Any, field: str) -> None:
    """Each option lands in the field of its name, and is absent when not set."""
    given_value = tuple(value) if isinstance(value, list) else value
    assert with_pod(**{option: given_value})[field] == value
    assert field not in with_pod()


@pytest.mark.parametrize(
    ("option", "value", "field"),
    [
        ("image_pull_policy", "Always", "imagePullPolicy"),
        ("env_from", [{"secretRef": {"name": "s"}}], "envFrom"),
        ("resources", {"limits": {"memory": "1Gi"}}, "resources"),
    ],
)
def test_container_takes_the_option(option: str, value: Any, field: str) -> None:
    """Each option lands in the container's field of its name, and is absent when not set."""
    given_value = tuple(value) if isinstance(value, list) else value
    assert with_pod(**{option: given_value})["containers"][0][field] == value
    assert field not in with_pod()["containers"][0]


def test_pod_takes_users_ids_without_giving_up_non_root() -> None:
    """Ids are the user's, 0 included where Kubernetes is to refuse it; the rest stays."""
    context = with_pod(run_as_user=0, run_as_group=7, fs_group=8)["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (0, 7, 8)
    assert context["runAsNonRoot"] is True


def test_pod_takes_further_volumes_beside_ours() -> None:
    """The published folder stays the first."""
    pod = with_pod(
        volumes=({"name": "tmp", "emptyDir": {}},),
        volume_mounts=({"name": "tmp", "mountPath": "/tmp"},),
    )
    assert [volume["name"] for volume in pod["volumes"]] == ["dbalias-databases", "tmp"]
    assert len(pod["containers"][0]["volumeMounts"]) == 2


def test_pods_labels_and_annotations_of_the_user_never_replace_ours() -> None:
    """Otherwise a pod could hide from the operator, or be moved."""
    options = PodOptions(
        labels={"team": "a", "dbalias.dev/alias": "other"},
        annotations={
            "note": "b",
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "true",
        },
    )
    job = build_job(with_migrate(pod=options))
    template = job["spec"]["template"]["metadata"]
    assert template["labels"]["team"] == "a"
    assert template["labels"]["dbalias.dev/alias"] == "users"
    assert template["annotations"]["note"] == "b"
    assert template["annotations"]["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert "team" not in job["metadata"]["labels"]


def test_job_is_the_same_for_the_same_spec() -> None:
    """A builder without a clock or chance."""
    assert build_job(a_spec()) == build_job(replace(a_spec()))
