"""What verbs that read manifests share: their arguments, the reading, and lines about it."""

from __future__ import annotations

import argparse
import contextlib
import math
import re
import sys
from collections.abc import Iterable, Iterator, Sequence

from dbalias.api.limits import (
    DNS_LABEL,
    DNS_LABEL_LENGTH,
    OBJECT_NAME,
    OBJECT_NAME_LENGTH,
    PROJECT_NAME_LENGTH,
)
from dbalias.api.meta import Kind
from dbalias.cli.findings import Finding, find_everything
from dbalias.cli.manifests import Fault, Place, read_manifests
from dbalias.cli.offline import Declarations, Scene, read_declarations
from dbalias.cli.output import Style
from dbalias.cli.refusal import RefusedError


def add_files(parser: argparse.ArgumentParser) -> None:
    """Declare the files, and the namespace of objects that state none."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a file, a directory, or - for standard input"
    )
    add_namespace(parser, help="the namespace of objects that state none")


def add_namespace(parser: argparse.ArgumentParser, *, help: str) -> None:
    """Declare ``--namespace``, which must be a name that the API server would take."""
    parser.add_argument(
        "-n", "--namespace", default="", type=_namespace_name, metavar="NS", help=help
    )


def read_files(files: Sequence[str], *, namespace: str) -> tuple[Declarations, list[Fault]]:
    """Return what the files declare, and what could not be read; nothing of ours is a fault."""
    reading = read_manifests(files)
    declarations = read_declarations(reading.manifests, namespace=namespace)
    faults = [*reading.faults, *declarations.faults]
    if not declarations.ours and not faults:
        faults.append(Fault(Place(" ".join(files)), "there is no object of dbalias.dev in it"))
    return declarations, faults


def read_sound(files: Sequence[str], *, namespace: str) -> Declarations:
    """Return what the files declare; raise RefusedError unless all of it is in order."""
    declarations, faults = read_files(files, namespace=namespace)
    demand_sound(declarations, faults)
    return declarations


def demand_sound(declarations: Declarations, faults: Sequence[Fault] = ()) -> None:
    """Raise RefusedError with a line for each fault and each problem."""
    # With a part of the input unread, rules across objects would find what is not there.
    found = [] if faults else find_everything(declarations)
    problems = [finding for finding in found if not finding.note]
    if faults or problems:
        raise RefusedError(*describe(problems, faults, style=Style.of(sys.stderr)))


def choose_scenes(declarations: Declarations, project: str | None) -> list[Scene]:
    """Return the projects that the files declare, or the one asked for; raise RefusedError."""
    declared = [scene for scene in declarations.scenes if scene.snapshot.project is not None]
    chosen = [scene for scene in declared if project in (None, scene.key.name)]
    if not chosen:
        what = f"{Kind.PROJECT.value}/{project}" if project else Kind.PROJECT.value
        raise RefusedError(f"there is no {what} among the files")
    if nameless := [name for scene in chosen for name in scene.nameless]:
        raise RefusedError(
            f"the databases of {', '.join(nameless)} are named after their namespace, which no "
            "file says: say it with --namespace"
        )
    return chosen


def project_name(text: str) -> str:
    """Return a text that is the name of a DjangoProject: a type of argparse."""
    if len(text) > PROJECT_NAME_LENGTH or not re.fullmatch(OBJECT_NAME, text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name of a {Kind.PROJECT.value}: write at most {PROJECT_NAME_LENGTH} "
            "lower-case letters, digits, - and ."
        )
    return text


def object_name(text: str) -> str:
    """Return a text that can be the name of an object: a type of argparse."""
    if len(text) > OBJECT_NAME_LENGTH or not re.fullmatch(OBJECT_NAME, text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name of an object: write at most {OBJECT_NAME_LENGTH} lower-case "
            "letters, digits, - and ."
        )
    return text


def seconds(text: str) -> float:
    """Return a time that is not over and comes to an end: a type of argparse."""
    with contextlib.suppress(ValueError):
        if 0 < float(text) < math.inf:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text} is not a number of seconds, more than 0")


def _namespace_name(text: str) -> str:
    if text and (len(text) > DNS_LABEL_LENGTH or not re.fullmatch(DNS_LABEL, text)):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name of a namespace: write at most {DNS_LABEL_LENGTH} lower-case "
            "letters, digits and -"
        )
    return text


def describe(
    findings: Iterable[Finding], faults: Iterable[Fault], *, style: Style
) -> Iterator[str]:
    """Yield a line for each, the way compilers write them: editors find the place."""
    for fault in faults:
        yield f"{fault.place}: {style.bad('error')}: {fault.message}"
    for finding in findings:
        word = style.dim("note") if finding.note else style.bad("error")
        yield f"{finding.place}: {word}: {finding.problem}"
