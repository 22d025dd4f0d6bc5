"""What host, port, name and login must be for each family, wherever they were declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dbalias.api import limits
from dbalias.django.engines import Family

Fault = tuple[str, str, str]
"""Name of a field, what is wrong, remedy."""

LONGEST_POSTGRESQL_NAME = limits.POSTGRESQL_NAME_LENGTH
"""Bytes of a PostgreSQL identifier; Django refuses longer names."""

_LONGEST = {
    "host": limits.HOST_LENGTH,
    "port": limits.PORT_LENGTH,
    "name": limits.DATABASE_NAME_LENGTH,
    "user": limits.USER_LENGTH,
}

NAMED_ELSEWHERE: Mapping[Family, str] = {
    Family.POSTGRESQL: "service",
    Family.MYSQL: "read_default_file",
}
"""Options that name a file, in the application's image, which may name the database."""


def find_address_faults(
    texts: Mapping[str, str], family: Family, *, named_elsewhere: bool
) -> Iterator[Fault]:
    """Yield what no driver of the family takes; never a value, which may be a Secret's."""
    for field, most in _LONGEST.items():
        text = texts.get(field, "")
        if len(text) > most:
            yield field, f"{field} has more than {most} characters", "Shorten it"
        if "\0" in text:
            yield field, f"{field} holds a NUL, which no driver takes", "Remove it"
    yield from _name_faults(texts.get("name", ""), family, named_elsewhere=named_elsewhere)
    yield from _place_faults(texts.get("host", ""), texts.get("port", ""), family)
    if texts.get("password") and not texts.get("user") and family is not Family.OTHER:
        yield "user", "there is a password but no user", "Set it, or add it to the Secret"


def _name_faults(name: str, family: Family, *, named_elsewhere: bool) -> Iterator[Fault]:
    if not name and family is not Family.OTHER and not named_elsewhere:
        yield "name", "the database has no name", "Set it, or read it from the Secret"
    if family is Family.POSTGRESQL and len(name.encode()) > LONGEST_POSTGRESQL_NAME:
        message = f"PostgreSQL's names end at {LONGEST_POSTGRESQL_NAME} bytes"
        yield "name", message, "Choose a shorter one"
    if family is Family.MYSQL and len(name) > limits.MYSQL_NAME_LENGTH:
        message = f"MySQL's names end at {limits.MYSQL_NAME_LENGTH} characters"
        yield "name", message, "Choose a shorter one"


def _place_faults(host: str, port: str, family: Family) -> Iterator[Fault]:
    several = family in (Family.POSTGRESQL, Family.OTHER)
    hosts, ports = host.split(","), port.split(",") if several else [port]
    if any(one and not _is_port(one) for one in ports):
        yield "port", "the port is no number from 1 to 65535", "Correct it"
    elif family is Family.POSTGRESQL and len(ports) not in (1, len(hosts)):
        message = "there are not as many ports as hosts"
        yield "port", message, "Name one port for all hosts, or one for each"
    if family is Family.MYSQL and len(hosts) > 1:
        yield "host", "MySQL's drivers connect to one host", "Name one host"
    if family is Family.ORACLE and host and not port:
        message = "Django reads the host of an Oracle database only beside its port"
        yield "port", message, "Set it, or write the whole address into name"


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text[:9]) <= limits.MAX_PORT
