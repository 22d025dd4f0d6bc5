"""Where the demo runs: what `local` and `own` both offer."""

from contextlib import AbstractContextManager
from typing import Protocol

from demo.guides import Guide, Login
from demo.images import Image, ImageSource
from demo.programs import Kube


class Venue(Protocol):
    """A cluster and the means to bring it images and databases. Errors are DemoError."""

    def prepare(self) -> Kube:
        """Have a cluster that answers, and return how to reach it."""

    def bring_image(self, source: ImageSource) -> Image:
        """Build an image unless it is there, and make it known to the cluster."""

    def start_databases(self, guide: Guide) -> None:
        """Run the servers that a guide names, with what its aliases and servers log in with."""

    def reach(self, guide: Guide, login: Login) -> AbstractContextManager[tuple[str, int]]:
        """Give this machine an address at which a login's server answers."""

    def remove(self) -> None:
        """Take away everything that the demo made here."""
