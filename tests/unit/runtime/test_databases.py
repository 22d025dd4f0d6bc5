"""The loader: what is read, from where, and how it complains."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import dbalias_databases
from dbalias_databases import ConfigurationError
from integration.runtime.pod import mount
from unit.runtime.conftest import Publish, a_document, an_entry

RUNTIME = Path(__file__).parents[3] / "operator" / "dbalias" / "runtime"
PASSWORD = [["PASSWORD"], "default.password"]


def document_with(**fields: object) -> dict[str, object]:
    """Return a document with a password in a file."""
    return a_document(databases={"default": an_entry(NAME="shop", secrets=[PASSWORD])}, **fields)


@pytest.mark.parametrize("content", ["plain", " spaces \n", "", "ü-密", "{{ x }}'\"\\%s"])
def test_a_credential_arrives_verbatim(content: str, publish: Publish) -> None:
    """Nothing is stripped or interpreted."""
    publish(document_with(), {"default.password": content})

    assert dbalias_databases.DATABASES["default"]["PASSWORD"] == content


def test_every_import_gets_fresh_plain_values(publish: Publish) -> None:
    """Django changes dictionaries in place; the next reader must not see that."""
    publish(a_document(extra={"REPLICAS": ["r1"]}))
    first = dbalias_databases.DATABASES
    first["default"]["ENGINE"] = "changed"
    dbalias_databases.REPLICAS.append("changed")

    assert dbalias_databases.DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql"
    assert dbalias_databases.REPLICAS == ["r1"]
    assert type(first) is dict


def test_a_star_imports_every_published_setting_and_nothing_else(publish: Publish) -> None:
    """Settings modules build on others in this way; without DATABASES Django has a dummy one."""
    publish(a_document(extra={"REPLICAS": ["r1"]}))
    module: dict[str, Any] = {}

    exec("from dbalias_databases import *", module)

    assert module.keys() - {"__builtins__"} == {"DATABASES", "DATABASE_ROUTERS", "REPLICAS"}


def test_an_empty_default_stays_empty(publish: Publish) -> None:
    """Whatever the profile says."""
    empty: dict[str, object] = {"settings": {}, "secrets": [], "files": []}
    profiles = {"web": {"*": {"CONN_MAX_AGE": 300}}}
    publish(a_document(databases={"default": empty}, profiles=profiles))

    assert dbalias_databases.DATABASES == {"default": {}}


def test_a_profile_changes_all_aliases_and_then_single_ones(
    publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OPTIONS are merged by key, other values replaced."""
    entries = {name: an_entry(OPTIONS={"a": 1}) for name in ("default", "users")}
    changes = {"*": {"CONN_MAX_AGE": 300, "OPTIONS": {"b": 2}}, "users": {"CONN_MAX_AGE": 5}}
    publish(a_document(databases=entries, profiles={"web": changes}))
    monkeypatch.setenv("DBALIAS_PROFILE", "web")

    found = dbalias_databases.DATABASES

    assert found["default"]["CONN_MAX_AGE"] == 300
    assert found["default"]["OPTIONS"] == {"a": 1, "b": 2}
    assert found["users"]["CONN_MAX_AGE"] == 5


