"""Loads what was published: ``from dbalias_databases import DATABASES, DATABASE_ROUTERS``.

The folder this module lies in holds ``databases.json``; credentials lie in the same folder,
or in the one that ``DBALIAS_CREDENTIALS_DIR`` names. Both are read once in a process, so that
databases and routers always belong together; each import gets fresh plain values, because
Django changes them in place. ``DBALIAS_PROFILE`` chooses a profile; the alias that
``DBALIAS_MIGRATE_ALIAS`` names uses its migration-only connection.
"""

from __future__ import annotations

import copy
import functools
import importlib.util
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

_FORMAT = 1
document_name = "databases.json"  # in small letters, as capitals would hide a setting
_SNAPSHOT = "..data"
_ATTEMPTS = 3


class ConfigurationError(ImproperlyConfigured):
    """What is published cannot be used; one line that names alias and file, never a value."""


def refuse(message: str) -> ConfigurationError:
    """Return the error that says this, and let it end a process in one line with exit code 2.

    Only when nothing catches it: servers, test runners and people in a shell may.
    """
    global _usual_hook
    if _usual_hook is None:
        _usual_hook, sys.excepthook = sys.excepthook, _end_in_one_line
    return ConfigurationError(" ".join(message.splitlines()))  # names may hold anything


_usual_hook: Any = None


