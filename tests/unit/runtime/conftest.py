"""Django with a few models in this process, and documents published into a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings

import dbalias_databases
import dbalias_routers

if not settings.configured:
    settings.configure(
        DATABASES={
            alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
            for alias in ("default", "users", "users_r1", "users_r2", "orders", "shard")
        },
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()

Publish = Callable[..., Path]


def a_document(**fields: Any) -> dict[str, Any]:
    """Return databases.json of one SQLite alias without routers, changed by ``fields``."""
    document: dict[str, Any] = {
        "format": 1,
        "project": "shop",
        "revision": "abcdefghij",
        "settings": {"module": None, "mode": "Overlay"},
        "databases": {"default": an_entry(NAME="shop")},
        "unavailable": {},
        "routers": [],
        "routing": a_routing(),
        "extra": {},
        "profiles": {},
    }
    return document | fields


def an_entry(
    *, secrets: list[Any] | None = None, files: list[Any] | None = None, **settings: Any
) -> dict[str, Any]:
    """Return one entry of ``databases``."""
    public = {"ENGINE": "django.db.backends.postgresql"} | settings
    return {"settings": public, "secrets": secrets or [], "files": files or []}


def a_routing(**fields: Any) -> dict[str, Any]:
    """Return ``routing`` without policies."""
    routing: dict[str, Any] = {
        "guard": {"never": {}},
        "managed": ["default"],
        "empty_default": False,
        "families": {},
        "policies": {},
        "unmatched": "Everywhere",
    }
    return routing | fields


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publish]:
    """Return a function that publishes a document and files, and forgets what was loaded."""

    def write(document: Mapping[str, Any], files: Mapping[str, str | bytes] | None = None) -> Path:
        (tmp_path / "databases.json").write_text(json.dumps(document))
        for name, content in (files or {}).items():
            data = content.encode() if isinstance(content, str) else content
            (tmp_path / name).write_bytes(data)
        forget()
        return tmp_path

    monkeypatch.setattr(dbalias_databases, "stable_folder", lambda: tmp_path)
    for name in ("DBALIAS_PROFILE", "DBALIAS_MIGRATE_ALIAS", "DBALIAS_CREDENTIALS_DIR"):
        monkeypatch.delenv(name, raising=False)
    yield write
    forget()


def forget() -> None:
    """Forget what this process has loaded."""
    dbalias_databases.published.cache_clear()
    dbalias_routers._published_class.cache_clear()
