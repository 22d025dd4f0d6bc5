"""Find every problem of manifests, without a cluster: schema, and rules across objects.

Exit codes: 0 nothing found, 1 problems, 2 input that cannot be read. What the cluster may have
and the files do not (Secrets, a project) is a note, and a problem with --strict.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from dbalias.cli.findings import Finding, find_everything
from dbalias.cli.input import add_files, describe, read_files
from dbalias.cli.manifests import Fault
from dbalias.cli.offline import Declarations
from dbalias.cli.output import Style

FINE, PROBLEMS, UNREADABLE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dbalias check``."""
    add_files(parser)
    parser.add_argument("-o", "--output", default="text", choices=("text", "json", "github"))
    parser.add_argument("--strict", action="store_true", help="count notes as problems")


def run(arguments: argparse.Namespace) -> int:
    """Print every finding; return the exit code."""
    declarations, faults = read_files(arguments.files, namespace=arguments.namespace)
    # With a part of the input unread, rules across objects would find what is not there.
    findings = [] if faults else find_everything(declarations)
    if arguments.strict:
        findings = [replace(finding, note=False) for finding in findings]
    for line in _report(arguments.output, findings, faults):
        print(line)
    if arguments.output == "text":
        print(_sum_up(declarations, findings, faults), file=sys.stderr)
    if faults:
        return UNREADABLE
    return PROBLEMS if any(not finding.note for finding in findings) else FINE


def _report(output: str, findings: Sequence[Finding], faults: Sequence[Fault]) -> Iterator[str]:
    match output:
        case "json":
            yield json.dumps(_document(findings, faults), indent=2, ensure_ascii=False)
        case "github":
            yield from _annotations(findings, faults)
        case _:
            yield from describe(findings, faults, style=Style.of(sys.stdout))


def _sum_up(
    declarations: Declarations, findings: Sequence[Finding], faults: Sequence[Fault]
) -> str:
    if faults:
        return f"{len(faults)} part(s) of the input cannot be read; nothing else was checked"
    notes = sum(1 for finding in findings if finding.note)
    told = f", {notes} note(s)" if notes else ""
    count = len(findings) - notes
    objects = f"{len(declarations.ours)} object(s)"
    return f"{objects}: {f'{count} problem(s)' if count else 'no problem'}{told}"


def _document(findings: Iterable[Finding], faults: Iterable[Fault]) -> dict[str, object]:
    return {
        "unreadable": [
            {"file": fault.place.path, "line": fault.place.line, "message": fault.message}
            for fault in faults
        ],
        "findings": [
            {
                "file": finding.place.path,
                "line": finding.place.line,
                "severity": "note" if finding.note else "error",
                "object": finding.problem.object,
                "field": finding.problem.field,
                "message": finding.problem.message,
                "remedy": finding.problem.remedy,
                "reason": finding.problem.reason.value,
            }
            for finding in findings
        ],
    }


def _annotations(findings: Iterable[Finding], faults: Iterable[Fault]) -> Iterator[str]:
    """Yield workflow commands, which GitHub shows beside the line of a change."""
    for fault in faults:
        file, line = _property(fault.place.path), fault.place.line or 1
        yield f"::error file={file},line={line}::{_data(fault.message)}"
    for finding in findings:
        word = "notice" if finding.note else "error"
        file, title = _property(finding.place.path), _property(finding.problem.object)
        yield (
            f"::{word} file={file},line={finding.place.line},title={title}"
            f"::{_data(str(finding.problem))}"
        )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
