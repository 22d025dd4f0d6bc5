"""A status as lines for people: on a terminal of any width, of one alias or of fifty."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dbalias.api.conditions import Condition, Status
from dbalias.cli.models_table import describe_routes
from dbalias.cli.output import Cell, Style, lay_out
from dbalias.cli.progress import AliasProgress, CommandProgress, ProjectProgress, State
from dbalias.cli.steps import PREFIX, Step

BAR = 16
MANY = 10
"""Rows above which a count of states stands below the table."""
NARROW = 110
"""Columns below which a terminal shows no databases."""
FRAME = 12
"""Lines of a terminal that are not left for rows."""
Run = AliasProgress | CommandProgress
One = TypeVar("One", AliasProgress, CommandProgress)
_OVER = (State.MIGRATED, State.EXEMPT, State.DONE)


@dataclass(frozen=True, slots=True)
class Screen:
    """What there is to draw on. ``width`` and ``height`` None: as much as it takes (a pipe)."""

    style: Style
    width: int | None = None
    height: int | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether somebody watches, so that bars can grow."""
        return self.width is not None


def describe(
    shown: Iterable[ProjectProgress], *, screen: Screen, routes: bool = False
) -> Iterator[str]:
    """Yield the lines that a person reads: what holds a project up, then its aliases."""
    style = screen.style
    for index, project in enumerate(shown):
        if index:
            yield ""
        yield f"{style.bold(f'DjangoProject {project.key}')}: {_headline(project, style)}"
        if project.declared:
            yield from _fit(_conditions(project, style), screen)
            yield f"  published revision {project.published or 'none'}{_heading_for(project)}"
            yield from _plan(project, style)
        yield from _aliases(project, screen)
        yield from _commands(project, screen)
        yield from _failures(project, screen)
        if routes:
            yield ""
            yield from describe_routes(project.routes, wanted=project.revision, style=style)


def describe_change(before: ProjectProgress, now: ProjectProgress) -> Iterator[str]:
    """Yield a plain line for each alias and command that is elsewhere than it was."""
    known = {(one.object, one.alias): one for one in before.aliases}
    for alias in now.aliases:
        if known.get((alias.object, alias.alias)) != alias:
            detail = _detail(alias, Screen(Style()))
            yield f"{now.key.name}/{alias.alias}: {_state(alias)} {alias.reason} {detail}".rstrip()
    told = set(before.commands)
    for command in now.commands:
        if command not in told:
            where = f" on {command.alias}" if command.alias else ""
            yield f"{now.key.name}: command {command.name}{where}: {_state(command)} " + (
                f"{command.reason} {command.message}".strip()
            )


def elapsed_text(seconds: int) -> str:
    """Return ``12s``, ``3m05s`` or ``1h02m``."""
    if seconds < 60:
        return f"{seconds}s"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"


def bar(step: Step, *, length: int = BAR) -> str:
    """Return how much of a run is done, as a bar and in numbers."""
    full = length * step.applied // step.total if step.total else 0
    return f"[{'#' * full}{'.' * (length - full)}] {step.applied}/{step.total}"


def _headline(project: ProjectProgress, style: Style) -> str:
    if not project.declared:
        return style.bad("does not exist")
    if project.ready:
        return style.good("Ready")
    return style.bad("Stalled") if project.stalled else style.busy("not Ready yet")


def _heading_for(project: ProjectProgress) -> str:
    wanted = project.revision
    return f", {wanted} to come" if wanted and wanted != project.published else ""


def _plan(project: ProjectProgress, style: Style) -> Iterator[str]:
    """Yield what waits for an approval, or has one and is not migrated yet."""
    digest = project.plan.get("digest")
    if digest:
        places = ", ".join(one["alias"] for one in project.plan.get("aliases") or ())
        approved = project.approval.get("digest") == digest
        state = "approved" if approved else f"waits for: dbalias approve {project.key.name}"
        mark = style.good if approved else style.busy
        yield f"  plan {digest} for {places}: {mark(state)}"
    if computing := project.plan.get("computing"):
        yield f"  plan being made for {', '.join(computing)}"


def _conditions(project: ProjectProgress, style: Style) -> Iterator[list[Cell]]:
    """Yield the conditions that are not as they should be, without repeating the summary."""
    sums = (Condition.READY, Condition.RECONCILING, Condition.STALLED)
    for condition in project.conditions:
        if condition["type"] in sums or condition["status"] == Status.TRUE:
            continue
        reason = str(condition["reason"])
        mark = style.busy if condition["status"] == Status.UNKNOWN else style.bad
        yield [_plain(condition["type"]), Cell(reason, mark(reason)), _plain(condition["message"])]


