"""A small client of a real API server that shows what it refuses, field by field."""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dbalias.api.meta import API_VERSION, Kind

JSONObject = dict[str, Any]
UNKNOWN = re.compile(r'unknown field "([^"]*)"')
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
LONGEST_IDLE = 30.0
"""Seconds; after 90 the API server closes a connection that nobody uses."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that the API server found wrong; ``field`` has no indices and no keys."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and the object, or the Status, that came with it."""

    code: int
    body: JSONObject

    @property
    def accepted(self) -> bool:
        """Whether the object was taken."""
        return self.code < 300

    @property
    def causes(self) -> list[Cause]:
        """Return what was wrong, unknown fields of strict decoding among it."""
        if self.accepted:
            return []
        said = self.body.get("message", "")
        listed = [{"field": field, "message": said} for field in UNKNOWN.findall(said)]
        listed += (self.body.get("details") or {}).get("causes", ())
        return [
            Cause(plain_path(cause.get("field", "")), cause.get("message", ""))
            for cause in listed or [{"message": said}]
        ]


def plain_path(path: str) -> str:
    """Return a field path without the indices of lists and the keys of maps."""
    return re.sub(r"\[[^]]*\]", "", "" if path == "<nil>" else path)


class ApiServer:
    """Speaks to the server of a kubeconfig that carries its certificates inline."""

    def __init__(self, kubeconfig: Path) -> None:
        config = json.loads(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._tls = ssl.create_default_context(cadata=authority)
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            for part in ("client-certificate-data", "client-key-data"):
                file.write(base64.b64decode(user[part]) + b"\n")
            file.flush()
            self._tls.load_cert_chain(file.name)
        self._server = urlsplit(cluster["server"]).netloc
        self._connection = self._connect()
        self._used_at = time.monotonic()

    def _connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._server, context=self._tls, timeout=180)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def request(
        self,
        method: str,
        path: str,
        body: JSONObject | None = None,
        *,
        accept: str = "application/json",
        patch: str = "merge-patch+json",
    ) -> Answer:
        """Return the answer to one request; ``path`` begins with a slash."""
        sort = patch if method == "PATCH" else "json"
        headers = {"Accept": accept, "Content-Type": f"application/{sort}"}
        sent = None if body is None else json.dumps(body)
        if time.monotonic() - self._used_at > LONGEST_IDLE:
            self._connection.close()  # the next request opens it anew
        self._connection.request(method, path, body=sent, headers=headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        self._used_at = time.monotonic()
        is_json = response.headers.get_content_type() == "application/json"
        return Answer(response.status, json.loads(text) if is_json else {"message": text})

    def try_create(self, body: JSONObject) -> Answer:
        """Return what a strict create would answer, without creating anything."""
        path = objects(Kind(body["kind"]))
        return self.request("POST", f"{path}?dryRun=All&fieldValidation=Strict", body)

    def create(self, body: JSONObject) -> Answer:
        """Create an object of ours."""
        return self.request("POST", objects(Kind(body["kind"])), body)

    def apply_status(
        self, kind: Kind, name: str, status: JSONObject, *, manager: str, version: str = ""
    ) -> Answer:
        """Apply one manager's part of a status, the whole of it; ``version``: as it was read."""
        metadata = {"name": name, **({"resourceVersion": version} if version else {})}
        body = {
            "apiVersion": API_VERSION,
            "kind": kind.value,
            "metadata": metadata,
            "status": status,
        }
        path = f"{objects(kind, name)}/status?fieldManager={manager}&force=true"
        return self.request("PATCH", path, body, patch="apply-patch+yaml")

    def serve(self, crd: JSONObject, *, seconds: float = 180) -> None:
        """Create a CRD and wait until its objects can be listed."""
        definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        answer = self.request("POST", definitions, crd)
        assert answer.accepted, answer.body
        listing = objects(Kind(crd["spec"]["names"]["kind"]))
        give_up = time.monotonic() + seconds
        while self.request("GET", listing).code != 200:
            assert time.monotonic() < give_up, f"{listing} is not served"
            time.sleep(0.1)


def objects(kind: Kind, name: str = "") -> str:
    """Return the path of the objects of a kind in the namespace default, or of one of them."""
    return f"/apis/{API_VERSION}/namespaces/default/{kind.plural}" + (f"/{name}" if name else "")
