"""``import`` in the project's own interpreter: routers become policies where both answer alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from environments import Cell, cells, environment, find_interpreters

MODELS = """
from django.contrib.auth.models import User
from django.db import models

class Product(models.Model):
    owner = models.ForeignKey(User, on_delete=models.CASCADE)
    related = models.ManyToManyField("self")

class Ticket(models.Model):
    product = models.ForeignKey(Product, on_delete=models.CASCADE)
"""
PROXY = """
from shop.models import Product

class Listing(Product):
    class Meta:
        proxy = True
"""
ROUTERS = """
import random
import threading

class AuthRouter:
    route_app_labels = {"auth", "contenttypes"}

    def db_for_read(self, model, **hints):
        if model._meta.app_label in self.route_app_labels:
            return "auth_db"
        return None

    def db_for_write(self, model, **hints):
        if model._meta.app_label in self.route_app_labels:
            return "auth_db"
        return None

    def allow_relation(self, obj1, obj2, **hints):
        labels = self.route_app_labels
        if obj1._meta.app_label in labels or obj2._meta.app_label in labels:
            return True
        return None

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        if app_label in self.route_app_labels:
            return db == "auth_db"
        return None

class PrimaryReplicaRouter:
    def db_for_read(self, model, **hints):
        return random.choice(["replica1", "replica2"])

    def db_for_write(self, model, **hints):
        return "primary"

    def allow_relation(self, obj1, obj2, **hints):
        db_set = {"primary", "replica1", "replica2"}
        if obj1._state.db in db_set and obj2._state.db in db_set:
            return True
        return None

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return True

class ProxyRouter(AuthRouter):
    route_app_labels = {"listing"}

class ForeignRouter:
    def db_for_read(self, model, **hints):
        return "trac" if model._meta.app_label == "shop" else None

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return db != "trac"

pinned = threading.local()

class PinningRouter:
    def db_for_read(self, model, **hints):
        return getattr(pinned, "alias", None)

class TicketRouter(AuthRouter):
    route_app_labels = {"listing", "tickets"}
"""
SETTINGS = """
from shop.routers import *

SECRET_KEY = "x"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "shop", *{apps!r}]
DATABASES = {{
    alias: {{"ENGINE": "django.db.backends.sqlite3", "NAME": alias + ".sqlite3"}}
    for alias in {aliases!r}
}}
DATABASES.setdefault("default", {{}})
DATABASE_ROUTERS = [{routers}]
"""
ROUTES = """
import django, json
django.setup()
from django.apps import apps
from django.conf import settings
from django.db import router

print(json.dumps({
    model._meta.label: [
        sorted({router.db_for_read(model) for _ in range(200)}),
        router.db_for_write(model),
        [a for a in sorted(settings.DATABASES)
         if settings.DATABASES[a] and router.allow_migrate_model(a, model)],
    ]
    for model in apps.get_models(include_auto_created=True)
}))
"""
REPLICATED = ("primary", "replica1", "replica2")


@dataclass(frozen=True, slots=True)
class Imported:
    """What one call printed, and how it ended."""

    code: int
    out: str
    err: str

    def specs(self, kind: str) -> dict[str, Any]:
        """Return name → spec of the printed objects of a kind."""
        bodies = [body for body in yaml.safe_load_all(self.out) if body]
        return {one["metadata"]["name"]: one["spec"] for one in bodies if one["kind"] == kind}

    @property
    def routing(self) -> dict[str, Any]:
        """The routing of the project."""
        [project] = self.specs("DjangoProject").values()
        return dict(project.get("routing", {}))

    @property
    def policies(self) -> list[str]:
        """The names of the policies, in their order."""
        return list(self.specs("DatabaseRoutingPolicy"))


class Project:
    """A Django project in a folder, and an interpreter for it."""

    def __init__(self, folder: Path, python: Path | str = sys.executable) -> None:
        self.folder = folder
        self.python = python

    def write(
        self, *routers: str, aliases: Sequence[str] = ("default", "auth_db"), apps: str = ""
    ) -> None:
        """Write the project; routers are expressions, most often texts."""
        settings = SETTINGS.format(routers=", ".join(routers), aliases=aliases, apps=apps.split())
        files = {
            "shop/__init__.py": "",
            "shop/models.py": MODELS,
            "shop/routers.py": ROUTERS,
            "shop/settings.py": settings,
            "listing/__init__.py": "",
            "listing/models.py": PROXY,
        }
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    def imported(self) -> Imported:
        """Import the settings as a user does."""
        program = Path(sys.executable).parent / "dbalias"
        done = self._run([program, "import", "shop.settings", "--python", self.python])
        return Imported(done.returncode, done.stdout, done.stderr)

    def routes(self, module: str = "shop.settings", path: str = "") -> Any:
        """Return where Django sends each model under a settings module."""
        done = self._run(
            [self.python, "-c", ROUTES], DJANGO_SETTINGS_MODULE=module, PYTHONPATH=path
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def _run(
        self, command: Sequence[Path | str], **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project for the interpreter that runs this."""
    return Project(tmp_path)


def quoted(*names: str) -> list[str]:
    """Return the dotted paths of router classes as expressions of a settings module."""
    return [repr(f"shop.routers.{name}") for name in names]


