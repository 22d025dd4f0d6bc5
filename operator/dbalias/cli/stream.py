"""Manifests as YAML: texts quoted wherever any reader could take them for something else."""

from __future__ import annotations

import re
from collections.abc import Iterable

import yaml

from dbalias.api.meta import JSON

SEPARATOR = "---\n"
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_/.-]*")
"""Texts that no version of YAML reads as anything else, but for the words below."""
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


class _Dumper(yaml.SafeDumper):
    """Lists below their key, as kubectl prints them; texts of several lines as they are."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    block = "\n" in text and text.strip() and text.replace("\n", "").isprintable()
    style = None if plain else "|" if block else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def to_yaml(bodies: Iterable[JSON]) -> str:
    """Return one stream of documents."""
    return SEPARATOR.join(
        yaml.dump(body, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**6)
        for body in bodies
    )
