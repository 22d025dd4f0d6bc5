"""A migrate Job's container without Kubernetes: mounted files, the shop's image, one process."""

from __future__ import annotations

import itertools
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dbalias.api.alias import DatabaseAlias
from dbalias.api.policy import DatabaseRoutingPolicy
from dbalias.api.project import DjangoProject, Settings
from dbalias.django.artefact import build_artefact, config_map_data, secret_data
from dbalias.django.resolve import resolve
from dbalias.django.routing import build_routing
from localkube.databases import DatabaseServer
from unit.builders import a_project, a_secret, an_alias, credentials

SHOP = Path(__file__).parents[3] / "examples" / "shop"
IMAGE = Path(__file__).parent / "image"
"""What tests add to the image."""
EXPRESS = "0003_express_shipping"
BOOTSTRAP = (
    "import sys; sys.path.insert(0, {folder!r}); "
    "import dbalias_migrate; sys.exit(dbalias_migrate.main())"
)
PATIENCE = 300
"""Seconds for whatever surely comes; every wait ends as soon as it has come."""
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Database:
    """A fresh database with a login of its own."""

    server: DatabaseServer
    name: str
    user: str
    password: str = field(repr=False)

    def alias(self, alias: str, **fields: Any) -> DatabaseAlias:
        """Return a DatabaseAlias for it; the password is in the Secret ``<alias>-login``."""
        given = {
            "engine": self.server.engine,
            "host": self.server.host,
            "port": self.server.port,
            "name": self.name,
            "user": self.user,
            "credentials": credentials(f"{alias}-login", password="password"),
        }
        return an_alias(alias, **(given | fields))

    def sources(self, alias: str, **data: str) -> Any:
        """Return the Secret ``<alias>-login``."""
        return a_secret(f"{alias}-login", **({"password": self.password} | data))

    @property
    def lock_holders(self) -> list[int]:
        """The sessions of PostgreSQL that hold an advisory lock in it, by process."""
        held = self.rows(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return [pid for (pid,) in held]

    @property
    def tables(self) -> set[str]:
        """The tables that are there now."""
        return self.server.tables(self.name)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement in it as the administrator."""
        return self.server.admin_sql(statement, database=self.name)


def a_database(server: DatabaseServer, password: str = "") -> Database:
    """Make a database of this server for one test."""
    name = f"shop_{next(_numbers)}"
    database = Database(server, name, f"{name}_user", password or secrets.token_urlsafe(12))
    server.create_database(name, database.user, database.password)
    return database


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: exit code, report, and everything it printed."""

    code: int
    report: Mapping[str, Any]
    output: str


class Run:
    """A runner that has been started."""

    def __init__(self, argv: list[str], report: Path, *, cwd: Path, env: Mapping[str, str]) -> None:
        self._report = report
        self._log = report.with_suffix(".log").open("w+")
        self.process = subprocess.Popen(
            argv, cwd=cwd, env=env, stdout=self._log, stderr=subprocess.STDOUT
        )

    @property
    def report(self) -> Any:
        """What the report says at this moment."""
        text = self._report.read_text() if self._report.exists() else ""
        return json.loads(text) if text else {}

    def wait_until(self, holds: Callable[[Any], bool]) -> None:
        """Wait until something is true of the report; fail when the run ends before."""
        deadline = time.monotonic() + PATIENCE
        while not holds(self.report):
            assert self.process.poll() is None, self.end().output
            assert time.monotonic() < deadline, self.report
            time.sleep(0.05)

    def send(self, signum: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(signum)

    def end(self) -> Outcome:
        """Wait for its end."""
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self._log.seek(0)
        return Outcome(code, self.report, self._log.read())

    def close(self) -> None:
        """Kill it if it still runs."""
        self.process.kill()
        self.process.wait()
        self._log.close()


class Pod:
    """Published files in one folder, and the image they are mounted into."""

    def __init__(self, folder: Path, *, release: str = "1.5") -> None:
        self.mount = folder / "mount"
        self.python = Path(sys.executable)
        self.image = folder / "image"
        self.env: dict[str, str] = {}
        self._folder = folder
        self._runs: list[Run] = []
        self.mount.mkdir(parents=True)
        self.install(release)

    def install(self, release: str) -> None:
        """Put a release of the shop in place, as its Dockerfile does."""
        shutil.rmtree(self.image, ignore_errors=True)
        left_out = ["__pycache__"] + ([f"{EXPRESS}.py"] if release == "1.4" else [])
        shutil.copytree(SHOP, self.image, ignore=shutil.ignore_patterns(*left_out))

    def publish(
        self,
        aliases: Iterable[DatabaseAlias],
        policies: Iterable[DatabaseRoutingPolicy] = (),
        *,
        sources: Any = None,
        project: DjangoProject | None = None,
    ) -> Any:
        """Write what the operator would publish, the way the kubelet does; return the document."""
        project = project or a_project(settings=Settings(module="shop.settings"))
        aliases, policies = list(aliases), list(policies)
        resolution = resolve(project, aliases, sources or {})
        assert not resolution.problems, resolution.problems
        routing = build_routing(project, resolution, policies, aliases=aliases)
        document = build_artefact(project, resolution, routing, published=None).document
        files: dict[str, bytes] = {
            name: value.reveal()
            for name, value in secret_data(resolution, published={}, keep=document).items()
        }
        files |= {name: text.encode() for name, text in config_map_data(document).items()}
        mount(self.mount, files)
        return document

    def start(self, alias: str, *args: str, program: str = "", **env: str) -> Run:
        """Start the runner, by the Job's bootstrap unless ``program`` names a published file."""
        report = self._folder / f"report-{len(self._runs) + 1}.json"
        how = [str(self.mount / program)] if program else ["-c", self.bootstrap()]
        argv = [str(self.python), *how, *([f"--database={alias}"] if alias else []), *args]
        self._runs.append(Run(argv, report, cwd=self.image, env=self._environment(report) | env))
        return self._runs[-1]

    def run(self, alias: str, *args: str, **env: str) -> Outcome:
        """Run the runner to its end."""
        return self.start(alias, *args, **env).end()

    def close(self) -> None:
        """End what a failed test left running."""
        for run in self._runs:
            run.close()

    def manage(self, *words: str) -> str:
        """Run manage.py as the application does; return what it prints."""
        done = self.try_manage(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def try_manage(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run manage.py as the application does, whether or not it succeeds."""
        return subprocess.run(
            [str(self.python), "manage.py", *words],
            cwd=self.image,
            env=self.application_environment() | env,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def manage_each(self, *lines: Sequence[str]) -> list[subprocess.CompletedProcess[str]]:
        """Run several command lines of manage.py as ``try_manage`` does, in much less time.

        Django is loaded once, and each runs in a process that is forked from there.
        """
        shutil.copy(IMAGE / "many_commands.py", self.image)
        done = subprocess.run(
            [str(self.python), "many_commands.py"],
            cwd=self.image,
            env=self.application_environment(),
            input=json.dumps(lines),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        ended = zip(lines, json.loads(done.stdout), strict=True)
        return [subprocess.CompletedProcess(line, *one) for line, one in ended]

    def application_environment(self) -> dict[str, str]:
        """Return the environment of the application's own processes."""
        return self._environment(None) | {"PYTHONPATH": str(self.mount)}

    def bootstrap(self) -> str:
        """Return the program that a Job gives to ``python -c``."""
        return BOOTSTRAP.format(folder=str(self.mount))

    def _environment(self, report: Path | None) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        ours = {
            "PATH": os.pathsep.join([str(self.python.parent), os.environ["PATH"]]),
            "DJANGO_SETTINGS_MODULE": "dbalias_settings",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        told = {"DBALIAS_REPORT": str(report)} if report else {}
        return kept | ours | told | self.env


def mount(folder: Path, files: Mapping[str, bytes]) -> None:
    """Replace the files of a volume as the kubelet does: a dated folder, and one symlink swap."""
    dated = folder / f"..{time.time_ns()}"
    dated.mkdir()
    for name, content in files.items():
        (dated / name).write_bytes(content)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    link = folder / "..data"
    before = link.resolve() if link.is_symlink() else None
    swapped = folder / "..data_tmp"
    swapped.symlink_to(dated.name)
    swapped.rename(link)
    if before is not None:
        shutil.rmtree(before)
