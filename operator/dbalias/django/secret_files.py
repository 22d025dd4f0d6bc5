"""The data of the published Secrets: every file that a published document refers to."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dbalias.api.meta import JSON
from dbalias.api.secrets import SecretBytes
from dbalias.api.urls import render_url
from dbalias.django.build import DJANGO_KEYS
from dbalias.django.credentials import URL_OPTIONS
from dbalias.django.document import needed_files
from dbalias.django.engines import URL_SCHEMES, family_of
from dbalias.django.entries import Resolution
from dbalias.django.runtime_files import FOLDER


def secret_data(
    resolution: Resolution, *, published: Mapping[str, SecretBytes], keep: JSON | None
) -> dict[str, SecretBytes]:
    """Return the stable Secret: a superset, written before the ConfigMap that needs it.

    Everything desired, what the document ``keep`` needs of the ``published`` Secret (held
    connections, the last good login of an alias that cannot be resolved), and for readers
    other than the loader ``<alias>.<field>`` of each database that ``keep`` shows, with a
    percent-encoded ``<alias>.url``.
    """
    kept = needed_files(keep) if keep else frozenset()
    data = {name: value for name, value in published.items() if name in kept}
    for entry in resolution.entries.values():
        data |= entry.secret_data
    return {**_for_others(keep, data), **data} if keep else data


def migrate_secret_data(
    resolution: Resolution, *, published: Mapping[str, SecretBytes]
) -> dict[str, SecretBytes]:
    """Return the Secret that Jobs alone mount; an unresolved alias keeps what it had."""
    prefixes = tuple(f"{alias}.migrate." for alias in resolution.problems)
    data = {name: value for name, value in published.items() if name.startswith(prefixes)}
    for entry in resolution.entries.values():
        data |= entry.migrate_secret_data
    return data


def _for_others(document: JSON, data: Mapping[str, SecretBytes]) -> dict[str, SecretBytes]:
    """Return stable names for what the document shows; an alias that lacks a file has none."""
    found: dict[str, SecretBytes] = {}
    for alias, entry in document["databases"].items():
        if not data.keys() >= {name for _, name in entry["secrets"]}:
            continue
        files = {path[0]: name for path, name in entry["secrets"] if len(path) == 1}
        secret = {name: data[files[key]] for name, key in DJANGO_KEYS.items() if key in files}
        found |= {f"{alias}.{name}": value for name, value in secret.items()}
        family = family_of(entry["settings"].get("ENGINE", ""))
        if family in URL_SCHEMES:
            query = _query(entry, data, known=URL_OPTIONS[family])
            url = render_url(URL_SCHEMES[family], _texts(entry, secret), query=query)
            found[f"{alias}.url"] = SecretBytes(url.encode())
    return found


def _query(
    entry: JSON, data: Mapping[str, SecretBytes], *, known: Collection[str]
) -> dict[str, str]:
    """Return the OPTIONS that a URL can say, so that it is no weaker than the settings are.

    Certificates are named where every pod mounts them: without the mount there is no
    connection rather than an unverified one.
    """
    options = entry["settings"].get("OPTIONS", {}).items()
    public = {key: str(value) for key, value in options if isinstance(value, str | int)}
    secret = {
        path[1]: data[name].reveal().decode(errors="replace")
        for path, name in entry["secrets"]
        if path[0] == "OPTIONS" and len(path) == 2
    }
    mounted = {
        path[1]: f"{FOLDER}/{name}"
        for path, name in entry["files"]
        if path[0] == "OPTIONS" and len(path) == 2
    }
    said = {**public, **secret, **mounted}
    return {key: said[key] for key in sorted(said.keys() & set(known))}


def _texts(entry: JSON, secret: Mapping[str, SecretBytes]) -> dict[str, str]:
    public = {name: entry["settings"].get(key) for name, key in DJANGO_KEYS.items()}
    texts = {name: value.reveal().decode(errors="replace") for name, value in secret.items()}
    return {name: text for name, text in {**public, **texts}.items() if text}
