"""The end of a verb that cannot do its work: what stands on standard error, and the exit code."""

from __future__ import annotations

REFUSED = 2


class RefusedError(Exception):
    """Nothing was done, for these lines: each names what is wrong, where, and the remedy."""

    def __init__(self, *lines: str, code: int = REFUSED) -> None:
        super().__init__(*lines)
        self.lines, self.code = lines, code
