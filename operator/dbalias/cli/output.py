"""Text for people: colours on a terminal only, and columns that line up."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Style:
    """How words are marked; without colour they stand for themselves."""

    coloured: bool = False

    @classmethod
    def of(cls, stream: TextIO) -> Style:
        """Return the style for a stream: coloured on a terminal unless NO_COLOR is set."""
        return cls(stream.isatty() and not os.environ.get("NO_COLOR"))

    def good(self, text: str) -> str:
        """Mark what is as it should be."""
        return self._paint(text, "32")

    def bad(self, text: str) -> str:
        """Mark what somebody must mend."""
        return self._paint(text, "31")

    def busy(self, text: str) -> str:
        """Mark what changes by itself."""
        return self._paint(text, "33")

    def bold(self, text: str) -> str:
        """Mark a heading."""
        return self._paint(text, "1")

    def dim(self, text: str) -> str:
        """Mark what matters less."""
        return self._paint(text, "2")

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.coloured and text else text


@dataclass(frozen=True, slots=True)
class Cell:
    """A word of a table, and the same word marked."""

    text: str
    shown: str


def lay_out(rows: Iterable[Sequence[Cell]], *, indent: str = "  ") -> list[str]:
    """Return lines whose columns line up; the last column is as long as it likes."""
    table = [list(row) for row in rows]
    columns = max((len(row) for row in table), default=0)
    widths = [
        max(len(row[column].text) for row in table if column < len(row))
        for column in range(columns)
    ]
    return [
        indent
        + "  ".join(
            cell.shown + " " * (width - len(cell.text))
            for cell, width in zip(row, widths, strict=False)
        ).rstrip()
        for row in table
    ]
