"""Live reads: an object, or a list page by page. What cannot be read raises, never looks empty."""

from __future__ import annotations

from collections.abc import Mapping

from dbalias.api.meta import JSON
from dbalias.cluster.client import Api
from dbalias.reconcile.ports import Resource, UnreadableError

PAGE = "500"


class Reads:
    """Reads through one Api."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def get(self, resource: Resource, namespace: str, name: str) -> JSON | None:
        """Return the object, or None when the server says that there is none."""
        path = resource.value.path(namespace, name)
        answer = await self._api.request("GET", path)
        if answer.status == 404 and answer.reason == "NotFound":
            return None
        if answer.status != 200:
            raise UnreadableError(f"{path} cannot be read: {answer.status} {answer.reason}")
        return answer.body

    async def list(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> list[JSON]:
        """Return every object that matches, with the kind that list items lack filled in."""
        path = resource.value.path(namespace)
        query = [("limit", PAGE)]
        if labels:
            query.append(("labelSelector", ",".join(f"{k}={v}" for k, v in labels.items())))
        if fields:
            query.append(("fieldSelector", ",".join(f"{k}={v}" for k, v in fields.items())))
        items: list[JSON] = []
        token = ""
        while True:
            page = [*query, ("continue", token)] if token else query
            answer = await self._api.request("GET", path, query=page)
            if answer.status != 200:
                raise UnreadableError(f"{path} cannot be listed: {answer.status} {answer.reason}")
            items += answer.body.get("items") or []
            token = (answer.body.get("metadata") or {}).get("continue") or ""
            if not token:
                break
        for item in items:
            item.setdefault("apiVersion", resource.value.api_version)
            item.setdefault("kind", resource.value.kind)
        return items
