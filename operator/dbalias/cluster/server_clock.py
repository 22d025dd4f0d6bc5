"""The time as the API server has it, which alone says when an object was changed.

Whether all inputs have stood for five seconds is decided by comparing the time with theirs. A
clock of this machine that runs ahead would start a run too early, one that is behind would hold
it up for as long. Every answer of the API server says its time, in whole seconds.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

logger = logging.getLogger(__name__)

WORTH_A_WORD = 2.0
"""Seconds by which clocks may differ before the log says so."""


@dataclass(slots=True)
class ServerClock:
    """Narrows down, answer by answer, how far the API server's clock is ahead of this machine's.

    The local clock is believed as long as it may be right, so that healthy clocks are not
    corrected by the second's fraction that an answer leaves open.
    """

    local: Callable[[], float] = time.time
    _least: float = -math.inf
    _most: float = math.inf
    _told: float = 0.0

    def now(self) -> datetime:
        """Return the API server's time; this machine's before the first answer."""
        return datetime.fromtimestamp(self.local() + self.ahead, UTC)

    @property
    def ahead(self) -> float:
        """By how many seconds the API server's clock is ahead, at the least."""
        return min(max(0.0, self._least), self._most)

    def observe(self, date: str | None, *, sent_at: float) -> None:
        """Learn from an answer's header ``Date``; ``sent_at`` is when it was asked for."""
        try:
            told = parsedate_to_datetime(date or "").timestamp()
        except ValueError:
            return
        least, most = told - self.local(), told + 1.0 - sent_at
        if least > most:
            return  # the clock was set back between question and answer
        if least > self._most or most < self._least:
            # A clock was set, or another server answers: what was known holds no more.
            self._least, self._most = least, most
        else:
            self._least, self._most = max(least, self._least), min(most, self._most)
        self._tell()

    def _tell(self) -> None:
        if abs(self.ahead - self._told) < WORTH_A_WORD:
            return
        self._told = self.ahead
        logger.warning(
            "the clocks of this machine and of the API server differ: the latter, which counts, "
            "is %+.0f s ahead",
            self.ahead,
        )
