"""What the overlay adds to the start of a Django process: ten aliases, credentials in files."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.reporting import report
from unit.runtime.conftest import a_document, an_entry

RUNTIME = Path(__file__).parents[2] / "operator" / "dbalias" / "runtime"
ALIASES, RUNS = 10, 30
AIM_MILLISECONDS = 10.0
BASE = """
SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
START = "import time, django; django.setup(); print(time.process_time())"


def test_a_process_starts_hardly_later_with_published_settings(tmp_path: Path) -> None:
    """Pairs of processes that start one after the other; nothing is compiled in advance."""
    prepare(tmp_path)
    pairs = [(start(tmp_path, "plain"), start(tmp_path, "dbalias_settings")) for _ in range(RUNS)]

    passed, worked = (
        statistics.median(1000 * (overlay[at] - plain[at]) for plain, overlay in pairs)
        for at in (0, 1)
    )
    report(
        f"Start of a Django process, {ALIASES} aliases, {RUNS} pairs: medians, ms",
        plain_settings=1000 * statistics.median(plain[0] for plain, _ in pairs),
        published_settings=1000 * statistics.median(overlay[0] for _, overlay in pairs),
        added_by_the_overlay=passed,
        added_processor_time=worked,
    )
    assert worked < AIM_MILLISECONDS  # what passed is the machine's business as well


def prepare(folder: Path) -> None:
    """Write the same settings in both ways: in one module, and published."""
    for module in RUNTIME.glob("dbalias_*.py"):
        shutil.copy(module, folder)
    entries: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    for name in ("default", *(f"alias{number}" for number in range(1, ALIASES))):
        public: dict[str, Any] = {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": name,
            "HOST": f"{name}.db",
        }
        secrets = [[["USER"], f"{name}.user"], [["PASSWORD"], f"{name}.password"]]
        entries[name] = an_entry(secrets=secrets, **public)
        plain[name] = public | {"USER": "shop", "PASSWORD": "secret"}
        (folder / f"{name}.user").write_text("shop")
        (folder / f"{name}.password").write_text("secret")
    document = a_document(databases=entries, settings={"module": "base", "mode": "Overlay"})
    (folder / "databases.json").write_text(json.dumps(document))
    (folder / "base.py").write_text(BASE)
    (folder / "plain.py").write_text(f"{BASE}\nDATABASES = {plain!r}\nDATABASE_ROUTERS = []\n")


def start(folder: Path, settings: str) -> tuple[float, float]:
    """Return the seconds from start to end, and the processor's."""
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": settings,
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",  # a mounted folder takes no compiled modules
    }
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", START], env=env, capture_output=True, text=True, check=True
    )
    return time.monotonic() - begun, float(done.stdout)
