"""Servers on which databases are made, aliases that want one, and the logins that they get."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
import pymysql

from localkube.databases import MariaDBServer, PostgresServer
from stage.api import JSON
from stage.objects import alias, declared, object_name
from stage.play import Shop

Server = PostgresServer | MariaDBServer


def a_server(shop: Shop, server: Server, **spec: JSON) -> str:
    """Declare a server of the stage, with an administrator of its own; return the object's name."""
    name, password = server.engine, secrets.token_urlsafe(12)
    user = f"admin_{secrets.token_hex(4)}"
    server.create_administrator(user, password)
    base = {
        "engine": server.engine,
        "host": server.host,
        "port": server.port,
        "adminCredentials": {"secretRef": {"name": f"{name}-admin"}, "preset": "BasicAuth"},
    }
    shop.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"{name}-admin"},
            "stringData": {"username": user, "password": password},
        },
        declared("DatabaseServer", name, base | spec),
    )
    return name


def provisioned(name: str, server: str, *, provision: JSON = None, **spec: JSON) -> JSON:
    """Return an alias whose database is made on a server."""
    return alias(name, serverRef={"name": server}, provision=provision or {}, **spec)


@dataclass(frozen=True, slots=True)
class Login:
    """What somebody who reads the Secret of a provisioned alias logs in with."""

    alias: str
    engine: str
    host: str
    port: int
    database: str
    user: str
    password: str

    def connect(self, database: str | None = None) -> Any:
        """Open a session in its own database, or in another one."""
        where = database or self.database
        if self.engine == "postgresql":
            return psycopg.connect(
                host=self.host, port=self.port, dbname=where, autocommit=True,
                user=self.user, password=self.password, connect_timeout=60,
            )  # fmt: skip
        return pymysql.connect(
            host=self.host, port=self.port, database=where, autocommit=True,
            user=self.user, password=self.password, connect_timeout=60,
        )  # fmt: skip

    def values(self, statement: str) -> list[object]:
        """Run a statement in its own database; return the first column."""
        with self.connect() as session, session.cursor() as cursor:
            cursor.execute(statement)
            return [row[0] for row in cursor.fetchall()] if cursor.description else []

    def refused(self, statement: str = "", *, database: str | None = None) -> bool:
        """Tell whether the server refuses a session, or a statement in one, for lack of a right."""
        try:
            with self.connect(database) as session, session.cursor() as cursor:
                if statement:
                    cursor.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            return True
        except psycopg.OperationalError as error:
            return "permission denied for database" in str(error)
        except pymysql.err.OperationalError as error:
            return error.args[0] in _MYSQL_DENIES
        return False


_MYSQL_DENIES = frozenset({1044, 1142, 1227})
"""No right to the database, to the table, to what only administrators do."""


def login_of(shop: Shop, alias: str) -> Login:
    """Return the login that an alias' status names a Secret for."""
    status = shop.fetch("DatabaseAlias", object_name(alias))["status"]
    told = shop.secret(status["binding"]["name"])
    return Login(
        alias=alias,
        engine=told["type"],
        host=told["host"],
        port=int(told["port"]),
        database=told["database"],
        user=told["username"],
        password=told["password"],
    )


def neighbours(login: Login, logins: Iterable[Login]) -> list[Login]:
    """Return the others on the same server."""
    return [one for one in logins if one.engine == login.engine and one != login]
