"""A database that somebody made by hand is taken over on request, and never dropped."""

from __future__ import annotations

from typing import Any

import pytest

from dbalias.servers.plot import Standing
from dbalias.servers.wanted import Wanted
from integration.servers.postgresql.site import Site, a_wanted
from integration.servers.wanting import issued

_GROWN = """\
CREATE TABLE "Order" (id serial PRIMARY KEY, name text);
CREATE TABLE parts (id int) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE SEQUENCE counter;
CREATE VIEW "a view" AS SELECT name FROM "Order";
CREATE MATERIALIZED VIEW kept AS SELECT 1 AS i;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b int);
CREATE DOMAIN short AS varchar(3);
CREATE TYPE span AS RANGE (subtype = int);
CREATE FUNCTION "odd ""name""(x int, y text)"(a int, b text) RETURNS int LANGUAGE sql AS 'SELECT a';
CREATE PROCEDURE tidy() LANGUAGE sql AS 'DELETE FROM "Order"';
CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int);
CREATE SCHEMA "Old";
CREATE TABLE "Old".t AS SELECT 1 AS i;
CREATE EXTENSION citext;
CREATE TABLE c (name citext);
"""
"""One of each thing that an application may have made."""
_FOREIGN = """\
SELECT count(*) FROM (
  SELECT relowner AS owner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname IN ('public', 'Old')
  UNION ALL SELECT typowner FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
  WHERE n.nspname IN ('public', 'Old') AND NOT EXISTS (
    SELECT FROM pg_depend WHERE classid = 'pg_type'::regclass AND objid = t.oid AND deptype = 'e')
    AND t.typname !~ 'citext|multirange'
  UNION ALL SELECT proowner FROM pg_proc p WHERE NOT EXISTS (
    SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')
    AND p.pronamespace = 'public'::regnamespace AND p.proname !~ 'span'
  UNION ALL SELECT nspowner FROM pg_namespace WHERE nspname = 'Old'
) AS owned WHERE owner <> '"{owner}"'::regrole"""


@pytest.fixture
def grown(site: Site) -> Wanted:
    """A database of a login ``grower``, full of what an application made."""
    wanted = a_wanted()
    if not site.sql("SELECT 1 FROM pg_roles WHERE rolname = 'grower'"):
        site.sql("CREATE ROLE grower LOGIN PASSWORD 'of-the-grower'")
    site.sql(f'CREATE DATABASE "{wanted.database}" OWNER grower')
    with site.log_in("grower", wanted.database, "of-the-grower") as session:
        session.execute(_GROWN.encode())
    return wanted


def adopting(wanted: Wanted, **more: Any) -> Wanted:
    """Return the same alias, with ``adopt`` set."""
    return a_wanted(wanted.mark.name, adopt=True, **more)


def let_the_administrator(site: Site) -> None:
    """Make the administrator a member of whoever made the database, as the remedy says."""
    if site.user == "creator":
        site.sql("GRANT grower TO creator")


def test_an_existing_database_is_left_alone(site: Site, grown: Wanted) -> None:
    """It is told beforehand what adopting it would change."""
    plot = site.look(grown)
    assert plot.standing is Standing.UNMARKED
    assert plot.steps(issued(grown), {}) == ()
    assert plot.removal() == ()
    said = plot.differences(issued(grown))
    owner, database = grown.owner, grown.database
    assert f"make {owner} the owner of database {database} instead of grower" in "; ".join(said)
    assert f"revoke CONNECT and TEMPORARY on database {database} from PUBLIC" in "; ".join(said)
    assert said[-1] == f"make {owner} the owner of everything in it"


def test_an_adopted_database_belongs_to_the_owner_role_with_all_in_it(
    site: Site, grown: Wanted
) -> None:
    """Tables, sequences, views, types, routines, schemas; what extensions made stays theirs."""
    let_the_administrator(site)
    wanted = site.provide(adopting(grown))
    foreign = site.sql(_FOREIGN.format(owner=wanted.owner), database=wanted.database)
    assert foreign == [(0,)]
    with site.log_in(wanted.logins.a, wanted.database) as session:
        session.execute("ALTER TABLE \"Order\" ADD COLUMN j int; ALTER TYPE mood ADD VALUE 'glad'")
        session.execute('DROP VIEW "a view"; CREATE TABLE "Old".u (i int)')
    mark = site.look(wanted).holder
    assert mark is not None
    assert mark.adopted


def test_an_adopted_database_outlives_its_alias(site: Site, grown: Wanted) -> None:
    """Its logins go; the database, all in it and its owner role stay, also without its own mark."""
    let_the_administrator(site)
    wanted = site.provide(adopting(grown, readers=True))
    with site.log_in(wanted.logins.a, wanted.database) as session:
        session.execute("CREATE TABLE later (i int)")
        session.execute("SET ROLE NONE; CREATE SCHEMA mine CREATE TABLE mine.t (i int)")
        session.execute(f'COMMENT ON DATABASE "{wanted.database}" IS NULL'.encode())
    site.remove(wanted)
    assert site.roles(wanted) == {wanted.owner}
    assert {"later", "Order"} <= site.server.tables(wanted.database)
    assert site.sql("SELECT count(*) FROM mine.t", database=wanted.database) == [(0,)]


def test_what_the_administrator_may_not_take_is_named(creator: Site, grown: Wanted) -> None:
    """The database first, then what in it belongs to yet others."""
    creator.sql("REVOKE grower FROM creator")
    obstacle = str(creator.look(adopting(grown)).obstacle())
    assert "belongs to grower, of which the administrator creator is no member" in obstacle
    assert "GRANT grower TO creator" in obstacle
    creator.sql(f'ALTER DATABASE "{grown.database}" OWNER TO creator')
    obstacle = str(creator.look(adopting(grown)).obstacle())
    assert "and 15 more belong to grower" in obstacle


def test_an_adoption_that_was_cut_short_goes_on(creator: Site, grown: Wanted) -> None:
    """After every step: the mark of the database is its last, so nothing in it is forgotten."""
    let_the_administrator(creator)
    wanted = adopting(grown)
    creator.creep(lambda: creator.steps(wanted))
    foreign = creator.sql(_FOREIGN.format(owner=wanted.owner), database=wanted.database)
    assert foreign == [(0,)]
    assert creator.look(wanted).removal()[-1].says == f"drop login {wanted.logins.a}"


def test_an_adopted_role_is_kept_and_a_powerful_one_refused(site: Site) -> None:
    """Nobody becomes a superuser by an alias of the right name."""
    wanted = a_wanted(adopt=True)
    site.sql(f'CREATE ROLE "{wanted.owner}" SUPERUSER')
    assert site.look(wanted).standing is Standing.UNMARKED
    assert "ALTER ROLE … NOSUPERUSER first" in str(site.look(wanted).obstacle())
    site.sql(f'ALTER ROLE "{wanted.owner}" NOSUPERUSER')
    if "WITH ADMIN OPTION" in str(site.look(wanted).obstacle()):  # PostgreSQL 16
        site.sql(f'GRANT "{wanted.owner}" TO creator WITH ADMIN OPTION')
    site.provide(wanted)
    site.remove(wanted)
    assert not site.has_database(wanted.database)
    assert site.roles(wanted) == {wanted.owner}