def test_an_unknown_profile_is_refused_with_the_known_ones(
    publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A typo must not silently mean no profile."""
    publish(a_document(profiles={"web": {}, "worker": {}}))
    monkeypatch.setenv("DBALIAS_PROFILE", "wbe")

    with pytest.raises(ConfigurationError, match=r"'wbe'.*the profiles web, worker"):
        dbalias_databases.settings()


def test_only_the_migrating_alias_uses_its_migration_connection(
    publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DBALIAS_MIGRATE_ALIAS names it."""
    entry = an_entry(HOST="pooler") | {"migrate": an_entry(HOST="direct")}
    publish(a_document(databases={"default": entry, "users": entry}))
    monkeypatch.setenv("DBALIAS_MIGRATE_ALIAS", "users")

    found = dbalias_databases.DATABASES

    assert found["users"]["HOST"] == "direct"
    assert found["default"]["HOST"] == "pooler"


def test_a_missing_credential_is_named_by_alias_and_file(publish: Publish) -> None:
    """In one line."""
    publish(document_with())

    with pytest.raises(ConfigurationError) as caught:
        dbalias_databases.settings()

    assert 'alias "default"' in str(caught.value)
    assert "default.password (No such file or directory)" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_credential_that_is_not_utf_8_is_named_without_its_value(publish: Publish) -> None:
    """The bytes do not appear."""
    publish(document_with(), {"default.password": b"secret\xff"})

    with pytest.raises(ConfigurationError, match="not UTF-8") as caught:
        dbalias_databases.settings()

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("version", "said"), [(2, "has format 2"), (0, "format 0"), ("1", "its format is no number")]
)
def test_another_format_is_refused(version: object, said: str, publish: Publish) -> None:
    """What a newer operator publishes is not guessed at."""
    publish(a_document(format=version))

    with pytest.raises(ConfigurationError, match=said):
        dbalias_databases.document()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_broken_document_is_refused(text: str, publish: Publish) -> None:
    """With the file's name."""
    folder = publish(a_document())
    (folder / "databases.json").write_text(text)

    with pytest.raises(ConfigurationError, match=r"databases\.json is not what dbalias publishes"):
        dbalias_databases.document()


def test_files_are_handed_out_by_their_lasting_path(publish: Publish, tmp_path: Path) -> None:
    """Drivers read them at every connect, long after the dated folder is gone."""
    folder = tmp_path / "mount"
    folder.mkdir()
    entry = an_entry(files=[[["OPTIONS", "sslrootcert"], "ca.crt"]], secrets=[PASSWORD])
    text = json.dumps(a_document(databases={"default": entry}))
    files = {"databases.json": text.encode(), "ca.crt": b"x", "default.password": b"one"}
    mount(folder, files)

    first = dbalias_databases.load(folder, {})
    mount(folder, files | {"default.password": b"two"})
    second = dbalias_databases.load(folder, {})

    found = first.settings()["DATABASES"]["default"]
    assert found["OPTIONS"]["sslrootcert"] == str(folder / "ca.crt")
    assert found["PASSWORD"] == "one"
    assert second.settings()["DATABASES"]["default"]["PASSWORD"] == "two"


def test_credentials_may_lie_in_a_folder_of_their_own(publish: Publish, tmp_path: Path) -> None:
    """DBALIAS_CREDENTIALS_DIR, as `local` and tests use it."""
    folder = publish(document_with())
    other = tmp_path / "credentials"
    other.mkdir()
    (other / "default.password").write_text("there")

    loaded = dbalias_databases.load(folder, {"DBALIAS_CREDENTIALS_DIR": str(other)})

    assert loaded.settings()["DATABASES"]["default"]["PASSWORD"] == "there"


