"""What somebody changed by hand is found and put right, or told where that would lose data."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from dbalias.api.provision import Extension
from dbalias.servers.faults import Fault, ServerFaultError
from dbalias.servers.plot import Cause, Obstacle, Standing
from dbalias.servers.wanted import Wanted
from integration.servers.postgresql.site import PASSWORD, Site, a_wanted
from integration.servers.wanting import issued
from localkube.databases import PostgresServer

_DRIFT = {
    "the login was dropped": 'DROP OWNED BY "{a}"; DROP ROLE "{a}"',
    "the login left the owner role": 'REVOKE "{owner}" FROM "{a}" GRANTED BY {admin}',
    "the login may not log in": 'ALTER ROLE "{a}" NOLOGIN',
    "the login has expired": "ALTER ROLE \"{a}\" VALID UNTIL '2001-01-01'",
    "the login acts as itself": 'ALTER ROLE "{a}" RESET role',
    "the login acts as somebody else": 'ALTER ROLE "{a}" SET role TO postgres',
    "the search_path is not pinned": 'ALTER ROLE "{a}" RESET search_path',
    "the search_path leads elsewhere": 'ALTER ROLE "{a}" SET search_path TO pg_temp, public',
    "the login lost its mark": 'COMMENT ON ROLE "{a}" IS NULL',
    "the owner role lost its mark": 'COMMENT ON ROLE "{owner}" IS NULL',
    "the database lost its mark": 'COMMENT ON DATABASE "{db}" IS NULL',
    "the database has another's comment": "COMMENT ON DATABASE \"{db}\" IS 'the shop'",
    "the owner role may log in": 'ALTER ROLE "{owner}" LOGIN',
    "the database has another owner": 'ALTER DATABASE "{db}" OWNER TO "creator"',
    "the owner lost CONNECT": 'REVOKE ALL ON DATABASE "{db}" FROM "{owner}"',
    "everybody may connect": 'GRANT CONNECT, TEMPORARY ON DATABASE "{db}" TO PUBLIC',
    "the connection limit was changed": 'ALTER DATABASE "{db}" CONNECTION LIMIT 2',
    "the reader lost CONNECT": 'REVOKE CONNECT ON DATABASE "{db}" FROM "{ra}"',
    "the reader may write by default": 'ALTER ROLE "{ra}" RESET default_transaction_read_only',
    "the reader was dropped": 'DROP OWNED BY "{ra}"; DROP ROLE "{ra}"',
}
_DRIFT_INSIDE = {
    "the extension was removed": "DROP EXTENSION citext CASCADE",
    "the schema was removed": "DROP SCHEMA app",
    "the schema has another owner": 'ALTER SCHEMA app OWNER TO "creator"',
    "the reader lost a schema": 'REVOKE USAGE ON SCHEMA app FROM "{ra}"',
    "the reader lost a table": 'REVOKE SELECT ON t FROM "{ra}"',
    "the reader lost what comes": (
        'ALTER DEFAULT PRIVILEGES FOR ROLE "{owner}" REVOKE SELECT ON TABLES FROM "{ra}"'
    ),
    "the owner may not create": 'ALTER SCHEMA public OWNER TO "creator"; '
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "a login owns a table": 'ALTER TABLE t OWNER TO "{a}"',
}


def equip(site: Site, name: str) -> Wanted:
    """Return a database with everything that one may have, and a table in it."""
    made = a_wanted(
        name,
        readers=True,
        connection_limit=9,
        schemas=("app",),
        extensions=(Extension("citext", schema="ext"),),
    )
    site.provide(made)
    with site.log_in(made.logins.a, made.database) as session:
        session.execute("DROP TABLE IF EXISTS t, app.u; CREATE TABLE t (name citext)")
    return made


@pytest.fixture
def wanted(creator: Site) -> Wanted:
    """One database for all drift, which each test leaves as it found it."""
    return equip(creator, "drift")


def damage(site: Site, wanted: Wanted, text: str, *, database: str = "") -> None:
    """Run what a superuser does by hand, with the names of an alias."""
    assert wanted.readers
    names = {"db": wanted.database, "owner": wanted.owner, "a": wanted.logins.a}
    names |= {"ra": wanted.readers.a, "admin": site.user}
    for one in text.format(**names).split("; "):
        if one.startswith("DROP OWNED"):
            site.sql(one, database=wanted.database)
        site.sql(one, database=database)
    site.until_left(wanted.database)  # Whoever is in it still may use up a limit of one.


def works(site: Site, wanted: Wanted) -> None:
    """Show that the logins can do again what they are for."""
    assert wanted.readers
    with site.log_in(wanted.logins.a, wanted.database) as session:
        session.execute("CREATE TABLE app.u (name citext); ALTER TABLE t ADD COLUMN j int")
        assert session.execute("SELECT current_user").fetchone() == (wanted.owner,)
    with site.log_in(wanted.readers.a, wanted.database) as session:
        session.execute("SELECT * FROM t, app.u")


@pytest.mark.parametrize("text", _DRIFT.values(), ids=_DRIFT)
def test_what_was_changed_on_the_server_is_put_right(
    creator: Site, wanted: Wanted, text: str
) -> None:
    """Found by the survey, mended by its steps, and then nothing is left to do."""
    damage(creator, wanted, text)
    plot = creator.look(wanted)
    assert (plot.standing, plot.obstacle()) == (Standing.OURS, None)
    assert plot.differences(issued(wanted))
    creator.provide(wanted)
    works(creator, wanted)


@pytest.mark.parametrize("text", _DRIFT_INSIDE.values(), ids=_DRIFT_INSIDE)
def test_what_was_changed_in_the_database_is_put_right(
    creator: Site, wanted: Wanted, text: str
) -> None:
    """Found by a look inside."""
    damage(creator, wanted, text, database=wanted.database)
    assert creator.steps(wanted)
    creator.provide(wanted)
    works(creator, wanted)


def test_all_of_it_at_once_is_put_right(site: Site) -> None:
    """As long as a mark is left that says whose it is."""
    wanted = equip(site, f"battered-{site.user}")
    for text in _DRIFT_INSIDE.values():
        if "DROP SCHEMA" not in text:
            damage(site, wanted, text, database=wanted.database)
    for text in _DRIFT.values():
        if "DROP ROLE" not in text and "COMMENT" not in text:
            damage(site, wanted, text)
    site.carry_out(site.steps(wanted))
    site.provide(wanted)
    works(site, wanted)


def test_a_login_is_made_again_with_the_password_it_had(creator: Site, wanted: Wanted) -> None:
    """What is published goes on to open the database."""
    damage(creator, wanted, _DRIFT["the login was dropped"])
    with pytest.raises(psycopg.OperationalError):
        creator.log_in(wanted.logins.a, wanted.database)
    creator.provide(wanted)
    creator.log_in(wanted.logins.a, wanted.database, PASSWORD).close()


def test_a_moved_extension_goes_back_where_the_administrator_may(site: Site) -> None:
    """Only a superuser may; others are told."""
    wanted = site.provide(a_wanted(extensions=(Extension("citext", schema="ext"),)))
    move = "ALTER EXTENSION citext SET SCHEMA"
    site.sql(f"{move} public", database=wanted.database)
    if site.user == "creator":
        assert "in schema public, and only a superuser may" in str(site.look(wanted).obstacle())
        site.sql(f"{move} ext", database=wanted.database)
    site.provide(wanted)


def test_a_dropped_owner_role_is_made_again(site: Site) -> None:
    """It could only be dropped after all that it owned had been given away."""
    wanted = site.provide(a_wanted(schemas=("app",)))
    site.sql(f'REASSIGN OWNED BY "{wanted.owner}" TO postgres', database=wanted.database)
    site.sql(f'DROP ROLE "{wanted.owner}"')
    obstacle = str(site.look(wanted).obstacle())
    if site.user == "creator":
        assert "belongs to postgres, of which the administrator creator is no" in obstacle
        site.sql(f'ALTER DATABASE "{wanted.database}" OWNER TO creator')
        site.sql("ALTER SCHEMA app OWNER TO creator", database=wanted.database)
    site.provide(wanted)
    with site.log_in(wanted.logins.a, wanted.database) as session:
        session.execute("CREATE TABLE t (i int); CREATE TABLE app.u (i int)")


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ({"encoding": "SQL_ASCII"}, "encoding UTF8, not SQL_ASCII"),
        ({"locale": "POSIX"}, "locale C.UTF-8, not POSIX"),
        ({"extensions": (Extension("citext", version="1.0"),)}, "extension citext to 1.0"),
    ],
    ids=["another encoding", "another locale", "an older extension"],
)
def test_what_would_lose_data_is_told_and_left(
    site: Site, declared: dict[str, Any], says: str
) -> None:
    """Nothing can change it in place."""
    site.provide(a_wanted(f"fixed-{site.user}", extensions=(Extension("citext"),)))
    obstacle = site.look(a_wanted(f"fixed-{site.user}", **declared)).obstacle()
    assert obstacle is not None
    assert obstacle.cause is Cause.DECLARED
    assert says in obstacle.says


def test_another_spelling_of_what_is_there_is_no_difference(site: Site) -> None:
    """The server knows UTF-8 by several names."""
    site.provide(a_wanted(f"spelled-{site.user}"))
    assert (
        site.look(a_wanted(f"spelled-{site.user}", encoding="utf-8", locale="C.utf8")).obstacle()
        is None
    )
    unknown = site.look(a_wanted(encoding="klingon")).obstacle()
    assert str(unknown) == "the server knows no encoding klingon: correct it"


def test_a_role_of_our_name_that_somebody_made_is_left_alone(site: Site) -> None:
    """Before there is a database, and beside one."""
    wanted = a_wanted()
    site.sql(f"CREATE ROLE \"{wanted.logins.b}\" LOGIN PASSWORD 'theirs'")
    plot = site.look(wanted)
    assert plot.standing is Standing.UNMARKED
    assert plot.steps(issued(wanted), {}) == ()
    assert wanted.logins.b in str(plot.obstacle())
    assert site.look(wanted).removal() == ()
    site.sql(f'DROP ROLE "{wanted.logins.b}"')
    site.provide(wanted)
    site.sql(f"CREATE ROLE \"{wanted.logins.b}\" LOGIN PASSWORD 'theirs'")
    plot = site.look(wanted)
    assert plot.standing is Standing.OURS
    assert f"role {wanted.logins.b} exists and carries no mark" in str(plot.obstacle())
    site.remove(wanted)
    assert site.roles(wanted) == {wanted.logins.b}
    site.sql(f'DROP ROLE "{wanted.logins.b}"')


def test_a_locale_that_the_server_does_not_know_is_named_with_its_field(site: Site) -> None:
    """A code and the server's log alone would leave the alias' owner to guess."""
    wanted = a_wanted(locale="de_XX.utf8")
    with pytest.raises(ServerFaultError, match=r"spec\.provision\.database has locale de_XX\.utf8"):
        site.provide(wanted)
    site.remove(wanted)


def test_an_extension_that_is_not_trusted_says_who_must_make_it(creator: Site) -> None:
    """The administrator may not; the fault names the extension and the remedy."""
    wanted = a_wanted(extensions=(Extension("file_fdw"),))
    with pytest.raises(ServerFaultError) as raised:
        creator.provide(wanted)
    assert raised.value.fault is Fault.PRIVILEGE
    assert f"create extension file_fdw in database {wanted.database}" in str(raised.value)
    assert "made by a superuser beforehand" in str(raised.value)
    creator.sql("CREATE EXTENSION file_fdw", database=wanted.database)
    creator.provide(wanted)


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ("CREATEDB", "may not create roles: ALTER ROLE … CREATEROLE"),
        ("CREATEROLE", "may not create databases: ALTER ROLE … CREATEDB"),
    ],
)
def test_what_the_administrator_lacks_is_named(
    talkative: PostgresServer, attributes: str, says: str
) -> None:
    """Before a statement fails for it."""
    name = f"lacks_{attributes.lower()}"
    talkative.admin_sql(f"CREATE ROLE {name} LOGIN {attributes} PASSWORD 'x'")
    site = Site(talkative, name, "x")
    said = f"the administrator {name} {says}"
    assert site.look(a_wanted()).obstacle() == Obstacle(Cause.RIGHTS, said)
    site.close()
