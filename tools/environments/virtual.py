"""Virtual environments by interpreter and locked parts, made once and kept in the cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from environments.interpreters import Interpreter
from localkube.apt import ensure_packages, missing_packages
from localkube.paths import cache_dir
from localkube.progress import exclusive, run_logged, step

LOCKS = Path(__file__).parents[2] / "requirements"
DEBIAN_PACKAGES = {"mysqlclient": ("gcc", "libc6-dev", "libmariadb-dev", "pkg-config")}
"""What a part is built with that no lock file can bring."""

_READY = "ready"


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment that exists."""

    interpreter: Interpreter
    parts: tuple[str, ...]
    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def path(self) -> str:
        """A PATH on which its programs come first."""
        return os.pathsep.join([str(self.folder / "bin"), os.environ.get("PATH", os.defpath)])


def lock_file(part: str) -> Path:
    """Return the lock file of a part."""
    return LOCKS / f"{part}.txt"


def planned(interpreter: Interpreter, *parts: str) -> Environment:
    """Return where the environment with these locked parts is, or will be.

    One whose lock file changes is another one.
    """
    name = f"{interpreter.minor}-{'+'.join(parts)}-{_digest(interpreter, parts)}"
    return Environment(interpreter, parts, cache_dir() / "environments" / name)


def environment(interpreter: Interpreter, *parts: str) -> Environment:
    """Return the environment with these locked parts, made now if it is not there yet.

    Parts are installed in the order given, each with the hash of every file. Raises LocalkubeError
    with the end of pip's log.
    """
    wanted = planned(interpreter, *parts)
    if not (wanted.folder / _READY).exists():
        with exclusive(wanted.folder.with_name(f"{wanted.folder.name}.lock")):
            if not (wanted.folder / _READY).exists():
                _make(wanted)
    return wanted


def can_install(packages: Iterable[str]) -> bool:
    """Return whether Debian packages are there, or can be installed by who runs this."""
    return not missing_packages(packages) or (os.geteuid() == 0 and bool(shutil.which("apt-get")))


def _digest(interpreter: Interpreter, parts: Iterable[str]) -> str:
    told = hashlib.sha256(f"{interpreter} {interpreter.path}".encode())
    for part in parts:
        told.update(f"\n{part}\n".encode() + lock_file(part).read_bytes())
    return told.hexdigest()[:10]


def _make(wanted: Environment) -> None:
    log = cache_dir() / "logs" / f"{wanted.folder.name}.log"
    ensure_packages(name for part in wanted.parts for name in DEBIAN_PACKAGES.get(part, ()))
    shutil.rmtree(wanted.folder, ignore_errors=True)
    # -I: no PYTHONPATH of whoever runs this may reach the new environment.
    pip: list[str | Path] = [wanted.python, "-I", "-m", "pip", "--disable-pip-version-check"]
    what = f"making an environment of {wanted.interpreter} with {' and '.join(wanted.parts)}"
    with step(what, expect="half a minute when nothing is cached"):
        run_logged([wanted.interpreter.path, "-I", "-m", "venv", wanted.folder], log)
        for part in wanted.parts:
            words = ["install", "--quiet", "--require-hashes", "--no-build-isolation"]
            run_logged([*pip, *words, "-r", lock_file(part)], log)
    (wanted.folder / _READY).touch()
