"""What ``graph`` draws of tests/golden/graphs, exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbalias.cli.main import main

GRAPHS = Path(__file__).parent / "graphs"


@pytest.mark.parametrize(("language", "suffix"), [("mermaid", "mmd"), ("dot", "dot")])
def test_a_drawing_is_exactly_this(
    language: str, suffix: str, renew: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same every time, whatever the order of the files' objects is."""
    assert main(["graph", str(GRAPHS / "shop.yaml"), "-o", language]) == 0
    drawn = capsys.readouterr().out
    path = GRAPHS / f"shop.{suffix}"
    if renew:
        path.write_text(drawn, encoding="utf-8")
    assert drawn == path.read_text(encoding="utf-8")
