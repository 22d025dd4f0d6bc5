"""Every rule of the CRD of DatabaseAlias, with an object it accepts and one it refuses."""

from __future__ import annotations

from typing import Any

from contract.crds.case import Case, an_alias_spec
from dbalias.api.meta import Kind

SECRET = {"secretRef": {"name": "users-db"}}
CERTIFICATES = {"configMapKeyRef": {"name": "rds-ca", "key": "ca.pem"}}
LONG_NAME = "a" * 64


def ok(sentence: str, *, named: str = "users", **fields: Any) -> Case:
    """Return a case that is accepted."""
    return Case(sentence, Kind.ALIAS, an_alias_spec(**fields), named)


def no(sentence: str, at: str, message: str, *, named: str = "users", **fields: Any) -> Case:
    """Return a case that is refused."""
    return Case(sentence, Kind.ALIAS, an_alias_spec(**fields), named, at, message)


def fields(name: str, value: Any) -> dict[str, Any]:
    """Return one field whose name is computed."""
    return {name: value}


def within(path: str, value: Any, *, also: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the fields that lead to ``path``, with others ``also`` beside the last one."""
    *parents, last = path.split(".")
    said = {last: value, **(also or {})}
    for parent in reversed(parents):
        said = {parent: said}
    return said


def empty(**fields: Any) -> dict[str, Any]:
    """Return the fields of an empty default."""
    return {"engine": None, "name": None, "empty": True, "alias": "default", **fields}


def keys(**named: str) -> dict[str, Any]:
    """Return credentials that read these keys."""
    return {**SECRET, "keys": named}


def preset(word: str) -> dict[str, Any]:
    """Return credentials of a preset."""
    return {**SECRET, "preset": word}


def connection(**fields: Any) -> dict[str, Any]:
    """Return a ``migrate`` with a connection of its own."""
    return {"connection": fields}


BOTH = (
    "{0} is set here and read from the credentials too. "
    "Remove {0}, or let credentials.keys leave it out"
)
ENGINE = (
    "engine is neither a known word nor a dotted path. "
    "Write postgresql, postgis, mysql, mariadb, sqlite3 or a backend's dotted path"
)
EMPTY = "an empty default has no other fields. Keep projectRef and alias only, or remove empty"
ONE_CA = "caRef names not exactly one source. Set one of configMapKeyRef and secretKeyRef"
AGE = "connMaxAge is neither seconds nor Unlimited. Write a whole number from 0 on, or Unlimited"
PORT = (
    "port is no port. "
    "Write a number from 1 to 65535, or one for each PostgreSQL host as in 5432,5433"
)
COUNTS = "port has not as many entries as host. Write one port for all hosts, or one for each"
REPLICA_TEST = (
    "a Replica has no test database of its own. Keep test.mirror only, or set role to Primary"
)
POOLER = (
    "a migration cannot hold its lock through pooler Transaction. "
    "Set migrate.connection to a direct endpoint, or migrate.mode to Never"
)
TOO_LONG = "metadata.name is too long for an alias. Set alias to a name of at most 63 characters"

IDENTITY = [
    ok("the name of the object is the alias"),
    ok("an alias of its own excuses a long name", named=LONG_NAME, alias="users"),
    no("a long name needs an alias of its own", "", TOO_LONG, named=LONG_NAME),
    ok("the alias default may be empty", **empty()),
    ok("an object named default may be empty", named="default", **empty(alias=None)),
    no(
        "another alias may not be empty",
        "spec.empty",
        "empty is for the alias default alone. Remove empty, or set alias to default",
        **empty(alias="users"),
    ),
    ok("empty: false leaves room for fields", empty=False, host="db"),
    *(
        no(f"an empty default has no {field}", "spec.empty", EMPTY, **empty(**{field: value}))
        for field, value in {
            "engine": "mysql",
            "name": "shop",
            "host": "db",
            "port": 1,
            "user": "u",
            "credentials": SECRET,
            "tls": {},
            "serverRef": {"name": "main"},
            "pooler": "None",
            "options": {},
            "optionsJSON": "{}",
            "connMaxAge": 0,
            "connHealthChecks": False,
            "atomicRequests": False,
            "autocommit": True,
            "disableServerSideCursors": False,
            "timeZone": "UTC",
            "test": {},
            "extra": {},
            "extraJSON": "{}",
            "role": "Primary",
            "inheritFrom": "users",
            "migrate": {},
        }.items()
    ),
    ok("another alias can be inherited from", engine=None, name=None, inheritFrom="default"),
    no(
        "an alias cannot inherit from itself",
        "spec.inheritFrom",
        "inheritFrom names the alias itself. Name another alias",
        inheritFrom="users",
    ),
    ok("test may name other aliases", test={"mirror": "default", "dependencies": ["default"]}),
    *(
        no(
            f"test.{field} may not name the alias itself",
            "spec.test",
            "test.mirror or test.dependencies names the alias itself. Name other aliases",
            test={field: value},
        )
        for field, value in {"mirror": "users", "dependencies": ["users"]}.items()
    ),
    ok("an alias may depend on another", migrate={"dependsOn": ["default"]}),
    no(
        "an alias cannot depend on itself",
        "spec.migrate",
        "migrate.dependsOn names the alias itself. Name other aliases",
        alias="orders",
        migrate={"dependsOn": ["default", "orders"]},
    ),
]

DATABASE = [
    *(
        ok(f"the engine may be {engine}", engine=engine)
        for engine in ("postgis", "mysql", "mariadb", "sqlite3", "shop.backends.pg", "mssql")
    ),
    no("an unknown word is no engine", "spec.engine", ENGINE, engine="postgres"),
    no("a server's word in another case is none", "spec.engine", ENGINE, engine="PostgreSQL"),
    no("a path has no empty part", "spec.engine", ENGINE, engine="shop..pg"),
    no(
        "without anything to inherit an engine is needed",
        "spec",
        "engine is missing. "
        "Set engine, serverRef or inheritFrom; empty: true is for an empty default",
        engine=None,
    ),
    no(
        "sqlite3 needs a file",
        "spec",
        "sqlite3 needs a name. Set name to the path of the database file",
        engine="sqlite3",
        name=None,
    ),
    ok("sqlite3 may inherit its file", engine="sqlite3", name=None, inheritFrom="default"),
    ok("PostgreSQL takes a name of 63 characters", name="a" * 63),
    ok("MySQL takes what PostgreSQL would not", engine="mysql", name="a" * 64),
    *(
        no(
            f"{server} takes no {field} of {most + 1} characters",
            f"spec.{field}",
            f"{field} is longer than the {most} characters that {server} allows. Shorten {field}",
            engine=server.lower(),
            **within(field, "a" * (most + 1)),
        )
        for server, most in {"PostgreSQL": 63, "MySQL": 64}.items()
        for field in ("name", "test.name")
    ),
    ok("MySQL's test database may have a collation", engine="mysql", test={"collation": "c"}),
    no(
        "PostgreSQL's test database has no collation",
        "spec.test.collation",
        "Django sets no collation of PostgreSQL's test databases. "
        "Remove test.collation, or name a template that has it",
        test={"collation": "c"},
    ),
    *(
        case
        for at in ("options", "extra", "test.extra", "migrate.connection.options")
        for case in (
            ok(f"{at}JSON stands alone", **within(f"{at}JSON", '{"A": null}')),
            no(
                f"{at} and its JSON are one too many",
                f"spec.{at}JSON",
                "{0} and {0}JSON exclude each other. Keep one of them".format(at.split(".")[-1]),
                **within(at, {}, also={f"{at.split('.')[-1]}JSON": "{}"}),
            ),
        )
    ),
    ok("several hosts have one port", host="h1,h2", port=5432),
    ok("several hosts have a port each", host="h1,h2", port="5432,65535"),
    ok("a port may be a text", port="5432"),
    *(
        no(f"{at} {port} is no port", f"spec.{at}", PORT, **within(at, port))
        for at in ("port", "migrate.connection.port")
        for port in (0, 65536, "65536", "5432,", "http")
    ),
    *(
        no(f"{at} fits its host", f"spec.{at}", COUNTS, **within(at, "1,2", also={"host": "a,b,c"}))
        for at in ("port", "migrate.connection.port")
    ),
    *(
        no(
            f"MySQL has one {field}",
            "spec.host",
            "MySQL's drivers connect to one host. Name one host and one port",
            engine="mysql",
            **fields(field, value),
        )
        for field, value in {"host": "h1,h2", "port": "3306,3307"}.items()
    ),
    ok("requests may be atomic", atomicRequests=True, autocommit=True),
    ok("an application may see to transactions itself", autocommit=False),
    no(
        "what is never committed is no atomic request",
        "spec.atomicRequests",
        "without autocommit Django never commits what a request does. "
        "Set atomicRequests to false, or remove autocommit",
        atomicRequests=True,
        autocommit=False,
    ),
    ok("connections may be kept for ever", connMaxAge="Unlimited"),
    ok("connections may be kept for a while", connMaxAge=600),
    no("no connection is kept for less than nothing", "spec.connMaxAge", AGE, connMaxAge=-1),
    no("seconds are no text", "spec.connMaxAge", AGE, connMaxAge="60"),
    no("seconds fit into 31 bits", "spec.connMaxAge", AGE, connMaxAge=2**31),
]

CREDENTIALS = [
    ok("credentials may say nothing but the Secret", credentials=SECRET, user="shop"),
    ok("credentials may name keys", credentials=keys(user="u", password="p", host="h")),
    no(
        "a preset and keys are one too many",
        "spec.credentials",
        "preset and keys exclude each other. Keep one of them",
        credentials={**preset("BasicAuth"), **keys(password="p")},
    ),
    ok("a url stands alone", name=None, credentials=keys(url="url")),
    no(
        "a url excludes other keys",
        "spec.credentials.keys",
        "url holds what the other keys name. Keep url alone, or remove it",
        name=None,
        credentials=keys(url="url", password="p"),
    ),
    *(
        no(
            f"{field} comes from one place, not from spec and {what}",
            f"spec.{field}",
            BOTH.format(field),
            **{"name": None, **fields(field, value), "credentials": credentials},
        )
        for field, value in {"user": "u", "host": "h", "port": 1, "name": "n"}.items()
        for what, credentials in {
            "a key": keys(**{field: "key"}),
            "a url": keys(url="url"),
            "a preset": preset("CloudNativePG"),
        }.items()
    ),
    ok("BasicAuth leaves the host to the spec", host="h", port=1, credentials=preset("BasicAuth")),
    no(
        "BasicAuth brings the user",
        "spec.user",
        BOTH.format("user"),
        user="u",
        credentials=preset("BasicAuth"),
    ),
    ok("certificates come from a ConfigMap", tls={"caRef": CERTIFICATES}),
    no("certificates come from somewhere", "spec.tls.caRef", ONE_CA, tls={"caRef": {}}),
    no(
        "certificates come from one place",
        "spec.tls.caRef",
        ONE_CA,
        tls={"caRef": {**CERTIFICATES, "secretKeyRef": {"name": "ca", "key": "ca.pem"}}},
    ),
    ok("TLS can be switched off", tls={"mode": "disable"}),
    *(
        no(
            f"without TLS there is no use for {field}",
            "spec.tls",
            "mode disable uses no certificates. "
            "Remove caRef and clientCertificateRef, or choose another mode",
            tls={"mode": "disable", field: value},
        )
        for field, value in {
            "caRef": CERTIFICATES,
            "clientCertificateRef": {"name": "client"},
        }.items()
    ),
]

MIGRATION = [
    ok("a Replica may mirror", role="Replica", test={"mirror": "default"}),
    ok("a Primary may be migrated", role="Primary", migrate={"mode": "Auto"}),
    no(
        "a Replica is never migrated",
        "spec.migrate",
        "a Replica is never migrated. Remove migrate, or set role to Primary",
        role="Replica",
        migrate={},
    ),
    *(
        no(
            f"a Replica sets no test.{field}",
            "spec.test",
            REPLICA_TEST,
            role="Replica",
            engine="mysql",
            test={field: value},
        )
        for field, value in {
            "name": "t",
            "dependencies": [],
            "charset": "utf8mb4",
            "collation": "c",
            "migrate": False,
            "template": "t",
            "passwordSecretRef": {"name": "s", "key": "k"},
            "extra": {},
            "extraJSON": "{}",
        }.items()
    ),
    no("a transaction pooler needs a way around it", "spec.pooler", POOLER, pooler="Transaction"),
    no(
        "a migrate without connection is no way around the pooler",
        "spec.pooler",
        POOLER,
        pooler="Transaction",
        migrate={"mode": "Auto"},
    ),
    ok("a session pooler needs none", pooler="Session"),
    ok("a direct endpoint is a way", pooler="Transaction", migrate=connection(host="direct")),
    ok("what is never migrated needs none", pooler="Transaction", migrate={"mode": "Never"}),
    ok("a Replica needs none", pooler="Transaction", role="Replica"),
    ok("migrate may take arguments", migrate={"args": ["--fake-initial"]}),
    no(
        "migrate takes no --database",
        "spec.migrate.args",
        "--database is given by dbalias. Remove it from args",
        migrate={"args": ["--noinput", "--database=users"]},
    ),
    ok(
        "a login for migrations may come with its host",
        migrate=connection(host="direct", port=5432, credentials=keys(user="u", password="p")),
    ),
    *(
        no(
            f"{field} for migrations comes from one place, not from {what} too",
            f"spec.migrate.connection.{field}",
            BOTH.format(field),
            migrate=connection(**{field: value, "credentials": credentials}),
        )
        for field, value in {"user": "u", "host": "h", "port": 1}.items()
        for what, credentials in {
            "a key": keys(**{field: "key"}),
            "a preset": preset("ServiceBinding"),
        }.items()
    ),
    no(
        "migrations reach no other database",
        "spec.migrate.connection.credentials",
        "migrate.connection reaches the alias' own database. Remove the key name",
        migrate=connection(credentials=keys(name="dbname")),
    ),
    no(
        "credentials for migrations have a preset or keys",
        "spec.migrate.connection.credentials",
        "preset and keys exclude each other. Keep one of them",
        migrate=connection(credentials={**preset("URL"), **keys(password="p")}),
    ),
    no(
        "a url for migrations stands alone",
        "spec.migrate.connection.credentials.keys",
        "url holds what the other keys name. Keep url alone, or remove it",
        migrate=connection(credentials=keys(url="url", password="p")),
    ),
]

CASES = [*IDENTITY, *DATABASE, *CREDENTIALS, *MIGRATION]