def _end_in_one_line(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    if not isinstance(error, ConfigurationError):
        _usual_hook(kind, error, trace)
        return
    sys.stderr.write(f"dbalias: {error}\n")
    if not hasattr(sys, "ps1"):  # a person at a prompt stays there
        sys.exit(2)


def stable_folder() -> Path:
    """Return the folder of this module as it was mounted, not the dated one behind ``..data``.

    The kubelet replaces the dated folder at every update, so its path must not be kept.
    """
    folder = Path(__file__).absolute().parent
    is_dated = folder.name.startswith("..") and os.path.lexists(folder.parent / _SNAPSHOT)
    return folder.parent if is_dated else folder


class Folder:
    """One mounted folder, pinned to the snapshot that ``..data`` pointed to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        link = path / _SNAPSHOT
        self.snapshot = link.resolve() if link.is_symlink() else path

    @property
    def has_gone(self) -> bool:
        """Whether the kubelet replaced the snapshot in the meantime."""
        return not self.snapshot.is_dir()

    def read(self, name: str) -> str:
        """Return a file's text exactly as it is; OSError or UnicodeDecodeError if it cannot."""
        return (self.snapshot / name).read_bytes().decode("utf-8")

    def locate(self, name: str) -> str:
        """Return the lasting path of a file, for drivers that read it at every connect."""
        (self.snapshot / name).stat()
        return str(self.path / name)


class Published:
    """One reading of the document and of every credential that it needs."""

    def __init__(self, folder: Folder, credentials: Folder, env: Mapping[str, str]) -> None:
        self.document = _read_document(folder)
        profile = _profile(self.document, env.get("DBALIAS_PROFILE", ""))
        migrating = env.get("DBALIAS_MIGRATE_ALIAS")
        self._databases: dict[str, Any] = {}
        for alias, entry in self.document["databases"].items():
            try:
                chosen = entry.get("migrate", entry) if alias == migrating else entry
                values = _database(alias, chosen, credentials)
                if values:
                    _merge(values, profile.get("*", {}))
                    _merge(values, profile.get(alias, {}))
            except (AttributeError, LookupError, TypeError, ValueError):
                where = f'{folder.path / document_name}, alias "{alias}",'
                raise refuse(f"{where} is not what dbalias publishes") from None
            self._databases[alias] = values

    def settings(self) -> dict[str, Any]:
        """Return fresh values of every setting that is published, by name."""
        values = {
            "DATABASES": self._databases,
            "DATABASE_ROUTERS": self.document["routers"],
            **self.document["extra"],
        }
        return copy.deepcopy(values)


def load(folder: Path, env: Mapping[str, str]) -> Published:
    """Read a folder as this process' environment asks; raises ConfigurationError."""
    for remaining in reversed(range(_ATTEMPTS)):
        main = Folder(folder)
        other = env.get("DBALIAS_CREDENTIALS_DIR")
        credentials = Folder(Path(other).absolute()) if other else main
        try:
            return Published(main, credentials, env)
        except ConfigurationError:
            if not remaining or not (main.has_gone or credentials.has_gone):
                raise
    raise AssertionError("the last attempt returns or raises")


@functools.cache
def published() -> Published:
    """Return this process' one reading, made at the first call."""
    reading = load(stable_folder(), os.environ)
    provide_mysql_driver(reading.settings()["DATABASES"])
    return reading


def document() -> dict[str, Any]:
    """Return databases.json as this process read it; not to be changed."""
    return published().document


def settings() -> dict[str, Any]:
    """Return fresh values of every published setting: DATABASES, DATABASE_ROUTERS, extra ones."""
    return published().settings()


def __getattr__(name: str) -> Any:
    if name == "__all__":  # a star imports the settings, and none of this module's own names
        return list(settings())
    if name.isupper():
        values = settings()
        if name in values:
            return values[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def provide_mysql_driver(databases: Mapping[str, Mapping[str, Any]]) -> None:
    """Let PyMySQL stand in for mysqlclient where Django needs one and only PyMySQL is there."""
    engines = [str(entry.get("ENGINE", "")) for entry in databases.values()]
    is_wanted = any(_wants_mysqldb(engine) for engine in engines)
    if is_wanted and not _is_importable("MySQLdb") and _is_importable("pymysql"):
        import pymysql

        pymysql.install_as_MySQLdb()


def _wants_mysqldb(engine: str) -> bool:
    return "mysql" in engine and not engine.startswith("mysql.connector")


def _is_importable(name: str) -> bool:
    return name in sys.modules or importlib.util.find_spec(name) is not None


def _read_document(folder: Folder) -> dict[str, Any]:
    where = folder.path / document_name
    try:
        document = json.loads(folder.read(document_name))
        version = document["format"]
    except OSError as error:
        raise refuse(
            f"{where} cannot be read ({error.strerror}): mount the project's ConfigMap there"
        ) from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise refuse(f"{where} is not what dbalias publishes") from None
    if not isinstance(version, int):
        raise refuse(f"{where} is not what dbalias publishes: its format is no number")
    if not 1 <= version <= _FORMAT:
        raise refuse(
            f"{where} has format {version}, and these modules read up to {_FORMAT}: mount the "
            "modules of the same ConfigMap beside it"
        )
    for *path, name, kind in _SHAPE:
        part = functools.reduce(dict.__getitem__, path, document)
        if not isinstance(part.get(name), kind):
            field = ".".join((*path, name))
            raise refuse(f"{where} is not what dbalias publishes: {field} is missing or wrong")
    found: dict[str, Any] = document
    return found


_SHAPE: tuple[Any, ...] = (
    *((name, dict) for name in ("settings", "databases", "unavailable", "extra", "profiles")),
    ("settings", "module", (str, type(None))),
    ("routers", list),
    ("routing", dict),
    ("routing", "guard", dict),
    ("routing", "guard", "never", dict),
    ("routing", "policies", dict),
    ("routing", "unmatched", str),
    ("routing", "empty_default", bool),
)
"""What every document has, outermost first: where, and of which type."""


def _profile(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    known: Mapping[str, Mapping[str, Any]] = document["profiles"]
    if not name:
        return {}
    if name not in known:
        raise refuse(
            "DBALIAS_PROFILE is {!r}, and the project {!r} has {}".format(
                name,
                document.get("project"),
                "the profiles " + ", ".join(sorted(known)) if known else "no profiles",
            )
        )
    return known[name]


def _database(alias: str, entry: Mapping[str, Any], credentials: Folder) -> dict[str, Any]:
    values: dict[str, Any] = copy.deepcopy(entry["settings"])
    for path, name in entry.get("secrets", ()):
        _place(values, path, _fetch(alias, name, credentials, credentials.read))
    for path, name in entry.get("files", ()):
        _place(values, path, _fetch(alias, name, credentials, credentials.locate))
    password = values.get("PASSWORD")
    if isinstance(password, str) and not password.isascii() and _speaks_pymysql(values):
        # PyMySQL would encode it as latin-1, whatever the charset; bytes pass as they are.
        values["PASSWORD"] = password.encode("utf-8")
    return values


def _speaks_pymysql(values: Mapping[str, Any]) -> bool:
    if not _wants_mysqldb(str(values.get("ENGINE", ""))):
        return False
    provide_mysql_driver({"": values})
    driver = sys.modules.get("MySQLdb")
    return driver is not None and driver.__name__ == "pymysql"


def _fetch(alias: str, name: str, folder: Folder, how: Any) -> str:
    try:
        return str(how(name))
    except OSError as error:
        problem = f"{folder.path / name} ({error.strerror})"
    except UnicodeDecodeError:
        problem = f"{folder.path / name} (it is not UTF-8 text)"
    raise refuse(
        f'alias "{alias}" cannot be loaded from {problem}: mount the project\'s Secret and '
        "ConfigMap as the two sources of one projected volume"
    )


def _place(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    *parents, last = path
    for key in parents:
        values = values.setdefault(key, {})
    values[last] = value


def _merge(values: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if key == "OPTIONS":
            values[key] = {**values.get(key, {}), **copy.deepcopy(value)}
        else:
            values[key] = copy.deepcopy(value)


def main() -> int:
    """Say what would be loaded; return 0, or 2 when it cannot be."""
    try:
        values = settings()
    except ConfigurationError as error:
        sys.stderr.write(f"dbalias: {error}\n")
        return 2
    for alias, entry in values["DATABASES"].items():
        sys.stdout.write("{}: {}\n".format(alias, entry.get("ENGINE", "intentionally empty")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
