"""Log lines: JSON for machines, text for people; neither object bodies nor what errors say.

The text of an exception that nobody expected may quote what it failed on. Its class and the
places in the code are what is needed to mend it.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import TypeAlias

ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


class PlainFormatter(logging.Formatter):
    """Lines for people; tracebacks without what the exceptions say."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text for one record."""
        record.exc_text = None  # another handler's wording, which logging would take over
        return super().format(record)

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - logging's own name
        """Return the frames of an exception and of those behind it, each with its class."""
        return "".join(_places(ei[1])).rstrip("\n")


class JSONFormatter(PlainFormatter):
    """One JSON object a line: time, level, logger, message and, after a bug, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for one record."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logging(*, level: str, style: str) -> None:
    """Send every log line to stderr in the style asked for (``json`` or ``text``)."""
    handler = logging.StreamHandler(sys.stderr)
    text = PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JSONFormatter() if style == "json" else text)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # kopf logs a line for every event it hands on, and whole bodies at DEBUG.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    # Signals are the main thread's business, and kopf has threads of its own.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)


def _places(error: BaseException | None) -> Iterator[str]:
    if error is None:
        return
    behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    yield from _places(behind)
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__module__}.{type(error).__qualname__}\n"
