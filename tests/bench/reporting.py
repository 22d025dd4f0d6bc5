"""Figures as people read them."""

from __future__ import annotations


def report(title: str, **figures: float | str) -> None:
    """Print figures under a title, one a line."""
    print(f"\n{title}")
    for name, value in figures.items():
        text = f"{value:.2f}" if isinstance(value, float) else value
        print(f"  {name.replace('_', ' '):44} {text}")
