"""YAML in which some documents change: every other document comes out byte for byte.

A changed document keeps the order of its keys and the spelling of its texts (quotes, blocks);
comments inside it are lost, those above it stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import yaml

from dbalias.api.meta import JSON
from dbalias.cli.manifests import Document, Fault, Loader, parse_documents


class Text(str):
    """A text that remembers how it was written."""

    style: str | None = None


class _Dialect(Loader):
    """Reads texts as ``Text``."""


class _Dumper(yaml.SafeDumper):
    """Writes texts as they were read; quotes what either generation of YAML could misread."""

    def ignore_aliases(self, data: object) -> bool:
        """Write everything out: an anchor would tie together what was changed apart."""
        return True


def _read_text(loader: Loader, node: yaml.ScalarNode) -> Text:
    text = Text(node.value)
    text.style = node.style
    return text


def _write_text(dumper: yaml.SafeDumper, text: Text) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style=text.style)


_Dialect.add_constructor("tag:yaml.org,2002:str", _read_text)
_Dumper.yaml_implicit_resolvers = {
    letter: [*resolvers, *Loader.yaml_implicit_resolvers.get(letter, ())]
    for letter, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items()
}
_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("[yYnN]$"), list("yYnN"))
_Dumper.add_representer(Text, _write_text)


@dataclass(frozen=True, slots=True)
class Edited:
    """A text with its changes, or the faults that kept it from being read."""

    text: str
    faults: tuple[Fault, ...] = ()


def edit_documents(path: str, text: str, change: Callable[[Document], JSON]) -> Edited:
    """Return a text in which each document is what ``change`` makes of it."""
    found = list(parse_documents(path, text, dialect=_Dialect))
    faults = tuple(one for one in found if isinstance(one, Fault))
    if faults:
        return Edited(text, faults)
    parts, done = [], 0
    for document in found:
        assert isinstance(document, Document)
        body = change(document)
        if body != document.body:
            start = document.node.start_mark.index
            parts += [_until(text[done:start]), _dump(body)]
            done = document.node.end_mark.index
    return Edited("".join([*parts, text[done:]]))


def join_streams(texts: Iterable[str]) -> str:
    """Return several YAML streams as one."""
    stream = ""
    for text in texts:
        if stream and not re.match(r"---(\s|$)", text):
            stream += "---\n"
        stream += text if text.endswith("\n") or not text else f"{text}\n"
    return stream


def _until(before: str) -> str:
    """Return what stands before a document, so that its text may begin a line."""
    line = before.rpartition("\n")[2]
    if not line.strip():
        return before[: len(before) - len(line)]
    return f"{before.rstrip()}\n"


def _dump(body: JSON) -> str:
    return yaml.dump(
        body, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**6,
        default_flow_style=False,
    )  # fmt: skip
