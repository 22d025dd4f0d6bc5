"""What Django rejects only when it first connects, the operator refuses before it publishes.

Each row goes both ways: as a dictionary by hand to Django's backend and its driver, which try
to connect where nothing listens, and as a DatabaseAlias to the operator. They must agree.
"""

from __future__ import annotations

import gc
import json
import re
import warnings
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db.utils import ConnectionHandler, Error, OperationalError

from dbalias_databases import provide_mysql_driver
from unit.runtime.loading import an_alias_body, problems_of

NOWHERE: dict[str, dict[str, Any]] = {
    "postgresql": {"name": "shop", "host": "127.0.0.1", "port": 1},
    "mysql": {"name": "shop", "host": "/nonexistent"},
    "sqlite3": {"name": ":memory:"},
}
KEYS = {
    "name": "NAME",
    "host": "HOST",
    "port": "PORT",
    "connMaxAge": "CONN_MAX_AGE",
    "timeZone": "TIME_ZONE",
}


def options(**given: Any) -> dict[str, Any]:
    """Return the field that says these options exactly."""
    return {"optionsJSON": json.dumps(given)}


TAKEN: dict[str, list[dict[str, Any]]] = {
    "postgresql": [
        {},
        {"name": "n" * 63},
        {"port": "2"},
        {"host": "/nonexistent", "port": None},
        {"host": "/nonexistent,127.0.0.1", "port": "1,2"},
        {"host": "/nonexistent,/nowhere", "port": 1, **options(target_session_attrs="any")},
        {"connMaxAge": 60},
        {"timeZone": "Europe/Berlin"},
        options(isolation_level=4),
        options(connect_timeout=5, keepalives=0, application_name="a b'c\\", sslmode=None),
        options(connect_timeout="5", load_balance_hosts="random", prepare_threshold=3),
        options(server_side_binding=True, assume_role="owner", pool=None),
        options(client_encoding="LATIN1", tcp_user_timeout=1000),
        options(passfile="/nonexistent", options="-c search_path=a"),
    ],
    "mysql": [
        {},
        {"name": "n" * 64},
        {"port": 3307},
        {"connMaxAge": 60},
        options(isolation_level=None),
        options(isolation_level="serializable"),
        options(charset="utf8mb4", init_command="SET sql_mode='STRICT_ALL_TABLES'"),
        options(unix_socket="/nonexistent", connect_timeout=1, ssl={"ca": None}),
        options(read_timeout=1.5, client_flag=2, local_infile=True),
    ],
    "sqlite3": [
        {},
        {"timeZone": "UTC"},
        options(timeout=20, transaction_mode="immediate", init_command="PRAGMA synchronous=1;"),
        options(timeout=0.5, transaction_mode=None, cached_statements=10, detect_types=0),
    ],
}
REJECTED: dict[str, list[dict[str, Any]]] = {
    "postgresql": [
        {"name": "n" * 64},
        {"name": None},
        {"host": "/nonexistent,/nowhere", "port": "1,2,3"},
        {"timeZone": "Europe/Atlantis"},
        options(isolation_level=5),
        options(isolation_level=0),
        options(isolation_level=None),
        options(isolation_level="snapshot"),
        options(sslmode="always"),
        options(sslmode=True),
        options(target_session_attrs="leader"),
        options(load_balance_hosts="yes"),
        options(channel_binding="maybe"),
        options(keepalives=True),
        options(connect_timeout="soon"),
        options(application_name=["a"], sslmode={"a": 1}),
        options(charset="utf8mb4"),
        options(dbname="other", user="u", conninfo="x"),
        {**options(pool=True), "connMaxAge": 60},
        {**options(pool={"min_size": 2}), "connMaxAge": None},
        options(pool="yes"),
    ],
    "mysql": [
        {"port": "3306,3307"},
        {"timeZone": "Europe/Atlantis"},
        options(isolation_level=2),
        options(isolation_level="snapshot"),
        options(ssl=True),
        options(connect_timeout="soon"),
        options(connect_timeout=None),
        options(sslmode="require"),
        options(client_flag="2"),
        options(read_timeout="1"),
    ],
    "sqlite3": [
        {"name": None},
        {"timeZone": "Europe/Atlantis"},
        options(transaction_mode="later"),
        options(transaction_mode=1),
        options(init_command=None),
        options(timeout="soon"),
        options(isolation="x"),
        options(charset="utf8mb4"),
    ],
}


