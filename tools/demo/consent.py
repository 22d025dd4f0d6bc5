"""Which cluster $KUBECONFIG means, and whether the demo may touch it."""

import ipaddress
import os
import sys
from dataclasses import dataclass
from urllib.parse import urlsplit

from demo.errors import DemoError
from demo.programs import Kube

_LOCAL_CONTEXTS = ("docker-desktop", "rancher-desktop", "orbstack", "colima")
_LOCAL_CONTEXT_PREFIXES = ("kind-", "k3d-", "minikube")
CONSENT_VARIABLE = "DEMO_YES"


@dataclass(frozen=True, slots=True)
class Context:
    """The current context of a kubeconfig: its name, and the API server's URL."""

    name: str
    server: str

    @property
    def is_local(self) -> bool:
        """Tell whether this is a cluster of this machine: by address, and by a tool's naming."""
        host = urlsplit(self.server).hostname or ""
        if host == "localhost":
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        named = self.name in _LOCAL_CONTEXTS or self.name.startswith(_LOCAL_CONTEXT_PREFIXES)
        return address.is_loopback or (address.is_private and named)


def current_context(kube: Kube) -> Context:
    """Read the current context. Raises DemoError when there is none."""
    read = kube.kubectl(
        *("config", "view", "--minify"),
        "--output=jsonpath={.contexts[0].name}{'\\n'}{.clusters[0].cluster.server}",
    )
    name, _, server = read.partition("\n")
    if not server:
        raise DemoError("KUBECONFIG is set, but its current context names no cluster")
    return Context(name, server.strip())


def ask_for_consent(context: Context, *, what: str, given: bool) -> None:
    """Ask before a cluster that is not local is touched; DemoError when the answer is no."""
    if context.is_local or given or os.environ.get(CONSENT_VARIABLE) == "1":
        return
    refusal = f"the cluster {context.name} ({context.server}) is not one of this machine"
    if not sys.stdin.isatty():
        raise DemoError(
            f"{refusal}, and nobody can be asked here.\nSet {CONSENT_VARIABLE}=1 if the demo may "
            f"{what} there, or unset KUBECONFIG for a local cluster."
        )
    try:
        answer = input(f"{refusal[0].upper()}{refusal[1:]}. May the demo {what} there? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise DemoError("nothing was touched. Unset KUBECONFIG for a local cluster.")
