"""Which clusters the demo touches without asking."""

import io
import sys

import pytest

from demo.consent import Context, ask_for_consent
from demo.containers import check_way_in, find_loader
from demo.errors import DemoError

FOREIGN = Context("prod", "https://api.prod.example:6443")
LOCAL = Context("kind-dev", "https://127.0.0.1:40123")


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("kind-dev", "https://127.0.0.1:40123"),
        ("anything", "https://localhost:6443"),
        ("anything", "https://[::1]:6443"),
        ("minikube", "https://192.168.49.2:8443"),
        ("k3d-demo", "https://172.18.0.3:6443"),
    ],
    ids=["loopback", "localhost", "loopback of IPv6", "minikube's network", "k3d's network"],
)
def test_a_cluster_of_this_machine_is_local(name: str, server: str) -> None:
    """Loopback is enough; a private address needs the name that a tool gives."""
    assert Context(name, server).is_local


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("prod", "https://api.prod.example:6443"),
        ("kind-of-production", "https://8.8.8.8:6443"),
        ("office", "https://10.1.2.3:6443"),
        ("kind-named-by-hand", "https://kind.example:6443"),
    ],
    ids=["a name", "a public address", "a private address", "a tool's prefix at a name"],
)
def test_any_other_cluster_is_not_local(name: str, server: str) -> None:
    """A prefix alone proves nothing, and neither does a private address."""
    assert not Context(name, server).is_local


def test_a_foreign_cluster_is_left_alone_where_nobody_can_be_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A pipeline must not install anything by accident."""
    monkeypatch.delenv("DEMO_YES", raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(DemoError, match=r"(?s)not one of this machine.*DEMO_YES=1"):
        ask_for_consent(FOREIGN, what="install", given=False)


def test_consent_is_given_by_option_or_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--yes` and DEMO_YES=1 are for those who know what they do."""
    monkeypatch.delenv("DEMO_YES", raising=False)
    ask_for_consent(FOREIGN, what="install", given=True)
    monkeypatch.setenv("DEMO_YES", "1")
    ask_for_consent(FOREIGN, what="install", given=False)


def test_a_local_cluster_needs_no_consent() -> None:
    """It is there to be used."""
    ask_for_consent(LOCAL, what="install", given=False)


@pytest.mark.parametrize("name", ["kind-dev", "k3d-demo", "minikube", "minikube-two"])
def test_images_are_loaded_into_clusters_of_known_tools(name: str) -> None:
    """Their nodes take archives."""
    assert find_loader(Context(name, "https://127.0.0.1:1")) is not None


def test_another_cluster_needs_a_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo stops before anything is built, and names the variable."""
    monkeypatch.delenv("IMAGE_REGISTRY", raising=False)
    with pytest.raises(DemoError, match="IMAGE_REGISTRY="):
        check_way_in(FOREIGN)
    monkeypatch.setenv("IMAGE_REGISTRY", "registry.example/demo")
    check_way_in(FOREIGN)
