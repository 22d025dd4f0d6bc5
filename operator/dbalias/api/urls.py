"""Database URLs: read from Secrets, and written percent-encoded beside the credentials.

Source: RFC 3986, and libpq's "Connection URIs" for several hosts and socket folders.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^@/?#]*))?@)?"
    r"(?P<hosts>[^@/?#]*)"
    r"(?:/(?P<name>[^@?#]*))?"
    r"(?:\?(?P<query>[^#]*))?",
    re.DOTALL,
)
_HOST = re.compile(r"(?P<host>\[[^\]]*\]|[^:,\[\]]*)(?::(?P<port>[0-9]*))?")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True, repr=False)
class ParsedURL:
    """The parts of a database URL, decoded. ``fields`` has only those that were there."""

    scheme: str
    fields: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


def parse_url(text: str) -> ParsedURL | None:
    """Return the decoded parts of a URL; None for one that cannot be read without guessing.

    A name with a bare ``@`` is one: it may be the end of a password that holds a slash.

    ``fields`` has the keys user, password, host, port and name. Several hosts come out as
    ``h1,h2`` and ``5432,5433``, the way libpq and Django take them.
    """
    match = _URL.fullmatch(text)
    if match is None or _BROKEN_ESCAPE.search(text) or "%00" in text:
        return None
    hosts = [_HOST.fullmatch(part) for part in match["hosts"].split(",")]
    if any(host is None for host in hosts):
        return None
    parts = {name: match[name] for name in ("user", "password", "name")}
    parts["host"] = ",".join(host["host"].strip("[]") for host in hosts if host)
    ports = [host["port"] or "" for host in hosts if host]
    parts["port"] = ",".join(ports) if any(ports) else ""
    query = [pair.partition("=") for pair in (match["query"] or "").split("&") if pair]
    try:
        return ParsedURL(
            scheme=match["scheme"],
            fields={name: _decode(part) for name, part in parts.items() if part},
            query={_decode(key): _decode(value) for key, _, value in query},
        )
    except UnicodeDecodeError:
        return None


def render_url(
    scheme: str, fields: Mapping[str, str], *, query: Mapping[str, str] | None = None
) -> str:
    """Return the URL of a database; every reserved character of a value is percent-encoded."""
    user, password = fields.get("user"), fields.get("password")
    login = _encode(user or "") + (f":{_encode(password)}" if password else "")
    address = _address(fields.get("host", ""), fields.get("port", ""))
    place = f"{scheme}://{login}{'@' if login else ''}{address}/{_encode(fields.get('name', ''))}"
    pairs = [f"{_encode(key)}={_encode(value)}" for key, value in (query or {}).items()]
    return f"{place}?{'&'.join(pairs)}" if pairs else place


def _address(host: str, port: str) -> str:
    hosts = host.split(",")
    ports = port.split(",") if port else []
    if len(ports) == 1:
        ports *= len(hosts)
    spelled = [f"[{quote(one, safe=':')}]" if ":" in one else _encode(one) for one in hosts]
    pairs = zip(spelled, ports or [""] * len(hosts), strict=False)
    return ",".join(f"{one}:{number}" if number else one for one, number in pairs)


def _decode(part: str) -> str:
    return unquote_to_bytes(part).decode()


def _encode(value: str) -> str:
    return quote(value, safe="")
