"""Pinning a Kubernetes version: its go.mod and go.sum, made from the upstream module's own."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from localkube.binaries import go_environment, lay_out_module
from localkube.golang import find_go
from localkube.paths import GO_MODULES
from localkube.progress import say

_COMMANDS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kubectl",
    "kube-proxy",
)


def pin(version: str, *, helm: str, coredns: str) -> Path:
    """Write go/<version>/go.mod and go.sum; return their folder.

    Choose a helm and a CoreDNS whose own go.mod asks for the same minor version of
    k8s.io/client-go or an older one: then all programs share one set of packages, each compiled
    once. etcd follows the client that Kubernetes itself requires.
    """
    go = find_go()
    upstream = _upstream_go_mod(go, version)
    folder = GO_MODULES / version
    with tempfile.TemporaryDirectory() as scratch:
        module = Path(scratch) / "module"
        lay_out_module(folder, module)
        (module / "go.mod").write_text(_go_mod(version, upstream, helm=helm, coredns=coredns))
        say(f"resolving the modules of Kubernetes {version} …")
        subprocess.run([go, "mod", "tidy"], cwd=module, env=go_environment(), check=True)
        folder.mkdir(exist_ok=True)
        for name in ("go.mod", "go.sum"):
            shutil.copy(module / name, folder / name)
    return folder


def _upstream_go_mod(go: Path, version: str) -> dict[str, Any]:
    env = go_environment()
    name = f"k8s.io/kubernetes@v{version}"
    told = json.loads(subprocess.check_output([go, "mod", "download", "-json", name], env=env))
    parsed = subprocess.check_output([go, "mod", "edit", "-json", told["GoMod"]], env=env)
    upstream: dict[str, Any] = json.loads(parsed)
    return upstream


def _go_mod(version: str, upstream: dict[str, Any], *, helm: str, coredns: str) -> str:
    # Kubernetes' staging modules carry v0.0.0 and are replaced by local folders upstream; outside
    # its tree they must be replaced by the published versions.
    staging = [wanted["Path"] for wanted in upstream["Require"] if wanted["Version"] == "v0.0.0"]
    published = "v0." + version.split(".", 1)[1]
    versions = {wanted["Path"]: wanted["Version"] for wanted in upstream["Require"]}
    lines = [
        "module dbalias.local/kubernetes",
        "",
        f"go {upstream['Go']}",
        "",
        *(f"tool k8s.io/kubernetes/cmd/{command}" for command in _COMMANDS),
        "tool helm.sh/helm/v3/cmd/helm",
        "",
        f"require k8s.io/kubernetes v{version}",
        f"require go.etcd.io/etcd/server/v3 {versions['go.etcd.io/etcd/client/v3']}",
        f"require helm.sh/helm/v3 v{helm}",
        f"require github.com/coredns/coredns v{coredns}",
        "",
        "replace (",
        *(f"\t{path} => {path} {published}" for path in staging),
        ")",
    ]
    return "\n".join(lines) + "\n"
