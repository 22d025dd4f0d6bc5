"""Binding Secrets on the API server: read, written when they differ, deleted with their alias."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from dbalias.api.meta import JSON
from dbalias.api.server import ServerEngine
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.servers.bindings import (
    Binding,
    Foreign,
    Found,
    Issued,
    Missing,
    Place,
    binding_name,
    build_binding,
    read_binding,
)
from dbalias.servers.marks import Mark


@dataclass(frozen=True, slots=True)
class Slot:
    """One binding Secret: what it is called, and what lies there."""

    name: str
    mark: Mark
    body: JSON | None
    found: Found


async def read_slot(
    secrets: BindingSecrets, mark: Mark, engine: ServerEngine, *, readers: bool
) -> Slot:
    """Return the Secret of the alias that a mark names, or of its readers."""
    name = binding_name(mark.name, readers=readers)
    body = await secrets.read(mark.namespace, name)
    return Slot(name, mark, body, read_binding(body, mark, engine))


def empty_slot(mark: Mark, *, readers: bool) -> Slot:
    """Return the Secret of an alias where none is expected, and so none was read."""
    return Slot(binding_name(mark.name, readers=readers), mark, None, Missing())


async def publish(secrets: BindingSecrets, slot: Slot, place: Place, issued: Issued) -> bool:
    """Write a login into its Secret unless it stands there; tell whether it was written.

    Raise AlreadyExistsError where a Secret appeared since it was read.
    """
    binding = build_binding(place, issued, slot.mark)
    if slot.body is None:
        await secrets.create(slot.mark.namespace, _body(slot, binding))
        return True
    if binding.is_written_in(slot.body):
        return False
    patch = _patch(slot.body, binding)
    await secrets.patch(slot.mark.namespace, slot.name, patch)
    return True


async def delete_slots(secrets: BindingSecrets, mark: Mark, engine: ServerEngine) -> None:
    """Delete the Secrets of an alias, if they are its own."""
    for readers in (False, True):
        await delete_slot(secrets, mark, engine, readers=readers)


async def delete_slot(
    secrets: BindingSecrets, mark: Mark, engine: ServerEngine, *, readers: bool
) -> None:
    """Delete one Secret of an alias, if it is its own."""
    slot = await read_slot(secrets, mark, engine, readers=readers)
    if slot.body is not None and not isinstance(slot.found, Foreign | Missing):
        uid = slot.body["metadata"]["uid"]
        await secrets.delete(mark.namespace, slot.name, uid=uid)


def _body(slot: Slot, binding: Binding) -> JSON:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": binding.type,
        "metadata": {
            "name": slot.name,
            "namespace": slot.mark.namespace,
            "labels": dict(binding.labels),
            "annotations": dict(binding.annotations),
        },
        "data": _encoded(binding),
    }


def _patch(body: JSON, binding: Binding) -> JSON:
    """Return the merge patch from one Secret to another; keys that we did not write go."""
    foreign = (body.get("data") or {}).keys() - binding.data.keys()
    return {
        "metadata": {
            "uid": body["metadata"]["uid"],
            "resourceVersion": body["metadata"]["resourceVersion"],
            "labels": dict(binding.labels),
            "annotations": dict(binding.annotations),
        },
        "data": dict.fromkeys(foreign) | _encoded(binding),
    }


def _encoded(binding: Binding) -> dict[str, str]:
    return {key: base64.b64encode(value.reveal()).decode() for key, value in binding.data.items()}
