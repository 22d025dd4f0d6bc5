"""Charts as Mermaid and as DOT; a label means itself in both, whatever characters it has."""

from __future__ import annotations

from collections.abc import Iterator

from dbalias.cli.chart import Chart, Edge, Node, NodeKind, shown

MERMAID_SHAPES = {
    NodeKind.ROUTE: ("(", ")"),
    NodeKind.ROUTER: ("[[", "]]"),
    NodeKind.ALIAS: ("[", "]"),
    NodeKind.REPLICA: ("[/", "/]"),
    NodeKind.FOREIGN: ("{{", "}}"),
    NodeKind.EMPTY: ("[", "]"),
    NodeKind.DATABASE: ("[(", ")]"),
}
MERMAID_EMPTY = "stroke-dasharray: 4"
DOT_SHAPES = {
    NodeKind.ROUTE: 'shape=box, style="rounded"',
    NodeKind.ROUTER: "shape=component",
    NodeKind.ALIAS: "shape=box",
    NodeKind.REPLICA: "shape=parallelogram",
    NodeKind.FOREIGN: "shape=hexagon",
    NodeKind.EMPTY: 'shape=box, style="dashed"',
    NodeKind.DATABASE: "shape=cylinder",
}
PLAIN = frozenset(" _.,:/@()*+=-…×")


def to_mermaid(chart: Chart) -> Iterator[str]:
    """Yield the lines of a Mermaid flowchart."""
    yield "flowchart LR"
    for group in chart.groups:
        yield f'  subgraph {group.id}["{_mermaid_text(group.label)}"]'
        yield from (f"    {_mermaid_node(node)}" for node in group.nodes)
        yield "  end"
    yield from (f"  {_mermaid_node(node)}" for node in chart.databases)
    yield from (f"  {_mermaid_edge(edge)}" for edge in chart.edges)
    nodes = [node for group in chart.groups for node in group.nodes]
    for node in nodes:
        if node.kind is NodeKind.EMPTY:
            yield f"  style {node.id} {MERMAID_EMPTY}"


def to_dot(chart: Chart) -> Iterator[str]:
    """Yield the lines of a DOT digraph."""
    yield "digraph dbalias {"
    yield "  rankdir=LR;"
    for group in chart.groups:
        yield f"  subgraph cluster_{group.id} {{"
        yield f'    label="{_dot_text(group.label)}";'
        yield from (f"    {_dot_node(node)}" for node in group.nodes)
        yield "  }"
    yield from (f"  {_dot_node(node)}" for node in chart.databases)
    yield from (f"  {_dot_edge(edge)}" for edge in chart.edges)
    yield "}"


def _mermaid_node(node: Node) -> str:
    begin, end = MERMAID_SHAPES[node.kind]
    label = "<br/>".join(_mermaid_text(line) for line in node.lines)
    return f'{node.id}{begin}"{label}"{end}'


def _mermaid_edge(edge: Edge) -> str:
    arrow = "-.->" if edge.aside else "-->"
    label = f'|"{_mermaid_text(edge.label)}"|' if edge.label else ""
    return f"{edge.start} {arrow}{label} {edge.end}"


def _mermaid_text(line: str) -> str:
    """Return a line with every character that could mean something by its number."""
    return "".join(one if one.isalnum() or one in PLAIN else f"#{ord(one)};" for one in shown(line))


def _dot_node(node: Node) -> str:
    label = "\\n".join(_dot_text(line) for line in node.lines)
    return f'{node.id} [label="{label}", {DOT_SHAPES[node.kind]}];'


def _dot_edge(edge: Edge) -> str:
    words = [f'label="{_dot_text(edge.label)}"'] if edge.label else []
    words += ['style="dashed"'] if edge.aside else []
    attributes = f" [{', '.join(words)}]" if words else ""
    return f"{edge.start} -> {edge.end}{attributes};"


def _dot_text(line: str) -> str:
    """Return a line as the inside of a quoted string; labels know escapes and entities."""
    return shown(line).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
