"""What a tenant plants in its database, or asks for by name, gives it nothing of anybody else."""

from __future__ import annotations

from integration.servers.postgresql.site import Site, a_wanted

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
