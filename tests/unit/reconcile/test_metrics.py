"""Series that come and go with what they are about."""

from __future__ import annotations

from prometheus_client import generate_latest

from dbalias.api.meta import Key
from dbalias.reconcile.metrics import Metrics

SERVER = Key("databases", "main")


def test_a_server_that_is_gone_is_told_of_no_more() -> None:
    """An alert on it would never end; forgetting it twice is no error."""
    metrics = Metrics()
    metrics.connected.labels(SERVER.namespace, SERVER.name).set(0)
    assert b'dbalias_server_connected{namespace="databases",server="main"} 0.0' in _page(metrics)
    metrics.forget_server(SERVER)
    metrics.forget_server(SERVER)
    assert b"dbalias_server_connected{" not in _page(metrics)


def _page(metrics: Metrics) -> bytes:
    return generate_latest(metrics.registry)
