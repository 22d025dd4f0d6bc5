"""A client of the API server: JSON over kept connections, because kubectl costs 0.1 s a call."""

import base64
import contextlib
import http.client
import json
import queue
import socket
import ssl
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

JSON = Any
"""What `json.loads` returns."""

TIMEOUT = 30.0
LONGEST_IDLE = 30.0
"""Seconds; after 90 the API server closes a connection that nobody uses."""
NOT_FOUND = 404
TOO_MANY = 429
FAULTS = 500
"""From this status on it is the server's side that fails."""
LOGS_BACK = 300.0
"""Seconds for which a kubelet may be away: the kill matrix kills that of all tests."""

_GROUPS = {
    "ConfigMap": ("api/v1", "configmaps"),
    "Event": ("api/v1", "events"),
    "Namespace": ("api/v1", "namespaces"),
    "Pod": ("api/v1", "pods"),
    "ResourceQuota": ("api/v1", "resourcequotas"),
    "Secret": ("api/v1", "secrets"),
    "ServiceAccount": ("api/v1", "serviceaccounts"),
    "Deployment": ("apis/apps/v1", "deployments"),
    "Job": ("apis/batch/v1", "jobs"),
    "Lease": ("apis/coordination.k8s.io/v1", "leases"),
    "RoleBinding": ("apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "DjangoProject": ("apis/dbalias.dev/v1alpha1", "djangoprojects"),
    "DatabaseAlias": ("apis/dbalias.dev/v1alpha1", "databasealiases"),
    "DatabaseServer": ("apis/dbalias.dev/v1alpha1", "databaseservers"),
    "DatabaseRoutingPolicy": ("apis/dbalias.dev/v1alpha1", "databaseroutingpolicies"),
}
_SHORT_NAMES = {
    "dba": "DatabaseAlias",
    "dbrp": "DatabaseRoutingPolicy",
    "dbs": "DatabaseServer",
    "djp": "DjangoProject",
    "quota": "ResourceQuota",
}
_WORDS = _SHORT_NAMES | {
    word: kind for kind, (_, plural) in _GROUPS.items() for word in (kind.lower(), plural)
}


class ApiError(Exception):
    """The API server refused; `status` is the HTTP status, the text is its own message."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


def kind_of(word: str) -> str:
    """Return the kind that kubectl means by a word: `djp`, `configmap`, `jobs`."""
    return _WORDS[word]


def path_of(kind: str, namespace: str = "", name: str = "") -> str:
    """Return the path of a kind's objects, or of one; without a namespace those of all."""
    group, plural = _GROUPS[kind]
    parts = ["", group, *(("namespaces", namespace) if namespace else ()), plural]
    return "/".join([*parts, name] if name else parts)


class ApiServer:
    """Requests as administrator; safe to use from several threads."""

    def __init__(self, kubeconfig: Path) -> None:
        told = json.loads(kubeconfig.read_text())
        address = urlsplit(told["clusters"][0]["cluster"]["server"])
        assert address.hostname
        self._host, self._port = address.hostname, address.port
        self._tls = _context(told)
        self._idle: queue.SimpleQueue[tuple[float, http.client.HTTPSConnection]]
        self._idle = queue.SimpleQueue()

    def close(self) -> None:
        """Close every connection that is kept."""
        while not self._idle.empty():
            self._idle.get()[1].close()

    def get(self, kind: str, namespace: str, name: str) -> JSON | None:
        """Return one object, or None when there is none."""
        try:
            return self._request("GET", path_of(kind, namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def objects(self, kind: str, namespace: str = "", **query: str) -> list[JSON]:
        """Return the objects of a kind, of all namespaces when none is named."""
        found = self._request("GET", path_of(kind, namespace), query=query)
        items: list[JSON] = found["items"]
        return items

    def apply(self, body: JSON) -> JSON:
        """Apply an object server-side, as `kubectl apply --server-side` does."""
        metadata = body["metadata"]
        return self._request(
            "PATCH",
            path_of(body["kind"], metadata.get("namespace", ""), metadata["name"]),
            body=body,
            query={"fieldManager": "somebody", "force": "true"},
            content_type="application/apply-patch+yaml",
        )

    def merge(self, kind: str, namespace: str, name: str, **change: JSON) -> JSON:
        """Merge a change into an object; None removes a field."""
        return self._request(
            "PATCH",
            path_of(kind, namespace, name),
            body=change,
            content_type="application/merge-patch+json",
        )

    def merge_status(self, kind: str, namespace: str, name: str, status: JSON) -> None:
        """Merge into a status, as the kubelet does with a pod's; nothing if the object is gone."""
        with _unless_gone():
            self.merge(kind, namespace, f"{name}/status", status=status)

    def delete(self, kind: str, namespace: str, name: str, **options: JSON) -> None:
        """Delete an object and, in the background, what it owns; nothing if it is gone.

        `options` are further DeleteOptions, such as gracePeriodSeconds.
        """
        body = {"propagationPolicy": "Background", **options}
        with _unless_gone():
            self._request("DELETE", path_of(kind, namespace, name), body=body)

    def may(self, user: str, verb: str, plural: str, namespace: str) -> bool:
        """Tell whether somebody has a right on one of our kinds in a namespace."""
        about = {"group": "dbalias.dev", "resource": plural, "verb": verb, "namespace": namespace}
        group = "authorization.k8s.io"
        body = {
            "apiVersion": f"{group}/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": about},
        }
        answer = self._request("POST", f"/apis/{group}/v1/subjectaccessreviews", body=body)
        return bool(answer["status"]["allowed"])

    def token(self, namespace: str, account: str) -> str:
        """Return a new token of a service account."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        path = f"{path_of('ServiceAccount', namespace, account)}/token"
        return str(self._request("POST", path, body=body)["status"]["token"])

    def log(self, namespace: str, pod: str, *, within: float = LOGS_BACK, **query: str) -> str:
        """Return what a pod's container wrote, as soon as its kubelet answers."""
        path = f"{path_of('Pod', namespace, pod)}/log"
        deadline = time.monotonic() + within
        while True:
            try:
                return self._exchange("GET", path, query=query).decode(errors="replace")
            except ApiError as error:
                # The kubelet's, which has just started and knows no pods yet: the API server's
                # own words would be that the pod is "not found".
                unknown = error.status == NOT_FOUND and "not found" not in str(error)
                if not (unknown or error.status >= FAULTS) or time.monotonic() > deadline:
                    raise
            time.sleep(0.5)

    def watch(self, kind: str) -> "Watch":
        """Return every later version of a kind's objects, in all namespaces."""
        version = self._request("GET", path_of(kind))["metadata"]["resourceVersion"]
        return Watch(self._connect(timeout=None), path_of(kind), version)

    def _request(
        self,
        method: str,
        path: str,
        *,
        body: JSON = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> JSON:
        # YAML, as which an apply is read, knows no pairs of escapes for one character.
        text = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return json.loads(
            self._exchange(method, path, body=text, query=query, content_type=content_type)
        )

    def _exchange(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> bytes:
        target = f"{path}?{urlencode(query)}" if query else path
        headers = {"Content-Type": content_type}
        deadline = time.monotonic() + TIMEOUT
        status, text = self._once(method, target, body, headers)
        # A server that is short of something, such as a new kind's cache, asks to come again.
        while status == TOO_MANY and time.monotonic() < deadline:
            time.sleep(0.5)
            status, text = self._once(method, target, body, headers)
        if status >= 400:
            raise ApiError(status, _message(text))
        return text

    def _once(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        connection = self._take()
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        except BaseException:
            connection.close()
            raise
        self._idle.put((time.monotonic(), connection))
        return answer.status, text

    def _take(self) -> http.client.HTTPSConnection:
        with contextlib.suppress(queue.Empty):
            while True:
                since, connection = self._idle.get_nowait()
                if time.monotonic() - since < LONGEST_IDLE:
                    return connection
                connection.close()
        return self._connect()

    def _connect(self, timeout: float | None = TIMEOUT) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=timeout, context=self._tls
        )


class Watch:
    """An open watch: iterate over objects as they change, until another thread stops it."""

    def __init__(self, connection: http.client.HTTPSConnection, path: str, version: str) -> None:
        self._connection = connection
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "3600"}
        connection.request("GET", f"{path}?{urlencode(query)}")
        self._socket: socket.socket = connection.sock
        self._answer = connection.getresponse()

    def __iter__(self) -> Iterator[JSON]:
        try:
            for line in self._answer:
                yield json.loads(line)["object"]
        except (OSError, ValueError, http.client.HTTPException):
            return
        finally:
            self._answer.close()
            self._connection.close()

    def stop(self) -> None:
        """End the iteration, unless the server did."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _unless_gone() -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        if error.status != 404:
            raise


def _message(text: bytes) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace")


def _context(kubeconfig: JSON) -> ssl.SSLContext:
    cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    with tempfile.NamedTemporaryFile() as pair:
        # Both in one file: the ssl module reads certificate and key from files only.
        pair.write(base64.b64decode(user["client-certificate-data"]))
        pair.write(base64.b64decode(user["client-key-data"]))
        pair.flush()
        context.load_cert_chain(pair.name)
    return context
