"""An event loop whose time passes only while every task waits: minutes of it take no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class _Jumping(selectors.DefaultSelector):
    """Waits for nothing: what it would have waited becomes the loop's time."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.passed += timeout or 0.0
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.passed


def play(script: Coroutine[Any, Any, None]) -> None:
    """Run a test's script on such a loop."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(script)


def now() -> float:
    """Return the seconds that have passed."""
    return asyncio.get_running_loop().time()
