"""PostgreSQL, as the person sees it who owns it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from dbalias.servers.marks import Mark, parse_mark
from integration.provisioning.ground import Ground


class PostgresGround(Ground):
    """PostgreSQL."""

    def connect(self) -> Any:
        """Open the superuser's session."""
        return psycopg.connect(
            host=self.server.host,
            port=self.server.port,
            user=self.server.admin_user,
            password=self.server.admin_password,
            dbname="postgres",
            autocommit=True,
        )

    def kept(self, database: str) -> set[str]:
        """Return what applications have stored in a database."""
        if "kept" not in self.server.tables(database):
            return set()
        return {row[0] for row in self.server.admin_sql("SELECT * FROM kept", database=database)}

    def databases(self) -> set[str]:
        """Return the names of all databases."""
        return {row[0] for row in self.ask("SELECT datname FROM pg_database")}

    def roles(self) -> set[str]:
        """Return the names of all roles."""
        return {row[0] for row in self.ask("SELECT rolname FROM pg_roles")}

    def sessions(self) -> set[int]:
        """Return the processes of the keeper's sessions."""
        rows = self.ask("SELECT pid FROM pg_stat_activity WHERE usename = %s", [self.keeper])
        return {row[0] for row in rows}

    def marks(self, database: str) -> set[Mark]:
        """Return the marks on the database and on its owner."""
        found = self.ask(
            "SELECT shobj_description(oid, 'pg_database'), shobj_description(datdba, 'pg_authid') "
            "FROM pg_database WHERE datname = %s",
            [database],
        )
        return {mark for row in found for text in row if (mark := parse_mark(text))}

    def marks_of_roles(self, names: Iterable[str]) -> dict[str, Mark | None]:
        """Return the comments that are marks."""
        found = self.ask(
            "SELECT rolname, shobj_description(oid, 'pg_authid') FROM pg_roles "
            "WHERE rolname = ANY(%s)",
            [list(names)],
        )
        return {name: parse_mark(text) for name, text in found}

    def make_database(self, name: str, value: str) -> None:
        """Make a database that the keeper may take over."""
        self.do(f'CREATE DATABASE "{name}" OWNER {self.keeper}')
        self.do(
            "CREATE TABLE kept (value text)",
            f"ALTER TABLE kept OWNER TO {self.keeper}",
            f"INSERT INTO kept VALUES ('{value}')",
            database=name,
        )

    def make_role(self, name: str) -> None:
        """Make a login."""
        self.do(f"CREATE ROLE \"{name}\" LOGIN PASSWORD 'by hand'")

    def drop_role(self, name: str) -> None:
        """Drop a login, unless something depends on it."""
        self.do(
            f'DO $$ BEGIN DROP ROLE IF EXISTS "{name}"; '
            "EXCEPTION WHEN dependent_objects_still_exist THEN NULL; END $$"
        )

    def change_password(self, login: str) -> None:
        """Give a login another password."""
        self.do(f"ALTER ROLE \"{login}\" PASSWORD 'another one'")

    def take_rights(self, database: str, login: str) -> None:
        """Let a login be nobody's member any more, and forget its settings."""
        owner = login.rsplit("_", 1)[0]
        self.do(f'REVOKE "{owner}" FROM "{login}"', f'ALTER ROLE "{login}" RESET ALL')

    def take_ownership(self, database: str) -> None:
        """Give the database to the keeper."""
        self.do(f'ALTER DATABASE "{database}" OWNER TO {self.keeper}')

    def unmark(self, database: str, owner: str, *, wholly: bool) -> None:
        """Remove the comment of the database, or that of its owner as well."""
        self.do(f'COMMENT ON DATABASE "{database}" IS NULL')
        if wholly and owner in self.roles():
            self.do(f'COMMENT ON ROLE "{owner}" IS NULL')

    def shut(self, *, out: bool) -> None:
        """Take the keeper's LOGIN, and its sessions."""
        self.do(
            f"ALTER ROLE {self.keeper} {'NOLOGIN' if out else 'LOGIN'}",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE usename = '{self.keeper}'",
        )

    def freeze(self, *, on: bool) -> None:
        """Set what a standby would be."""
        self.do(
            f"ALTER ROLE {self.keeper} SET default_transaction_read_only TO {on}",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE usename = '{self.keeper}'",
        )

    def portrait(self, name: str) -> list[object]:
        """Return the rows of the catalogues, passwords and all, and what is in the table."""
        rows: list[object] = []
        for query in (
            "SELECT d, shobj_description(oid, 'pg_database') FROM pg_database d "
            f"WHERE datname = '{name}'",
            "SELECT a, shobj_description(oid, 'pg_authid') FROM pg_authid a "
            f"WHERE rolname = '{name}'",
            f"SELECT m FROM pg_auth_members m WHERE member = to_regrole('\"{name}\"')",
            "SELECT s FROM pg_db_role_setting s "
            f"WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = '{name}')",
        ):
            rows += self.ask(query)
        inside = "SELECT relname, relowner, relacl::text FROM pg_class WHERE relname = 'kept'"
        return [
            *map(str, rows),
            *self.server.admin_sql(inside, database=name),
            sorted(self.kept(name)),
        ]
