"""Any DATABASES → manifests → published files → Django's own handler → the same values."""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from django.db.utils import ConnectionHandler
from hypothesis import given, settings
from hypothesis import strategies as st

import dbalias_databases
from dbalias.cli.import_settings import import_databases
from dbalias.cli.importing.interpreter import Interpreter
from dbalias.cli.importing.manifests import Import
from dbalias.cli.importing.notes import Notes
from dbalias.cli.importing.routers import import_routers
from dbalias.cli.importing.settling import settle
from dbalias.cli.importing.values import decode
from dbalias.cli.main import main
from dbalias.cli.stream import to_yaml
from read_settings import encode

TEXTS = ("NAME", "HOST", "PORT", "USER", "PASSWORD")

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
secret = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
POSTGRESQL = {
    "isolation_level": st.sampled_from([1, 2, 3, 4]),
    "application_name": words,
    "connect_timeout": st.integers(0, 100),
    "server_side_binding": st.booleans(),
    "prepare_threshold": st.none() | st.integers(0, 9),
    "pool": st.fixed_dictionaries(
        {}, optional={"min_size": st.integers(1, 9), "timeout": st.floats(1, 9)}
    ),
}
MYSQL = {
    "charset": st.just("utf8mb4"),
    "isolation_level": st.sampled_from([None, "read committed", "serializable"]),
    "init_command": words,
    "read_timeout": st.integers(1, 100),
}
SQLITE = {"timeout": st.floats(0.5, 100), "transaction_mode": st.just("EXCLUSIVE")}
COMMON: dict[str, Any] = {
    "CONN_HEALTH_CHECKS": st.booleans(),
    "DISABLE_SERVER_SIDE_CURSORS": st.booleans(),
    "TIME_ZONE": st.sampled_from([None, "UTC", "Europe/Paris", "Etc/GMT+8"]),
    "TEST": st.fixed_dictionaries(
        {},
        optional={
            "NAME": st.none() | words,
            "CHARSET": st.none() | st.just("utf8"),
            "MIGRATE": st.booleans(),
            "DEPENDENCIES": st.just([]),
            "SERIALIZE": st.booleans(),
            "DATAFILE": words,
            "OTHER_KEY": plain,
        },
    ),
    "OTHER_KEY": plain,
    "SCHEMA": words,
}


# Either: without autocommit Django never commits what a request does.
COMMITTING = st.sampled_from([{}, {"ATOMIC_REQUESTS": True}, {"AUTOCOMMIT": False}])


def an_entry(engine: str, options: dict[str, Any], **fields: Any) -> st.SearchStrategy[Any]:
    """Return entries of one engine: its options, and what every engine may have."""
    said = {"OPTIONS": st.fixed_dictionaries({}, optional=options), **COMMON, **fields}
    entry = st.fixed_dictionaries({"ENGINE": st.just(engine), "NAME": words}, optional=said)
    return st.builds(lambda one, commits: {**one, **commits}, entry, COMMITTING)


servers: dict[str, Any] = {
    "HOST": st.just("") | st.sampled_from(["db", "db.example", "/run/sock", "::1"]),
    "PORT": st.sampled_from(["", 5432, "5432", 1, "65535"]),
    "USER": st.sampled_from(["me", "my name", "ü'\"\\", "no", "1e3"]),
}
entries = st.one_of(
    an_entry("django.db.backends.postgresql", POSTGRESQL, **servers),
    an_entry(
        "django.db.backends.mysql",
        MYSQL,
        **servers,
        CONN_MAX_AGE=st.none() | st.integers(0, 10**6),
    ),
    an_entry("django.db.backends.sqlite3", SQLITE),
    an_entry("third.party.backend", {"anything": plain, "more": plain}, **servers),
)
others = st.dictionaries(
    st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,8}[A-Za-z0-9])?", fullmatch=True).filter(
        lambda alias: alias not in ("default", "other")
    ),
    entries,
    max_size=2,
)
databases = st.builds(
    lambda default, other, more: {"default": default, "other": other, **more},
    st.builds(dict) | entries,
    entries,
    others,
)


def seen(configured: Any) -> Any:
    """Return what Django makes of DATABASES, with texts where Django takes texts."""
    handled = copy.deepcopy(ConnectionHandler(copy.deepcopy(configured)).settings)
    for entry in handled.values():
        for key in TEXTS:
            value = "" if entry[key] is None else entry[key]
            # PyMySQL gets a password that is not ASCII as the bytes that it would send.
            entry[key] = value.decode() if isinstance(value, bytes) else str(value)
    return json.loads(json.dumps(handled))


def imported(configured: Any) -> tuple[Import, Notes]:
    """Return what the command line makes of the answer of the reading script."""
    notes = Notes()
    arguments = argparse.Namespace(settings="shop.settings", project=None, namespace="", image=None)
    result = import_databases(arguments, decode(json.loads(json.dumps(encode(configured)))), notes)
    settle(result, notes)
    import_routers(result, [], interpreter=Interpreter("none", "shop.settings"), notes=notes)
    return result, notes


def published(manifests: str) -> Any:
    """Return DATABASES as an application loads them from what ``render`` writes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "all.yaml"
        path.write_text(manifests, encoding="utf-8")
        with contextlib.redirect_stderr(io.StringIO()) as said:
            assert main(["render", str(path), "--output-dir", f"{folder}/out"]) == 0, (
                said.getvalue()
            )
        return dbalias_databases.load(Path(folder) / "out", {}).settings()["DATABASES"]


PROJECTS = sorted((Path(__file__).parents[2] / "golden" / "projects").glob("*/expected.yaml"))
CLASSES = ("connection_factory", "cursor_factory")
"""Options of Zulip's that are Python classes."""


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_databases_of_real_projects_come_back_as_they_were(path: Path) -> None:
    """But for what is a class; certificates are paths, which cannot be read here."""
    configured = yaml.safe_load(path.read_text(encoding="utf-8"))["databases"]
    for entry in configured.values():
        options = entry.get("OPTIONS", {})
        for key, value in [*options.items()]:
            if isinstance(value, dict) and value.keys() == {"file"}:
                options[key] = f"/certificates/{value['file']}"
        for key in CLASSES:
            options.pop(key, None)
    result, notes = imported(configured)
    assert notes.is_complete, [str(note) for note in notes.found]
    manifests = [to_yaml(result.declared()), to_yaml(result.secrets())]
    assert seen(published("---\n".join(filter(None, manifests)))) == seen(configured)


@settings(max_examples=30)
@given(configured=databases, password=secret)
def test_any_databases_come_back_as_they_were(configured: Any, password: str) -> None:
    """Nothing is left out, and the password is in no other manifest than a Secret."""
    marked = f"SECRET-{password}" if password else ""
    for entry in configured.values():
        if entry.get("USER"):
            entry["PASSWORD"] = marked
    result, notes = imported(configured)
    assert notes.is_complete, [str(note) for note in notes.found]
    public, secrets = to_yaml(result.declared()), to_yaml(result.secrets())
    assert "SECRET-" not in public
    assert not any("SECRET-" in str(note) for note in notes.found)
    assert seen(published(f"{public}---\n{secrets}")) == seen(configured)
