"""Django's source distribution, which holds the tests that the installed package leaves out."""

from __future__ import annotations

import re
import shutil
import tarfile
from pathlib import Path

from environments.series import Series
from environments.virtual import Environment, lock_file
from localkube.paths import cache_dir
from localkube.progress import exclusive, run_logged, step

SUITE_PARTS = ("pymysql", "django-suite")
"""What an environment needs beside Django to run Django's own tests."""


def django_source(made: Environment, series: Series) -> Path:
    """Return the folder of the unpacked source of the very version in the series' lock file.

    It is downloaded once a machine by the environment's pip (which needs setuptools beside it),
    checked by the lock's hashes. Raises LocalkubeError with the end of pip's log.
    """
    requirement = _requirement(series)
    version = requirement.split()[0].partition("==")[2]
    folder = cache_dir() / "sources" / f"django-{version}"
    if not folder.exists():
        with exclusive(folder.with_name(f"django-{version}.lock")):
            if not folder.exists():
                with step(f"downloading the source of Django {version}"):
                    _download(made, requirement, folder)
    return folder


def _requirement(series: Series) -> str:
    """Return Django's own lines of the lock file: version and hashes."""
    text = lock_file(series.part).read_text()
    found = re.search(r"^django==.*\n(?: +--hash.*\n)+", text, re.M)
    if found is None:
        raise ValueError(f"{lock_file(series.part)} pins no Django: run `make lock`")
    return found.group()


def _download(made: Environment, requirement: str, folder: Path) -> None:
    draft = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    pinned = draft / "requirement.txt"
    pinned.write_text(requirement)
    words = ["download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    checked = ["--no-binary", "django", "--no-build-isolation", "--require-hashes"]
    places: list[str | Path] = ["--requirement", pinned, "--dest", draft]
    log = cache_dir() / "logs" / f"{folder.name}.log"
    run_logged([made.python, "-I", "-m", "pip", *words, *checked, *places], log)
    (archive,) = draft.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(draft, filter="data")
    (draft / archive.name.removesuffix(".tar.gz")).rename(folder)
    shutil.rmtree(draft)
