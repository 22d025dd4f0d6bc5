"""A Django project in a scratch folder, imported, rendered again, and loaded beside its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from unit.cli.files import Run

COMPARISON = '''
import importlib, json, os, sys
from pathlib import PurePath
from django.db.utils import ConnectionHandler

TEXTS = ("NAME", "HOST", "PORT", "USER", "PASSWORD")

def plain(value):
    """Tuples as lists and paths as texts: JSON has no others."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, PurePath) else value

def seen(databases):
    """What Django makes of DATABASES; PORT and its like are texts, and None is none."""
    found = {alias: plain(entry) for alias, entry in ConnectionHandler(databases).settings.items()}
    for entry in found.values():
        for key in TEXTS:
            value = "" if entry[key] is None else entry[key]
            entry[key] = value.decode() if isinstance(value, bytes) else str(value)
    return found

own = importlib.import_module(sys.argv[1])
import dbalias_databases
both = [seen(getattr(own, "DATABASES", {})), seen(dbalias_databases.DATABASES)]
print(json.dumps(both), flush=True)
os._exit(0)  # whatever threads the module has started
'''


class SettingsProject:
    """A folder with a settings module, which is where the command line is called."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.folder = run.folder

    def write(self, text: str, name: str = "shop/settings.py") -> None:
        """Write a module, and the packages that it lies in."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text, encoding="utf-8")

    def imported(self, *arguments: str, settings: str = "shop.settings") -> int:
        """Run ``dbalias import`` with this interpreter; return its exit code."""
        return self.run("import", settings, "--python", sys.executable, *arguments)

    def bodies(self) -> dict[tuple[str, str], Any]:
        """Return what was printed, by kind and name."""
        return {
            (body["kind"], body["metadata"]["name"]): body
            for body in yaml.safe_load_all(self.run.out)
        }

    def spec(self, kind: str, name: str) -> Any:
        """Return the spec of one printed object."""
        return self.bodies()[kind, name]["spec"]

    def render(self) -> Path:
        """Check what was printed, publish it into a folder, and return that."""
        path = self.run.write(self.run.out, name="manifests.yaml")
        assert self.run("check", path) == 0, self.run.out
        out = self.folder / "published"
        assert self.run("render", path, "--output-dir", str(out)) == 0, self.run.err
        return out

    def load_both(self, settings: str = "shop.settings") -> tuple[Any, Any]:
        """Return what Django makes of the project's DATABASES, and of those published for it."""
        done = subprocess.run(
            [sys.executable, "-c", COMPARISON, settings],
            cwd=self.folder,
            env={"PYTHONPATH": f"{self.folder}:{self.render()}", "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        own, published = json.loads(done.stdout.splitlines()[-1])
        return own, published
