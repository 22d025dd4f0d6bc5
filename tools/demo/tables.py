"""The tables of a database, read with the application's own login."""

import psycopg
import pymysql

from demo.guides import Login

_QUERY = (
    "SELECT table_name FROM information_schema.tables "
    "WHERE table_schema = {schema} ORDER BY table_name"
)


def list_tables(login: Login, host: str, port: int) -> list[str]:
    """Return the names of the tables in a login's database, in order."""
    if login.engine == "postgresql":
        return _list_postgresql(login, host, port)
    return _list_mysql(login, host, port)


def _list_postgresql(login: Login, host: str, port: int) -> list[str]:
    with psycopg.connect(
        host=host, port=port, dbname=login.database, user=login.user, password=login.password
    ) as connection:
        rows = connection.execute(_QUERY.format(schema="'public'").encode()).fetchall()
    return [str(row[0]) for row in rows]


def _list_mysql(login: Login, host: str, port: int) -> list[str]:
    connection = pymysql.connect(
        host=host, port=port, database=login.database, user=login.user, password=login.password
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(_QUERY.format(schema="database()"))
        return [str(row[0]) for row in cursor.fetchall()]
