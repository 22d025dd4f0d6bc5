"""One asynchronous HTTP client of the API server, on ``kubernetes.aio``."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from kubernetes.aio import client as kubernetes_client
from kubernetes.aio import config as kubernetes_config

from dbalias.api.meta import JSON
from dbalias.cluster.server_clock import ServerClock
from dbalias.reconcile.ports import UnreadableError

REQUEST_TIMEOUT = 10.0
"""Seconds; the library's own default is five minutes."""

CONNECTIONS = 16
"""Requests under way at once: more are no faster, and each TLS connection holds 256 KiB."""

SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: HTTP status and parsed body."""

    status: int
    body: JSON

    @property
    def reason(self) -> str:
        """The machine-readable reason of a Status object, for example ``NotFound``."""
        return (self.body or {}).get("reason", "") if isinstance(self.body, dict) else ""

    @property
    def message(self) -> str:
        """The server's explanation of a refusal."""
        return (self.body or {}).get("message", "") if isinstance(self.body, dict) else ""


def own_namespace() -> str:
    """Return the namespace of the pod that this runs in; raise OSError outside one."""
    return SERVICE_ACCOUNT_NAMESPACE.read_text(encoding="utf-8").strip()


def as_yaml(body: JSON) -> bytes:
    """Return JSON that is YAML too, as the server reads an apply: bytes in UTF-8.

    YAML knows no surrogate pairs and allows no control characters past ASCII, so the former
    are written as they are and the latter escaped; half a pair, which is no text, becomes
    U+FFFD.
    """

    def escape(match: re.Match[str]) -> str:
        code = ord(match[0])
        return f"\\u{0xFFFD if 0xD800 <= code <= 0xDFFF else code:04x}"

    text = json.dumps(body, ensure_ascii=False)
    return re.sub("[\x7f-\uffff]", escape, text).encode()


class Api:
    """Requests to one API server. Make it with ``connect`` inside the running event loop."""

    def __init__(
        self, api_client: kubernetes_client.ApiClient, *, namespace: str = "default"
    ) -> None:
        self._client = api_client
        self.namespace = namespace
        """What a user's context names, for requests that say no other."""
        self.clock = ServerClock()

    @classmethod
    async def connect(cls) -> Api:
        """Log in as the pod's service account, else as ``$KUBECONFIG`` says."""
        configuration = kubernetes_client.Configuration()
        try:
            kubernetes_config.load_incluster_config(client_configuration=configuration)
        except kubernetes_config.ConfigException:
            await kubernetes_config.load_kube_config(client_configuration=configuration)
        return cls(_client(configuration))

    @classmethod
    async def connect_as_user(cls, context: str | None = None) -> Api:
        """Log in as kubectl does: as the kubeconfig says, else as the pod's service account.

        Raises UnreadableError when neither is there.
        """
        configuration = kubernetes_client.Configuration()
        try:
            loader = await kubernetes_config.load_kube_config(
                context=context, client_configuration=configuration, persist_config=False
            )
            namespace = loader.current_context["context"].get("namespace")
        except (kubernetes_config.ConfigException, OSError) as error:
            if context or "KUBECONFIG" in os.environ:
                raise UnreadableError(f"the kubeconfig cannot be used: {error}") from error
            return await cls._connect_from_pod()
        return cls(_client(configuration), namespace=namespace or "default")

    @classmethod
    async def _connect_from_pod(cls) -> Api:
        configuration = kubernetes_client.Configuration()
        try:
            kubernetes_config.load_incluster_config(client_configuration=configuration)
            namespace = own_namespace()
        except (kubernetes_config.ConfigException, OSError) as error:
            message = "there is no cluster to ask: set KUBECONFIG, or run this in a pod"
            raise UnreadableError(message) from error
        return cls(_client(configuration), namespace=namespace)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def request(  # noqa: PLR0913 - an HTTP request has that many parts
        self,
        method: str,
        path: str,
        *,
        query: Iterable[tuple[str, str]] = (),
        body: JSON = None,
        content_type: str = "application/json",
        within: float = REQUEST_TIMEOUT,
    ) -> Response:
        """Send one request; every HTTP answer is returned, a missing one raises UnreadableError.

        ``within``: seconds for the whole exchange.
        """
        headers = {"Accept": "application/json", "Content-Type": content_type}
        url = self._url(path, query)
        try:
            async with asyncio.timeout(within):
                await self._client.update_params_for_auth(
                    headers, [], ["BearerToken"], path, method, body
                )
                if content_type == APPLY:
                    headers["Content-Type"], body = f"{APPLY}; charset=utf-8", as_yaml(body)
                return await self._exchange(method, url, headers, body)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise UnreadableError(
                f"the API server did not answer {method} {path} ({type(error).__name__})"
            ) from error

    async def stream(
        self, path: str, query: Iterable[tuple[str, str]] = ()
    ) -> AsyncGenerator[bytes]:
        """Yield the bytes of an answer as they come, however long that takes.

        Raises UnreadableError for any other status than 200, and when the connection breaks.
        """
        headers: dict[str, str] = {"Accept": "*/*"}
        patient = aiohttp.ClientTimeout(total=None, sock_connect=REQUEST_TIMEOUT)
        try:
            await self._client.update_params_for_auth(
                headers, [], ["BearerToken"], path, "GET", None
            )
            answer = await self._client.call_api(
                "GET", self._url(path, query), header_params=headers, _request_timeout=patient
            )
            async with answer.response as response:
                if response.status != 200:
                    raise UnreadableError(
                        f"{path} cannot be read: {response.status} {response.reason}"
                    )
                async for part in response.content.iter_any():
                    yield part
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise UnreadableError(f"{path} broke off ({type(error).__name__})") from error

    def _url(self, path: str, query: Iterable[tuple[str, str]]) -> str:
        encoded = urlencode(list(query))
        return str(self._client.configuration.host) + path + (f"?{encoded}" if encoded else "")

    async def _exchange(
        self, method: str, url: str, headers: dict[str, str], body: JSON
    ) -> Response:
        sent_at = self.clock.local()
        response = await self._client.call_api(method, url, header_params=headers, body=body)
        self.clock.observe(response.headers.get("Date"), sent_at=sent_at)
        raw = await response.read()
        try:
            parsed = json.loads(raw) if raw else None
        except ValueError:
            parsed = None
        if parsed is None and response.status < 300:
            # Never to be taken for "there is none": that would undo what depends on it.
            raise OSError("an answer without a body")
        return Response(response.status, parsed)


def _client(configuration: kubernetes_client.Configuration) -> kubernetes_client.ApiClient:
    """Return the client; proxies are looked up here, once.

    Left to itself it reads the environment and ~/.netrc before each request, in a thread: a
    fifth of what a request costs.
    """
    configuration.connection_pool_maxsize = CONNECTIONS
    configuration.client_session_kwargs = {"trust_env": False}
    server = urlsplit(configuration.host)
    if not configuration.proxy and not proxy_bypass(server.hostname or ""):
        configuration.proxy = getproxies().get(server.scheme)
    return kubernetes_client.ApiClient(configuration)
