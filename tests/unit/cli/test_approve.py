"""``dbalias approve`` against an API server that holds one project: what it shows and writes."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.config import kube_config

from dbalias.cli import approve
from dbalias.cli.as_user import connected
from dbalias.cli.main import _parser
from dbalias.cli.refusal import RefusedError

DIGEST = "p" * 24
PLAN = {
    "digest": "a" * 32,
    "database": "db-1",
    "count": 3,
    "destructive": ["shop.0002_less removes the field shop.Basket.note with its data"],
    "destructiveCount": 2,
    "unjudged": ["shop.0001_fill RunPython fill: code"],
    "unjudgedCount": 1,
    "migrations": [
        {"name": "shop.0001_fill", "digest": "aa", "gaps": 1, "atomic": False},
        {"name": "shop.0002_less", "digest": "bb", "statements": 2, "sql": ["ALTER TABLE x;"]},
    ],
    "job": "shop-default-c-1",
}


class Server:
    """One DjangoProject and its DatabaseAlias, and every patch that came."""

    def __init__(self) -> None:
        self.status: dict[str, Any] = {
            "observedGeneration": 1,
            "plan": {"digest": DIGEST, "aliases": [{"alias": "default", "digest": "a" * 32}]},
        }
        self.plan: dict[str, Any] = PLAN
        self.patches: list[Any] = []
        self.conflicts = 0
        self.changed: dict[str, Any] | None = None

    async def project(self, request: web.Request) -> web.Response:
        """Answer a GET, or take a patch unless the object was changed meanwhile."""
        if request.match_info["namespace"] != "prod":
            return web.json_response({"reason": "NotFound"}, status=404)
        if request.method == "PATCH":
            if self.conflicts:
                self.conflicts -= 1
                self.status = self.changed or self.status
                return web.json_response({"reason": "Conflict"}, status=409)
            self.patches.append(await request.json())
        meta = {"name": "shop", "generation": 1, "resourceVersion": f"v{self.conflicts}"}
        return web.json_response({"metadata": meta, "status": self.status})

    async def aliases(self, _: web.Request) -> web.Response:
        """Answer the list."""
        one = {"metadata": {"name": "a"}, "status": {"alias": "default", "plan": self.plan}}
        return web.json_response({"metadata": {}, "items": [one]})


class Terminal(io.StringIO):
    """Somebody who types this."""

    def isatty(self) -> bool:
        """Say that a person is there."""
        return True


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """An API server, and a kubeconfig that names it."""
    made, app = Server(), web.Application()
    base = "/apis/dbalias.dev/v1alpha1/namespaces/{namespace}"
    app.router.add_route("*", f"{base}/djangoprojects/shop", made.project)
    app.router.add_get(f"{base}/databasealiases", made.aliases)
    async with TestServer(app) as running:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "contexts": [
                {"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "prod"}}
            ],
            "clusters": [{"name": "c", "cluster": {"server": str(running.make_url("/"))[:-1]}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
        }
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(config))
        # The library reads KUBECONFIG once, when it is imported.
        monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(path))
        yield made


async def approving(*words: str) -> tuple[int, str]:
    """Run the verb; return its exit code and its last word."""
    given = ["approve", "shop", *words]
    parsed = _parser(given).parse_args(given)
    end = await connected(parsed, lambda cluster, key: approve._run(cluster, key, parsed))
    return end.code, end.message


async def test_plan_is_shown_with_what_is_dangerous_before_anything_is_asked(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is cut is counted, and the whole SQL is pointed to; without a terminal: refused."""
    with pytest.raises(RefusedError, match="give --digest or --yes"):
        await approving()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"DjangoProject prod/shop: plan {DIGEST}, 1 alias(es)"
    assert lines[2:] == [
        "default: 3 migration(s) on database db-1",
        "  DESTRUCTIVE shop.0002_less removes the field shop.Basket.note with its data",
        "  … 1 more DESTRUCTIVE",
        "  UNJUDGED shop.0001_fill RunPython fill: code",
        "  shop.0001_fill  0 statement(s), not atomic, 1 operation(s) without SQL before they run",
        "  shop.0002_less  2 statement(s)",
        "    ALTER TABLE x;",
        "    … 1 more",
        "  … 1 more migrations",
        "  all of the SQL: kubectl -n prod logs job/shop-default-c-1",
    ]
    assert server.patches == []


