"""PostgreSQL and MariaDB as pods, for clusters that cannot reach processes of this machine."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from demo.guides import DEFAULT_PORTS, Login, Manifest

IMAGES = {
    "postgresql": os.environ.get("POSTGRES_IMAGE", "postgres:17"),
    "mysql": os.environ.get("MARIADB_IMAGE", "mariadb:11.4"),
}
_USER = 999
"""The user of both images, which Pod Security `restricted` wants named."""
_DATA = {"postgresql": "/var/lib/postgresql/data", "mysql": "/var/lib/mysql"}
_SOCKETS = {"postgresql": "/var/run/postgresql", "mysql": "/run/mysqld"}
_ENVIRONMENT: Mapping[str, list[dict[str, str]]] = {
    "postgresql": [
        {"name": "POSTGRES_PASSWORD", "value": "only-inside-this-pod"},
        {"name": "PGDATA", "value": "/var/lib/postgresql/data/pgdata"},
    ],
    "mysql": [{"name": "MARIADB_RANDOM_ROOT_PASSWORD", "value": "1"}],
}
_READY = {
    "postgresql": ["pg_isready", "-h", "127.0.0.1", "-U", "postgres"],
    "mysql": ["healthcheck.sh", "--connect", "--innodb_initialized"],
}


def server_objects(logins: Sequence[Login]) -> list[Manifest]:
    """Return Secret, Deployment and Service of the one server that these logins share."""
    name, engine = logins[0].host, logins[0].engine
    init = "".join(_statements(login) for login in logins)
    return [
        _object("v1", "Secret", f"{name}-init", {"stringData": {"init.sql": init}}),
        _object("apps/v1", "Deployment", name, {"spec": _deployment(name, engine)}),
        _object(
            "v1",
            "Service",
            name,
            {"spec": {"selector": {"app": name}, "ports": [{"port": DEFAULT_PORTS[engine]}]}},
        ),
    ]


def _object(version: str, kind: str, name: str, rest: Manifest) -> Manifest:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **rest}


def _statements(login: Login) -> str:
    """Return the SQL that makes a login and its database, run once by the image's entry point."""
    password = login.password.replace("'", "''")
    if login.engine == "postgresql":
        if login.administers:
            return f"CREATE ROLE \"{login.user}\" LOGIN CREATEDB CREATEROLE PASSWORD '{password}';"
        return (
            f"CREATE ROLE \"{login.user}\" LOGIN PASSWORD '{password}';\n"
            f'CREATE DATABASE "{login.database}" OWNER "{login.user}";\n'
        )
    return (
        f"CREATE DATABASE `{login.database}` CHARACTER SET utf8mb4;\n"
        f"CREATE USER '{login.user}'@'%' IDENTIFIED BY '{password}';\n"
        f"GRANT ALL ON `{login.database}`.* TO '{login.user}'@'%';\n"
    )


def _deployment(name: str, engine: str) -> dict[str, Any]:
    labels = {"app": name}
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(engine)],
        "volumes": [
            {"name": "data", "emptyDir": {}},
            {"name": "sockets", "emptyDir": {}},
            {"name": "init", "secret": {"secretName": f"{name}-init"}},
        ],
    }
    return {
        "selector": {"matchLabels": labels},
        "strategy": {"type": "Recreate"},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }


def _container(engine: str) -> dict[str, Any]:
    return {
        "name": "server",
        "image": IMAGES[engine],
        "env": _ENVIRONMENT[engine],
        "ports": [{"containerPort": DEFAULT_PORTS[engine]}],
        "readinessProbe": {"exec": {"command": _READY[engine]}, "periodSeconds": 2},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "data", "mountPath": _DATA[engine]},
            {"name": "sockets", "mountPath": _SOCKETS[engine]},
            {"name": "init", "mountPath": "/docker-entrypoint-initdb.d"},
        ],
    }
