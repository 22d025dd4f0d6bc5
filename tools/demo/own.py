"""The cluster that $KUBECONFIG names: images loaded or pushed, the databases as pods."""

import contextlib
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

from demo.consent import ask_for_consent, current_context
from demo.containers import bring, check_way_in, find_builder
from demo.errors import DemoError
from demo.guides import DEFAULT_PORTS, GUIDES, MADE_BY_DEMO, Guide, Login
from demo.images import Image, ImageSource
from demo.pods import server_objects
from demo.programs import Kube, find_program
from demo.release import NAMESPACE, remove_release
from demo.screen import Screen
from demo.watching import wait_for_rollout


@dataclass(slots=True)
class OwnVenue:
    """A cluster of the user's. Only namespaces that carry the demo's label are ever deleted."""

    screen: Screen
    consented: bool = False
    kube: Kube = field(default_factory=lambda: Kube(find_program("kubectl"), find_program("helm")))

    def prepare(self) -> Kube:
        """Say which cluster it is, ask where that is due, and see that nothing is in the way."""
        context = current_context(self.kube)
        self.screen.say(f"KUBECONFIG is set: context {context.name}, server {context.server}")
        check_way_in(context)
        find_builder()
        ask_for_consent(context, what="install dbalias and its examples", given=self.consented)
        for name in (NAMESPACE, *(guide.namespace for guide in GUIDES)):
            found = self.kube.find("namespace", name)
            if found and not MADE_BY_DEMO.items() <= found["metadata"].get("labels", {}).items():
                raise DemoError(
                    f"the namespace {name} is there already and was not made by the demo, which "
                    "leaves it alone. Choose another cluster, or delete it yourself."
                )
        return self.kube

    def bring_image(self, source: ImageSource) -> Image:
        """Build an image and load it into the nodes, or push it to $IMAGE_REGISTRY."""
        self.screen.say(f"building {source.name}, then bringing it to the cluster …")
        return bring(source, current_context(self.kube))

    def start_databases(self, guide: Guide) -> None:
        """Run the servers as pods, and wait until they take connections."""
        namespace = f"--namespace={guide.namespace}"
        for host in dict.fromkeys(login.host for login in guide.logins()):
            logins = [login for login in guide.logins() if login.host == host]
            self.kube.apply(server_objects(logins), namespace)
            wait_for_rollout(self.kube, self.screen, namespace=guide.namespace, name=host)

    @contextlib.contextmanager
    def reach(self, guide: Guide, login: Login) -> Iterator[tuple[str, int]]:
        """Forward a port of this machine to the login's server."""
        forward = subprocess.Popen(
            [
                *(str(self.kube.kubectl_program), "port-forward", f"--namespace={guide.namespace}"),
                *(f"service/{login.host}", f":{DEFAULT_PORTS[login.engine]}"),
            ],
            env=self.kube.env,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert forward.stdout is not None
            said = re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())
            if said is None:
                raise DemoError(f"kubectl port-forward does not reach service/{login.host}")
            yield "127.0.0.1", int(said[1])
        finally:
            forward.terminate()
            forward.wait()

    def remove(self) -> None:
        """Delete what the demo made: its namespaces, the release, the CRDs if nobody uses them."""
        context = current_context(self.kube)
        self.screen.say(f"KUBECONFIG is set: context {context.name}, server {context.server}")
        ask_for_consent(context, what="delete what it made", given=self.consented)
        remove_release(self.kube, self.screen)
