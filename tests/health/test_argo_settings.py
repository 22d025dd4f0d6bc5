"""The chart's patch of Argo CD's settings: current, for every kind, and harmless to the rest."""

import json
import subprocess
from pathlib import Path

import yaml

import rendering
from dbalias.api.meta import Kind
from localkube.binaries import find_binaries


def test_patch_is_what_health_lua_says_today() -> None:
    """`make manifests` writes it."""
    assert rendering.ARGO_SETTINGS.read_text(encoding="utf-8") == rendering.render_argo_settings()


def test_patch_sets_one_script_for_every_kind_and_keeps_what_is_there(tmp_path: Path) -> None:
    """By kubectl itself, on a ConfigMap with settings of somebody else."""
    settings = tmp_path / "argocd-cm.yaml"
    settings.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "argocd-cm"},
                "data": {"url": "https://argo.example"},
            }
        )
    )
    patched = subprocess.check_output(
        [
            find_binaries("kubectl").path("kubectl"), "patch", "--local", "--output=yaml",
            f"--filename={settings}", f"--patch-file={rendering.ARGO_SETTINGS}",
        ],
        text=True,
    )  # fmt: skip
    script = rendering.HEALTH_SCRIPT.read_text(encoding="utf-8")
    health = {f"resource.customizations.health.dbalias.dev_{kind.value}": script for kind in Kind}
    assert yaml.safe_load(patched)["data"] == {"url": "https://argo.example"} | health
