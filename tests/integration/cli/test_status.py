"""``status`` tells a viewer where projects stand, and ends as they do."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from integration.cli.conftest import Dbalias
from integration.operator.objects import alias, project, secret
from integration.operator.operating import wait_until
from integration.operator.workbench import Space


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Return the exit code, and what was printed on either stream."""
    out, err = process.communicate(timeout=180)
    return process.returncode, out, err


def told(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the one project of a JSON answer."""
    code, out, err = finished(process)
    (only,) = json.loads(out)["projects"]
    assert err == ""
    return code, only


def test_a_ready_project_is_shown_with_what_is_published(space: Space, dbalias: Dbalias) -> None:
    """Exit code 0, plain text without colours into a pipe, and no right but to view."""
    space.apply(project(), alias("default"), secret())
    space.wait_for("djp", "shop", reason="Ready")
    space.wait_for("dba", "shop-default", reason="Ready")
    code, out, err = finished(dbalias("status"))
    assert (code, err) == (0, "")
    assert f"DjangoProject {space.name}/shop: Ready" in out
    assert space.document()["revision"] in out
    assert "postgresql db.example/default" in out
    assert "\x1b" not in out


def test_a_missing_secret_is_named_and_the_others_flow(space: Space, dbalias: Dbalias) -> None:
    """Exit code 1: something is not Ready, and the alias says what it waits for."""
    space.apply(project(), alias("default"), alias("lost", secret="later"), secret())
    space.wait_for("dba", "shop-lost", reason="SecretNotFound")
    code, shown = told(dbalias("status", "shop", "-o", "json"))
    assert code == 1
    lost = next(one for one in shown["aliases"] if one["alias"] == "lost")
    assert (lost["ready"], lost["reason"]) == (False, "SecretNotFound")
    assert "later" in lost["message"]


def test_a_started_job_is_shown_as_running(space: Space, dbalias: Dbalias) -> None:
    """Without a node its pod waits for ever: the Job and how long are told."""
    space.apply(project(image="registry.example/shop:1"), alias("default"), secret())
    wait_until(lambda: space.all("job"), what="a Job")
    wait_until(
        lambda: (space.get("dba", "shop-default") or {})["status"].get("migration"),
        what="the attempt stored",
    )
    _, shown = told(dbalias("status", "-o", "json"))
    (only,) = shown["aliases"]
    assert only["state"] == "running"
    assert only["job"] == space.all("job")[0]["metadata"]["name"]
    assert only["elapsedSeconds"] >= 0


def test_watching_ends_when_all_is_ready(space: Space, dbalias: Dbalias) -> None:
    """It waits for what is missing, and returns 0 when it came."""
    space.apply(project(), alias("default"))
    space.wait_for("djp", "shop", reason="DefaultMissing")
    process = dbalias("status", "shop", "--watch")
    assert process.stdout is not None
    assert "not Ready yet" in process.stdout.readline()
    space.apply(secret())
    code, out, _ = finished(process)
    assert code == 0
    assert "shop: Ready" in out


def test_watching_ends_when_only_an_edit_can_help(space: Space, dbalias: Dbalias) -> None:
    """Stalled is an end: exit code 1 and why."""
    space.apply(project(), alias("default", options={"pool": True}, connMaxAge=60), secret())
    code, out, _ = finished(dbalias("status", "--watch"))
    assert code == 1
    assert "InvalidConfiguration" in out


def test_what_is_not_there_is_said(space: Space, dbalias: Dbalias) -> None:
    """A project that does not exist is not Ready; a namespace out of reach cannot be read."""
    code, _, err = finished(dbalias("status", "shop"))
    assert code == 1
    assert f"no DjangoProject/shop in namespace {space.name}" in err
    code, out, err = finished(dbalias("status", "-A"))
    assert (code, out) == (2, "")
    assert "cannot be listed: 403" in err
