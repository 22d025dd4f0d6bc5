"""When a server that failed is tried again: later each time, at once when it was edited."""

from __future__ import annotations

import random
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dbalias.api.meta import Key
from dbalias.reconcile.provisioning.snapshot import Trouble

FIRST = timedelta(seconds=1)
LIMIT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Failure:
    declared: Hashable
    times: int
    trouble: Trouble


@dataclass(slots=True)
class Backoff:
    """Servers that failed, with what their aliases are told meanwhile.

    One that was edited (``declared``: its generation and address), or that answered, counts as
    another server.
    """

    _failures: dict[Key, _Failure] = field(default_factory=dict)

    def holds(self, key: Key, declared: Hashable, now: datetime) -> Trouble | None:
        """Return why the server is not tried now; None when it is."""
        failure = self._failures.get(key)
        if failure is None or failure.declared != declared:
            return None
        again = failure.trouble.again
        return failure.trouble if again and now < again else None

    def failed(self, key: Key, declared: Hashable, trouble: Trouble, now: datetime) -> Trouble:
        """Note a failure; return it with the time at which the server is tried again."""
        before = self._failures.get(key)
        times = before.times + 1 if before and before.declared == declared else 1
        pause = min(LIMIT, FIRST * 2 ** min(times - 1, 16)) * random.uniform(0.5, 1.0)
        told = Trouble(trouble.reason, trouble.message, now + pause)
        self._failures[key] = _Failure(declared, times, told)
        return told

    def forget(self, key: Key) -> None:
        """The server answered, or is gone."""
        self._failures.pop(key, None)
