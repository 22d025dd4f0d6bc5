"""What MySQL and MariaDB cannot do, said before anything is tried."""

from __future__ import annotations

from dbalias.servers.mysql import claims
from dbalias.servers.mysql.flavour import Flavour
from dbalias.servers.mysql.statements import grant_pattern
from dbalias.servers.plot import Cause, Obstacle
from dbalias.servers.wanted import Wanted

_OWN = frozenset({claims.DATABASE, "mysql", "information_schema", "performance_schema", "sys"})
_LONGEST = 64
_POSTGRESQL = ("encoding", "locale", "template", "extensions", "schemas")


def obstacle(wanted: Wanted, flavour: Flavour) -> Obstacle | None:
    """Return what keeps a database from being provisioned here, with the remedy."""
    text = _wrong_name(wanted.database, flavour) or _wrong_spec(wanted, flavour)
    return Obstacle(Cause.DECLARED, text) if text else None


def _wrong_name(name: str, flavour: Flavour) -> str | None:
    remedy = "choose another spec.name"
    if name.lower() in _OWN:
        return f"database {name} is the server's or the operator's own: {remedy}"
    if name != name.rstrip(" ") or any(ch == "\0" or ch > "\uffff" for ch in name):
        return (
            f"{flavour.product} can have no database {name!r}, which ends in a space or holds "
            f"a NUL or a character beyond U+FFFF: {remedy}"
        )
    if len(grant_pattern(name)) > _LONGEST:
        return (
            f"the name of database {name} is too long to grant rights on: {_LONGEST} characters, "
            f"of which each _, % and backslash takes two: {remedy}"
        )
    if flavour.lowers_names and name != name.lower():
        return f"{flavour.product} is set to lower case names: write spec.name {name} so"
    return None


def _wrong_spec(wanted: Wanted, flavour: Flavour) -> str | None:
    foreign = [field for field in _POSTGRESQL if getattr(wanted.spec, field)]
    if not foreign:
        return None
    fields = ", ".join(f"spec.provision.database.{field}" for field in foreign)
    return f"{fields} cannot be had of {flavour.version}, only of PostgreSQL: remove it"
