"""A real Kubernetes on one machine, from packages alone, for `make demo` and `make test`.

It builds Kubernetes from pinned Go modules, runs its programs as processes in one state folder, and
leaves nothing behind. Only the demo, the tests and the Makefile may import it.
"""

from localkube.apt import ensure_packages
from localkube.cluster import Cluster, sweep
from localkube.controlplane import Options
from localkube.errors import LocalkubeError

__all__ = ["Cluster", "LocalkubeError", "Options", "ensure_packages", "sweep"]
