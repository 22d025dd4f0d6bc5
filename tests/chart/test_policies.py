"""The admission policies on a real API server: what a stolen token of the operator cannot do."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

import rendering
from chart.acting import as_operator, control_plane, install, patch_as_operator
from dbalias.api.ownership import PROVISIONED_FOR
from dbalias.servers.marks import Mark
from localkube import Cluster
from localkube.errors import LocalkubeError

OWNER = {
    "apiVersion": "dbalias.dev/v1alpha1",
    "kind": "DjangoProject",
    "name": "shop",
    "uid": "00000000-0000-0000-0000-000000000001",
    "controller": True,
}
LABELS = {"app.kubernetes.io/managed-by": "dbalias"}
MARK = Mark(f"{rendering.NAMESPACE}/dbalias", "shop", "users")
FINALIZER = "dbalias.dev/database"
POD = {"containers": [{"name": "web", "image": "shop:1"}]}
USERS = {
    "apiVersion": "dbalias.dev/v1alpha1",
    "kind": "DatabaseAlias",
    "metadata": {"name": "users", "namespace": "shop", "finalizers": ["example.org/x"]},
    "spec": {"projectRef": {"name": "shop"}, "engine": "sqlite3", "name": "users.db"},
}
"""An alias that somebody declared, with a finalizer of their own."""
NOT_OURS = "whose controller is a DjangoProject"
NOT_A_RESTART = "may only change the pod template's dbalias"
NOT_A_FINALIZER = "nothing of a DatabaseAlias but its own finalizer"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Cluster]:
    """A control plane with the policies in force, a workload and an alias in namespace shop."""
    with control_plane() as cluster:
        install(cluster, "--set=admissionPolicy.enabled=true")
        cluster.kubectl(
            "--namespace=shop", "create", "deployment", "web", "--image=shop:1", "--replicas=2"
        )
        cluster.kubectl("create", "-f", "-", input=json.dumps(USERS))
        stray = configmap("probe", labels={}, owners=[])
        labelled = json.dumps({"metadata": {"labels": {"more": "x"}}})
        patch = ("--type=merge", "--patch", labelled)
        wait_until_refused(cluster, NOT_OURS, "create", "-f", "-", body=stray)
        wait_until_refused(cluster, NOT_A_RESTART, "patch", "deployment/web", *patch)
        wait_until_refused(cluster, NOT_A_FINALIZER, "patch", "dba/users", *patch)
        yield cluster


def wait_until_refused(
    cluster: Cluster, why: str, *arguments: str, body: dict[str, Any] | None = None
) -> None:
    """Try something forbidden until it is refused: a policy takes a moment to reach the server.

    So do the operator's rights, without which it is refused for another reason.
    """
    said, deadline = "it was allowed", time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            as_operator(cluster, *arguments, "--dry-run=server", body=body)
        except LocalkubeError as error:
            said = str(error)
            if why in said:
                return
    pytest.fail(f"the admission policy never came into force: {said}")


def configmap(name: str, *, labels: dict[str, str], owners: list[Any]) -> dict[str, Any]:
    """Return a ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": labels, "ownerReferences": owners},
        "data": {"a": "b"},
    }


def binding(mark: Mark, *, type: str = "servicebinding.io/postgresql", **more: Any) -> Any:
    """Return the Secret of a database that was made for an alias."""
    annotations = {PROVISIONED_FOR: mark.render()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "users-binding", "labels": LABELS, "annotations": annotations} | more,
        "type": type,
        "stringData": {"password": "s3krit"},
    }


def test_the_policy_lets_the_operator_write_repair_and_delete_its_own(guarded: Cluster) -> None:
    """Also when somebody has taken the label away."""
    own = configmap("shop-databases", labels=LABELS, owners=[OWNER])
    as_operator(guarded, "create", "-f", "-", body=own)
    guarded.kubectl(
        "--namespace=shop", "label", "configmap/shop-databases", "app.kubernetes.io/managed-by-"
    )
    patch_as_operator(guarded, "configmap/shop-databases", {"metadata": {"labels": LABELS}})
    as_operator(guarded, "delete", "configmap/shop-databases", "--wait=false")


@pytest.mark.parametrize(
    "body",
    [
        configmap("stray", labels={}, owners=[OWNER]),
        configmap("stray", labels=LABELS, owners=[]),
        configmap("stray", labels=LABELS, owners=[{**OWNER, "kind": "Deployment"}]),
        configmap("stray", labels=LABELS, owners=[{**OWNER, "controller": False}]),
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "stray", "labels": LABELS},
            "spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}},
        },
    ],
    ids=["no label", "no owner", "another kind's", "not the controller's", "a Job without owner"],
)
def test_the_policy_refuses_objects_that_no_project_controls(
    guarded: Cluster, body: dict[str, Any]
) -> None:
    """A stolen token of the operator makes nothing of its own."""
    with pytest.raises(LocalkubeError, match=NOT_OURS):
        as_operator(guarded, "create", "-f", "-", body=body)


