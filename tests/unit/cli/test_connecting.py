"""The command line reaches a cluster as kubectl does: kubeconfig, context, namespace, proxy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


class Proxy(ThreadingHTTPServer):
    """Answers every request with an empty list and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: Proxy

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        body = json.dumps({"items": [], "metadata": {}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Return a running HTTP server that may stand for a proxy or for a cluster."""
    with Proxy() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def a_kubeconfig(path: Path, **servers: str) -> Path:
    """Write a kubeconfig with a context for each server; the first is current."""
    path.write_text(
        json.dumps(
            {
                "current-context": next(iter(servers)),
                "contexts": [
                    {"name": name, "context": {"cluster": name, "namespace": f"{name}-space"}}
                    for name in servers
                ],
                "clusters": [
                    {"name": name, "cluster": {"server": server}}
                    for name, server in servers.items()
                ],
            }
        )
    )
    return path


def status(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``dbalias status`` with nothing of this machine's own settings."""
    clean = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run(
        [Path(sys.executable).parent / "dbalias", "status", *arguments],
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_context_brings_its_server_and_its_namespace(tmp_path: Path, proxy: Proxy) -> None:
    """The current one, unless another is named."""
    servers = {"prod": proxy.url, "stage": f"{proxy.url}/stage"}
    path = str(a_kubeconfig(tmp_path / "config", **servers))
    done = status(KUBECONFIG=path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no DjangoProject in namespace prod-space" in done.stderr
    assert "stage-space" in status("--context", "stage", KUBECONFIG=path).stderr
    assert [one.startswith("/stage/") for one in proxy.asked] == [False, False, True, True]
    assert "name gone" in status("--context", "gone", KUBECONFIG=path).stderr


def test_proxies_of_the_environment_are_honoured(tmp_path: Path, proxy: Proxy) -> None:
    """And left aside for the hosts of NO_PROXY."""
    path = str(a_kubeconfig(tmp_path / "config", prod="http://cluster.invalid:80"))
    assert status(KUBECONFIG=path, HTTP_PROXY=proxy.url).returncode == 1
    assert all(one.startswith("http://cluster.invalid/apis/dbalias.dev/") for one in proxy.asked)
    passed = len(proxy.asked)
    done = status(KUBECONFIG=path, HTTP_PROXY=proxy.url, NO_PROXY="cluster.invalid")
    assert done.returncode == 2
    assert "did not answer" in done.stderr
    assert len(proxy.asked) == passed


def test_without_a_cluster_it_says_what_to_set(tmp_path: Path) -> None:
    """Exit code 2, one line, no traceback."""
    done = status()
    assert done.returncode == 2
    assert done.stderr == (
        "dbalias status: there is no cluster to ask: set KUBECONFIG, or run this in a pod\n"
    )
    broken = status(KUBECONFIG=str(tmp_path / "missing"))
    assert broken.returncode == 2
    assert "the kubeconfig cannot be used" in broken.stderr
