"""What verbs that read manifests share: their arguments, the reading, and lines about it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence

from dbalias.cli.findings import Finding
from dbalias.cli.manifests import Fault, Place, read_manifests
from dbalias.cli.offline import Declarations, read_declarations
from dbalias.cli.output import Style


def add_files(parser: argparse.ArgumentParser) -> None:
    """Declare the files, and the namespace of objects that state none."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a file, a directory, or - for standard input"
    )
    parser.add_argument(
        "-n", "--namespace", default="", help="the namespace of objects that state none"
    )


def read_files(files: Sequence[str], *, namespace: str) -> tuple[Declarations, list[Fault]]:
    """Return what the files declare, and what could not be read; nothing of ours is a fault."""
    reading = read_manifests(files)
    declarations = read_declarations(reading.manifests, namespace=namespace)
    faults = [*reading.faults, *declarations.faults]
    if not declarations.ours and not faults:
        faults.append(Fault(Place(" ".join(files)), "there is no object of dbalias.dev in it"))
    return declarations, faults


def describe(
    findings: Iterable[Finding], faults: Iterable[Fault], *, style: Style
) -> Iterator[str]:
    """Yield a line for each, the way compilers write them: editors find the place."""
    for fault in faults:
        yield f"{fault.place}: {style.bad('error')}: {fault.message}"
    for finding in findings:
        word = style.dim("note") if finding.note else style.bad("error")
        yield f"{finding.place}: {word}: {finding.problem}"
