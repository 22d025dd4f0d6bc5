"""Every value of the chart does what its comment says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

import rendering
from chart.objects import Objects, container, find, pod, render, rules

Look = Callable[[Objects], Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One value: how it is set, where its effect shows, and what shows there then."""

    path: str
    value: str
    look: Look
    expected: Any
    base: tuple[str, ...] = ()


def count(kind: str, name: str = "") -> Look:
    """Return a look that counts objects."""
    return lambda objects: len(list(find(objects, kind, name=name)))


def named(kind: str) -> Look:
    """Return a look at the name of the only object of a kind."""
    return lambda objects: next(find(objects, kind))["metadata"]["name"]


def in_pod(*path: str) -> Look:
    """Return a look at a field of the operator's pod template; absent is None."""
    return lambda objects: descend(pod(objects), path)


def descend(tree: Any, path: tuple[str, ...]) -> Any:
    """Follow keys, None where one is absent."""
    for key in path:
        tree = tree.get(key) if tree else None
    return tree


def has_argument(argument: str) -> Look:
    """Return a look at whether the operator is started with an argument."""
    return lambda objects: argument in container(objects)["args"]


def secret_verbs(objects: Objects) -> set[str]:
    """Return what the operator may do with Secrets."""
    found = rules(objects, "Role", "ClusterRole")
    return {verb for rule in found if "secrets" in rule["resources"] for verb in rule["verbs"]}


def monitor(*path: str) -> Look:
    """Return a look at a field of the ServiceMonitor."""
    return lambda objects: descend(next(find(objects, "ServiceMonitor")), path)


MONITOR = ("--set=metrics.serviceMonitor.enabled=true",)
DIGEST = "sha256:" + "0123456789abcdef" * 4
TOLERATION = {"key": "k", "operator": "Exists"}
SPREAD = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}

CASES = [
    Case("nameOverride", "other", named("Deployment"), "dbalias-other"),
    Case("fullnameOverride", "other", named("Deployment"), "other"),
    Case("image.repository", "a/b", lambda o: container(o)["image"], "a/b:0.1.0"),
    Case("image.tag", "v9", lambda o: container(o)["image"], "dbalias:v9"),
    Case("image.digest", DIGEST, lambda o: container(o)["image"], f"dbalias@{DIGEST}"),
    Case("image.pullPolicy", "Always", lambda o: container(o)["imagePullPolicy"], "Always"),
    Case("imagePullSecrets", '[{"name":"r"}]', in_pod("spec", "imagePullSecrets"), [{"name": "r"}]),
    Case("replicas", "2", lambda o: next(find(o, "Deployment"))["spec"]["replicas"], 2),
    Case("watchNamespaces", '["a"]', has_argument("--namespace=a"), True),
    Case("watchNamespaces", '["a"]', has_argument("--all-namespaces"), False),
    Case("watchSecrets", "true", has_argument("--watch-secrets"), True),
    Case("watchSecrets", "true", lambda o: {"list", "watch"} <= secret_verbs(o), True),
    Case("installation", "eu/main", has_argument("--installation=eu/main"), True),
    Case(
        "installation",
        "eu/main",
        lambda o: '"installation": "eu/main"' in str(list(find(o, "ValidatingAdmissionPolicy"))),
        True,
        base=("--set=admissionPolicy.enabled=true",),
    ),
    Case("log.level", "debug", has_argument("--log-level=debug"), True),
    Case("log.format", "text", has_argument("--log-format=text"), True),
    Case("lease.name", "mine", has_argument("--lease-name=mine"), True),
    Case(
        "lease.name", "mine", lambda o: next(find(o, "Role"))["rules"][1]["resourceNames"], ["mine"]
    ),
    Case("crds.install", "false", count("CustomResourceDefinition"), 0),
    Case("rbac.create", "false", lambda o: list(rules(o, "Role", "ClusterRole")), []),
    Case("rbac.aggregate", "false", count("ClusterRole"), 1),
    Case("serviceAccount.create", "false", count("ServiceAccount"), 0),
    Case("serviceAccount.create", "false", in_pod("spec", "serviceAccountName"), "default"),
    Case("serviceAccount.name", "me", in_pod("spec", "serviceAccountName"), "me"),
    Case("serviceAccount.name", "me", named("ServiceAccount"), "me"),
    Case(
        "serviceAccount.annotations",
        '{"a":"b"}',
        lambda o: next(find(o, "ServiceAccount"))["metadata"].get("annotations"),
        {"a": "b"},
    ),
    Case("admissionPolicy.enabled", "true", count("ValidatingAdmissionPolicy"), 3),
    Case("admissionPolicy.enabled", "true", count("ValidatingAdmissionPolicyBinding"), 3),
    Case("metrics.service.enabled", "false", count("Service"), 0),
    Case(
        "metrics.service.annotations",
        '{"a":"b"}',
        lambda o: next(find(o, "Service"))["metadata"].get("annotations"),
        {"a": "b"},
    ),
    Case("metrics.serviceMonitor.enabled", "true", count("ServiceMonitor"), 1),
    Case(
        "metrics.serviceMonitor.interval",
        "5s",
        lambda o: monitor("spec")(o)["endpoints"][0]["interval"],
        "5s",
        base=MONITOR,
    ),
    Case(
        "metrics.serviceMonitor.labels",
        '{"team":"db"}',
        monitor("metadata", "labels", "team"),
        "db",
        base=MONITOR,
    ),
    Case("runAsUser", "null", in_pod("spec", "securityContext", "runAsUser"), None),
    Case(
        "resources.requests",
        '{"cpu":"1"}',
        lambda o: container(o)["resources"]["requests"]["cpu"],
        "1",
    ),
    Case(
        "resources.limits",
        '{"memory":"1Gi"}',
        lambda o: container(o)["resources"]["limits"]["memory"],
        "1Gi",
    ),
    Case("podLabels", '{"a":"b"}', in_pod("metadata", "labels", "a"), "b"),
    Case("podAnnotations", '{"a":"b"}', in_pod("metadata", "annotations", "a"), "b"),
    Case("nodeSelector", '{"a":"b"}', in_pod("spec", "nodeSelector"), {"a": "b"}),
    Case(
        "tolerations",
        '[{"key":"k","operator":"Exists"}]',
        in_pod("spec", "tolerations"),
        [TOLERATION],
    ),
    Case("affinity", '{"podAffinity":{}}', in_pod("spec", "affinity"), {"podAffinity": {}}),
    Case(
        "topologySpreadConstraints",
        '[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"ScheduleAnyway"}]',
        in_pod("spec", "topologySpreadConstraints"),
        [SPREAD],
    ),
    Case("priorityClassName", "high", in_pod("spec", "priorityClassName"), "high"),
    Case(
        "env",
        '[{"name":"A","value":"1"}]',
        lambda o: container(o).get("env"),
        [{"name": "A", "value": "1"}],
    ),
]


