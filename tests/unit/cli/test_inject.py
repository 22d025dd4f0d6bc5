"""``inject`` gives pods what they need to load published settings, and changes nothing else."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dbalias.cli.inject_documents import edit_documents
from dbalias.cli.inject_pod import Mount, RefusedError, mount_into
from dbalias.cli.main import main
from dbalias.cli.manifests import Loader
from unit.cli.files import PROJECT, Run
from unit.cli.workloads import KINDS, container, pod_of, pod_spec, workload

JSON = Any
EXAMPLES = Path(__file__).parents[3] / "examples"
INJECT = ("inject", "--project", "shop")
MOUNT = {"name": "dbalias", "mountPath": "/etc/dbalias", "readOnly": True}
OURS = {"DJANGO_SETTINGS_MODULE": "dbalias_settings", "PYTHONPATH": "/etc/dbalias"}
VOLUME = {
    "name": "dbalias",
    "projected": {
        "defaultMode": 0o440,
        "sources": [
            {"configMap": {"name": "shop-databases"}},
            {"secret": {"name": "shop-databases"}},
        ],
    },
}


def text_of(*bodies: JSON) -> str:
    """Return bodies as a YAML stream."""
    return yaml.safe_dump_all(bodies, sort_keys=False)


def injected(pod: JSON, **options: Any) -> JSON:
    """Return a PodSpec of project shop with its mount."""
    return mount_into(pod, Mount("shop", **options), at="spec")


def variables(one: JSON) -> dict[str, str]:
    """Return the plain variables of a container."""
    return {entry["name"]: entry["value"] for entry in one["env"]}


@pytest.mark.parametrize("kind", KINDS)
def test_pods_of_every_kind_of_workload_load_the_settings(kind: str, dbalias: Run) -> None:
    """One volume of both objects, its mount, two variables and a group."""
    path = dbalias.write(text_of(workload(kind, pod_spec())))
    assert dbalias(*INJECT, path) == 0
    pod = pod_of(yaml.safe_load(dbalias.out))
    (only,) = pod["containers"]
    assert pod["volumes"] == [VOLUME]
    assert only["volumeMounts"] == [MOUNT]
    assert variables(only) == OURS
    assert pod["securityContext"] == {"fsGroup": 65532}


def test_injecting_twice_is_injecting_once(dbalias: Run) -> None:
    """Byte for byte, with every option."""
    pod = pod_spec(
        container(env=[{"name": "PYTHONPATH", "value": "/srv"}], securityContext={"runAsUser": 7}),
        container("nginx", image="nginx"),
        initContainers=[container("proxy", image="proxy", restartPolicy="Always"), container("c")],
    )
    arguments = (*INJECT, "--wait", "--profile", "web", "--pythonpath", "/app")
    assert dbalias(*arguments, dbalias.write(text_of(workload("Deployment", pod)))) == 0
    once = dbalias.out
    assert dbalias(*arguments, dbalias.write(once)) == 0
    assert dbalias.out == once


def test_other_documents_come_out_byte_for_byte(dbalias: Run) -> None:
    """Comments, odd spacing and spellings; above a workload, too."""
    other = "# Ünder\nkind:   Service\nport: 0x1F # hex\ntext: >-\n   folded\n\n   twice\n"
    deployment = text_of(workload("Deployment", pod_spec()))
    stream = f"{other}--- # next\n# above\n{deployment}---\n{other}...\n"
    assert dbalias(*INJECT, dbalias.write(stream)) == 0
    assert dbalias.out.startswith(f"{other}--- # next\n# above\napiVersion: apps/v1\n")
    assert dbalias.out.endswith(f"name: shop-databases\n---\n{other}...\n")


@pytest.mark.parametrize("example", ["guide-first", "guide-second"])
def test_examples_have_the_mount_already(example: str, dbalias: Run) -> None:
    """What people copy by hand is what the command makes: it changes no byte of it."""
    path = EXAMPLES / example / "application.yaml"
    assert dbalias(*INJECT, str(path)) == 0
    assert dbalias.out == path.read_text("utf-8")


def test_keys_keep_their_order_and_texts_their_spelling(dbalias: Run) -> None:
    """What looks like a number or a word of YAML stays the text that it was."""
    text = (
        "kind: Deployment\nmetadata:\n  name: web\n  annotations: {a: '1e3', b: \"y\", c: 0o17x}\n"
        "apiVersion: apps/v1\nspec:\n  template:\n    spec:\n      containers:\n"
        "      - image: shop\n        args:\n        - |\n          one\n          two\n"
        "        name: web\n"
    )
    assert dbalias(*INJECT, dbalias.write(text)) == 0
    assert [line.partition(":")[0] for line in dbalias.out.splitlines() if line[0] != " "] == [
        "kind", "metadata", "apiVersion", "spec",
    ]  # fmt: skip
    for spelled in ("a: '1e3'", 'b: "y"', "c: 0o17x", "- |\n          one\n          two\n"):
        assert spelled in dbalias.out


def test_several_files_lists_and_json_make_one_stream(dbalias: Run) -> None:
    """Each file's documents in order, a List's items in their place."""
    listed = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [workload("Job", pod_spec()), {"kind": "Service"}, workload("Pod", pod_spec())],
    }
    first = dbalias.write(json.dumps(listed), name="list.json")
    second = dbalias.write(PROJECT.rstrip("\n"), name="project.yaml")
    assert dbalias(*INJECT, first, second, first) == 0
    one, two, three = yaml.safe_load_all(dbalias.out)
    assert one == three
    assert two == yaml.safe_load(PROJECT)
    assert [item["kind"] for item in one["items"]] == ["Job", "Service", "Pod"]
    assert pod_of(one["items"][0])["volumes"] == pod_of(one["items"][2])["volumes"] == [VOLUME]


def test_a_byte_order_mark_is_no_part_of_a_manifest(dbalias: Run) -> None:
    """Some editors write one; in the middle of a stream it would be a character of a key."""
    (dbalias.folder / "web.yaml").write_text("\ufeff" + text_of(workload("Deployment", pod_spec())))
    marked = str(dbalias.folder / "web.yaml")
    assert dbalias("inject", "--project", "shop", marked, marked) == 0
    assert "\ufeff" not in dbalias.out
    assert len([*yaml.safe_load_all(dbalias.out)]) == 2


def test_standard_input_is_read(dbalias: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Helm's post-renderers and pipes want it."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(text_of(workload("CronJob", pod_spec()))))
    assert dbalias(*INJECT, "-") == 0
    assert pod_of(yaml.safe_load(dbalias.out))["volumes"] == [VOLUME]


def test_init_containers_of_the_applications_image_are_mounted_and_others_not() -> None:
    """`collectstatic` needs settings; a proxy does not need passwords."""
    pod = injected(
        pod_spec(initContainers=[container("static"), container("proxy", image="proxy:1")])
    )
    static, proxy = pod["initContainers"]
    assert static["volumeMounts"] == [MOUNT]
    assert proxy == container("proxy", image="proxy:1")


def test_chosen_containers_alone_are_mounted(dbalias: Run) -> None:
    """A workload that has none of them passes; a name that nobody has is refused."""
    two = workload("Deployment", pod_spec(container("web"), container("nginx")))
    none = workload("StatefulSet", pod_spec(container("redis")))
    path = dbalias.write(text_of(two, none))
    assert dbalias(*INJECT, "--container", "web", path) == 0
    first, second = yaml.safe_load_all(dbalias.out)
    web, nginx = pod_of(first)["containers"]
    assert web["volumeMounts"] == [MOUNT]
    assert nginx == container("nginx")
    assert second == none
    assert dbalias(*INJECT, "--container", "web", "--container", "wbe", path) == 2
    assert dbalias.out == ""
    assert "no workload has a container wbe" in dbalias.err


@pytest.mark.parametrize(
    ("own", "image", "expected"),
    [
        (None, "", "/etc/dbalias"),
        (None, "/app", "/app:/etc/dbalias"),
        ("/srv", "", "/srv:/etc/dbalias"),
        ("/srv", "/app", "/srv:/etc/dbalias"),
        ("/srv:/etc/dbalias/:/lib", "", "/srv:/etc/dbalias/:/lib"),
        ("$(BASE)", "", "$(BASE):/etc/dbalias"),
        ("", "/app", "/etc/dbalias"),
    ],
)
def test_pythonpath_keeps_what_the_container_could_import(
    own: str | None, image: str, expected: str
) -> None:
    """The container's own value, else the image's, then our folder."""
    env = [] if own is None else [{"name": "PYTHONPATH", "value": own}]
    (only,) = injected(pod_spec(container(env=env)), pythonpath=image)["containers"]
    assert variables(only)["PYTHONPATH"] == expected


def test_variables_are_set_in_their_place(dbalias: Run) -> None:
    """What a replaced settings module was is said, as it must be named elsewhere."""
    env = [{"name": "DJANGO_SETTINGS_MODULE", "value": "shop.settings"}, {"name": "A", "value": ""}]
    path = dbalias.write(text_of(workload("Pod", pod_spec(container(env=env)))))
    assert dbalias(*INJECT, "--profile", "web", path) == 0
    (only,) = pod_of(yaml.safe_load(dbalias.out))["containers"]
    assert list(variables(only).items()) == [
        ("DJANGO_SETTINGS_MODULE", "dbalias_settings"),
        ("A", ""),
        ("PYTHONPATH", "/etc/dbalias"),
        ("DBALIAS_PROFILE", "web"),
    ]
    assert "note: Pod/web spec: the container web had DJANGO_SETTINGS_MODULE=shop.settings" in (
        dbalias.err
    )


def test_imported_settings_keep_the_applications_module(dbalias: Run) -> None:
    """The module itself imports what is published."""
    env = [{"name": "DJANGO_SETTINGS_MODULE", "value": "shop.settings"}]
    path = dbalias.write(text_of(workload("Pod", pod_spec(container(env=env)))))
    assert dbalias(*INJECT, "--settings", "imported", path) == 0
    (only,) = pod_of(yaml.safe_load(dbalias.out))["containers"]
    assert variables(only) == OURS | {"DJANGO_SETTINGS_MODULE": "shop.settings"}
    assert dbalias.err == ""


def test_a_group_of_the_pods_own_is_kept() -> None:
    """Files of other volumes belong to it."""
    own = {"runAsUser": 10001, "fsGroup": 10001}
    assert injected(pod_spec(securityContext=own))["securityContext"] == own


def test_waiting_is_done_as_the_application_before_it_and_after_sidecars() -> None:
    """Image, variables, mounts and user of the application, nothing privileged."""
    web = container(
        env=[{"name": "SECRET_KEY", "value": "k"}],
        envFrom=[{"secretRef": {"name": "shop"}}],
        command=["gunicorn"],
        ports=[{"containerPort": 8000}],
        volumeMounts=[{"name": "tmp", "mountPath": "/tmp"}],
        securityContext={"runAsUser": 7, "privileged": True, "readOnlyRootFilesystem": True},
    )
    first = [
        container("proxy", image="proxy", restartPolicy="Always"),
        container("other", image="busybox"),
        container("static"),
    ]
    pod = injected(pod_spec(web, initContainers=first), wait="python3")
    assert [one["name"] for one in pod["initContainers"]] == [
        "proxy", "other", "dbalias-wait", "static",
    ]  # fmt: skip
    assert pod["initContainers"][2] == {
        "name": "dbalias-wait",
        "image": web["image"],
        "envFrom": web["envFrom"],
        "env": pod["containers"][0]["env"],
        "command": ["python3", "/etc/dbalias/dbalias_wait.py"],
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, MOUNT],
        "securityContext": {
            "runAsUser": 7,
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def foreign_volume() -> JSON:
    """Return a volume that has our name only."""
    return {"name": "dbalias", "emptyDir": {}}


def other_project() -> JSON:
    """Return the volume of another project."""
    sources = [{kind: {"name": "blog-databases"}} for kind in ("configMap", "secret")]
    return {"name": "dbalias", "projected": {"sources": sources}}


@pytest.mark.parametrize(
    ("pod", "field", "message"),
    [
        (pod_spec(volumes=[foreign_volume()]), "volumes[0]", "belongs to another volume"),
        (pod_spec(volumes=[other_project()]), "volumes[0]", "it holds blog-databases, not shop-"),
        (
            pod_spec(container(volumeMounts=[{"name": "x", "mountPath": "/etc/dbalias/"}])),
            "containers[0].volumeMounts[0]",
            "the volume x is mounted at /etc/dbalias already",
        ),
        (
            pod_spec(container(env=[{"name": "PYTHONPATH", "valueFrom": {}}])),
            "containers[0].env[0]",
            "PYTHONPATH is not said here but read from elsewhere",
        ),
        (
            pod_spec(container(env=[{"name": "DJANGO_SETTINGS_MODULE", "valueFrom": {}}])),
            "containers[0].env[0]",
            "DJANGO_SETTINGS_MODULE is not said here",
        ),
        (
            pod_spec(initContainers=[container("dbalias-wait", image="x")]),
            "initContainers[0]",
            "belongs to another container",
        ),
        ({"containers": {"name": "web"}}, "containers", "is no list of objects"),
        (pod_spec(securityContext=[1]), "securityContext", "is no object"),
    ],
)
def test_what_cannot_take_the_mount_is_refused_with_its_place(
    pod: JSON, field: str, message: str, dbalias: Run
) -> None:
    """Object, field and remedy, the line of the file, and nothing on standard output."""
    good = text_of(workload("Deployment", pod_spec()))
    path = dbalias.write(good, text_of(workload("CronJob", pod)))
    assert dbalias(*INJECT, "--wait", path) == 2
    assert dbalias.out == ""
    where = f"CronJob/web spec.jobTemplate.spec.template.spec.{field}: "
    (line,) = dbalias.err.splitlines()
    assert where in line
    assert message in line
    number = int(line.removeprefix(f"{path}:").partition(":")[0])
    assert number > good.count("\n") + 1


def test_unreadable_input_prints_nothing_but_where_it_is(dbalias: Run) -> None:
    """Exit code 2, file and line."""
    bad = dbalias.write("kind: Pod\n  x: {\n", name="bad.yaml")
    good = dbalias.write(text_of(workload("Pod", pod_spec())))
    assert dbalias(*INJECT, good, bad) == 2
    assert dbalias.out == ""
    assert f"{bad}:2: error: is not valid YAML" in dbalias.err
    assert dbalias(*INJECT, good, "missing.yaml") == 2
    assert dbalias.out == ""
    assert "missing.yaml: error: cannot be read" in dbalias.err


def test_input_without_any_workload_is_refused(dbalias: Run) -> None:
    """It would be a mistake that nobody notices before the pods start."""
    unknown = "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: old}\n"
    assert dbalias(*INJECT, dbalias.write(PROJECT, unknown)) == 2
    assert dbalias.out == ""
    assert "there is no workload in it: Pod, Deployment," in dbalias.err


def test_a_project_that_cannot_be_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is read."""
    with pytest.raises(SystemExit, match="2"):
        main(["inject", "--project", "Shop/1", "-"])
    assert "'Shop/1' is no name of a DjangoProject" in capsys.readouterr().err


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=6)
KEYS = st.sampled_from(
    ["name", "image", "env", "value", "valueFrom", "volumeMounts", "mountPath", "command",
     "securityContext", "restartPolicy", "projected", "sources", "secret"]
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS | st.sampled_from(["dbalias", "/etc/dbalias", "dbalias-wait", "PYTHONPATH"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
PODS = st.dictionaries(
    st.sampled_from(["containers", "initContainers", "volumes", "securityContext"]),
    ANYTHING | st.lists(st.dictionaries(KEYS, ANYTHING, max_size=4), max_size=3),
)


@given(PODS, st.booleans())
def test_any_pod_is_refused_or_changed_once(pod: JSON, waits: bool) -> None:
    """No input ends in a traceback, and what was mounted stays as it is."""
    mount = Mount("shop", wait="python" if waits else "")
    try:
        once = mount_into(pod, mount, at="spec")
    except RefusedError:
        return
    assert mount_into(once, mount, at="spec") == once


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_any_text_survives_a_changed_document(texts: dict[str, str]) -> None:
    """Read again by the same rules as kubectl's, it is what it was."""
    given_text = yaml.safe_dump(texts, allow_unicode=True)
    edited = edit_documents("x", given_text, lambda document: {**document.body, "more": True})
    if not edited.faults:
        read = yaml.load(given_text, Loader)
        assert yaml.load(edited.text, Loader) == read | {"more": True}
