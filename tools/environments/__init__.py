"""Virtual environments of many Pythons and Djangos, for tests that must not trust one of each.

`find_interpreters` says which Pythons are at hand, `series` which Django runs on which, and
`environment` makes a virtual environment from locked parts (requirements/*.txt), once a machine.
Only tests and the Makefile may import it.
"""

from environments.interpreters import Interpreter, find_interpreters, running_interpreter
from environments.series import DRIVERS, SERIES, Cell, Series, cells
from environments.source import SUITE_PARTS, django_source
from environments.virtual import Environment, environment

__all__ = [
    "DRIVERS",
    "SERIES",
    "SUITE_PARTS",
    "Cell",
    "Environment",
    "Interpreter",
    "Series",
    "cells",
    "django_source",
    "environment",
    "find_interpreters",
    "running_interpreter",
]