@pytest.mark.parametrize("words", [["--yes"], ["--digest", DIGEST]])
async def test_what_was_shown_is_approved_at_the_version_that_was_shown(
    server: Server, words: list[str]
) -> None:
    """One annotation, and a write that fails when the project was changed."""
    assert await approving(*words) == (0, f"the plan {DIGEST} is approved")
    (patch,) = server.patches
    assert patch["metadata"]["annotations"] == {"dbalias.dev/approve": DIGEST}
    assert patch["metadata"]["resourceVersion"] == "v0"


async def test_change_of_something_else_does_not_keep_an_approval_from_its_plan(
    server: Server,
) -> None:
    """The operator writes statuses all the time."""
    server.conflicts = 2
    assert (await approving("--yes"))[0] == 0
    assert len(server.patches) == 1


async def test_plan_that_changes_while_it_is_looked_at_is_not_approved(server: Server) -> None:
    """Nothing is written: look again."""
    server.conflicts = 1
    server.changed = {**server.status, "plan": {**server.status["plan"], "digest": "q" * 24}}
    code, said = await approving("--yes")
    assert (code, server.patches) == (1, [])
    assert "changed since it was shown" in said


@pytest.mark.parametrize("digest", [DIGEST[:9], "a" * 32, "another"])
async def test_another_digest_is_refused(server: Server, digest: str) -> None:
    """With the one that waits."""
    with pytest.raises(RefusedError, match=f"{DIGEST} is"):
        await approving("--digest", digest)
    assert server.patches == []


async def test_nobody_approves_what_is_not_all_known_yet_but_by_its_digest(server: Server) -> None:
    """--digest says which plans are meant."""
    server.status["plan"]["computing"] = ["users"]
    code, said = await approving("--yes")
    assert (code, server.patches) == (1, [])
    assert "plans are still being made: users" in said
    assert (await approving("--digest", DIGEST))[0] == 0


@pytest.mark.parametrize("what", ["generation", "alias"])
async def test_status_that_lags_behind_is_not_approved(server: Server, what: str) -> None:
    """What the operator has not looked at yet, and an alias whose plan is newer than the sum."""
    if what == "generation":
        server.status["observedGeneration"] = 0
    else:
        server.plan = {**PLAN, "digest": "b" * 32}
    code, said = await approving("--yes")
    assert (code, server.patches) == (1, [])
    assert "changed just now" in said


async def test_nothing_that_waits_is_no_failure(server: Server) -> None:
    """Neither is what is approved already."""
    server.status["plan"] = {}
    server.status["approval"] = {"digest": DIGEST, "aliases": []}
    assert await approving("--yes") == (0, "nothing waits for an approval")
    assert await approving("--digest", DIGEST) == (0, f"the plan {DIGEST} is approved already")
    assert server.patches == []


async def test_document_for_programs_has_all_that_is_known(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """As JSON on standard output, and nothing else there."""
    await approving("--yes", "-o", "json")
    told = json.loads(capsys.readouterr().out)
    assert (told["project"], told["digest"]) == ("prod/shop", DIGEST)
    assert told["aliases"][0]["destructiveCount"] == 2


@pytest.mark.parametrize(
    ("answer", "code"), [("y\n", 0), ("Yes\n", 0), ("n\n", 1), ("\n", 1), ("", 1)]
)
async def test_person_at_a_terminal_is_asked(
    server: Server, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    """Anything but yes is no, and so is the end of input."""
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert (await approving())[0] == code
    assert len(server.patches) == 1 - code


async def test_missing_project_is_named(server: Server) -> None:
    """With its namespace."""
    with pytest.raises(RefusedError, match="DjangoProject/shop in namespace elsewhere"):
        await approving("-n", "elsewhere")
