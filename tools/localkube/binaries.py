"""Kubernetes' programs, built once per version from pinned Go modules and cached."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localkube.errors import LocalkubeError
from localkube.golang import find_go
from localkube.paths import GO_MODULES, cache_dir, kubernetes_version
from localkube.progress import exclusive, run_logged, step

CONTROL_PLANE = ("etcd", "kube-apiserver", "kubectl")
CONTROLLERS = ("kube-controller-manager", "kube-scheduler")
NODE = ("kubelet", "kube-proxy", "coredns")
TOOLS = ("helm",)
ALL = CONTROL_PLANE + CONTROLLERS + NODE + TOOLS

_PACKAGES: Mapping[str, str] = {
    "etcd": "./cmd/etcd",
    "coredns": "./cmd/coredns",
    "helm": "helm.sh/helm/v3/cmd/helm",
}


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder of programs and the Kubernetes version they are."""

    folder: Path
    version: str

    def path(self, name: str) -> Path:
        """Return the program's path."""
        return self.folder / name


def find_binaries(*names: str, version: str | None = None) -> Binaries:
    """Return a folder that holds the named programs, building all of them if need be.

    $KUBEBUILDER_ASSETS wins where it holds every program asked for (it usually has etcd,
    kube-apiserver and kubectl only); otherwise all programs come from one build, so that their
    versions agree.
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    chosen = version or kubernetes_version()
    if assets and names and all((Path(assets) / name).exists() for name in names):
        return Binaries(Path(assets), _version_of(Path(assets)) or chosen)
    return build_binaries(chosen)


def _version_of(folder: Path) -> str | None:
    said = subprocess.run(
        [folder / "kube-apiserver", "--version"], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"v(\d+\.\d+\.\d+)", said)
    return found[1] if found else None


def build_binaries(version: str) -> Binaries:
    """Build every program of a pinned version, unless the cache has them already."""
    pins = GO_MODULES / version
    if not (pins / "go.sum").exists():
        known = ", ".join(sorted(folder.parent.name for folder in GO_MODULES.glob("*/go.sum")))
        raise LocalkubeError(
            f"Kubernetes {version} is not pinned here (pinned: {known}). "
            f"`python -m localkube pin {version}` adds it."
        )
    target = cache_dir() / f"kubernetes-{version}-{_fingerprint(pins)}"
    if not target.exists():
        with exclusive(target.with_name(target.name + ".lock")):
            if not target.exists():
                _build(version, pins, target)
    return Binaries(target, version)


def _fingerprint(pins: Path) -> str:
    digest = hashlib.sha256()
    for file in [pins / "go.mod", pins / "go.sum", *sorted(GO_MODULES.glob("cmd/*/main.go"))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


def lay_out_module(pins: Path, folder: Path) -> None:
    """Copy a version's go.mod and go.sum, and our small mains, into a folder Go can build in."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(GO_MODULES / "cmd", folder / "cmd")
    for name in ("go.mod", "go.sum"):
        if (pins / name).exists():
            shutil.copy(pins / name, folder / name)


def go_environment() -> dict[str, str]:
    """Return the environment for Go: static programs, and no flags that change the module."""
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}


def _build(version: str, pins: Path, target: Path) -> None:
    go = find_go()
    source = target.with_name(target.name + ".source")
    partial = target.with_name(target.name + ".partial")
    log = cache_dir() / "logs" / f"{target.name}.log"
    log.unlink(missing_ok=True)
    lay_out_module(pins, source)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()

    def compiled() -> str:
        # Besides packages, Go names the modules it downloads.
        with log.open("rb") as text:
            count = sum(1 for line in text if not line.startswith(b"go: "))
        return f"{count} packages compiled of about 3,200"

    argv = [str(go), "build", "-v", "-trimpath", "-ldflags", _linker_flags(version, go, source)]
    # Debug information would be stripped by the linker; not making it saves a fifth of the time.
    argv += ["-gcflags", "all=-dwarf=false"]
    packages = [_PACKAGES.get(name, f"k8s.io/kubernetes/cmd/{name}") for name in ALL]
    what = f"building Kubernetes {version} from its Go modules, once, into {target}"
    with step(what, expect="8 to 12 minutes on 2 cores", detail=compiled):
        run_logged([*argv, "-o", f"{partial}/", *packages], log, cwd=source, env=go_environment())
    shutil.rmtree(source)
    partial.rename(target)


def _linker_flags(version: str, go: Path, source: Path) -> str:
    # Without these the server reports v0.0.0-master, which clients that check versions refuse.
    helm = json.loads(
        subprocess.check_output(
            [go, "list", "-m", "-json", "helm.sh/helm/v3"], cwd=source, env=go_environment()
        )
    )["Version"]
    major, minor, _ = version.split(".", 2)
    values = {
        "k8s.io/component-base/version.gitVersion": f"v{version}",
        "k8s.io/component-base/version.gitMajor": major,
        "k8s.io/component-base/version.gitMinor": minor,
        "k8s.io/component-base/version.gitTreeState": "clean",
        "helm.sh/helm/v3/internal/version.version": helm,
    }
    return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in values.items())])
