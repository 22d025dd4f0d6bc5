"""The operator's process, with database servers that fail in every way beside one that is well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.isolation.scenery import Secure
from integration.isolation.ward import ADMIN, CURED, PASSWORD, Ward, failing
from integration.operator.operating import Operator
from integration.operator.workbench import Space
from localkube.databases import DatabaseServer, PostgresServer

REASONS = {
    "silent": "DatabaseUnreachable",
    "unheard": "DatabaseUnreachable",
    "frozen": "DatabaseUnreachable",
    "outdated": "LoginRefused",
    "forged": "CertificateRefused",
    "readonly": "ServerReadOnly",
    "full": "ServerFull",
}
ALIASES = 10
PER_FAILING_SERVER = 2


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    """A server of its own to be stopped where it is."""
    with PostgresServer(tmp_path_factory.mktemp("frozen")) as server:
        yield server


@pytest.fixture(scope="module")
def well(postgres: DatabaseServer) -> DatabaseServer:
    """The server that nothing befalls."""
    postgres.create_administrator(ADMIN, PASSWORD)
    return postgres


@pytest.fixture
def ward(
    space: Space, both: dict[str, Secure], frozen: DatabaseServer, tmp_path: Path
) -> Iterator[Ward]:
    """A namespace whose servers all fail."""
    with failing(space, both, frozen=frozen, folder=tmp_path) as made:
        yield made


def test_servers_that_fail_delay_their_own_aliases_alone_until_they_are_well(
    ward: Ward, operator: Operator, well: DatabaseServer
) -> None:
    """Seven fail at once: the eighth serves as if alone, each says why, and all recover."""
    ward.admit("well", well)
    alone = ward.seconds_until_made("well", ALIASES, prefix="alone-")
    waiting = {name for server in REASONS for name in ward.order(server, PER_FAILING_SERVER)}
    beside = [ward.seconds_until_made("well", ALIASES, prefix=f"{at}-") for at in range(3)]
    print(f"{ALIASES} databases: alone {alone:.1f} s, beside seven that fail {min(beside):.1f} s")
    # The least of three: what stops this machine for seconds is not what delays each of them.
    assert min(beside) < 2 * alone + 2
    _each_says_why(ward)
    assert not waiting & ward.provisioned()
    assert _connected(operator, ward) == {"well"}
    for cure in ward.cures.values():
        cure()
    for server in REASONS:
        ward.space.wait_for(
            "databaseserver", server, reason="Available", wanted="Connected", seconds=CURED
        )
    for name in waiting:
        ward.space.wait_for("databasealias", name, reason="Provisioned", wanted="Provisioned")
    assert _connected(operator, ward) == {"well", *REASONS}


def _connected(operator: Operator, ward: Ward) -> set[str]:
    namespace, metric = ward.space.name, "dbalias_server_connected"
    names = {"well", *REASONS}
    return {name for name in names if operator.metric(metric, namespace=namespace, server=name)}


def _each_says_why(ward: Ward) -> None:
    for server, reason in REASONS.items():
        said = ward.space.wait_for("databaseserver", server, reason=reason, wanted="Connected")
        assert said["status"] == "False"
        assert PASSWORD not in said["message"]
        alias = f"{server}-0"
        told = ward.space.wait_for(
            "databasealias", alias, reason="ServerUnavailable", wanted="Provisioned"
        )
        assert told["status"] == "False"
