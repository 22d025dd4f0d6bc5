"""Whatever a name or a password is made of: quoted, never interpreted, and no secret in the log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dbalias.api.provision import DatabaseSpec, Extension
from dbalias.api.secrets import SecretBytes
from dbalias.servers.postgresql.plot import PostgresPlot
from dbalias.servers.wanted import Pair, Wanted
from integration.servers.postgresql.site import Site, a_wanted
from integration.servers.wanting import issued

_LIMIT = 63
_EVIL = "\"';\\%s%$${}()--/**/ \té漢🦊"
_text = st.one_of(
    st.text(_EVIL, min_size=1, max_size=30),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1),
)
_names = _text.filter(lambda name: 1 <= len(name.encode()) <= _LIMIT - 3)
_passwords = _text.filter(lambda text: len(text.encode()) <= 200)
_RESERVED = ("select", "user", "PUBLIC", "none", "a" * 60, "é" * 30, "x'; DROP ROLE postgres; --")


def named(base: str) -> Wanted:
    """Return an alias whose every name is made of one text."""
    return replace(
        a_wanted(),
        database=base + "_db",
        owner=base,
        logins=Pair(base + "_a", base + "_b"),
        readers=Pair(base + "_ra", base + "_rb"),
        spec=DatabaseSpec(schemas=(base + "_s",), extensions=(Extension("citext", base + "_x"),)),
    )


def _is_taken(site: Site, name: str) -> bool:
    names = site.sql("SELECT rolname FROM pg_roles UNION SELECT datname FROM pg_database")
    return (name,) in names or name.lower().startswith("pg_")


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(base=_names, password=_passwords)
@example(base=_RESERVED[0], password="'; SELECT pg_sleep(9); --")
@example(base=_RESERVED[1], password="\\")
@example(base=_RESERVED[4], password="%s%%")
@example(base=_RESERVED[5], password="\u00ad")
@example(base=_RESERVED[6], password="$$")
def test_any_name_and_any_password_work(creator: Site, base: str, password: str) -> None:
    """The login opens the database, makes a table in the schema of the name, and all is dropped."""
    wanted = named(base)
    if _is_taken(creator, base) or base in ("public", "none"):
        return
    secrets = dict.fromkeys(issued(wanted), SecretBytes(password.encode()))
    creator.carry_out(creator.look(wanted).steps(issued(wanted), secrets))
    assert creator.steps(wanted) == ()
    with creator.log_in(wanted.logins.a, wanted.database, password) as session:
        assert session.execute("SELECT current_user, current_database()").fetchone() == (
            wanted.owner,
            wanted.database,
        )
        place = session.execute("SELECT quote_ident(%s)", [wanted.spec.schemas[0]]).fetchone()
        assert place is not None
        session.execute(f"CREATE TABLE {place[0]}.t (name citext)".encode())
    assert wanted.readers
    creator.log_in(wanted.readers.a, wanted.database, password).close()
    creator.remove(wanted)
    assert not creator.has_database(wanted.database)
    assert not _is_taken(creator, wanted.logins.a)


@pytest.mark.parametrize("name", ["nul\0", "x" * 64, "é" * 32], ids=["NUL", "64", "64 bytes"])
@pytest.mark.parametrize("field", ["database", "schemas", "template", "locale"])
def test_a_name_that_the_server_would_cut_is_refused(creator: Site, field: str, name: str) -> None:
    """In silence it would become another's name."""
    found = creator.look(a_wanted()).found
    wanted = found.wanted
    if field == "database":
        wanted = replace(wanted, database=name)
    else:
        changes: dict[str, Any] = {field: (name,) if field == "schemas" else name}
        wanted = replace(wanted, spec=replace(wanted.spec, **changes))
    obstacle = str(PostgresPlot(replace(found, wanted=wanted)).obstacle())
    assert "at most 63 bytes, and no NUL" in obstacle


def test_the_servers_log_holds_no_password(site: Site) -> None:
    """It logs every statement: made, changed, made again; only verifiers are in it."""
    words = [f"very-{number}-secret-{site.user}" for number in range(3)]
    wanted = a_wanted(readers=True)
    for word in words:
        secrets = dict.fromkeys(issued(wanted), SecretBytes(word.encode()))
        site.carry_out(site.look(wanted).steps(issued(wanted), secrets))
        site.log_in(wanted.logins.a, wanted.database, word).close()
    log = Path(site.server.log).read_text()
    assert f'ALTER ROLE "{wanted.logins.a}" PASSWORD \'SCRAM-SHA-256$' in log
    assert not [word for word in words if word in log]
