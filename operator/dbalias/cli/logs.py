"""Log lines: JSON for machines, text for people; object bodies never."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime


class JSONFormatter(logging.Formatter):
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
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JSONFormatter() if style == "json" else text)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # kopf logs a line for every event it hands on, and whole bodies at DEBUG.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    # Signals are the main thread's business, and kopf has threads of its own.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