def rows(table: dict[str, list[dict[str, Any]]]) -> list[Any]:
    """Return the rows of a table as parameters."""
    return [
        pytest.param(engine, fields, id=f"{engine} {json.dumps(fields)[:60]}")
        for engine, several in table.items()
        for fields in several
    ]


def is_taken_by_django(engine: str, fields: dict[str, Any]) -> bool:
    """Tell whether Django comes as far as finding that nobody listens (or, SQLite, is fine)."""
    said: dict[str, Any] = {**NOWHERE[engine], **fields}
    entry: dict[str, Any] = {key: said[name] for name, key in KEYS.items() if name in said}
    if entry["NAME"] is None:
        del entry["NAME"]
    if entry.get("PORT"):
        entry["PORT"] = str(entry["PORT"])
    entry |= {"ENGINE": f"django.db.backends.{engine}", "USER": "u"}
    entry["OPTIONS"] = json.loads(said.get("optionsJSON", "{}"))
    provide_mysql_driver({"default": entry})
    with warnings.catch_warnings():
        # PyMySQL leaves the socket of a failed connection to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        taken = is_tried(ConnectionHandler({"default": entry})["default"])
        gc.collect()
    return taken


def is_tried(connection: Any) -> bool:
    """Tell whether a connection is made, or fails for want of a server alone."""
    try:
        _ = connection.timezone
        connection.ensure_connection()
        connection.close()
    except OperationalError as error:
        return re.search("No such file or directory|Connection refused", str(error)) is not None
    except (Error, ImproperlyConfigured, AttributeError, LookupError, TypeError, ValueError):
        return False
    return True


def problems(engine: str, fields: dict[str, Any]) -> list[str]:
    """Return what the operator says to an alias with these fields."""
    age = {"connMaxAge": "Unlimited"} if fields.get("connMaxAge", 0) is None else {}
    said: dict[str, Any] = {**NOWHERE[engine], "user": "u", "engine": engine, **fields, **age}
    body = an_alias_body("default", **{key: one for key, one in said.items() if one is not None})
    return [str(problem) for problem in problems_of(body)]


@pytest.mark.parametrize(("engine", "fields"), rows(TAKEN))
def test_what_django_takes_is_published(engine: str, fields: dict[str, Any]) -> None:
    """The operator refuses no connection that Django would try."""
    assert is_taken_by_django(engine, fields)
    assert problems(engine, fields) == []


@pytest.mark.parametrize(("engine", "fields"), rows(REJECTED))
def test_what_django_rejects_at_the_first_connection_is_refused(
    engine: str, fields: dict[str, Any]
) -> None:
    """The operator says so in a status, before any pod does in a traceback."""
    assert not is_taken_by_django(engine, fields)
    assert problems(engine, fields) != []


@pytest.mark.parametrize(
    ("engine", "fields"),
    rows(
        {
            "postgresql": [
                options(connect_timeout=1.5),  # psycopg2 refuses it, psycopg rounds it
                options(application_name="a\0b"),  # cuts off what libpq reads of the rest
                options(server_side_binding="true"),  # means false to Django
                options(pool={"min_size": 5, "max_size": 2}),
                options(pool={"max_size": 0, "min_size": 0}),
                options(pool={"kwargs": {"autocommit": True}}),
                options(pool={"size": 2}),
                options(pool={"min_size": "2"}),
                options(pool=1),
            ],
            "mysql": [
                options(ssl={"ca": "/ca", "password": "hunter2"}),
                options(cursorclass="x"),  # only Python could say it
                options(charset=1),
            ],
            "django.db.backends.oracle": [
                {"host": "db"},
                {"host": "db", "port": "1521,1522"},
                options(user="u"),
                options(dsn="db/x"),
                options(wallet_password="hunter2"),
                {**options(pool={"min": 1}), "connMaxAge": 5},
            ],
            "shop.backends.postgresql": [options(isolation_level="snapshot")],
        }
    ),
)
def test_what_a_driver_would_take_amiss_is_refused(engine: str, fields: dict[str, Any]) -> None:
    """Where Django's own attempt tells nothing: drivers differ, or the harm comes later."""
    said = {"name": "shop", "user": "u", "engine": engine, **fields}
    found = [str(problem) for problem in problems_of(an_alias_body("default", **said))]
    assert len(found) == 1
    assert "hunter2" not in found[0]
