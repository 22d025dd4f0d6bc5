"""Waiting for servers to answer and nodes to be Ready, never longer than a process lives."""

import http.client
import json
import socket
import ssl
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from localkube.controlplane import ControlPlane
from localkube.errors import LocalkubeError
from localkube.processes import PATIENCE_SECONDS, Process
from localkube.progress import last_lines

_POLL_SECONDS = 0.1


def wait_until(condition: Callable[[], bool], what: str, process: Process) -> None:
    """Poll a condition. Raises LocalkubeError when the process ends or patience does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        process.require_running()
        if time.monotonic() > deadline:
            raise LocalkubeError(
                f"{what} took more than {PATIENCE_SECONDS:.0f} s; from {process.log}:\n"
                + last_lines(process.log)
            )
        time.sleep(_POLL_SECONDS)


def wait_for_http(url: str, process: Process, *, context: ssl.SSLContext | None = None) -> None:
    """Wait until a URL answers 200."""
    wait_until(lambda: _get(url, context) is not None, f"waiting for {process.name}", process)


def wait_for_api(plane: ControlPlane, process: Process) -> None:
    """Wait until the apiserver is ready and has made the namespace `default`."""
    context = _context(plane)
    wait_for_http(f"{plane.url}/readyz", process, context=context)
    wait_for_http(f"{plane.url}/api/v1/namespaces/default", process, context=context)


def wait_for_node(plane: ControlPlane, process: Process, *, name: str) -> None:
    """Wait until a node is Ready and takes pods."""
    context = _context(plane)

    def is_ready() -> bool:
        listed = json.loads(_get(f"{plane.url}/api/v1/nodes", context) or b"{}")
        return any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for node in listed.get("items", ())
            if node["metadata"]["name"] == name
            and not any(
                taint["key"].startswith("node.kubernetes.io/")
                for taint in node["spec"].get("taints", ())
            )
            for condition in node["status"].get("conditions", ())
        )

    wait_until(is_ready, f"waiting for the node {name}", process)


def wait_for_services(plane: ControlPlane, process: Process) -> None:
    """Wait until the node's proxy knows the Service by which pods reach the apiserver."""
    assert plane.network is not None
    address = plane.network.first_service
    wait_until(lambda: listens(address, 443), f"waiting for {process.name}", process)


def listens(address: str, port: int) -> bool:
    """Return whether somebody takes a connection within two seconds."""
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError:
        return False
    return True


def wait_for_account(plane: ControlPlane, process: Process) -> None:
    """Wait until pods can be made in the namespace `default`, which takes its service account."""
    account = f"{plane.url}/api/v1/namespaces/default/serviceaccounts/default"
    wait_for_http(account, process, context=_context(plane))


def _context(plane: ControlPlane) -> ssl.SSLContext:
    pki = plane.authority.folder
    context = ssl.create_default_context(cafile=str(plane.authority.pair.certificate))
    context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    return context


def _get(url: str, context: ssl.SSLContext | None) -> bytes | None:
    # No proxy from the environment: everything waited for is on this machine.
    handlers: list[Any] = [urllib.request.ProxyHandler({})]
    if context:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=5) as answer:
            body: bytes = answer.read()
            return body
    except (OSError, http.client.HTTPException):
        return None
