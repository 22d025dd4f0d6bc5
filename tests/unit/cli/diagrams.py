"""Strict readers of what ``graph`` writes: a line of no known form is an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

SHAPES = {"(": ")", "[[": "]]", "[": "]", "[/": "/]", "{{": "}}", "[(": ")]"}
MERMAID_NODE = re.compile(
    r'([a-z][a-z0-9]*)(\[\[|\[/|\[\(|\[|\(|\{\{)"([^"]*)"(\]\]|/\]|\)\]|\]|\)|\}\})'
)
MERMAID_EDGE = re.compile(r'([a-z][a-z0-9]*) (-->|-\.->)(?:\|"([^"]*)"\|)? ([a-z][a-z0-9]*)')
MERMAID_TEXT = re.compile(r"(?:[^\W_]|[ _.,:/@()*+=\-…×]|#[0-9]+;)*")
QUOTED = r'"((?:[^"\\\n]|\\.)*)"'
DOT_NODE = re.compile(
    rf"([a-z][a-z0-9]*) \[label={QUOTED}, shape=([a-z]+)(?:, style=\"[a-z]+\")?\];"
)
DOT_EDGE = re.compile(
    rf'([a-z][a-z0-9]*) -> ([a-z][a-z0-9]*)(?: \[(?:label={QUOTED})?(?:, )?(style="dashed")?\])?;'
)


@dataclass(slots=True)
class Diagram:
    """What a drawing shows: projects, id → lines of its label, and arrows by id."""

    groups: list[str] = field(default_factory=list)
    nodes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    edges: list[tuple[str, str, str, bool]] = field(default_factory=list)

    def names(self) -> Mapping[str, str]:
        """Return id → first line of its label."""
        return {id: lines[0] for id, lines in self.nodes.items()}

    def add(self, id: str, lines: tuple[str, ...]) -> None:
        """Add a node that is not there yet."""
        assert id not in self.nodes
        self.nodes[id] = lines

    def arrows(self) -> set[tuple[str, str, str]]:
        """Return (from, to, label), by the first lines of the nodes, all of which must be there."""
        names = self.names()
        return {(names[start], names[end], label) for start, end, label, _ in self.edges}


def read_mermaid(text: str) -> Diagram:
    """Read a flowchart as Mermaid's grammar has it."""
    first, *lines = text.splitlines()
    assert first == "flowchart LR"
    found, depth = Diagram(), 0
    for line in (line.strip() for line in lines):
        if group := re.fullmatch(r'subgraph [a-z0-9]+\["([^"]*)"\]', line):
            found.groups.append(mermaid_text(group[1]))
            depth += 1
        elif line == "end":
            depth -= 1
        elif node := MERMAID_NODE.fullmatch(line):
            assert SHAPES[node[2]] == node[4]
            found.add(node[1], tuple(mermaid_text(part) for part in node[3].split("<br/>")))
        elif edge := MERMAID_EDGE.fullmatch(line):
            label = mermaid_text(edge[3] or "")
            found.edges.append((edge[1], edge[4], label, edge[2] == "-.->"))
        else:
            style = re.fullmatch(r"style ([a-z0-9]+) stroke-dasharray: 4", line)
            assert style, line
            assert style[1] in found.nodes
    assert depth == 0
    return found


def mermaid_text(label: str) -> str:
    """Return the text of a label, which may hold no character that means something."""
    assert MERMAID_TEXT.fullmatch(label), label
    return re.sub(r"#([0-9]+);", lambda number: chr(int(number[1])), label)


def read_dot(text: str) -> Diagram:
    """Read a digraph as DOT's grammar has it."""
    first, *lines, last = text.splitlines()
    assert (first, last) == ("digraph dbalias {", "}")
    found, depth = Diagram(), 0
    for line in (line.strip() for line in lines):
        if re.fullmatch(r"subgraph cluster_[a-z0-9]+ \{", line):
            depth += 1
        elif line == "}":
            depth -= 1
        elif group := re.fullmatch(rf"label={QUOTED};", line):
            found.groups.append(dot_text(group[1]))
        elif node := DOT_NODE.fullmatch(line):
            found.add(node[1], dot_lines(node[2]))
        elif edge := DOT_EDGE.fullmatch(line):
            found.edges.append((edge[1], edge[2], dot_text(edge[3] or ""), bool(edge[4])))
        else:
            assert line == "rankdir=LR;", line
    assert depth == 0
    return found


def dot_lines(label: str) -> tuple[str, ...]:
    """Return the lines of a label: its only escapes are a line's end, a quote, a backslash."""
    lines = [""]
    for part in re.findall(r"\\.|[^\\]", label, re.DOTALL):
        if part == "\\n":
            lines.append("")
        else:
            assert part in ('\\"', "\\\\") or len(part) == 1
            lines[-1] += part[-1]
    return tuple(dot_entities(line) for line in lines)


def dot_text(label: str) -> str:
    """Return a label of one line."""
    [line] = dot_lines(label)
    return line


def dot_entities(line: str) -> str:
    """Return a line as Graphviz shows it; it has no entity but the ampersand's."""
    assert line.count("&") == line.count("&amp;")
    return line.replace("&amp;", "&")
