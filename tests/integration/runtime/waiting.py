"""dbalias_wait, run to its end."""

from __future__ import annotations

from integration.runtime.pod import Outcome, Pod

LONG = 120
"""Seconds for a wait that passes, and ends as soon as it does."""
LOOK = 12
"""Seconds for a wait in vain, all of which it takes: without any, a server that needs a second
for a connection would not be asked what it lacks.
"""


def wait(pod: Pod, *words: str, timeout: object = LONG) -> Outcome:
    """Run dbalias_wait with these words."""
    return pod.start("", *words, f"--timeout={timeout}", program="dbalias_wait.py").end()
