"""The data of the published Secrets: every file that a published document refers to."""

from __future__ import annotations

from collections.abc import Mapping

from dbalias.api.meta import JSON
from dbalias.api.secrets import SecretBytes
from dbalias.django.build import DJANGO_KEYS
from dbalias.django.document import needed_files
from dbalias.django.engines import URL_SCHEMES, family_of
from dbalias.django.entries import Resolution
from dbalias.django.urls import render_url


def secret_data(
    resolution: Resolution, *, published: Mapping[str, SecretBytes], keep: JSON | None
) -> dict[str, SecretBytes]:
    """Return the stable Secret: a superset, written before the ConfigMap that needs it.

    Everything desired, what the document ``keep`` needs of the ``published`` Secret (held
    addresses, the last good login of an alias that cannot be resolved), and a percent-encoded
    ``<alias>.url`` of each database that ``keep`` shows.
    """
    kept = needed_files(keep) if keep else frozenset()
    data = {name: value for name, value in published.items() if name in kept}
    for entry in resolution.entries.values():
        data |= entry.secret_data
    if keep:
        data |= _urls(keep, data)
    return data


def migrate_secret_data(
    resolution: Resolution, *, published: Mapping[str, SecretBytes]
) -> dict[str, SecretBytes]:
    """Return the Secret that Jobs alone mount; an unresolved alias keeps what it had."""
    prefixes = tuple(f"{alias}.migrate." for alias in resolution.problems)
    data = {name: value for name, value in published.items() if name.startswith(prefixes)}
    for entry in resolution.entries.values():
        data |= entry.migrate_secret_data
    return data


def _urls(document: JSON, data: Mapping[str, SecretBytes]) -> dict[str, SecretBytes]:
    urls = {}
    for alias, entry in document["databases"].items():
        scheme = URL_SCHEMES.get(family_of(entry["settings"].get("ENGINE", "")))
        fields = _fields(entry, data)
        if scheme and fields is not None:
            urls[f"{alias}.url"] = SecretBytes(render_url(scheme, fields).encode())
    return urls


def _fields(entry: JSON, data: Mapping[str, SecretBytes]) -> dict[str, str] | None:
    """Return the fields of a connection; None where a file is missing."""
    files = {path[0]: name for path, name in entry["secrets"] if len(path) == 1}
    if not data.keys() >= set(files.values()):
        return None
    texts = {key: data[name].reveal().decode(errors="replace") for key, name in files.items()}
    found = {name: texts.get(key, entry["settings"].get(key)) for name, key in DJANGO_KEYS.items()}
    return {name: text for name, text in found.items() if text}
