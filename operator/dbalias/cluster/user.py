"""Kubernetes as a person reaches it from the command line: with their own rights, and no Lease."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from dbalias.cluster.client import Api
from dbalias.cluster.write import LiveCluster
from dbalias.reconcile.ports import Resource


class _Unled:
    """A person asks nobody for leave: only the API server says what they may."""

    def remaining(self) -> float:
        return float("inf")


class UserCluster(LiveCluster):
    """Reads and writes, as whoever the kubeconfig names, and the logs of pods."""

    def __init__(self, api: Api) -> None:
        super().__init__(api, _Unled())

    async def tail(self, namespace: str, pod: str, *, container: str, lines: int) -> list[str]:
        """Return the last lines of a container's log; raise UnreadableError."""
        query = (("container", container), ("tailLines", str(lines)))
        text = b"".join([part async for part in self._api.stream(_path(namespace, pod), query)])
        return text.decode(errors="replace").splitlines()

    def follow(self, namespace: str, pod: str, *, container: str) -> PodLog:
        """Return the whole log of a container, from its beginning to its end."""
        return PodLog(self._api, _path(namespace, pod), container)


class PodLog:
    """The log of a container, line by line, each once, however often the connection breaks."""

    def __init__(self, api: Api, path: str, container: str) -> None:
        self._api = api
        self._path = path
        self._container = container
        self._last = ""
        """The server's own time stamp of the last line that was given out."""

    async def lines(self, *, follow: bool) -> AsyncGenerator[bytes]:
        """Yield the lines that were not yielded yet, until the server has no more.

        That is the end of the container, or of a connection. Raises UnreadableError.
        """
        query = [("container", self._container), ("timestamps", "true")]
        query += [("follow", "true")] if follow else []
        query += [("sinceTime", _second_of(self._last))] if self._last else []
        rest = b""
        stream = self._api.stream(self._path, query)
        async with contextlib.aclosing(stream):
            async for part in stream:
                *whole, rest = (rest + part).split(b"\n")
                for line in whole:
                    stamp, _, text = line.partition(b" ")
                    if stamp.decode() > self._last:
                        self._last = stamp.decode()
                        yield text


def _path(namespace: str, pod: str) -> str:
    return Resource.PODS.value.path(namespace, pod, "log")


def _second_of(stamp: str) -> str:
    """Return a time stamp as the query takes it: whole seconds, of which all lines come again."""
    return datetime.fromisoformat(stamp).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
