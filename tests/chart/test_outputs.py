"""What is rendered or copied from elsewhere is what its source says today."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import rendering
from chart.objects import find, render
from dbalias.api.meta import Kind

REMEDY = "run `make manifests` and commit what it changed"


def contents(folder: Path) -> dict[str, str]:
    """Return each YAML file's text by name."""
    return {each.name: each.read_text(encoding="utf-8") for each in folder.glob("*.yaml")}


def test_chart_passes_helms_own_lint() -> None:
    """Warnings count."""
    done = rendering.run_helm("lint", "--strict", str(rendering.CHART))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_charts_crds_are_copies_of_the_repositorys() -> None:
    """A chart cannot read outside its folder, so it carries copies."""
    assert contents(rendering.CRD_COPIES) == contents(rendering.CRDS), REMEDY


def test_plain_manifests_are_current() -> None:
    """manifests/install.yaml is the chart with its defaults."""
    assert rendering.INSTALL.read_text(encoding="utf-8") == rendering.render_install(), REMEDY


def test_the_chart_renders_every_crd_exactly_and_keeps_it() -> None:
    """Apart from the annotation that keeps it, what is rendered is what was written."""
    crds = find(render(), "CustomResourceDefinition")
    rendered = {each["metadata"]["name"]: each for each in crds}
    assert sorted(rendered) == sorted(f"{kind.plural}.dbalias.dev" for kind in Kind)
    for text in contents(rendering.CRDS).values():
        source = yaml.safe_load(text)
        annotations = source["metadata"].setdefault("annotations", {})
        assert not annotations, "the template adds the annotations itself; write none in crds/"
        annotations["helm.sh/resource-policy"] = "keep"
        assert rendered[source["metadata"]["name"]] == source


def test_versions_agree() -> None:
    """The package, the chart and what the chart installs carry one version."""
    chart = yaml.safe_load((rendering.CHART / "Chart.yaml").read_text())
    package = (rendering.ROOT / "operator/dbalias/__init__.py").read_text()
    (version,) = re.findall(r'^__version__ = "(.+)"$', package, flags=re.MULTILINE)
    assert chart["version"] == chart["appVersion"] == version


@pytest.mark.parametrize("lock", ["build", "runtime", "test"])
def test_locks_pin_every_package_by_hash_and_name_no_source(lock: str) -> None:
    """Where packages come from is decided where they are installed."""
    text = (rendering.ROOT / "requirements" / f"{lock}.txt").read_text()
    pins = re.findall(r"^[a-z0-9-]+==\S+(?: ;.*)? \\\n    --hash=sha256:[0-9a-f]{64}", text, re.M)
    assert len(pins) == len(re.findall(r"^[a-z]", text, re.M)) > 0
    assert not re.search(r"https?://|--(extra-)?index|--find-links|--trusted-host", text)


def test_locks_hold_what_the_project_asks_for() -> None:
    """A dependency added without `make lock` would be missing in the image."""
    project = tomllib.loads((rendering.ROOT / "pyproject.toml").read_text())["project"]
    locked = (rendering.ROOT / "requirements/runtime.txt").read_text()
    for requirement in project["dependencies"]:
        name = re.split(r"[\[<>=~!]", requirement)[0].lower()
        assert re.search(rf"^{re.escape(name)}==", locked, re.MULTILINE), f"{name}: run `make lock`"


def test_object_names_stay_legal_for_the_longest_name() -> None:
    """Services and label values hold 63 characters, suffix included."""
    longest = "r" * 52
    for each in render(f"--set=fullnameOverride={longest}", f"--set=nameOverride={longest}"):
        if each["kind"] != "CustomResourceDefinition":
            assert len(each["metadata"]["name"].removeprefix("dbalias-system-")) <= 63
            assert all(len(value) <= 63 for value in each["metadata"]["labels"].values())
