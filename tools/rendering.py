"""What is rendered from the chart or copied into it: plain manifests, and copies of the CRDs.

`python -m rendering` writes them; the tests call the same functions and compare.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from localkube.binaries import find_binaries
from localkube.paths import kubernetes_version

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "charts" / "dbalias"
CRDS = ROOT / "crds"
CRD_COPIES = CHART / "files" / "crds"
INSTALL = ROOT / "manifests" / "install.yaml"
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
    print(f"→ wrote {CRD_COPIES.relative_to(ROOT)}/ and {INSTALL.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