def set_argument(case: Case) -> str:
    """Return the helm argument that sets the case's value."""
    kind = "--set-json" if case.value[0] in "[{" else "--set"
    return f"{kind}={case.path}={case.value}"


WHOLE = {"resources.requests", "resources.limits"}


def leaves(tree: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the dotted path of every value that is not a group of further named values."""
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and value and path not in WHOLE:
            yield from leaves(value, f"{path}.")
        else:
            yield path


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.path}={case.value}")
def test_a_value_shows_where_it_should_and_only_when_set(case: Case) -> None:
    """Setting the value makes the rendered field what is expected, and it was not so before."""
    assert case.look(render(*case.base, set_argument(case))) == case.expected
    assert case.look(render(*case.base)) != case.expected


def test_no_value_is_without_a_case() -> None:
    """A value that nobody tests may as well be read by nobody."""
    values = yaml.safe_load((rendering.CHART / "values.yaml").read_text())
    assert set(leaves(values)) == {case.path for case in CASES}


@pytest.mark.parametrize(
    "argument",
    [
        "--set=replica=2",
        "--set=image.registry=x",
        "--set=log.level=verbose",
        "--set=watchNamespaces={UPPER}",
        "--set=watchNamespaces={a,a}",
        "--set=installation=a b",
        "--set=installation=a'b",
        "--set=replicas=-1",
        "--set=runAsUser=0",
        "--set=image.digest=latest",
        "--set=metrics.serviceMonitor.interval=soon",
        "--set=watchSecrets=maybe",
        '--set-json=imagePullSecrets=["r"]',
    ],
)
def test_a_value_the_chart_does_not_know_is_refused(argument: str) -> None:
    """A typing error must not pass as a default."""
    with pytest.raises(ValueError, match="don't meet the specifications of the schema"):
        rendering.template(values=[argument])


def test_a_service_monitor_without_its_service_is_refused() -> None:
    """It would select nothing, silently."""
    with pytest.raises(ValueError, match=r"needs metrics\.service\.enabled"):
        rendering.template(values=[*MONITOR, "--set=metrics.service.enabled=false"])


def test_values_of_a_parent_chart_are_accepted() -> None:
    """Helm hands every subchart a `global`."""
    assert rendering.template(values=["--set=global.region=x"])
