"""What a person's command line reads beyond objects: the log of a container, while it grows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client as kubernetes_client

from dbalias.cluster.client import Api
from dbalias.cluster.user import UserCluster
from dbalias.reconcile.ports import UnreadableError

LINES = [f"2026-11-23T10:00:0{n}.123456789Z line {n}\n".encode() for n in range(4)]


class Kubelet:
    """Serves a log of four lines; the first reader loses its connection in the third one."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.breaks = True
        self.status = 200

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Send the lines since the second that was asked for."""
        self.asked.append(dict(request.query))
        since = request.query.get("sinceTime", "").removesuffix("Z").encode()
        response = web.StreamResponse(status=self.status)
        await response.prepare(request)
        text = b"".join(line for line in LINES if line >= since)
        if self.breaks and len(self.asked) == 1:
            await response.write(b"".join(LINES[:2]) + LINES[2][:20])
            assert request.transport is not None
            request.transport.abort()
        else:
            await response.write(text)
        return response


@pytest.fixture
def kubelet() -> Kubelet:
    """What stands for the API server."""
    return Kubelet()


@pytest.fixture
async def cluster(kubelet: Kubelet) -> AsyncIterator[UserCluster]:
    """A person's view of it."""
    app = web.Application()
    app.router.add_get("/api/v1/namespaces/shop/pods/job-1/log", kubelet.answer)
    async with TestServer(app) as server:
        configuration = kubernetes_client.Configuration(host=str(server.make_url("")).rstrip("/"))
        api = Api(kubernetes_client.ApiClient(configuration))
        yield UserCluster(api)
        await api.close()


async def test_log_goes_on_where_its_connection_broke(
    kubelet: Kubelet, cluster: UserCluster
) -> None:
    """Every line once: the half one again, those of the same second not."""
    log = cluster.follow("shop", "job-1", container="migrate")
    told: list[bytes] = []

    async def read() -> None:
        async for line in log.lines(follow=True):
            told.append(line)

    with pytest.raises(UnreadableError, match="broke off"):
        await read()
    await read()
    assert told == [f"line {n}".encode() for n in range(4)]
    assert kubelet.asked[1]["sinceTime"] == "2026-11-23T10:00:01Z"


async def test_log_ends_with_what_the_server_has(kubelet: Kubelet, cluster: UserCluster) -> None:
    """Without following nothing is waited for, and a second look finds nothing new."""
    kubelet.breaks = False
    log = cluster.follow("shop", "job-1", container="migrate")
    assert len([line async for line in log.lines(follow=False)]) == len(LINES)
    assert [line async for line in log.lines(follow=False)] == []
    assert "follow" not in kubelet.asked[0]


async def test_log_that_may_not_be_read_says_so(kubelet: Kubelet, cluster: UserCluster) -> None:
    """The path and the status: what right is missing."""
    kubelet.breaks, kubelet.status = False, 403
    with pytest.raises(UnreadableError, match="pods/job-1/log cannot be read: 403 Forbidden"):
        await cluster.tail("shop", "job-1", container="migrate", lines=5)
