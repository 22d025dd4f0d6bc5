"""A replica that takes no writes: what is there is seen, what is new waits until it is promoted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

import pytest

from dbalias.servers.faults import Fault, ServerFaultError
from integration.servers.mysql.site import Site, a_wanted, least_administrator
from localkube.databases import MariaDBServer
from localkube.mysql_server import MySQLServer
from localkube.replicas import SOURCE_SETTINGS, MariaDBReplica, MySQLReplica

LOGIN = ("least", "of-the-administrator")


@pytest.fixture
def replica(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBReplica]:
    """A replica of a server that knows the administrator; MySQL's is super_read_only."""
    kind, follower = MariaDBServer, MariaDBReplica
    if os.environ.get("DBALIAS_MYSQL"):
        kind, follower = MySQLServer, MySQLReplica
    folder, settings = tmp_path_factory.mktemp("pair"), SOURCE_SETTINGS[kind.kind]
    with (
        kind(folder / "primary", settings=settings) as primary,
        follower(folder / "replica", of=primary) as made,
    ):
        made.follow()
        for text in least_administrator(*LOGIN, is_mariadb=kind is MariaDBServer):
            primary.admin_sql(text)
        yield made


def test_a_replica_is_read_and_written_to_once_it_is_promoted(replica: MariaDBReplica) -> None:
    """In one session, and by the claims that came from its primary."""
    with closing(Site(replica.source, *LOGIN)) as primary, closing(Site(replica, *LOGIN)) as site:
        old, new = primary.provide(a_wanted(readers=True)), a_wanted()
        replica.catch_up()
        assert site.steps(old) == ()
        with pytest.raises(ServerFaultError) as caught:
            site.carry_out(site.steps(new))
        assert caught.value.fault is Fault.READ_ONLY
        replica.promote()
        site.provide(new)
        site.remove(old)
        assert site.leaves_nothing(old)
