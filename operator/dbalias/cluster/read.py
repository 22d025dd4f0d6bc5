"""Live reads: an object, or a list page by page. What cannot be read raises, never looks empty."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from dbalias.api.meta import JSON
from dbalias.cluster.client import Api
from dbalias.reconcile.ports import ForbiddenError, Resource, Selector, UnreadableError

logger = logging.getLogger(__name__)

PAGE = "500"


class Reads:
    """Reads through one Api; ``namespaces`` are those that are served, none for all."""

    def __init__(self, api: Api, *, namespaces: Sequence[str] = ()) -> None:
        self._api = api
        self._scopes = tuple(namespaces) or (None,)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> JSON | None:
        """Return the object, or None when the server says that there is none."""
        path = resource.value.path(namespace, name)
        answer = await self._api.request("GET", path)
        if answer.status == 404 and answer.reason == "NotFound":
            return None
        if answer.status != 200:
            error = ForbiddenError if answer.status == 403 else UnreadableError
            raise error(f"{path} cannot be read: {answer.status} {answer.reason}")
        return answer.body

    async def list(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        labels: Selector | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> list[JSON]:
        """Return every object that matches, with the kind that list items lack filled in."""
        path = resource.value.path(namespace)
        query = [("limit", PAGE)]
        if labels:
            query.append(("labelSelector", _selector(labels)))
        if fields:
            query.append(("fieldSelector", ",".join(f"{k}={v}" for k, v in fields.items())))
        items: list[JSON] = []
        token = ""
        while True:
            page = [*query, ("continue", token)] if token else query
            answer = await self._api.request("GET", path, query=page)
            if answer.status != 200:
                error = ForbiddenError if answer.status == 403 else UnreadableError
                raise error(f"{path} cannot be listed: {answer.status} {answer.reason}")
            items += answer.body.get("items") or []
            token = (answer.body.get("metadata") or {}).get("continue") or ""
            if not token:
                break
        for item in items:
            item.setdefault("apiVersion", resource.value.api_version)
            item.setdefault("kind", resource.value.kind)
        return items

    async def list_everywhere(
        self,
        resource: Resource,
        *,
        labels: Selector | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Sequence[JSON]:
        """Return what matches in every namespace that is served and may be read."""

        async def one(scope: str | None) -> Sequence[JSON]:
            try:
                return await self.list(resource, scope, labels=labels, fields=fields)
            except ForbiddenError as error:
                logger.info("%s", error)
                return []

        listed = await asyncio.gather(*map(one, self._scopes))
        return [item for items in listed for item in items]


def _selector(labels: Selector) -> str:
    return ",".join(
        f"{name}={value}" if isinstance(value, str) else f"{name} in ({','.join(value)})"
        for name, value in labels.items()
    )
