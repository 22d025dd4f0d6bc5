"""Drafts as objects: what goes to the cluster, in the order in which it is applied."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dbalias.api.meta import API_VERSION, JSON, Kind
from dbalias.cli.importing.certificates import Certificates
from dbalias.cli.importing.entries import Draft
from dbalias.cli.importing.values import survives_manifest

ORDER = (
    *("projectRef", "alias", "empty", "role", "engine", "name", "host", "port", "user"),
    *("credentials", "tls", "options", "optionsJSON"),
)
"""Fields that come first, the way people write them."""

TEST_PASSWORD = "test-password"  # noqa: S105  (a key of the Secret)
MOST_FIELDS = 64
"""Entries that ``options`` and ``extra`` may have; as JSON text they are bounded by length."""


@dataclass(slots=True)
class Import:
    """Everything that one settings module becomes."""

    project: str
    namespace: str
    certificates: Certificates
    settings: dict[str, JSON]
    """``spec`` of the DjangoProject."""
    drafts: list[Draft]
    policies: list[tuple[str, dict[str, JSON]]] = field(default_factory=list)
    """Name and spec of each DatabaseRoutingPolicy."""

    def declared(self) -> Iterator[JSON]:
        """Yield the objects of our kinds and the ConfigMaps: nothing in them is secret."""
        yield self._object(Kind.PROJECT, self.project, self.settings)
        for content, name in self.certificates.authorities.items():
            yield {**self._head("v1", "ConfigMap", name), "data": {"ca.crt": content}}
        for draft in self.drafts:
            yield self._object(Kind.ALIAS, draft.object, self._alias_spec(draft))
        for name, spec in self.policies:
            yield self._object(Kind.POLICY, name, {"projectRef": {"name": self.project}, **spec})

    def secrets(self) -> Iterator[JSON]:
        """Yield the Secrets that the declared objects refer to."""
        for draft in self.drafts:
            said = {"password": draft.password, TEST_PASSWORD: draft.test_password}
            if data := {key: value for key, value in said.items() if value is not None}:
                head = self._head("v1", "Secret", self._login(draft))
                yield {**head, "type": "Opaque", "stringData": data}
        for name, (certificate, key) in self.certificates.clients.items():
            head = self._head("v1", "Secret", name)
            data = {"tls.crt": certificate, "tls.key": key}
            yield {**head, "type": "kubernetes.io/tls", "stringData": data}

    def _object(self, kind: Kind, name: str, spec: Mapping[str, JSON]) -> JSON:
        return {**self._head(API_VERSION, kind.value, name), "spec": dict(spec)}

    def _head(self, version: str, kind: str, name: str) -> dict[str, JSON]:
        metadata = {"name": name} | ({"namespace": self.namespace} if self.namespace else {})
        return {"apiVersion": version, "kind": kind, "metadata": metadata}

    def _login(self, draft: Draft) -> str:
        return f"{self.project}-{draft.object}-login"

    def _alias_spec(self, draft: Draft) -> dict[str, JSON]:
        spec = {"projectRef": {"name": self.project}, **draft.spec}
        if draft.alias != draft.object:
            spec["alias"] = draft.alias
        if draft.password is not None:
            spec["credentials"] = {"secretRef": {"name": self._login(draft)}}
        test = {**draft.spec.get("test", {}), **dict(_free_form("extra", draft.test_extra))}
        if draft.test_password is not None:
            reference = {"name": self._login(draft), "key": TEST_PASSWORD}
            test["passwordSecretRef"] = reference
        spec |= {"test": test} if test else {}
        spec |= dict(_free_form("options", draft.options))
        spec |= dict(_free_form("extra", draft.extra))
        return dict(sorted(spec.items(), key=lambda pair: _rank(pair[0])))


def _free_form(name: str, values: Mapping[str, JSON]) -> Iterable[tuple[str, JSON]]:
    if not values:
        return ()
    if survives_manifest(dict(values)) and len(values) <= MOST_FIELDS:
        return ((name, dict(values)),)
    return ((f"{name}JSON", json.dumps(values, ensure_ascii=False)),)


def _rank(name: str) -> tuple[int, str]:
    return (ORDER.index(name), "") if name in ORDER else (len(ORDER), name)