@given(content=st.text())
def test_any_text_survives_the_way_through_a_file(
    content: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As UTF-8, without translation of line ends."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "databases.json").write_text(json.dumps(document_with()))
    (folder / "default.password").write_bytes(content.encode())

    found = dbalias_databases.load(folder, {}).settings()["DATABASES"]["default"]["PASSWORD"]

    assert found == content


PLACES: list[list[Any]] = [
    *([name] for name in document_with()),
    *([name, key] for name, key in [("settings", "module"), ("databases", "default")]),
    *(["databases", "default", part] for part in ("settings", "secrets", "files", "migrate")),
    *(["databases", "default", "secrets", 0], ["databases", "default", "settings", "PASSWORD"]),
    *(["routing", name] for name in ("guard", "policies", "unmatched", "empty_default")),
    *(["profiles", "web"], ["profiles", "web", "default"], ["profiles", "web", "*", "OPTIONS"]),
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=3,
)


@given(place=st.sampled_from(PLACES), value=ANYTHING | st.just(...))
@example(place=["databases", "default", "secrets", 0], value=[["PASSWORD"], "line\nline"])
def test_whatever_is_damaged_is_refused_by_name_or_does_no_harm(
    place: list[Any], value: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A part that is gone (...) or another value: one kind of error, in one line."""
    folder = tmp_path_factory.mktemp("published")
    document: Any = document_with(profiles={"web": {"*": {"OPTIONS": {}}}})
    *path, last = place
    part = functools.reduce(lambda inner, key: inner[key], path, document)
    if value is not ...:
        part[last] = value
    elif isinstance(part, list) or last in part:
        del part[last]
    (folder / "databases.json").write_text(json.dumps(document))
    (folder / "default.password").write_text("hunter2")

    try:
        dbalias_databases.load(folder, {"DBALIAS_PROFILE": "web"}).settings()
    except ConfigurationError as error:
        said = str(error)
    else:
        said = ""

    assert "\n" not in said
    assert "hunter2" not in said


def test_a_file_that_may_not_be_read_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    """By a process that is not root, as pods are."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "databases.json").write_text(json.dumps(document_with()))
    (folder / "default.password").write_text("hunter2")
    (folder / "default.password").chmod(0o000)
    for path in (folder, *folder.parents):
        if Path(gettempdir()) in path.parents:  # not that one itself: its mode is everybody's
            path.chmod(0o755)
    code = "import os, dbalias_databases as d; os.geteuid() or os.seteuid(65534); exit(d.main())"

    done = run_python(folder, code)

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"{folder}/default.password (Permission denied)" in done.stderr


def run_python(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code with the runtime modules and a document in one folder on the path."""
    for module in RUNTIME.glob("dbalias_*.py"):
        (folder / module.name).write_bytes(module.read_bytes())
    env = os.environ | {"PYTHONPATH": str(folder)}
    argv = [sys.executable, "-c", code]
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False, cwd=folder)


def test_pymysql_stands_in_where_only_pymysql_is_installed(publish: Publish) -> None:
    """And takes a password beyond latin-1 as the bytes that the server knows."""
    entry = an_entry(secrets=[PASSWORD]) | {}
    entry["settings"]["ENGINE"] = "django.db.backends.mysql"
    folder = publish(a_document(databases={"default": entry}), {"default.password": "密"})

    done = run_python(
        folder,
        "from dbalias_databases import DATABASES; import MySQLdb\n"
        "print(MySQLdb.__name__, ascii(DATABASES['default']['PASSWORD']))",
    )

    assert done.stdout.strip() == r"pymysql b'\xe5\xaf\x86'", done.stderr


def test_the_overlay_builds_on_the_base_module_and_names_what_it_replaced(
    publish: Publish,
) -> None:
    """Settings of the base stay, published ones win."""
    document = a_document(settings={"module": "base", "mode": "Overlay"}, extra={"SITE": 2})
    folder = publish(document)
    (folder / "base.py").write_text("DEBUG = True\nSITE = 1\nDATABASES = {'old': {}}\n")

    done = run_python(
        folder,
        "import dbalias_settings as s\n"
        "print(s.DEBUG, s.SITE, list(s.DATABASES), s.DATABASE_ROUTERS, s.replaced)",
    )

    said = "True 2 ['default'] [] {'DATABASES': {'old': {}}, 'SITE': 1}"
    assert done.stdout.strip() == said, done.stderr


def test_without_a_base_module_the_published_settings_stand_alone(publish: Publish) -> None:
    """DATABASES, DATABASE_ROUTERS and extra settings."""
    folder = publish(a_document(extra={"REPLICAS": []}))

    done = run_python(
        folder, "import dbalias_settings as s; print([n for n in dir(s) if n.isupper()])"
    )

    assert done.stdout.strip() == "['DATABASES', 'DATABASE_ROUTERS', 'REPLICAS']", done.stderr


def test_the_loader_as_a_program_says_one_line_and_exits_2(publish: Publish) -> None:
    """For a person in a shell of the pod."""
    folder = publish(document_with())

    done = run_python(folder, "import dbalias_databases as d, sys; sys.exit(d.main())")

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "default.password" in done.stderr
