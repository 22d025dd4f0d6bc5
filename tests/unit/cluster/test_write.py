"""The one function that writes asks for the Lease first, and bounds what it asks of the server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from dbalias.api.meta import JSON
from dbalias.cluster.client import REQUEST_TIMEOUT, Response
from dbalias.cluster.write import LiveCluster
from dbalias.reconcile.ports import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    GoneError,
    NotLeadingError,
    RefusedError,
    Resource,
)

SECRET: JSON = {"metadata": {"name": "login"}}


@dataclass(slots=True)
class Server:
    """Answers every request alike and remembers how long it was given."""

    status: int = 200
    reason: str = ""
    message: str = ""
    cause: str = ""
    given: list[float] = field(default_factory=list)

    async def request(self, method: str, path: str, *, within: float, **_: Any) -> Response:
        """Answer one request."""
        self.given.append(within)
        causes = [{"reason": self.cause}] if self.cause else []
        told = {"reason": self.reason, "message": self.message, "details": {"causes": causes}}
        return Response(self.status, told)


@dataclass(frozen=True, slots=True)
class Left:
    """A Lease with so many seconds left."""

    seconds: float

    def remaining(self) -> float:
        """Return the seconds."""
        return self.seconds


def a_cluster(server: Server, *, left: float = 60.0) -> LiveCluster:
    """Return the cluster behind a server, the Lease ours for so many seconds."""
    return LiveCluster(server, Left(left))  # type: ignore[arg-type]


@pytest.mark.parametrize("left", [0.0, -5.0])
async def test_nothing_is_sent_without_the_lease(left: float) -> None:
    """Every way to write goes through the same door."""
    server = Server()
    cluster = a_cluster(server, left=left)
    for write in (
        cluster.create(Resource.SECRETS, "a", SECRET),
        cluster.apply(Resource.SECRETS, "a", SECRET),
        cluster.apply_status(Resource.PROJECTS, "a", SECRET),
        cluster.patch(Resource.SECRETS, "a", "login", {}),
        cluster.delete(Resource.SECRETS, "a", "login", uid="1"),
    ):
        with pytest.raises(NotLeadingError):
            await write
    assert server.given == []


@pytest.mark.parametrize(("left", "given"), [(3.5, 3.5), (60.0, REQUEST_TIMEOUT)])
async def test_a_write_ends_before_the_lease_does(left: float, given: float) -> None:
    """Else it could reach the server when another process writes already."""
    server = Server()
    await a_cluster(server, left=left).patch(Resource.CONFIG_MAPS, "a", "login", {})
    assert server.given == [given]


@pytest.mark.parametrize(
    ("status", "reason", "error"),
    [
        (409, "AlreadyExists", AlreadyExistsError),
        (409, "Conflict", ConflictError),
        (404, "NotFound", GoneError),
        (403, "Forbidden", RefusedError),
        (422, "Invalid", RefusedError),
        (413, "RequestEntityTooLarge", RefusedError),
        (500, "InternalError", ClusterError),
    ],
)
async def test_each_answer_has_its_error(
    status: int, reason: str, error: type[ClusterError]
) -> None:
    """A pass does something else after each of them."""
    cluster = a_cluster(Server(status, reason))
    with pytest.raises(ClusterError) as raised:
        await cluster.create(Resource.CONFIG_MAPS, "a", SECRET)
    assert raised.type is error


async def test_what_a_server_says_about_a_secret_is_not_repeated() -> None:
    """Admission webhooks have been seen to quote the object they refuse."""
    server = Server(403, "Forbidden", "denied: {password: s3krit}")
    with pytest.raises(RefusedError) as raised:
        await a_cluster(server).create(Resource.SECRETS, "a", SECRET)
    assert "s3krit" not in str(raised.value)
    with pytest.raises(RefusedError, match="denied"):
        await a_cluster(server).create(Resource.CONFIG_MAPS, "a", SECRET)


async def test_what_is_refused_in_a_namespace_that_ends_is_gone() -> None:
    """Nothing there is to be tried again, or worth a warning."""
    server = Server(403, reason="Forbidden", cause="NamespaceTerminating")
    with pytest.raises(GoneError):
        await a_cluster(server).create(Resource.EVENTS, "ending", {"metadata": {"name": "e"}})


async def test_an_object_that_took_the_name_in_between_is_a_conflict() -> None:
    """The uid that goes with an apply is another's: the next pass reads whose."""
    server = Server(422, reason="Invalid", message="metadata.uid: Invalid value")
    with pytest.raises(ConflictError):
        await a_cluster(server).apply(Resource.SECRETS, "shop", SECRET)
