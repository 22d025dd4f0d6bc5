"""What is rendered from the chart or copied into it: plain manifests, CRDs, Argo CD's settings.

`python -m rendering` writes them; the tests call the same functions and compare.
"""

import os
import shutil
import subprocess
import textwrap
from collections.abc import Iterable
from pathlib import Path

import yaml

from localkube.binaries import find_binaries
from localkube.paths import kubernetes_version

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "charts" / "dbalias"
CRDS = ROOT / "crds"
CRD_COPIES = CHART / "files" / "crds"
INSTALL = ROOT / "manifests" / "install.yaml"
ARGO_SETTINGS = CHART / "argocd" / "argocd-cm.yaml"
HEALTH_SCRIPT = CHART / "argocd" / "health.lua"
NAMESPACE = "dbalias-system"

_HEADER = f"""\
# Rendered from charts/dbalias by `make manifests`; edit the chart.
#   kubectl apply --server-side -f manifests/install.yaml
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""

_ARGO_HEADER = """\
# Rendered from health.lua by `make manifests`. Either
#   kubectl -n argocd patch configmap argocd-cm --patch-file argocd-cm.yaml
# or, where the chart argo-cd is used, the same keys below its value configs.cm.
data:
"""


def helm() -> str:
    """Return the helm to run: $HELM, else the pinned one, so that renderings do not differ."""
    return os.environ.get("HELM") or str(find_binaries("helm").path("helm"))


def run_helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run helm; the caller reads the exit code, because a refusal may be what it wants."""
    return subprocess.run([helm(), *arguments], capture_output=True, text=True, check=False)


def template(*, values: Iterable[str] = (), namespace: str = NAMESPACE) -> str:
    """Render the chart as release `dbalias`; `values` are arguments such as `--set=replicas=2`.

    Raises ValueError with what helm says when it refuses.
    """
    done = run_helm(
        "template", "dbalias", str(CHART), "--namespace", namespace,
        # A helm built without link flags believes in a Kubernetes of long ago.
        "--kube-version", kubernetes_version(), *values,
    )  # fmt: skip
    if done.returncode:
        raise ValueError(done.stderr.strip())
    return done.stdout


def render_install() -> str:
    """Return manifests/install.yaml as it should be: the namespace, then the chart's defaults."""
    return _HEADER + template()


def render_argo_settings() -> str:
    """Return the patch of argocd-cm that makes Argo CD judge every kind by health.lua."""
    kinds = (yaml.safe_load(crd.read_text())["spec"] for crd in sorted(CRDS.glob("*.yaml")))
    script = textwrap.indent(HEALTH_SCRIPT.read_text(encoding="utf-8"), " " * 4)
    return _ARGO_HEADER + "".join(
        f"  resource.customizations.health.{kind['group']}_{kind['names']['kind']}: |\n{script}"
        for kind in kinds
    )


def sync_crds() -> None:
    """Copy crds/ into the chart, which cannot read outside its own folder."""
    shutil.rmtree(CRD_COPIES, ignore_errors=True)
    CRD_COPIES.mkdir(parents=True)
    for source in sorted(CRDS.glob("*.yaml")):
        shutil.copy(source, CRD_COPIES / source.name)


def main() -> None:
    """Write every rendered file."""
    sync_crds()
    INSTALL.parent.mkdir(exist_ok=True)
    INSTALL.write_text(render_install(), encoding="utf-8")
    ARGO_SETTINGS.write_text(render_argo_settings(), encoding="utf-8")
    for written in (CRD_COPIES, INSTALL, ARGO_SETTINGS):
        print(f"→ wrote {written.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
