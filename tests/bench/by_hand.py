"""The same migrations without an operator: plain `migrate`, started by hand in the right order."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from stage.api import JSON
from stage.fleet import APP, Fleet
from stage.images import SHOP, SHOP_1_4
from stage.objects import Database
from stage.play import Shop

MODULE = "plain_settings"
ENGINES = {"postgresql": "django.db.backends.postgresql", "mariadb": "django.db.backends.mysql"}
SETTINGS = """
import pymysql
from shop.settings import *
pymysql.install_as_MySQLdb()
DATABASES = {databases!r}
"""
FOLDER = "/etc/plain"


def migrate_by_processes(fleet: Fleet, databases: Mapping[str, Database], folder: Path) -> float:
    """Run one process an alias on this machine; return the seconds until the last has ended."""
    (folder / f"{MODULE}.py").write_text(_settings(databases))
    surroundings = {"PYTHONPATH": f"{folder}:{SHOP}", "DJANGO_SETTINGS_MODULE": MODULE}

    def migrate(name: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *_arguments(name)],
            cwd=SHOP, env=os.environ | surroundings | fleet.environment,
            check=True, capture_output=True, text=True,
        )  # fmt: skip

    return _timed(fleet, migrate)


def migrate_by_pods(fleet: Fleet, databases: Mapping[str, Database], shop: Shop) -> float:
    """Run one bare pod an alias; return the seconds until the last has succeeded."""
    shop.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "plain"},
            "data": {f"{MODULE}.py": _settings(databases)},
        }
    )
    ended: dict[str, threading.Event] = defaultdict(threading.Event)
    watch = shop.api.watch("Pod")

    def listen() -> None:
        for pod in watch:
            here = pod["metadata"]["namespace"] == shop.namespace
            if here and pod["status"].get("phase") in ("Succeeded", "Failed"):
                ended[pod["metadata"]["name"]].set()

    listener = threading.Thread(target=listen)
    listener.start()

    def migrate(name: str) -> None:
        shop.apply(_pod(name, fleet))
        ended[name].wait()
        phase = shop.fetch("Pod", name)["status"]["phase"]
        assert phase == "Succeeded", shop.api.log(shop.namespace, name)

    try:
        return _timed(fleet, migrate)
    finally:
        watch.stop()
        listener.join()


def _timed(fleet: Fleet, migrate: Callable[[str], None]) -> float:
    begun = time.monotonic()
    fleet.play(migrate)
    return time.monotonic() - begun


def _arguments(name: str) -> list[str]:
    return ["migrate", APP, f"--database={name}", "--noinput"]


def _settings(databases: Mapping[str, Database]) -> str:
    return SETTINGS.format(
        databases={
            name: {
                "ENGINE": ENGINES[one.server.engine],
                "HOST": one.server.host,
                "PORT": one.server.port,
                "NAME": one.name,
                "USER": one.user,
                "PASSWORD": one.password,
            }
            for name, one in databases.items()
        }
    )


def _pod(name: str, fleet: Fleet) -> JSON:
    variables = {"PYTHONPATH": FOLDER, "DJANGO_SETTINGS_MODULE": MODULE, **fleet.environment}
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {
        "name": "migrate",
        "image": SHOP_1_4,
        "command": ["python", "manage.py", *_arguments(name)],
        "env": [{"name": key, "value": value} for key, value in variables.items()],
        "securityContext": security,
        "volumeMounts": [{"name": "settings", "mountPath": FOLDER}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": [{"name": "settings", "configMap": {"name": "plain"}}],
        },
    }
