"""The chart on a real API server: it installs, and its rights hold."""

import time
from collections.abc import Iterator

import pytest

import rendering
from chart.acting import ACCOUNT, control_plane, helm, install
from dbalias.api.meta import Kind
from localkube import Cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A control plane of this module's own."""
    with control_plane() as running:
        yield running


def may(cluster: Cluster, verb: str, resource: str, *where: str) -> bool:
    """Ask the API server whether the operator's account may do something."""
    question = ("auth", "can-i", verb, resource, f"--as={ACCOUNT}", *where)
    return cluster.kubectl(*question, check=False).stdout.strip() == "yes"


def comes_to_be_allowed(cluster: Cluster, *question: str) -> bool:
    """Ask until the answer is yes, for at most two minutes: the server reads its roles by watch."""
    verb, resource, *where = question
    deadline = time.monotonic() + 120
    while not (allowed := may(cluster, verb, resource, *where)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return allowed


def test_named_namespaces_are_all_the_operator_reaches(cluster: Cluster) -> None:
    """The grant is as narrow as the watch."""
    install(cluster, "--set=watchNamespaces={shop}")
    shop = "--namespace=shop"
    assert comes_to_be_allowed(cluster, "list", "databasealiases.dbalias.dev", shop)
    status = "--subresource=status"
    assert comes_to_be_allowed(cluster, "patch", "djangoprojects.dbalias.dev", status, shop)
    assert not may(cluster, "patch", "djangoprojects.dbalias.dev", shop)
    assert not may(cluster, "patch", "databaseservers.dbalias.dev", shop)
    assert comes_to_be_allowed(cluster, "get", "secrets", shop)
    assert not may(cluster, "list", "secrets", shop)
    assert not may(cluster, "get", "secrets", "--namespace=default")
    assert not may(cluster, "list", "databasealiases.dbalias.dev", "--all-namespaces")
    assert comes_to_be_allowed(cluster, "get", "namespaces/shop", shop)
    assert not may(cluster, "get", "namespaces/default", "--namespace=default")
    assert not may(cluster, "list", "namespaces")


def test_an_upgrade_to_all_namespaces_widens_the_rights(cluster: Cluster) -> None:
    """The same release changes its reach; Secrets stay unlisted and the Lease stays the one."""
    install(cluster)
    home = f"--namespace={rendering.NAMESPACE}"
    assert comes_to_be_allowed(cluster, "get", "secrets", "--all-namespaces")
    assert not may(cluster, "list", "secrets", "--all-namespaces")
    assert not may(cluster, "list", "customresourcedefinitions.apiextensions.k8s.io")
    assert comes_to_be_allowed(cluster, "update", "leases/dbalias", home)
    assert not may(cluster, "update", "leases/other", home)
    assert not may(cluster, "update", "leases/dbalias", "--namespace=shop")


def test_plain_manifests_are_accepted_as_they_are(cluster: Cluster) -> None:
    """Every field is known to the server, which a mere parser could not say."""
    install(cluster)  # which makes the namespace of some
    cluster.kubectl(
        "apply", "--server-side", "--force-conflicts", "--validate=strict", "--dry-run=server",
        "-f", str(rendering.INSTALL),
    )  # fmt: skip


def test_uninstalling_keeps_the_crds(cluster: Cluster) -> None:
    """Deleting a CRD deletes every object of its kind; an uninstall must not."""
    install(cluster)
    helm(cluster, "uninstall", "dbalias", "--namespace", rendering.NAMESPACE)
    kept = cluster.kubectl("get", "crd", "--output=name").stdout.split()
    assert len([name for name in kept if name.endswith(".dbalias.dev")]) == len(Kind)
    install(cluster)
