"""Manifests for the tests of the command line, and running it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dbalias.cli.main import main

PROJECT = """\
apiVersion: dbalias.dev/v1alpha1
kind: DjangoProject
metadata: {name: shop}
spec: {}
"""

DEFAULT = """\
apiVersion: dbalias.dev/v1alpha1
kind: DatabaseAlias
metadata: {name: default}
spec:
  projectRef: {name: shop}
  engine: postgresql
  name: app_data
  user: django
  credentials: {secretRef: {name: login}}
"""

USERS = """\
apiVersion: dbalias.dev/v1alpha1
kind: DatabaseAlias
metadata: {name: users}
spec:
  projectRef: {name: shop}
  engine: mysql
  name: user_data
"""

POLICY = """\
apiVersion: dbalias.dev/v1alpha1
kind: DatabaseRoutingPolicy
metadata: {name: auth}
spec:
  projectRef: {name: shop}
  rules:
  - match: {apps: [auth]}
    write: users
"""

LOGIN = """\
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {password: hunter2}
"""


class Run:
    """The command line in a scratch folder: write files, call it, look at what it said."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        self.out = self.err = ""

    def write(self, *documents: str, name: str = "all.yaml") -> str:
        """Write documents into one file and return its path."""
        path = self.folder / name
        path.write_text("---\n".join(documents))
        return str(path)

    def __call__(self, *arguments: str) -> int:
        """Run ``dbalias`` with these arguments; return its exit code."""
        code = main(arguments)
        self.out, self.err = self._capsys.readouterr()
        return code

    def places(self) -> list[tuple[int, str, str]]:
        """Return (line, severity, message) of each line that ``check`` printed."""
        found = re.findall(r"^[^:\n]+:(\d+): (error|note): (.*)$", self.out, re.MULTILINE)
        return [(int(line), severity, message) for line, severity, message in found]