def oldest_and_newest() -> list[Cell]:
    """Return the ends of what is supported and at hand."""
    found = sorted(
        cells(find_interpreters()), key=lambda one: (one.series.name, one.interpreter.version)
    )
    return [found[0], found[-1]]


@pytest.mark.timeout(3600)  # the first test of a machine waits while its environment is made
@pytest.mark.parametrize("cell", oldest_and_newest(), ids=str)
def test_the_project_answers_alike_before_and_after(cell: Cell, tmp_path: Path) -> None:
    """Every installed model, under its own settings and under the published ones."""
    project = Project(tmp_path, environment(cell.interpreter, *cell.parts).python)
    project.write(*quoted("AuthRouter"))
    imported = project.imported()
    assert imported.code == 0, imported.err
    assert imported.policies == ["auth-router"]
    assert imported.routing == {"unmatched": "Everywhere"}
    (tmp_path / "all.yaml").write_text(imported.out)
    program = str(Path(sys.executable).parent / "dbalias")
    render = [program, "render", "all.yaml", "--output-dir", "out"]
    subprocess.run(render, cwd=tmp_path, check=True)
    own, published = project.routes(), project.routes("dbalias_settings", str(tmp_path / "out"))
    assert published == own
    assert own["auth.User"] == [["auth_db"], "auth_db", ["auth_db"]]


def test_a_primary_and_its_replicas_become_one_rule(project: Project) -> None:
    """The guide's second router by itself: what it only reads is a Replica."""
    project.write(*quoted("PrimaryReplicaRouter"), aliases=REPLICATED)
    imported = project.imported()
    assert imported.code == 0, imported.err
    assert imported.specs("DatabaseRoutingPolicy")["primary-replica-router"]["rules"] == [
        {"match": {"apps": ["*"]}, "read": ["replica1", "replica2"], "write": "primary"}
    ]
    roles = {name: spec.get("role") for name, spec in imported.specs("DatabaseAlias").items()}
    replica = "Replica"
    assert roles == {"default": None, "primary": None, "replica1": replica, "replica2": replica}


def test_the_guides_pair_keeps_the_router_that_no_policy_equals(project: Project) -> None:
    """Literally, it migrates every app into auth_db; a policy that does so would write there."""
    project.write(*quoted("AuthRouter", "PrimaryReplicaRouter"), aliases=("auth_db", *REPLICATED))
    imported = project.imported()
    assert imported.code == 0, imported.err
    assert imported.policies == ["auth-router"]
    assert imported.routing["after"] == ["shop.routers.PrimaryReplicaRouter"]
    assert "PrimaryReplicaRouter stays a reference to its class" in imported.err
    assert "beside an object of auth_db" in imported.err


def test_the_order_around_what_is_not_understood_stays(project: Project) -> None:
    """Generated routers are asked one after the other, so one run of them is taken."""
    project.write(*quoted("PinningRouter", "AuthRouter", "TicketRouter"))
    imported = project.imported()
    assert imported.policies == ["auth-router", "ticket-router"]
    assert imported.routing["before"] == ["shop.routers.PinningRouter"]
    project.write(*quoted("AuthRouter", "PinningRouter", "TicketRouter"))
    imported = project.imported()
    assert imported.policies == ["auth-router"]
    after = ["shop.routers.PinningRouter", "shop.routers.TicketRouter"]
    assert imported.routing["after"] == after
    assert "PinningRouter stays a reference to its class: line" in imported.err


def test_a_difference_that_only_the_project_shows_keeps_the_reference(project: Project) -> None:
    """A policy knows a proxy by its concrete model; this router sends it elsewhere."""
    project.write(*quoted("ProxyRouter"), apps="listing")
    imported = project.imported()
    assert imported.code == 0, imported.err
    assert imported.policies == []
    assert imported.routing == {"before": ["shop.routers.ProxyRouter"]}
    assert "reads of listing.Listing: the routers say auth_db" in imported.err


def test_a_database_that_no_app_is_migrated_on_is_never_migrated(project: Project) -> None:
    """Not even Django's history of migrations is written there."""
    project.write(*quoted("ForeignRouter"), aliases=("default", "trac"))
    imported = project.imported()
    assert imported.code == 0, imported.err
    assert imported.specs("DatabaseAlias")["trac"]["migrate"] == {"mode": "Never"}


def test_routers_stay_references_where_the_apps_do_not_load(project: Project) -> None:
    """Databases need no app; the reason is said."""
    project.write(*quoted("AuthRouter"), apps="no_such_app")
    imported = project.imported()
    assert imported.code == 0, imported.err
    assert imported.routing == {"before": ["shop.routers.AuthRouter"]}
    assert "the apps cannot be loaded here: there is no module no_such_app in" in imported.err
    assert "AuthRouter stays a reference to its class: the apps cannot be loaded" in imported.err


def test_objects_among_the_routers_are_understood_or_named_by_their_class(
    project: Project,
) -> None:
    """One that nobody can import is left out, and said to be."""
    project.write("PinningRouter()", "AuthRouter()", "type('Local', (), {'__module__': '<x>'})()")
    imported = project.imported()
    assert imported.code == 3
    assert imported.policies == ["auth-router"]
    assert imported.routing["before"] == ["shop.routers.PinningRouter"]
    assert "PinningRouter is there as an object" in imported.err
    assert "<x>.Local has no path that can be imported" in imported.err
