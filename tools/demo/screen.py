"""What a person sees: numbered steps, lines with the time since the start, and live waiting."""

import shutil
import sys
import textwrap
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TextIO

_SAY_AGAIN_SECONDS = 10.0


@dataclass(slots=True)
class Screen:
    """Writes to one stream; the line at the bottom is replaced in place on a terminal only."""

    steps: int
    out: TextIO = field(default_factory=lambda: sys.stdout)
    started: float = field(default_factory=time.monotonic)
    _step: int = 0
    _transient: bool = False
    _said_at: float = 0.0

    def step(self, title: str) -> None:
        """Begin the next numbered step."""
        self._step += 1
        self._line(f"\n{self._elapsed()} {self._step}/{self.steps}  {title}")

    def heading(self, title: str) -> None:
        """Begin a part of what is shown at the end."""
        self._line(f"\n── {title} " + "─" * max(0, 76 - len(title)))

    def say(self, text: str) -> None:
        """Write one line with the time since the start."""
        self._line(f"{self._elapsed()}      {text}")

    def block(self, text: str) -> None:
        """Write lines as they are, indented."""
        self._line(textwrap.indent(text.rstrip(), "    "))

    def wait_line(self, text: str) -> None:
        """Say what is waited for: one line that changes in place, or one line now and then."""
        if self.out.isatty():
            width = shutil.get_terminal_size().columns
            self.out.write("\r\033[K" + f"{self._elapsed()}      … {text}"[: width - 1])
            self.out.flush()
            self._transient = True
        elif time.monotonic() - self._said_at >= _SAY_AGAIN_SECONDS:
            self._line(f"{self._elapsed()}      … {text}")

    def table(self, rows: Iterable[Sequence[str]]) -> None:
        """Write rows in aligned columns, indented; the first row is the heading."""
        cells = [[str(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for row in cells:
            padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.block("  ".join(padded).rstrip())

    def _line(self, text: str) -> None:
        if self._transient:
            self.out.write("\r\033[K")
            self._transient = False
        self.out.write(text + "\n")
        self.out.flush()
        self._said_at = time.monotonic()

    def _elapsed(self) -> str:
        return f"[{time.monotonic() - self.started:4.0f} s]"
