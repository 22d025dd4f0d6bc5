"""Each folder here: input.yaml, and the databases.json and Secrets that it comes to.

``pytest tests/golden --renew-golden`` writes the expected files anew.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dbalias.api.project import PublishMode
from dbalias.django.artefact import needed_files, stable_document
from golden.publishing import publish

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/input.yaml"))


@pytest.fixture(params=CASES, ids=lambda path: path.name)
def case(request: pytest.FixtureRequest) -> Path:
    """Return the folder of one case."""
    return Path(request.param)


def test_declared_objects_come_to_exactly_these_files(case: Path, renew: bool) -> None:
    """Document and Secrets, byte for byte."""
    published = publish(case / "input.yaml")
    expected = {
        case / "databases.json": published.text,
        case / "secrets.yaml": yaml.safe_dump(dict(published.secrets)),
    }
    for path, text in expected.items():
        if renew:
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text


def test_every_file_that_a_document_names_is_published(case: Path) -> None:
    """The loader demands each of them."""
    published = publish(case / "input.yaml")
    found = {name for data in published.secrets.values() for name in data}
    assert needed_files(published.document) <= found


def test_applications_see_all_of_it_once_all_is_migrated(case: Path) -> None:
    """But for what is the Jobs' alone."""
    document = dict(publish(case / "input.yaml").document)
    everything = set(document["databases"])
    shown = stable_document(document, None, migrated=everything, mode=PublishMode.AFTER_MIGRATE)
    assert shown is not None
    assert set(shown["databases"]) == everything
    assert not any("migrate" in entry for entry in shown["databases"].values())


def test_the_published_modules_load_what_is_published(case: Path, tmp_path: Path) -> None:
    """In a process of its own, from a flat folder, as a container mounts it."""
    published = publish(case / "input.yaml")
    published.mount(tmp_path)
    program = (
        "import json, dbalias_databases as d; print(json.dumps([d.DATABASES, d.DATABASE_ROUTERS]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    databases, routers = json.loads(done.stdout)
    assert routers == published.document["routers"]
    assert databases.keys() == published.document["databases"].keys()
    for alias, entry in databases.items():
        password = published.secrets["databases"].get(f"{alias}.password")
        assert entry.get("PASSWORD") == (password and base64.b64decode(password).decode())
