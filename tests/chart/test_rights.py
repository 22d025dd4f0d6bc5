"""The operator's rights are what its work needs, in the namespaces it serves, and nothing else."""

from collections import defaultdict
from typing import Any

import pytest

import rendering
from chart.objects import container, find, pod, render, rules
from dbalias.api.meta import Kind

NAMESPACED = render("--set=watchNamespaces={shop,blog}", "--set=watchSecrets=true")
CLUSTER_SCOPED_RBAC = {"ClusterRole", "ClusterRoleBinding"}


def test_named_namespaces_get_no_cluster_wide_rights() -> None:
    """Whoever names namespaces must be able to install without being a cluster's admin."""
    assert not [each for each in NAMESPACED if each["kind"] in CLUSTER_SCOPED_RBAC]


def test_named_namespaces_each_get_a_role_bound_to_the_account() -> None:
    """One Role and one RoleBinding a namespace, beside the Lease's in the release's own."""
    for kind in ("Role", "RoleBinding"):
        found = sorted(each["metadata"]["namespace"] for each in find(NAMESPACED, kind))
        assert found == ["blog", rendering.NAMESPACE, "shop"]


@pytest.mark.parametrize("kind", ["RoleBinding", "ClusterRoleBinding"])
def test_rights_are_given_to_the_operators_account_alone(kind: str) -> None:
    """No group, no other account, also for the bindings in other namespaces."""
    account = {"kind": "ServiceAccount", "name": "dbalias", "namespace": rendering.NAMESPACE}
    for each in (*find(render(), kind), *find(NAMESPACED, kind)):
        assert each["subjects"] == [account]


def test_rights_of_a_namespace_are_the_same_in_both_modes() -> None:
    """The modes differ in reach, in nothing else."""
    everywhere = list(rules(render("--set=watchSecrets=true"), "ClusterRole"))
    roles = {each["metadata"]["namespace"]: each["rules"] for each in find(NAMESPACED, "Role")}
    assert roles["shop"] == roles["blog"] == everywhere


def operator_rules() -> list[dict[str, Any]]:
    """Return every rule bound to the operator in either mode."""
    return [*rules(render(), "Role", "ClusterRole"), *rules(NAMESPACED, "Role")]


def test_rights_hold_no_wildcard() -> None:
    """A wildcard grows with the cluster."""
    for rule in operator_rules():
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]


def test_rights_never_escalate() -> None:
    """No roles, no tokens, no impersonation, no exec, no whole collections deleted."""
    forbidden = {"escalate", "bind", "impersonate", "deletecollection"}
    for rule in operator_rules():
        assert not forbidden & set(rule["verbs"])
        assert "rbac.authorization.k8s.io" not in rule["apiGroups"]
        assert not {"pods/exec", "serviceaccounts/token"} & set(rule["resources"])


def test_secrets_are_not_listed_unless_asked_for() -> None:
    """To list Secrets is to read them all."""
    found = [rule for rule in rules(render(), "ClusterRole") if "secrets" in rule["resources"]]
    assert [rule["verbs"] for rule in found] == [["get", "create", "patch", "delete"]]


def verbs_by_resource(group: str) -> dict[str, set[str]]:
    """Return what the operator may do with each resource of an API group."""
    found: dict[str, set[str]] = defaultdict(set)
    for rule in rules(render(), "ClusterRole"):
        for resource in rule["resources"] if rule["apiGroups"] == [group] else ():
            found[resource] |= set(rule["verbs"])
    return found


def test_declared_objects_are_read_and_only_their_status_is_written() -> None:
    """The operator never edits what a person declares; a finalizer of an alias is its own."""
    verbs = verbs_by_resource("dbalias.dev")
    for resource in ("djangoprojects", "databaseroutingpolicies", "databaseservers"):
        assert verbs[resource] == {"get", "list", "watch"}
        assert verbs[f"{resource}/status"] == {"patch"}
    assert verbs["databasealiases"] == {"get", "list", "watch", "patch"}
    assert verbs["databasealiases/status"] == {"patch"}


def test_namespaces_are_read_by_name_alone() -> None:
    """A server's `allowedNamespaces` selects by labels of namespaces that its aliases name."""
    assert verbs_by_resource("")["namespaces"] == {"get"}


def test_the_lease_role_covers_one_lease_of_the_releases_namespace() -> None:
    """Creating cannot be bound to a name; everything else is."""
    (role,) = find(render(), "Role", name="-lease")
    assert role["metadata"]["namespace"] == rendering.NAMESPACE
    create, use = role["rules"]
    assert create["verbs"] == ["create"]
    assert use["resourceNames"] == ["dbalias"]


def test_users_roles_cover_the_declared_kinds_and_no_status() -> None:
    """The aggregated roles are for people; status is the operator's."""
    for suffix, verbs in {
        "view": {"get", "list", "watch"},
        "edit": {"create", "update", "patch", "delete"},
        "admin": {"deletecollection"},
    }.items():
        (role,) = find(render(), "ClusterRole", name=f"-{suffix}")
        label = f"rbac.authorization.k8s.io/aggregate-to-{suffix}"
        assert role["metadata"]["labels"][label] == "true"
        (rule,) = role["rules"]
        assert set(rule["verbs"]) == verbs
        assert set(rule["resources"]) == {kind.plural for kind in Kind}
        assert not [resource for resource in rule["resources"] if "/" in resource]


def test_the_pod_meets_the_restricted_standard() -> None:
    """The namespace of the plain manifests enforces it."""
    assert pod(render())["spec"]["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(render())["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "volumes" not in pod(render())["spec"]


def test_probes_ask_the_port_that_the_operator_listens_on() -> None:
    """A renamed port or path would have the kubelet kill a healthy operator."""
    only = container(render())
    assert only["ports"] == [{"name": "http", "containerPort": 8080}]
    assert "--http-port=8080" in only["args"]
    assert only["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert only["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_a_single_replica_is_replaced_without_waiting_for_the_lease() -> None:
    """With no pod allowed to be unavailable, new and old would wait for each other."""
    (deployment,) = find(render(), "Deployment")
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 1
