"""Short, stable names for content: lower-case base32 of a SHA-256."""

from __future__ import annotations

import base64
import hashlib
import json

from dbalias.api.meta import JSON


def canonical_json(value: JSON) -> str:
    """Return the one spelling of a JSON value that digests and published files use."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: JSON, length: int = 10) -> str:
    """Return ``length`` characters ([a-z2-7]) that name ``value``: str, bytes or JSON."""
    if isinstance(value, bytes):
        raw = value
    else:
        raw = (value if isinstance(value, str) else canonical_json(value)).encode()
    return base64.b32encode(hashlib.sha256(raw).digest()).decode().lower()[:length]
