"""`python -m environments`: the Pythons that are looked for, and which Django runs on each."""

from environments.interpreters import LOOKED_FOR, find_interpreters
from environments.series import SERIES


def main() -> None:
    """Print one line for each Python that is looked for."""
    found = {interpreter.minor: interpreter for interpreter in find_interpreters()}
    for minor in LOOKED_FOR:
        interpreter = found.get(minor)
        if interpreter is None:
            print(f"Python {minor}: not at hand")
            continue
        runs = [series.name for series in SERIES.values() if series.runs_on(interpreter)]
        print(f"{interpreter}: Django {', '.join(runs)}; {interpreter.path}")


main()
