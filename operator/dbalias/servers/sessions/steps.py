"""How a step is carried out, alike on every engine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from dbalias.servers.faults import ServerFaultError
from dbalias.servers.plot import Step


def carry_out(step: Step, execute: Callable[[str], object]) -> None:
    """Carry out one step: all of its statements or, where one fails, none of several.

    A step that may fail is passed over, unless it is the server that fails.
    """
    several = len(step.statements) > 1
    try:
        for text in ("BEGIN", *step.statements, "COMMIT") if several else step.statements:
            execute(text)
    except ServerFaultError as error:
        if several:
            # The next statement might commit the half that was done.
            with contextlib.suppress(ServerFaultError):
                execute("ROLLBACK")
        if error.is_of_server or not step.may_fail:
            raise
