"""What is applied: projects, aliases, policies, Secrets, as Kubernetes reads them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from localkube.databases import MariaDBServer, PostgresServer
from stage.api import JSON
from stage.images import SHOP_1_4

PROJECT = "shop"


@dataclass(frozen=True, slots=True)
class Database:
    """A database of its own on one of the servers, and the login that owns it."""

    server: PostgresServer | MariaDBServer
    name: str
    user: str
    password: str

    def tables(self) -> set[str]:
        """Return the names of its tables."""
        return self.server.tables(self.name)

    def values(self, statement: str) -> list[object]:
        """Run a query in it; return the first column."""
        return [row[0] for row in self.server.admin_sql(statement, database=self.name)]

    def with_password(self, password: str) -> "Database":
        """Change the login's password on the server; return the database as it is now known."""
        if isinstance(self.server, PostgresServer):
            self.server.admin_sql(f"ALTER ROLE {self.user} PASSWORD '{password}'")
        else:
            self.server.admin_sql(f"SET PASSWORD FOR {self.user}@'%' = PASSWORD('{password}')")
        return replace(self, password=password)


def project(*, image: str | None = SHOP_1_4, env: Mapping[str, str] | None = None,
            pod: JSON = None, **spec: JSON) -> JSON:  # fmt: skip
    """Return a DjangoProject of the shop; `env` and `pod` are those of its Jobs' pods."""
    variables = [{"name": name, "value": value} for name, value in (env or {}).items()]
    migrate = {**spec.pop("migrate", {}), "pod": {**(pod or {}), "env": variables}}
    base = {"settings": {"module": "shop.settings"}, "image": image, "migrate": migrate}
    return declared("DjangoProject", PROJECT, base | spec)


def alias(name: str, /, **spec: JSON) -> JSON:
    """Return a DatabaseAlias of the project, with these fields and no others."""
    own = object_name(name)
    named = {"alias": name} if own != name else {}
    return declared("DatabaseAlias", own, {"projectRef": {"name": PROJECT}, **named, **spec})


def entry(name: str, database: Database, /, **spec: JSON) -> list[JSON]:
    """Return a DatabaseAlias for a database, and the Secret with its password."""
    base = {
        "engine": database.server.engine,
        "host": database.server.host,
        "port": database.server.port,
        "name": database.name,
        "user": database.user,
        "credentials": {"secretRef": {"name": login_name(name)}},
    }
    return [secret(name, database), alias(name, **(base | spec))]


def secret(name: str, database: Database) -> JSON:
    """Return the Secret that `entry` refers to."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": login_name(name)},
        "stringData": {"password": database.password},
    }


def object_name(alias: str) -> str:
    """Return the name of the object that declares an alias."""
    return alias.replace("_", "-")


def login_name(alias: str) -> str:
    """Return the name of the Secret that `entry` refers to."""
    return f"{object_name(alias)}-login"


def empty_default() -> JSON:
    """Return the intentionally empty default."""
    return alias("default", empty=True)


def policy(name: str, /, *rules: JSON, **spec: JSON) -> JSON:
    """Return a DatabaseRoutingPolicy with these rules."""
    body = {"projectRef": {"name": PROJECT}, "rules": list(rules), **spec}
    return declared("DatabaseRoutingPolicy", name, body)


def rule(apps: Iterable[str], write: str, **fields: JSON) -> JSON:
    """Return a rule that claims these apps and writes them to an alias."""
    return {"match": {"apps": list(apps)}, "write": write, **fields}


def quota(pods: int) -> JSON:
    """Return a ResourceQuota that admits so many pods."""
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "pods"},
        "spec": {"hard": {"pods": str(pods)}},
    }


def application(name: str, argv: Iterable[str], *, image: str = SHOP_1_4) -> JSON:
    """Return a pod of the application as README shows it: restricted, one projected volume."""
    published = {"name": f"{PROJECT}-databases"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "securityContext": {
                "runAsNonRoot": True,
                "fsGroup": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "web",
                    "image": image,
                    "command": list(argv),
                    "env": [
                        {"name": "PYTHONPATH", "value": "/etc/dbalias"},
                        {"name": "DJANGO_SETTINGS_MODULE", "value": "dbalias_settings"},
                    ],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [{"name": "databases", "mountPath": "/etc/dbalias"}],
                }
            ],
            "volumes": [
                {
                    "name": "databases",
                    "projected": {
                        "defaultMode": 0o440,
                        "sources": [{"configMap": published}, {"secret": published}],
                    },
                }
            ],
        },
    }


def declared(kind: str, name: str, spec: JSON) -> JSON:
    """Return an object of ours; fields that are None are left out."""
    return {
        "apiVersion": "dbalias.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {field: value for field, value in spec.items() if value is not None},
    }
