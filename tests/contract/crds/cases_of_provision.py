"""Every rule of the CRD of DatabaseAlias about ``serverRef`` and ``provision``."""

from __future__ import annotations

from typing import Any

from contract.crds.case import Case, an_alias_spec
from contract.crds.cases_of_alias import BOTH, SECRET, fields, keys, preset
from dbalias.api.limits import SYSTEM_DATABASES
from dbalias.api.meta import Kind

SERVER = {"name": "main", "namespace": "databases"}


def made(**said: Any) -> dict[str, Any]:
    """Return the spec of an alias whose database is made, with fields set; None removes."""
    return an_alias_spec(**{"serverRef": SERVER, "provision": {}, **said})


def database(**said: Any) -> dict[str, Any]:
    """Return a ``provision`` with these fields of its database."""
    return {"provision": {"database": said}}


def ok(sentence: str, spec: dict[str, Any]) -> Case:
    """Return a case that is accepted."""
    return Case(sentence, Kind.ALIAS, spec)


def no(sentence: str, at: str, message: str, spec: dict[str, Any]) -> Case:
    """Return a case that is refused."""
    return Case(sentence, Kind.ALIAS, spec, field=f"spec.{at}", message=message)


PLACE = "serverRef brings host, port and tls. Remove host, port and tls, or remove serverRef"
TWO_PLACES = (
    "host and port come from serverRef and from the credentials too. "
    "Name user, password and name alone in credentials.keys, or remove serverRef"
)
NO_NAME = (
    "no server makes a database of this name. "
    "Choose at most 63 bytes for PostgreSQL or 64 characters for MySQL, without NUL"
)
TOO_MANY_BYTES = "name is longer than the 63 bytes that PostgreSQL keeps. Shorten name"
TAKEN = "name is that of a database which servers keep for themselves. Choose another name"
PASSWORD_ONLY = (
    "beside provision credentials give a password and nothing else. "
    "Remove preset, and every key but password"
)
GIVEN = (
    "a password that is given is neither generated nor rotated by schedule. "
    "Remove password and rotation, or remove credentials"
)
FAMILIES = (
    "charset and collation are of MySQL and MariaDB, encoding, locale, template, extensions and "
    "schemas of PostgreSQL. Keep those of the server"
)
SCHEMA = (
    "PostgreSQL keeps this schema for itself. "
    "Choose a name that does not begin with pg_ and is not information_schema"
)
BYTES_INSIDE = (
    "a name is longer than the 63 bytes that PostgreSQL keeps. "
    "Shorten the template's, the schema's or the extension's name"
)
INTERVAL = (
    "interval is no time, or less than 10 minutes. "
    "Write minutes, hours or days, as in 10m, 12h or 30d"
)

ON_A_SERVER = [
    ok("a server brings its engine", an_alias_spec(engine=None, serverRef=SERVER)),
    ok(
        "user, name and password may be one's own on a server",
        an_alias_spec(name=None, serverRef=SERVER, credentials=keys(user="u", name="n")),
    ),
    ok(
        "BasicAuth says nothing about the server",
        an_alias_spec(serverRef=SERVER, credentials=preset("BasicAuth")),
    ),
    ok("a Replica may be on a server", an_alias_spec(serverRef=SERVER, role="Replica")),
    *(
        no(
            f"the server brings {field}",
            "serverRef",
            PLACE,
            an_alias_spec(serverRef=SERVER, **{field: value}),
        )
        for field, value in {"host": "db", "port": 5432, "tls": {"mode": "require"}}.items()
    ),
    *(
        no(
            f"no {what} of a Secret says where the server is",
            "credentials",
            TWO_PLACES,
            an_alias_spec(serverRef=SERVER, name=None, credentials=credentials),
        )
        for what, credentials in {
            "key for the host": keys(host="h", password="p"),
            "key for the port": keys(port="p"),
            "url": keys(url="u"),
            "preset with a host": preset("ServiceBinding"),
        }.items()
    ),
    no(
        "a name comes from one place on a server too",
        "name",
        BOTH.format("name"),
        an_alias_spec(serverRef=SERVER, credentials=keys(name="n")),
    ),
    no(
        "a file is on no server",
        "engine",
        "sqlite3 has no server. Remove serverRef, or name the server's engine",
        an_alias_spec(engine="sqlite3", serverRef=SERVER),
    ),
]

