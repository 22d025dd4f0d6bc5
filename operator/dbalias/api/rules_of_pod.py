"""What ``spec.migrate.pod`` must hold beyond its shape, as the CRD's CEL rules say it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dbalias.api import limits
from dbalias.api.meta import JSON
from dbalias.api.reader import Reader

Fields = Mapping[str, JSON]

VOLUME_SOURCES = frozenset({"configMap", "secret", "projected", "emptyDir", "csi"})


def demand_pod_rules(reader: Reader, pod: Fields, *, at: str) -> None:
    """Report what the CRD's rules refuse."""
    for index, variable in enumerate(pod.get("env", ())):
        _demand_variable(reader, variable, f"{at}.env[{index}]")
    for index, source in enumerate(pod.get("envFrom", ())):
        reader.demand(
            len(source.keys() - {"prefix"}) == 1,
            f"{at}.envFrom[{index}]",
            "envFrom names not exactly one source",
            "Set one of configMapRef and secretRef",
        )
    for field in ("labels", "annotations"):
        _demand_keys(reader, pod.get(field, {}), f"{at}.{field}", field)
    _demand_volumes(reader, pod, at)


def _demand_variable(reader: Reader, variable: Fields, at: str) -> None:
    name = variable.get("name", "")
    reader.demand(
        name != "DJANGO_SETTINGS_MODULE"
        and (not name.startswith("DBALIAS_") or name == "DBALIAS_PROFILE"),
        f"{at}.name",
        "this variable is set by dbalias",
        "Remove it; settings.module names the settings",
    )
    reader.demand(
        not ("value" in variable and "valueFrom" in variable),
        at,
        "value and valueFrom exclude each other",
        "Keep one of them",
    )
    reader.demand(
        len(variable.get("valueFrom", {"one": None})) == 1,
        f"{at}.valueFrom",
        "valueFrom names not exactly one source",
        "Set one of configMapKeyRef, secretKeyRef and fieldRef",
    )


def _demand_keys(reader: Reader, table: Fields, at: str, field: str) -> None:
    reader.demand(
        all(re.fullmatch(limits.QUALIFIED_NAME, key) for key in table),
        at,
        f"{field} has a key that Kubernetes does not allow",
        "Write name or prefix/name, the name of at most 63 letters, digits, -, _ and .",
    )
    reader.demand(
        not any(
            key.startswith("dbalias.dev/") or key == "app.kubernetes.io/managed-by" for key in table
        ),
        at,
        f"{field} has a key that dbalias sets itself",
        "Remove the keys of dbalias.dev and app.kubernetes.io/managed-by",
    )


def _demand_volumes(reader: Reader, pod: Fields, at: str) -> None:
    volumes = pod.get("volumes", ())
    for index, volume in enumerate(volumes):
        _demand_volume(reader, volume, f"{at}.volumes[{index}]")
    names = {volume.get("name") for volume in volumes}
    for index, mount in enumerate(pod.get("volumeMounts", ())):
        path = mount.get("mountPath", "")
        reader.demand(
            path != "/etc/dbalias" and not path.startswith("/etc/dbalias/"),
            f"{at}.volumeMounts[{index}].mountPath",
            "/etc/dbalias is where dbalias mounts the published files",
            "Choose another mountPath",
        )
        reader.demand(
            mount.get("name") in names,
            f"{at}.volumeMounts",
            "volumeMounts names a volume that is not in volumes",
            "Add it to volumes, or remove the mount",
        )


def _demand_volume(reader: Reader, volume: Fields, at: str) -> None:
    reader.demand(
        not volume.get("name", "").startswith("dbalias"),
        f"{at}.name",
        "names that begin with dbalias are kept for dbalias' own volumes",
        "Choose another name",
    )
    reader.demand(
        len(volume.keys() & VOLUME_SOURCES) == 1,
        at,
        "a volume has not exactly one source",
        "Set one of configMap, secret, projected, emptyDir and csi",
    )
    for index, source in enumerate(volume.get("projected", {}).get("sources", ())):
        reader.demand(
            len(source) == 1,
            f"{at}.projected.sources[{index}]",
            "a projected source has not exactly one kind",
            "Set one of configMap, secret and serviceAccountToken",
        )
