"""The chart on a real API server: it installs, and its rights and admission policy hold."""

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

import rendering
from localkube import Cluster, Options
from localkube.errors import LocalkubeError

ACCOUNT = f"system:serviceaccount:{rendering.NAMESPACE}:dbalias"
OWNER = {
    "apiVersion": "dbalias.dev/v1alpha1",
    "kind": "DjangoProject",
    "name": "shop",
    "uid": "00000000-0000-0000-0000-000000000001",
    "controller": True,
}
LABELS = {"app.kubernetes.io/managed-by": "dbalias"}
POD = {"containers": [{"name": "web", "image": "shop:1"}]}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A control plane without a node: nothing here needs a pod to run."""
    with Cluster(options=Options(node=False, controllers=False)) as running:
        running.kubectl("create", "namespace", "shop")
        yield running


def helm(cluster: Cluster, *arguments: str) -> None:
    """Run helm against the cluster and fail with its words."""
    done = subprocess.run(
        [rendering.helm(), f"--kubeconfig={cluster.kubeconfig}", *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def install(cluster: Cluster, *values: str) -> None:
    """Install or upgrade the release as the README does."""
    helm(
        cluster, "upgrade", "--install", "dbalias", str(rendering.CHART),
        "--namespace", rendering.NAMESPACE, "--create-namespace",
        # Without it, an upgrade that sets nothing silently keeps what the last one set.
        "--reset-values", *values,
    )  # fmt: skip


def may(cluster: Cluster, verb: str, resource: str, *where: str) -> bool:
    """Ask the API server whether the operator's account may do something."""
    question = ("auth", "can-i", verb, resource, f"--as={ACCOUNT}", *where)
    return cluster.kubectl(*question, check=False).stdout.strip() == "yes"


def comes_to_be_allowed(cluster: Cluster, *question: str) -> bool:
    """Ask until the answer is yes, for at most ten seconds: the server reads its roles by watch."""
    verb, resource, *where = question
    deadline = time.monotonic() + 10
    while not (allowed := may(cluster, verb, resource, *where)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return allowed


def as_operator(cluster: Cluster, *arguments: str, body: dict[str, Any] | None = None) -> None:
    """Act as the operator's account; LocalkubeError carries a refusal."""
    cluster.kubectl(
        f"--as={ACCOUNT}", "--namespace=shop", *arguments, input=json.dumps(body) if body else None
    )


def patch_as_operator(cluster: Cluster, target: str, change: dict[str, Any]) -> None:
    """Merge a change into an object, as the operator's account."""
    as_operator(cluster, "patch", target, "--type=merge", "--patch", json.dumps(change))


def test_named_namespaces_are_all_the_operator_reaches(cluster: Cluster) -> None:
    """The grant is as narrow as the watch."""
    install(cluster, "--set=watchNamespaces={shop}")
    shop = "--namespace=shop"
    assert comes_to_be_allowed(cluster, "list", "databasealiases.dbalias.dev", shop)
    assert may(cluster, "patch", "djangoprojects.dbalias.dev", "--subresource=status", shop)
    assert not may(cluster, "patch", "djangoprojects.dbalias.dev", shop)
    assert may(cluster, "get", "secrets", shop)
    assert not may(cluster, "list", "secrets", shop)
    assert not may(cluster, "get", "secrets", "--namespace=default")
    assert not may(cluster, "list", "databasealiases.dbalias.dev", "--all-namespaces")
    assert not may(cluster, "list", "namespaces")


def test_an_upgrade_to_all_namespaces_widens_the_rights(cluster: Cluster) -> None:
    """The same release changes its reach; Secrets stay unlisted and the Lease stays the one."""
    install(cluster)
    home = f"--namespace={rendering.NAMESPACE}"
    assert comes_to_be_allowed(cluster, "get", "secrets", "--all-namespaces")
    assert not may(cluster, "list", "secrets", "--all-namespaces")
    assert not may(cluster, "list", "customresourcedefinitions.apiextensions.k8s.io")
    assert may(cluster, "update", "leases/dbalias", home)
    assert not may(cluster, "update", "leases/other", home)
    assert not may(cluster, "update", "leases/dbalias", "--namespace=shop")


def test_plain_manifests_are_accepted_as_they_are(cluster: Cluster) -> None:
    """Every field is known to the server, which a mere parser could not say."""
    cluster.kubectl(
        "apply", "--server-side", "--force-conflicts", "--validate=strict", "--dry-run=server",
        "-f", str(rendering.INSTALL),
    )  # fmt: skip


def test_uninstalling_keeps_the_crds(cluster: Cluster) -> None:
    """Deleting a CRD deletes every object of its kind; an uninstall must not."""
    install(cluster)
    helm(cluster, "uninstall", "dbalias", "--namespace", rendering.NAMESPACE)
    kept = cluster.kubectl("get", "crd", "--output=name").stdout.split()
    assert len([name for name in kept if name.endswith(".dbalias.dev")]) == 3
    install(cluster)


@pytest.fixture(scope="module")
def guarded(cluster: Cluster) -> Cluster:
    """The cluster with the admission policy on and in force, and a workload in namespace shop."""
    install(cluster, "--set=admissionPolicy.enabled=true")
    cluster.kubectl(
        "--namespace=shop", "create", "deployment", "web", "--image=shop:1", "--replicas=2"
    )
    wait_until_refused(cluster, configmap("probe", labels={}, owners=[]))
    return cluster


def wait_until_refused(cluster: Cluster, body: dict[str, Any]) -> None:
    """Try something forbidden until it is refused: a policy takes a moment to reach the server."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            as_operator(cluster, "create", "--dry-run=server", "-f", "-", body=body)
        except LocalkubeError:
            return
    pytest.fail("the admission policy never came into force")


def configmap(name: str, *, labels: dict[str, str], owners: list[Any]) -> dict[str, Any]:
    """Return a ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": labels, "ownerReferences": owners},
        "data": {"a": "b"},
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
    with pytest.raises(LocalkubeError, match="whose controller is a DjangoProject"):
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
    with pytest.raises(LocalkubeError, match="may only change the pod template's dbalias"):
        patch_as_operator(guarded, "deployment/web", patch)


def test_the_policy_does_not_concern_anybody_else(guarded: Cluster) -> None:
    """It names one account."""
    guarded.kubectl("--namespace=shop", "create", "configmap", "somebodys", "--from-literal=a=b")
    guarded.kubectl("--namespace=shop", "scale", "deployment/web", "--replicas=3")
