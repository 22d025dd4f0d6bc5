"""What a tenant plants in its database, or asks for by name, gives it nothing of anybody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbalias.api.provision import Extension
from dbalias.servers.plot import Cause
from dbalias.servers.wanted import Wanted
from integration.servers.postgresql.site import Site, a_wanted
from integration.servers.wanting import issued

_TRAP = """\
CREATE SCHEMA trap;
CREATE TABLE trap.caught (who text);
GRANT ALL ON SCHEMA trap TO PUBLIC;
GRANT ALL ON trap.caught TO PUBLIC;
CREATE FUNCTION trap.spring(a text, b text) RETURNS boolean LANGUAGE plpgsql
  AS 'BEGIN INSERT INTO trap.caught VALUES (current_user); RETURN true; END';
CREATE OPERATOR trap.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.spring);
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.spring);
CREATE OPERATOR trap.~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.spring);
"""


def test_no_operator_of_the_owners_runs_in_the_administrators_session(site: Site) -> None:
    """Not even in the first statement: a database's own search_path holds from the start."""
    wanted = site.provide(a_wanted(readers=True, schemas=("app",)))
    with site.log_in(wanted.logins.a, wanted.database) as session:
        session.execute(_TRAP.encode())
        path = f'ALTER DATABASE "{wanted.database}" SET search_path TO trap, pg_catalog'
        session.execute(path.encode())
    site.look(wanted)
    assert site.sql("SELECT who FROM trap.caught", database=wanted.database) == []


def test_no_owner_says_as_whom_the_administrator_acts(site: Site) -> None:
    """What it makes here would belong to a neighbour, whose role could not be dropped for it."""
    neighbour, wanted = site.provide(a_wanted()), site.provide(a_wanted())
    with site.log_in(wanted.logins.a, wanted.database) as session:
        act = f'ALTER DATABASE "{wanted.database}" SET role TO "{neighbour.owner}"'
        session.execute(act.encode())
    asked = site.session(wanted.database).fetch("SELECT current_user::text")
    assert asked == [(site.user,)]
    site.provide(a_wanted(wanted.mark.name, extensions=(Extension("citext"),)))
    site.remove(neighbour)
    assert site.roles(neighbour) == set()


def refusal(site: Site, wanted: Wanted, cause: Cause) -> str:
    """Return what keeps an alias from what it wants, of this cause."""
    obstacle = site.look(wanted).obstacle()
    assert obstacle is not None
    assert obstacle.cause is cause
    return obstacle.says


def test_a_neighbours_database_is_no_template(site: Site) -> None:
    """The administrator, who has every owner's rights, could copy it with all its data."""
    neighbour = site.provide(a_wanted())
    said = refusal(site, a_wanted(template=neighbour.database), Cause.DECLARED)
    assert f"no template {neighbour.database}" in said
    assert "no template nowhere" in refusal(site, a_wanted(template="nowhere"), Cause.DECLARED)
    assert site.look(a_wanted(template="template1")).obstacle() is None


def test_a_role_that_the_owner_lets_connect_is_not_thereby_the_aliass(site: Site) -> None:
    """Whoever works in a database may let any role connect, and would get its password."""
    wanted = site.provide(a_wanted())
    role = f"{wanted.owner}_ra"
    site.sql(f'CREATE ROLE "{role}" LOGIN')
    with site.log_in(wanted.logins.a, wanted.database) as session:
        session.execute(f'GRANT CONNECT ON DATABASE "{wanted.database}" TO "{role}"'.encode())
    reading = a_wanted(wanted.mark.name, readers=True)
    assert f"role {role} exists and carries no mark" in refusal(site, reading, Cause.ROLE)
    site.remove(reading)
    assert site.roles(wanted) == {role}
    site.sql(f'DROP ROLE "{role}"')


@pytest.mark.parametrize(
    ("brings", "says"),
    [
        ('GRANT pg_read_all_data TO "{role}"', "is a member of pg_read_all_data"),
        ('ALTER DATABASE "{other}" OWNER TO "{role}"', "has rights, in database {other}"),
        ('GRANT SELECT ON books TO "{role}"', "has rights, in database {other}"),
    ],
    ids=["a membership", "a database", "a table"],
)
def test_a_role_that_reaches_elsewhere_is_not_adopted(site: Site, brings: str, says: str) -> None:
    """Whoever may name an alias would choose which role's rights it gets."""
    wanted, other = a_wanted(adopt=True), a_wanted().database
    names = {"role": wanted.owner, "other": other}
    site.sql(f'CREATE ROLE "{wanted.owner}"')
    site.sql(f'CREATE DATABASE "{other}"')
    site.sql("CREATE TABLE books (i int)", database=other)
    assert "is a member of" not in str(site.look(wanted).obstacle())
    site.sql(brings.format(**names), database=other)
    assert says.format(**names) in refusal(site, wanted, Cause.ROLE)
    site.server.drop_database(other)
    site.sql(f'DROP ROLE "{wanted.owner}"')


@pytest.mark.parametrize("database", ["template1", "postgres", "shared"])
def test_what_all_databases_are_made_of_is_not_adopted(site: Site, database: str) -> None:
    """Whoever owned it would be in everybody's; nor is where the administrator itself works."""
    if not site.has_database(database):
        site.sql(f"CREATE DATABASE {database} IS_TEMPLATE true")
    wanted = replace(a_wanted(adopt=True), database=database)
    assert "cannot be taken over" in refusal(site, wanted, Cause.DECLARED)


def test_a_schema_that_somebody_made_is_not_taken_from_him(site: Site) -> None:
    """Naming it among one's own is no reason; what the administrator made, it may give."""
    wanted = site.provide(a_wanted(schemas=("audit",)))
    if not site.sql("SELECT 1 FROM pg_roles WHERE rolname = 'auditor'"):
        site.sql("CREATE ROLE auditor")
    site.sql("ALTER SCHEMA audit OWNER TO auditor", database=wanted.database)
    assert "belongs to auditor: remove it" in refusal(site, wanted, Cause.DECLARED)
    assert issued(wanted) == site.look(wanted).logins
