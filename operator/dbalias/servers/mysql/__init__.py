"""MySQL and MariaDB: databases that a table claims, logins known from every host, and grants."""

from dbalias.servers.mysql.survey import MySQLEngine

__all__ = ["MySQLEngine"]
