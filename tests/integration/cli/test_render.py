"""``render`` shows offline, byte for byte, what the operator publishes for the same manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dbalias.cli.main import main
from integration.operator.operating import wait_until
from integration.operator.workbench import Space

REPOSITORY = Path(__file__).parents[3]
CASES = sorted(
    path.parent.name
    for path in (REPOSITORY / "tests/golden").glob("*/input.yaml")
    if "serverRef" not in path.read_text()  # of what a server makes, the login is in no manifest
)

Body = dict[str, Any]


@pytest.fixture(params=CASES)
def manifests(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The objects of a golden case, without an image, so that nothing waits for a Job."""
    path = REPOSITORY / "tests/golden" / request.param / "input.yaml"
    bodies = list(yaml.safe_load_all(path.read_text()))
    for body in bodies:
        body["metadata"].pop("namespace", None)
        if body["kind"] == "DjangoProject":
            body["spec"].pop("image", None)
            body["spec"].pop("workloads", None)
    copy = tmp_path / "manifests.yaml"
    copy.write_text(yaml.safe_dump_all(bodies))
    return copy


def test_rendered_objects_are_those_that_the_operator_publishes(
    manifests: Path, space: Space, capsys: pytest.CaptureFixture[str]
) -> None:
    """Data, labels and revision of the ConfigMap and of every Secret, and no object more."""
    declared = list(yaml.safe_load_all(manifests.read_text()))
    space.apply(*declared)
    project = next(one for one in declared if one["kind"] == "DjangoProject")["metadata"]["name"]
    wait_until(lambda: all(_is_observed(space, one) for one in declared), what="all looked at")
    space.wait_for("djp", project, reason="Ready")
    assert main(["render", str(manifests)]) == 0
    rendered = list(yaml.safe_load_all(capsys.readouterr().out))
    assert len(rendered) == len(_published(space, project))
    for body in rendered:
        live = space.get(body["kind"].lower(), body["metadata"]["name"])
        assert live is not None
        assert live.get("data", {}) == body["data"]
        assert live["metadata"]["labels"] == body["metadata"]["labels"]
        annotations = body["metadata"].get("annotations", {})
        assert annotations.items() <= live["metadata"].get("annotations", {}).items()


def _is_observed(space: Space, body: Body) -> bool:
    """Tell whether a pass has seen this object as it is, if it is one of ours."""
    live = space.get(body["kind"].lower(), body["metadata"]["name"])
    assert live is not None
    seen = live.get("status", {}).get("observedGeneration", live["metadata"].get("generation"))
    return bool(seen == live["metadata"].get("generation"))


def _published(space: Space, project: str) -> list[Body]:
    found = [*space.all("configmap"), *space.all("secret")]
    return [
        one
        for one in found
        if (one["metadata"].get("labels") or {}).get("dbalias.dev/project") == project
    ]
