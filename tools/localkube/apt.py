"""Debian packages that a node and its images need, installed without starting any service."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from localkube.errors import LocalkubeError
from localkube.paths import cache_dir
from localkube.progress import exclusive, run_logged, step

NODE_PACKAGES = (
    "busybox-static",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "iproute2",
    "iptables",
    "openssl",
    "runc",
    "util-linux",
)
IMAGE_PACKAGES = ("buildah", "debootstrap")

_POLICY = Path("/usr/sbin/policy-rc.d")
_POLICY_TEXT = (
    "#!/bin/sh\n# localkube: the packages being installed must not start services.\nexit 101\n"
)


def missing_packages(names: Iterable[str]) -> list[str]:
    """Return those packages that are not installed; all of them on a machine without dpkg."""
    wanted = list(names)
    if not shutil.which("dpkg-query"):
        return wanted
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *wanted]
    told = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    installed = {line.split()[0] for line in told.splitlines() if line.endswith(" installed")}
    return [name for name in wanted if name not in installed]


def ensure_packages(names: Iterable[str]) -> None:
    """Install the packages that are missing.

    Raises LocalkubeError, which lists them and says what else would do, where that is impossible.
    """
    missing = missing_packages(names)
    if not missing:
        return
    listed = " ".join(missing)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LocalkubeError(
            f"these Debian packages are missing and only root can install them: {listed}\n"
            f"Run `sudo apt-get install --no-install-recommends {listed}`, or set KUBECONFIG to a "
            "cluster of kind, minikube or k3d, which needs none of them."
        )
    log = cache_dir() / "logs" / "apt.log"
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with (
        exclusive(cache_dir() / "apt.lock"),
        _services_kept_still(),
        step(f"installing Debian packages: {listed}", expect="a minute"),
    ):
        run_logged(["apt-get", "update"], log, env=env)
        run_logged(install, log, env=env)


@contextlib.contextmanager
def _services_kept_still() -> Iterator[None]:
    # invoke-rc.d asks this program before a package's service is started. A machine may have one
    # of its own, as container images do: it stays.
    if _POLICY.exists() and "localkube" not in _POLICY.read_text(errors="replace"):
        yield
        return
    _POLICY.write_text(_POLICY_TEXT)
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)
