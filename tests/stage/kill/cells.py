"""The matrix itself: which cells there are, and what must come of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from stage.kill.steps import IN_PROCESS, Engine, Step, Victim


class End(StrEnum):
    """What comes of a run in which something was killed."""

    ONCE = "one run, and its end is known"
    AGAIN = "repeated by itself"
    PERSON = "waits for a person; complete after repair and request"


HALF_DONE = {
    Step.FIRST: "gated.0001_effect",
    Step.SECOND: "gated.0002_data",
    Step.THIRD: "gated.0003_note",
}
"""The migration that is in progress at a step."""

_STEPS = {
    Victim.NOBODY: frozenset({Step.REPORTED}),
    Victim.OPERATOR: frozenset(Step),
    Victim.OPERATOR_AWAY: frozenset(Step),
    Victim.PROCESS: IN_PROCESS,
    Victim.POD: IN_PROCESS | {Step.STARTING},
    Victim.KUBELET: frozenset(Step) - {Step.STORED},
    Victim.SERVER: frozenset(Step),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault: who is killed, where the run then stands, on which engine."""

    victim: Victim
    step: Step
    engine: Engine

    def __str__(self) -> str:
        return f"{self.victim.name}-{self.step.name}-{self.engine}".lower().replace("_", "-")

    @property
    def end(self) -> End:
        """What must come of it: a killed run is repeated unless it may have left half a step."""
        late = self.step in {Step.REPORTED, Step.ENDED, Step.KEPT}
        match self.victim:
            case Victim.POD:
                # A run that is asked to stop ends the migration it is in.
                return End.ONCE if late or self.step is Step.LAST else End.AGAIN
            case Victim.PROCESS:
                return End.PERSON if self.is_half_done else End.AGAIN
            case Victim.SERVER:
                return End.PERSON if self.is_half_done else End.ONCE if late else End.AGAIN
            case _:
                return End.ONCE

    @property
    def is_half_done(self) -> bool:
        """Whether a migration is in progress that the server does not undo as a whole."""
        if self.engine is Engine.MARIADB:
            return self.step in HALF_DONE
        return self.step is Step.THIRD


def cells_of(victim: Victim) -> Iterator[Cell]:
    """Yield every cell in which this one is killed."""
    for step in Step:
        if step in _STEPS[victim]:
            yield from (Cell(victim, step, engine) for engine in Engine)


def telling() -> list[Cell]:
    """Return the few cells that `make test` plays: each victim, and each kind of end."""
    postgresql, mariadb = Engine.POSTGRESQL, Engine.MARIADB
    return [
        *cells_of(Victim.NOBODY),
        Cell(Victim.OPERATOR, Step.STORED, postgresql),
        Cell(Victim.OPERATOR, Step.SECOND, mariadb),
        Cell(Victim.OPERATOR, Step.ENDED, postgresql),
        Cell(Victim.OPERATOR_AWAY, Step.BETWEEN, mariadb),
        Cell(Victim.PROCESS, Step.LOCK, mariadb),
        Cell(Victim.PROCESS, Step.SECOND, postgresql),
        Cell(Victim.PROCESS, Step.FIRST, mariadb),
        Cell(Victim.POD, Step.THIRD, mariadb),
        Cell(Victim.KUBELET, Step.REPORTED, postgresql),
        Cell(Victim.SERVER, Step.FIRST, postgresql),
        Cell(Victim.SERVER, Step.THIRD, mariadb),
        Cell(Victim.SERVER, Step.LAST, mariadb),
    ]
