"""What a person must know of an import: what was left out, and what was said in another way."""

from __future__ import annotations

from dataclasses import dataclass, field

from dbalias.api.problems import Problem


@dataclass(frozen=True, slots=True)
class Note:
    """One remark about a part of the settings. ``lost``: that part is not in the manifests."""

    subject: str
    text: str
    lost: bool = False

    def __str__(self) -> str:
        return f"{self.subject}: {self.text}"


@dataclass(frozen=True, slots=True)
class Notes:
    """The remarks of one import, each once, in the order in which they came up."""

    found: dict[Note, None] = field(default_factory=dict)

    def tell(self, subject: str, text: str) -> None:
        """Say what is there in another form."""
        self.found[Note(subject, text)] = None

    def lose(self, subject: str, text: str) -> None:
        """Say what is not there."""
        self.found[Note(subject, text, lost=True)] = None

    def refuse(self, problem: Problem) -> None:
        """Say what ``dbalias check`` will find wrong."""
        where = f"{problem.object} {problem.field}".rstrip()
        self.lose(where, f"{problem.message}. {problem.remedy}")

    @property
    def is_complete(self) -> bool:
        """Whether nothing was left out."""
        return not any(note.lost for note in self.found)
