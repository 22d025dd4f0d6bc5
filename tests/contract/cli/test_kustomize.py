"""The kustomize component, built by a real kubectl, gives workloads what ``inject`` gives them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dbalias.cli.inject_pod import Mount, mount_into
from localkube.binaries import find_binaries
from unit.cli.workloads import KINDS, container, pod_of, pod_spec, workload

COMPONENT = Path(__file__).parents[3] / "manifests" / "mount"
MARK = {"dbalias.dev/mount": "true"}
LOCAL = {"config.kubernetes.io/local-config": "true"}

JSON = Any


def build(
    folder: Path, *bodies: JSON, components: tuple[Path, ...], **parameters: str
) -> list[JSON]:
    """Return what ``kubectl kustomize`` makes of these objects, the component and parameters."""
    asked = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "dbalias-mount", "annotations": LOCAL},
        "data": {"settings": "dbalias_settings", "pythonpath": "/etc/dbalias", **parameters},
    }
    (folder / "all.yaml").write_text(yaml.safe_dump_all([*bodies, asked]))
    places = [os.path.relpath(one.resolve(), folder.resolve()) for one in components]
    kustomization = {"resources": ["all.yaml"], "components": places}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    kubectl = find_binaries("kubectl").path("kubectl")
    done = subprocess.run(
        [str(kubectl), "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def marked(body: JSON) -> JSON:
    """Return a workload that asks for the mount."""
    return {**body, "metadata": {**body["metadata"], "annotations": MARK}}


@pytest.mark.parametrize("kind", KINDS)
def test_a_marked_workload_equals_what_inject_makes_of_it(kind: str, tmp_path: Path) -> None:
    """Also with several containers, variables and volumes of its own; nothing else is built."""
    own = {"name": "tmp", "mountPath": "/tmp"}
    web = container(env=[{"name": "A", "value": "1"}], volumeMounts=[own])
    pod = pod_spec(web, container("worker"), volumes=[{"name": "tmp", "emptyDir": {}}])
    (built,) = build(
        tmp_path,
        marked(workload(kind, pod)),
        components=(COMPONENT, COMPONENT / "fs-group"),
        project="my-shop",
        pythonpath="/app:/etc/dbalias",
    )
    whole = pod_of(workload(kind, pod))
    assert pod_of(built) == mount_into(whole, Mount("my-shop", pythonpath="/app"), at="spec")


def test_a_group_of_the_workloads_own_stays_without_the_second_component(tmp_path: Path) -> None:
    """Kustomize cannot ask whether a field is set, so that the user says it."""
    pod = pod_spec(securityContext={"fsGroup": 10001})
    (built,) = build(
        tmp_path, marked(workload("Deployment", pod)), components=(COMPONENT,), project="shop"
    )
    assert pod_of(built) == mount_into(pod, Mount("shop"), at="spec")


def test_imported_settings_keep_the_applications_module(tmp_path: Path) -> None:
    """The parameter says which module Django loads."""
    (built,) = build(
        tmp_path,
        marked(workload("Deployment", pod_spec())),
        components=(COMPONENT,),
        project="shop",
        settings="shop.settings",
    )
    env = pod_of(built)["containers"][0]["env"]
    assert {"name": "DJANGO_SETTINGS_MODULE", "value": "shop.settings"} in env


def test_unmarked_workloads_stay_as_they_are(tmp_path: Path) -> None:
    """A database in the same folder gets no passwords of the application."""
    plain = workload("StatefulSet", pod_spec())
    (built,) = build(
        tmp_path, plain, components=(COMPONENT, COMPONENT / "fs-group"), project="shop"
    )
    assert built == plain