OWN_DATABASE = [
    ok("nothing need be said of a database that is made", made(engine=None, name=None)),
    ok(
        "all may be said of a database of PostgreSQL",
        made(
            provision={
                "database": {
                    "encoding": "UTF8",
                    "locale": "de_DE.utf8",
                    "template": "template0",
                    "connectionLimit": 20,
                    "extensions": [{"name": "uuid-ossp", "schema": "ext", "version": "1.1"}],
                    "schemas": ["public", 'a "quoted" name', "größe"],
                },
                "deletionPolicy": "Delete",
                "adopt": True,
                "password": {"length": 64, "charset": "Printable"},
                "rotation": {"interval": "30d"},
                "readOnly": True,
            }
        ),
    ),
    ok(
        "all may be said of a database of MySQL",
        made(engine="mysql", **database(charset="utf8mb4", collation="utf8mb4_bin")),
    ),
    no(
        "a database is made on a server",
        "provision",
        "provision needs a server. Set serverRef to a DatabaseServer",
        made(serverRef=None),
    ),
    no(
        "the login is made too",
        "user",
        "provision makes the login. Remove user, or remove provision",
        made(user="u"),
    ),
    no(
        "what is made is not inherited",
        "inheritFrom",
        "provision makes a database of this alias' own. Remove inheritFrom, or remove provision",
        made(inheritFrom="default"),
    ),
    no(
        "a Replica is made by replication",
        "role",
        "a Replica has no database of its own to make. Remove provision, or set role to Primary",
        made(role="Replica"),
    ),
]

NAMES = [
    ok("a name may have any character", made(name="a'\"`;%\\ \n☃")),
    ok("63 bytes are kept", made(name="ü" * 31 + "a")),
    ok("64 characters are kept by MySQL", made(engine="mysql", name="ü" * 64)),
    ok("the server may be a MySQL", made(engine=None, name="ü" * 64)),
    no("NUL is in no name", "name", NO_NAME, made(name="a\0b")),
    no("65 characters are too many for all", "name", NO_NAME, made(engine=None, name="a" * 65)),
    no("64 bytes are not kept", "name", TOO_MANY_BYTES, made(name="ü" * 32)),
    ok(
        "an existing database may have the name of a server's own",
        an_alias_spec(name="postgres", serverRef=SERVER),
    ),
    *(
        no(f"{name} is no database of an application", "name", TAKEN, made(name=name))
        for name in (*SYSTEM_DATABASES, "MySQL")
    ),
]

PASSWORDS = [
    ok("a password may be given", made(credentials=SECRET)),
    ok("a given password has a key", made(credentials=keys(password="p"))),
    no(
        "a given password comes in no preset",
        "credentials",
        PASSWORD_ONLY,
        made(credentials=preset("BasicAuth")),
    ),
    *(
        no(
            f"the {field} is not given with the password",
            "credentials",
            PASSWORD_ONLY,
            made(name=None, credentials=keys(**{field: "k", "password": "p"})),
        )
        for field in ("user", "name")
    ),
    *(
        no(
            f"a given password has no {field}",
            "provision",
            GIVEN,
            made(credentials=SECRET, provision={field: value}),
        )
        for field, value in {"password": {}, "rotation": {"interval": "1d"}}.items()
    ),
    *(
        ok(f"{interval} is an interval", made(provision={"rotation": {"interval": interval}}))
        for interval in ("10m", "1h", "1d", "999999m", "9999d")
    ),
    *(
        no(
            f"{interval} is no interval",
            "provision.rotation.interval",
            INTERVAL,
            made(provision={"rotation": {"interval": interval}}),
        )
        for interval in ("9m", "0h", "30", "30s", "1.5h", "1d12h", "-1d", "1w")
    ),
]

INSIDE = [
    ok("the limit of connections is nobody's alone", made(**database(connectionLimit=1))),
    *(
        no(
            f"{field} and charset are of two families",
            "provision.database",
            FAMILIES,
            made(**database(charset="utf8mb4", **fields(field, value))),
        )
        for field, value in {
            "encoding": "UTF8",
            "locale": "C",
            "template": "template0",
            "extensions": [],
            "schemas": [],
        }.items()
    ),
    no(
        "encoding and collation are of two families",
        "provision.database",
        FAMILIES,
        made(**database(collation="c", encoding="UTF8")),
    ),
    *(
        no(
            f"{schema} is the server's own",
            "provision.database.schemas",
            SCHEMA,
            made(**database(schemas=["shop", schema])),
        )
        for schema in ("pg_shop", "information_schema")
    ),
    *(
        no(
            f"64 bytes are too many for a {what}",
            "provision.database",
            BYTES_INSIDE,
            made(**database(**fields(name, value))),
        )
        for what, name, value in (
            ("template", "template", "ü" * 32),
            ("schema", "schemas", ["ü" * 32]),
            ("extension", "extensions", [{"name": "ü" * 32}]),
            ("schema of an extension", "extensions", [{"name": "e", "schema": "ü" * 32}]),
        )
    ),
]

CASES = [*ON_A_SERVER, *OWN_DATABASE, *NAMES, *PASSWORDS, *INSIDE]
