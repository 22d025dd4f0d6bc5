"""How a run is kept at a step, and how to see that it stands there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from localkube import Cluster
from stage.api import JSON, ApiServer
from stage.kill.gates import Gate, OwnLock
from stage.kill.steps import Step
from stage.objects import Database
from stage.play import Shop, is_finished
from stage.setting import OPERATOR_ACCOUNT

ALIAS = "default"
APP_VOLUME = "gated"
_APP = Path(__file__).parents[1] / "image" / "gated"
_LABEL = "kill.dbalias.test"
_WRITES = {
    "start": ("batch", "v1", "jobs", "CREATE"),
    "store": ("dbalias.dev", "v1alpha1", "databasealiases/status", "UPDATE"),
    "clean": ("batch", "v1", "jobs", "DELETE"),
}


class Hold(Protocol):
    """Keeps one run at one step."""

    def shut(self) -> None:
        """Begin, before anything is applied."""

    def is_reached(self) -> bool:
        """Return whether the run stands there now; call it until it says so."""

    def open(self) -> None:
        """Let the run go on; harmless when it does already."""

    def sessions(self) -> frozenset[int]:
        """Return the runner's sessions on the server that stand there with it, by number."""


def hold_at(step: Step, shop: Shop, database: Database) -> Hold:
    """Return what keeps a shop's run of this database at a step."""
    special: dict[Step, Callable[[], Hold]] = {
        Step.STORED: lambda: _Refused(shop, "start"),
        Step.CREATED: lambda: _WithoutPods(shop),
        Step.STARTING: lambda: _WithoutApp(shop),
        Step.LOCK: lambda: _Locked(shop, database),
        Step.ENDED: lambda: _Unstored(shop, database),
        Step.KEPT: lambda: _Refused(shop, "clean"),
    }
    return special.get(step, lambda: _AtGate(shop, database, step.name.lower()))()


def app_files() -> JSON:
    """Return the ConfigMap with the app `gated`."""
    data = {_key(file): file.read_text() for file in _APP.rglob("*.py")}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": APP_VOLUME},
        "data": data,
    }


def app_volume() -> JSON:
    """Return the pod options that mount it where the image's interpreter finds it."""
    items = [
        {"key": _key(file), "path": str(file.relative_to(_APP))} for file in _APP.rglob("*.py")
    ]
    return {
        "volumes": [{"name": APP_VOLUME, "configMap": {"name": APP_VOLUME, "items": items}}],
        "volumeMounts": [{"name": APP_VOLUME, "mountPath": "/app/gated"}],
    }


def allow_refusals(cluster: Cluster) -> None:
    """Make the API server refuse the operator's writes in namespaces that are labelled so."""
    bodies = [body for name in _WRITES for body in _policy(name)]
    listed = {"apiVersion": "v1", "kind": "List", "items": bodies}
    cluster.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(listed))


def _policy(name: str) -> list[JSON]:
    group, version, resource, operation = _WRITES[name]
    rule = {
        "apiGroups": [group], "apiVersions": [version],
        "resources": [resource], "operations": [operation],
    }  # fmt: skip
    base = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": f"kill-{name}"}}
    whose = f"request.userInfo.username == '{OPERATOR_ACCOUNT}'"
    where = {"namespaceSelector": {"matchLabels": {f"{_LABEL}/{name}": "refused"}}}
    policy = {
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": [{"name": "operator", "expression": whose}],
        "validations": [{"expression": "false", "message": "held by the kill matrix"}],
    }
    binding = {
        "policyName": f"kill-{name}", "validationActions": ["Deny"], "matchResources": where,
    }  # fmt: skip
    return [
        {**base, "kind": "ValidatingAdmissionPolicy", "spec": policy},
        {**base, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
    ]


def _key(file: Path) -> str:
    return ".".join(file.relative_to(_APP).parts)


class _AtGate:
    def __init__(self, shop: Shop, database: Database, name: str) -> None:
        self._shop = shop
        self._gate = Gate(database, name)
        # There a session of the app waits, which the runner does not know.
        self._is_apps = name in {"settings", "reported"}

    def shut(self) -> None:
        self._gate.shut()

    def is_reached(self) -> bool:
        # The kubelet says so of the pod after its process is seen on the server.
        return bool(self._gate.waiting() and self._shop.running(alias=ALIAS))

    def open(self) -> None:
        self._gate.open()

    def sessions(self) -> frozenset[int]:
        return frozenset() if self._is_apps else self._gate.waiting()


class _Beyond:
    """At a step that no session of the run stands at."""

    def sessions(self) -> frozenset[int]:
        return frozenset()


class _Locked(_Beyond):
    def __init__(self, shop: Shop, database: Database) -> None:
        self._shop = shop
        self._lock = OwnLock(database)

    def shut(self) -> None:
        self._lock.shut()

    def is_reached(self) -> bool:
        return any(
            "waiting for the database lock" in self._shop.api.log(self._shop.namespace, name)
            for name in (pod["metadata"]["name"] for pod in self._shop.running())
        )

    def open(self) -> None:
        self._lock.open()


class _WithoutPods(_Beyond):
    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def shut(self) -> None:
        self._shop.limit_pods(0)

    def is_reached(self) -> bool:
        found = self._shop.condition("Migrated", alias=ALIAS)
        return bool(self._shop.jobs()) and found.get("reason") == "PodNotCreated"

    def open(self) -> None:
        self._shop.delete("ResourceQuota", "pods")


class _WithoutApp(_Beyond):
    """The volume with the app's files cannot be mounted."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def shut(self) -> None:
        self._shop.delete("ConfigMap", APP_VOLUME)

    def is_reached(self) -> bool:
        return any(pod["spec"].get("nodeName") for pod in self._shop.objects("Pod"))

    def open(self) -> None:
        self._shop.apply(app_files())


class _Refused(_Beyond):
    """The API server refuses one kind of the operator's writes."""

    def __init__(self, shop: Shop, write: str) -> None:
        self._shop = shop
        self._write = write

    def shut(self) -> None:
        _label(self._shop.api, self._shop.namespace, {f"{_LABEL}/{self._write}": "refused"})

    def is_reached(self) -> bool:
        if self._write == "clean":
            return bool(self._shop.jobs()) and self._shop.is_ready()
        return bool(self._shop.condition("Migrated", alias=ALIAS).get("reason") == "PodNotCreated")

    def open(self) -> None:
        _label(self._shop.api, self._shop.namespace, {f"{_LABEL}/{self._write}": None})


class _Unstored(_Beyond):
    """From the report on no status is taken; the process then ends, and its Job."""

    def __init__(self, shop: Shop, database: Database) -> None:
        self._shop = shop
        self._gate = Gate(database, "reported")
        self._refused = _Refused(shop, "store")

    def shut(self) -> None:
        self._gate.shut()

    def is_reached(self) -> bool:
        if self._gate.is_shut:
            if self._gate.waiting():
                self._refused.shut()
                self._gate.open()
            return False
        return any(map(is_finished, self._shop.jobs()))

    def open(self) -> None:
        self._gate.open()
        self._refused.open()


def _label(api: ApiServer, namespace: str, labels: JSON) -> None:
    api.merge("Namespace", "", namespace, metadata={"labels": labels})
