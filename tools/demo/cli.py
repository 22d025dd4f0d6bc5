"""The command line: `python -m demo up [--yes]` and `python -m demo down [--yes]`."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from demo.errors import DemoError
from demo.local import LocalVenue
from demo.own import OwnVenue
from demo.screen import Screen
from demo.up import STEPS, bring_up
from demo.venue import Venue
from localkube import LocalkubeError

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    chosen = _parser().parse_args(arguments)
    screen = Screen(steps=STEPS)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        venue = choose_venue(screen, consented=chosen.yes)
        if chosen.command == "up":
            bring_up(venue, screen)
        else:
            venue.remove()
            screen.say("the demo is gone; built versions stay cached")
    except (DemoError, LocalkubeError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\ndemo: interrupted. What was started is still there: `make demo` goes on, "
            "`make demo-down` takes it away.",
            file=sys.stderr,
        )
        return INTERRUPTED
    return 0


def choose_venue(screen: Screen, *, consented: bool) -> Venue:
    """Return the cluster of $KUBECONFIG, else this machine's, which its own kubeconfig names too.

    Whoever follows the demo's hint and exports its kubeconfig still means the demo's cluster.
    """
    local, named = LocalVenue(), os.environ.get("KUBECONFIG")
    if not named or Path(named).resolve() == local.kubeconfig.resolve():
        return local
    return OwnVenue(screen, consented=consented)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demo", description="dbalias on a cluster, shown.")
    parser.add_argument("command", choices=("up", "down"))
    parser.add_argument(
        "--yes", action="store_true", help="do not ask about a cluster that is not local"
    )
    return parser


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt
