"""Golden pairs: declared objects, and exactly what is published for them."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that writes the expected files anew, to be read in the diff."""
    parser.addoption("--renew-golden", action="store_true", help="write expected files anew")


@pytest.fixture
def renew(request: pytest.FixtureRequest) -> bool:
    """Whether expected files are to be written instead of compared."""
    return bool(request.config.getoption("--renew-golden", default=False))