def test_the_policy_lets_the_operator_keep_the_secret_of_a_database_that_it_made(
    guarded: Cluster,
) -> None:
    """Which no project controls, for it outlives its alias; by the mark it is known."""
    as_operator(guarded, "create", "-f", "-", body=binding(MARK))
    guarded.kubectl(
        "--namespace=shop", "label", "secret/users-binding", "app.kubernetes.io/managed-by-"
    )
    repair = {"metadata": {"labels": LABELS}, "stringData": {"password": "other"}}
    patch_as_operator(guarded, "secret/users-binding", repair)
    as_operator(guarded, "delete", "secret/users-binding", "--wait=false")


@pytest.mark.parametrize(
    "body",
    [
        binding(Mark("another/dbalias", "shop", "users")),
        binding(Mark(MARK.installation, "blog", "users")),
        binding(MARK, labels={}),
        binding(MARK, annotations={}),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": binding(MARK)["metadata"]},
    ],
    ids=["another installation's", "another namespace's", "no label", "no mark", "a ConfigMap"],
)
def test_the_policy_refuses_secrets_that_are_marked_for_nothing_of_ours(
    guarded: Cluster, body: dict[str, Any]
) -> None:
    """The mark alone would be a key to every Secret."""
    with pytest.raises(LocalkubeError, match=f"Secrets marked {PROVISIONED_FOR}"):
        as_operator(guarded, "create", "-f", "-", body=body)


def test_the_policy_refuses_secrets_that_the_cluster_fills_with_a_token(guarded: Cluster) -> None:
    """Else a stolen token of the operator would be a token of any account."""
    account = {"kubernetes.io/service-account.name": "default"}
    annotations = account | {PROVISIONED_FOR: MARK.render()}
    type = "kubernetes.io/service-account-token"
    for owners in ([], [OWNER]):
        body = binding(MARK, type=type, annotations=annotations, ownerReferences=owners)
        with pytest.raises(LocalkubeError, match="only write Secrets of type Opaque"):
            as_operator(guarded, "create", "-f", "-", body=body)


def test_the_policy_refuses_to_touch_what_others_own(guarded: Cluster) -> None:
    """Neither change nor deletion, and no taking over by adding a reference."""
    guarded.kubectl("--namespace=shop", "create", "secret", "generic", "foreign")
    taken = {"metadata": {"labels": LABELS, "ownerReferences": [OWNER]}}
    with pytest.raises(LocalkubeError, match="its controller is no DjangoProject"):
        patch_as_operator(guarded, "secret/foreign", taken)
    with pytest.raises(LocalkubeError, match="its controller is no DjangoProject"):
        as_operator(guarded, "delete", "secret/foreign", "--wait=false")


def test_the_policy_lets_the_operator_restart_a_workload(guarded: Cluster) -> None:
    """A dbalias.dev annotation on the pod template, first set and then changed."""
    for revision in ("one", "two"):
        annotations = {"dbalias.dev/revision": revision}
        restart = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
        patch_as_operator(guarded, "deployment/web", restart)


@pytest.mark.parametrize(
    "patch",
    [
        {"spec": {"replicas": 0}},
        {"spec": {"paused": True}},
        {"spec": {"template": {"spec": {"hostNetwork": True}}}},
        {"spec": {"template": {"metadata": {"annotations": {"other/key": "x"}}}}},
        {"spec": {"template": {"metadata": {"labels": {"more": "x"}}}}},
        {"metadata": {"labels": {"more": "x"}}},
        {"metadata": {"annotations": {"dbalias.dev/x": "y"}}},
        {"metadata": {"finalizers": ["example.org/x"]}},
    ],
    ids=json.dumps,
)
def test_the_policy_refuses_any_other_change_of_a_workload(
    guarded: Cluster, patch: dict[str, Any]
) -> None:
    """The right to patch Deployments would be the right to run anything."""
    with pytest.raises(LocalkubeError, match=NOT_A_RESTART):
        patch_as_operator(guarded, "deployment/web", patch)


def test_the_policy_lets_the_operator_set_and_remove_its_finalizer(guarded: Cluster) -> None:
    """Beside those of others."""
    for finalizers in (["example.org/x", FINALIZER], ["example.org/x"]):
        patch_as_operator(guarded, "dba/users", {"metadata": {"finalizers": finalizers}})


@pytest.mark.parametrize(
    "patch",
    [
        {"spec": {"name": "other.db"}},
        {"metadata": {"labels": {"more": "x"}}},
        {"metadata": {"annotations": {"dbalias.dev/approve": "x"}}},
        {"metadata": {"ownerReferences": [OWNER]}},
        {"metadata": {"finalizers": [FINALIZER]}},
        {"metadata": {"finalizers": ["example.org/x", "example.org/y"]}},
    ],
    ids=json.dumps,
)
def test_the_policy_refuses_any_other_change_of_an_alias(
    guarded: Cluster, patch: dict[str, Any]
) -> None:
    """What people declare is theirs: an approval, above all."""
    with pytest.raises(LocalkubeError, match=NOT_A_FINALIZER):
        patch_as_operator(guarded, "dba/users", patch)


def test_the_policy_does_not_concern_anybody_else(guarded: Cluster) -> None:
    """It names one account."""
    guarded.kubectl("--namespace=shop", "create", "configmap", "somebodys", "--from-literal=a=b")
    guarded.kubectl("--namespace=shop", "scale", "deployment/web", "--replicas=3")
