"""Settings that import what is published, found by PYTHONPATH or by a ``.pth`` file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dbalias.api.project import Settings, SettingsMode
from integration.runtime.pod import Pod
from unit.builders import a_policy, a_project, a_rule, an_alias

OWN_SETTINGS = """
from dbalias_databases import DATABASES, DATABASE_ROUTERS
DATABASES["default"]["OPTIONS"] = {"application_name": "own"}
SECRET_KEY = "x"
"""
TELL = """
import json
from django.conf import settings
from django.db import router
print(json.dumps([settings.DATABASES["default"]["OPTIONS"], len(router.routers)]))
"""


@pytest.fixture
def interpreter(tmp_path: Path) -> Path:
    """Return an environment of its own that sees Django, as an image's."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    packages = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    ours = next(path for path in sys.path if path.endswith("site-packages"))
    (packages / "ours.pth").write_text(f"{ours}\n")
    return tmp_path / "venv" / "bin" / "python"


@pytest.mark.parametrize("by", ["PYTHONPATH", "pth"])
def test_own_settings_import_what_is_published(by: str, pod: Pod, interpreter: Path) -> None:
    """And change it; the ``.pth`` file was there before the folder was mounted."""
    settings = Settings(module="own", mode=SettingsMode.IMPORTED)
    (pod.image / "own.py").write_text(OWN_SETTINGS)
    env = {"DJANGO_SETTINGS_MODULE": "own", "PYTHONDONTWRITEBYTECODE": "1"}
    if by == "pth":
        asked = "import sysconfig; print(sysconfig.get_path('purelib'))"  # as the page shows it
        place = subprocess.check_output([interpreter, "-c", asked], text=True).strip()
        (Path(place) / "dbalias.pth").write_text(f"{pod.mount}\n")
    else:
        env["PYTHONPATH"] = str(pod.mount)
    pod.publish(
        [an_alias("default")],
        [a_policy("all", a_rule("default", "*"))],
        project=a_project(settings=settings),
    )

    done = subprocess.run(
        [interpreter, "-c", TELL],
        cwd=pod.image,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    options, routers = json.loads(done.stdout)
    assert options == {"application_name": "own"}
    assert routers >= 2
