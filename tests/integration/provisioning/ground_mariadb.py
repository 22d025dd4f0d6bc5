"""MariaDB, as the person sees it who owns it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pymysql

from dbalias.servers.marks import Mark
from integration.provisioning.ground import Ground


class MariaGround(Ground):
    """MariaDB."""

    def connect(self) -> Any:
        """Open the superuser's session."""
        return pymysql.connect(
            host=self.server.host,
            port=self.server.port,
            user=self.server.admin_user,
            password=self.server.admin_password,
            autocommit=True,
            ssl_disabled=True,
        )

    def kept(self, database: str) -> set[str]:
        """Return what applications have stored in a database."""
        tables = self.ask("SHOW TABLES FROM `" + database + "` LIKE 'kept'")
        return {row[0] for row in self.ask(f"SELECT * FROM `{database}`.kept")} if tables else set()

    def databases(self) -> set[str]:
        """Return the names of all databases."""
        return {row[0] for row in self.ask("SHOW DATABASES")}

    def roles(self) -> set[str]:
        """Return the names of all users."""
        return {row[0] for row in self.ask("SELECT User FROM mysql.global_priv")}

    def sessions(self) -> set[int]:
        """Return the numbers of the keeper's sessions."""
        rows = self.ask(
            "SELECT id FROM information_schema.processlist WHERE user = %s", [self.keeper]
        )
        return {row[0] for row in rows}

    def marks(self, database: str) -> set[Mark]:
        """Return the claim on the database, if the claim says that it is made."""
        return self._claims(database, "state <> 'creating'")

    def claimants(self, database: str) -> set[Mark]:
        """Return the claim on the database."""
        return self._claims(database, "TRUE")

    def _claims(self, database: str, condition: str) -> set[Mark]:
        if "dbalias" not in self.databases():
            return set()
        rows = self.ask(
            "SELECT installation, namespace, name, adopted FROM dbalias.claims "
            f"WHERE `database` = %s AND {condition}",
            [database],
        )
        return {_mark(row) for row in rows}

    def marks_of_roles(self, names: Iterable[str]) -> dict[str, Mark | None]:
        """Return the claims on users that exist."""
        known = self.roles() & set(names)
        claims: dict[str, Mark] = {}
        if "dbalias" in self.databases():
            rows = self.ask(
                "SELECT login, installation, namespace, name, adopted FROM dbalias.logins"
            )
            claims = {row[0]: _mark(row[1:]) for row in rows}
        return {name: claims.get(name) for name in known}

    def make_database(self, name: str, value: str) -> None:
        """Make a database."""
        self.do(f"CREATE DATABASE `{name}`")
        self.do(
            f"CREATE TABLE `{name}`.kept (value varchar(99))",
            f"INSERT INTO `{name}`.kept VALUES ('{value}')",
        )

    def make_role(self, name: str) -> None:
        """Make a login."""
        self.do(f"CREATE USER `{name}`@'%' IDENTIFIED BY 'by hand'")

    def drop_role(self, name: str) -> None:
        """Drop a login."""
        self.do(f"DROP USER IF EXISTS `{name}`@'%'")

    def change_password(self, login: str) -> None:
        """Give a login another password."""
        self.do(f"ALTER USER `{login}`@'%' IDENTIFIED BY 'another one'")

    def take_rights(self, database: str, login: str) -> None:
        """Revoke all."""
        self.do(f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM `{login}`@'%'")

    def take_ownership(self, database: str) -> None:
        """Do nothing: a database has no owner here."""

    def unmark(self, database: str, owner: str, *, wholly: bool) -> None:
        """Remove the claim on the database, or those on its logins as well."""
        self.do(f"DELETE FROM dbalias.claims WHERE `database` = '{database}'")
        if wholly:
            self.do(f"DELETE FROM dbalias.logins WHERE login LIKE '{owner}\\\\_%'")

    def shut(self, *, out: bool) -> None:
        """Lock the keeper, and end its sessions."""
        self.do(
            f"ALTER USER {self.keeper}@'%' ACCOUNT {'LOCK' if out else 'UNLOCK'}",
            f"KILL USER {self.keeper}",
        )

    def freeze(self, *, on: bool) -> None:
        """Set the server read-only, which the keeper may not pass over."""
        self.do(f"SET GLOBAL read_only = {int(on)}")

    def portrait(self, name: str) -> list[object]:
        """Return how it would be made again, and what is in it."""
        rows: list[object] = [
            *self.ask(f"SHOW CREATE DATABASE `{name}`"),
            *self.ask(f"SHOW CREATE TABLE `{name}`.kept"),
            sorted(self.kept(name)),
        ]
        if name in self.roles():
            rows += self.ask(f"SHOW CREATE USER `{name}`@'%'")
            rows += self.ask(f"SHOW GRANTS FOR `{name}`@'%'")
        return rows


def _mark(row: tuple[Any, ...]) -> Mark:
    installation, namespace, name, adopted = row
    return Mark(installation, namespace, name, adopted=bool(adopted))