def _aliases(project: ProjectProgress, screen: Screen) -> Iterator[str]:
    wide = screen.width is None or screen.width >= NARROW
    headings = ("ALIAS", *(["DATABASE"] if wide else []), "STATE", "REASON", "DETAIL")
    shown = _in_view(project.aliases, screen)
    rows = [
        [
            _plain(alias.alias),
            *([_plain(alias.database or "-")] if wide else []),
            _marked(alias, screen.style),
            _plain(alias.reason or "-"),
            _plain(_detail(alias, screen)),
        ]
        for alias in shown
    ]
    yield from _table(headings, rows, screen)
    yield from _count("aliases", project.aliases, shown)


def _commands(project: ProjectProgress, screen: Screen) -> Iterator[str]:
    if not project.commands:
        return
    shown = _in_view(project.commands, screen)
    rows = [
        [
            _plain(command.name),
            _plain(command.alias or "(project)"),
            _marked(command, screen.style),
            _plain(command.reason or "-"),
            _plain(_said_last(command)),
        ]
        for command in shown
    ]
    yield from _table(("COMMAND", "ALIAS", "STATE", "REASON", "DETAIL"), rows, screen)
    yield from _count("commands", project.commands, shown)


def _table(
    headings: Sequence[str], rows: Sequence[Sequence[Cell]], screen: Screen
) -> Iterator[str]:
    heads = [Cell(heading, screen.style.dim(heading)) for heading in headings]
    yield from _fit([heads, *rows], screen)


def _in_view(runs: Sequence[One], screen: Screen) -> Sequence[One]:
    """Return the rows to show: on a terminal too low for all, those that are not over."""
    room = None if screen.height is None else max(MANY, screen.height - FRAME)
    if room is None or len(runs) <= room:
        return runs
    return [one for one in runs if one.state not in _OVER][:room]


def _count(what: str, runs: Sequence[Run], shown: Sequence[Run]) -> Iterator[str]:
    """Yield how many are in which state, where one does not see it at a glance."""
    if len(runs) > MANY:
        states = Counter(one.state for one in runs)
        told = ", ".join(f"{states[state]} {state.value}" for state in State if states[state])
        hidden = len(runs) - len(shown)
        yield f"  {len(runs)} {what}: {told}{f' ({hidden} not shown)' if hidden else ''}"


def _failures(project: ProjectProgress, screen: Screen) -> Iterator[str]:
    """Yield, whole, what the table may have cut off of failures, and what logs say last."""
    runs: Sequence[Run] = (*project.aliases, *project.commands)
    for one in runs:
        if one.state is State.FAILED or one.log:
            name = one.name if isinstance(one, CommandProgress) else one.alias
            told = one.message if one.state is State.FAILED else _state(one)
            if one.log or (screen.width is not None and one.state is State.FAILED):
                yield ""
                yield from _wrapped(f"{name}: {told}", screen.width)
                yield from (_cut(f"    | {line}", screen.width) for line in one.log)


def _detail(alias: AliasProgress, screen: Screen) -> str:
    """Return how far a run is, else what the operator says."""
    step = alias.step
    if step is None or alias.state not in (State.RUNNING, State.CHECKING):
        return alias.message
    if screen.is_terminal and step.total:
        begun = f"{bar(step)} {step.current}"
    elif step.current:
        begun = f"{step.current} ({step.number} of {step.total})"
    else:
        begun = step.state
    return f"{begun}; waits: {step.waits}" if step.waits else begun or alias.message


def _said_last(command: CommandProgress) -> str:
    """Return the last line that a running command wrote, else what the operator says."""
    own = [line for line in command.log if not line.startswith(PREFIX)]
    return own[-1] if own and command.state is State.RUNNING else command.message


def _state(one: Run) -> str:
    return one.state.value + (f" {elapsed_text(one.elapsed)}" if one.elapsed is not None else "")


def _marked(one: Run, style: Style) -> Cell:
    text = _state(one)
    return Cell(text, _mark(one.state, style)(text))


def _mark(state: State, style: Style) -> Callable[[str], str]:
    match state:
        case State.MIGRATED | State.DONE:
            return style.good
        case State.FAILED:
            return style.bad
        case State.EXEMPT:
            return style.dim
        case _:
            return style.busy


def _fit(rows: Iterable[Sequence[Cell]], screen: Screen) -> list[str]:
    """Return lines whose columns line up; on a terminal the last column ends with the line."""
    table = [list(row) for row in rows]
    if screen.width is None or not table:
        return lay_out(table)
    before = [max(len(row[n].text) for row in table) + 2 for n in range(len(table[0]) - 1)]
    room = max(MANY, screen.width - 2 - sum(before))
    return lay_out([[*row[:-1], _shortened(row[-1], room)] for row in table])


def _shortened(cell: Cell, room: int) -> Cell:
    return cell if len(cell.text) <= room else _plain(_cut(cell.text, room))


def _wrapped(text: str, width: int | None) -> list[str]:
    if width is None:
        return [f"  {text}"]
    return textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ")


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else text[: width - 1] + "…"


def _plain(text: object) -> Cell:
    return Cell(str(text), str(text))
