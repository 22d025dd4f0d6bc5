"""Rendered charts as objects: what the chart tests look things up in."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

import rendering

Objects = tuple[dict[str, Any], ...]


@cache
def render(*values: str) -> Objects:
    """Return the objects the chart renders with these helm arguments, in helm's order."""
    # The C loader: the CRDs are long, and most tests render them.
    documents = yaml.load_all(rendering.template(values=values), Loader=yaml.CSafeLoader)
    return tuple(each for each in documents if each)


def find(objects: Objects, kind: str, *, name: str = "") -> Iterator[dict[str, Any]]:
    """Yield the objects of a kind whose name ends as given."""
    for each in objects:
        if each["kind"] == kind and each["metadata"]["name"].endswith(name):
            yield each


def pod(objects: Objects) -> dict[str, Any]:
    """Return the pod template of the operator's Deployment."""
    (deployment,) = find(objects, "Deployment")
    template: dict[str, Any] = deployment["spec"]["template"]
    return template


def container(objects: Objects) -> dict[str, Any]:
    """Return the operator's only container."""
    (only,) = pod(objects)["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def rules(objects: Objects, *kinds: str) -> Iterator[dict[str, Any]]:
    """Yield every rule of the roles of these kinds that are bound to the operator's account."""
    bound = {each["roleRef"]["name"] for each in objects if each["kind"].endswith("RoleBinding")}
    for each in objects:
        if each["kind"] in kinds and each["metadata"]["name"] in bound:
            yield from each["rules"]
