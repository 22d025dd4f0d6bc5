"""Helm passes what it renders through ``inject``, as the documentation shows it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from localkube.binaries import find_binaries
from unit.cli.workloads import pod_of, pod_spec, workload

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "mount-settings.md"


def test_a_release_is_rendered_with_the_mount(tmp_path: Path) -> None:
    """The arguments of the documentation, on a chart with a workload and a Service."""
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
    chart = {"apiVersion": "v2", "name": "shop", "version": "0.1.0"}
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(chart))
    bodies = [service, workload("Deployment", pod_spec())]
    (tmp_path / "templates" / "all.yaml").write_text(yaml.safe_dump_all(bodies))
    command = (
        PAGE.read_text("utf-8").partition("helm upgrade shop ./chart ")[2].partition("\n\n")[0]
    )
    options = command.replace("\\\n", " ").split()
    assert options[:2] == ["--post-renderer", "dbalias"]
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    done = subprocess.run(
        [str(find_binaries("helm").path("helm")), "template", "shop", str(tmp_path), *options],
        env=os.environ | {"PATH": programs}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    rendered = {one["kind"]: one for one in yaml.safe_load_all(done.stdout)}
    assert rendered["Service"] == service
    assert [one["name"] for one in pod_of(rendered["Deployment"])["volumes"]] == ["dbalias"]
