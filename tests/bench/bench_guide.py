"""The guide's first example, up to the Jobs: pods need a node, which this control plane lacks."""

from __future__ import annotations

import time
from pathlib import Path

from bench.reporting import report
from integration.operator.operating import Operator, wait_until
from integration.operator.workbench import Workbench

EXAMPLE = Path(__file__).parents[2] / "examples/guide-first"


def test_the_guides_first_example(bench: Workbench, operator: Operator) -> None:
    """From apply to two Jobs, five seconds of which every input must stand unchanged."""
    space = bench.namespace("guide")
    begun = time.monotonic()
    bench.kubectl("apply", "-n", space.name, "-f", str(EXAMPLE))
    applied = time.monotonic()
    wait_until(lambda: len(space.all("job")) == 2, what="two Jobs")
    report(
        "The guide's first example",
        seconds_to_apply=applied - begun,
        seconds_from_apply_to_two_Jobs=time.monotonic() - applied,
    )
