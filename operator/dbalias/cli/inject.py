"""Give the pods of workloads what they need to load a project's published settings.

Reads manifests and prints them with, in each Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet,
Job and CronJob: the project's ConfigMap and Secret as one volume at /etc/dbalias, that folder on
PYTHONPATH, and DJANGO_SETTINGS_MODULE=dbalias_settings. Everything else comes out as it went in;
done twice it changes nothing more.

Exit codes: 0 done, 2 input that cannot be read or cannot take it; then nothing is printed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from dbalias.api.meta import JSON
from dbalias.api.problems import Problem
from dbalias.cli.findings import Finding
from dbalias.cli.inject_documents import edit_documents, join_streams
from dbalias.cli.inject_pod import Mount, RefusedError, mount_into, names_of, settings_modules
from dbalias.cli.input import describe, project_name
from dbalias.cli.manifests import Document, Fault, Manifest, read_texts
from dbalias.cli.output import Style

DONE, REFUSED = 0, 2

_TEMPLATE = "spec.template.spec"
POD_SPECS = {
    ("v1", "Pod"): "spec",
    ("apps/v1", "Deployment"): _TEMPLATE,
    ("apps/v1", "StatefulSet"): _TEMPLATE,
    ("apps/v1", "DaemonSet"): _TEMPLATE,
    ("apps/v1", "ReplicaSet"): _TEMPLATE,
    ("batch/v1", "Job"): _TEMPLATE,
    ("batch/v1", "CronJob"): "spec.jobTemplate.spec.template.spec",
}
"""Where each kind of workload keeps its PodSpec."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dbalias inject``."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a file, a directory, or - for standard input"
    )
    parser.add_argument(
        "--project", required=True, type=project_name, metavar="NAME",
        help="the DjangoProject's name",
    )  # fmt: skip
    parser.add_argument(
        "--container", action="append", default=[], metavar="NAME",
        help="mount into this one (may be repeated; default: all containers, and init containers "
        "with the image of one of them)",
    )  # fmt: skip
    parser.add_argument(
        "--pythonpath", default="", metavar="VALUE",
        help="what the image itself sets PYTHONPATH to; a container's own value is kept anyway",
    )  # fmt: skip
    parser.add_argument(
        "--settings", choices=("overlay", "imported"), default="overlay",
        help="imported: the application's own settings module imports dbalias_databases",
    )  # fmt: skip
    parser.add_argument("--profile", default="", metavar="NAME", help="sets DBALIAS_PROFILE")
    parser.add_argument(
        "--wait", action="store_true",
        help="add an init container that waits until the databases are migrated",
    )  # fmt: skip
    parser.add_argument(
        "--python", default="python", metavar="PATH", help="the image's interpreter, for --wait"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the manifests with what is mounted; return the exit code."""
    work = _Work(
        Mount(
            project=arguments.project,
            containers=frozenset(arguments.container),
            pythonpath=arguments.pythonpath,
            profile=arguments.profile,
            overlay=arguments.settings == "overlay",
            wait=arguments.python if arguments.wait else "",
        )
    )
    texts = list(work.edit(arguments.files))
    for line in (*describe(work.findings, work.faults, style=Style.of(sys.stderr)), *work.said()):
        print(line, file=sys.stderr)
    if work.is_refused:
        return REFUSED
    sys.stdout.write(join_streams(texts))
    return DONE


@dataclass(slots=True)
class _Work:
    """One call: what is to be mounted, and what was found on the way."""

    mount: Mount
    faults: list[Fault] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    containers: set[str] = field(default_factory=set)
    workloads: int = 0

    @property
    def is_refused(self) -> bool:
        problems = [finding for finding in self.findings if not finding.note]
        return bool(self.faults or problems or not self.workloads or self._absent)

    @property
    def _absent(self) -> list[str]:
        return sorted(self.mount.containers - self.containers)

    def said(self) -> Iterator[str]:
        """Yield what is wrong with the input as a whole."""
        if self.faults:
            return
        if not self.workloads:
            kinds = ", ".join(kind for _, kind in POD_SPECS)
            yield f"dbalias inject: there is no workload in it: {kinds}"
        elif self._absent:
            yield f"dbalias inject: no workload has a container {' or '.join(self._absent)}"

    def edit(self, files: list[str]) -> Iterator[str]:
        """Yield the text of each file with its changes."""
        for source in read_texts(files):
            if isinstance(source, Fault):
                self.faults.append(source)
                continue
            path, text = source
            edited = edit_documents(path, text, partial(self._document, path))
            self.faults += edited.faults
            yield edited.text

    def _document(self, path: str, document: Document) -> JSON:
        return self._object(Manifest(path, document.node, document.body), document.body, at="")

    def _object(self, source: Manifest, body: JSON, *, at: str) -> JSON:
        """Return a body with its pods changed; ``at`` is its place in the document."""
        if not isinstance(body, dict):
            return body
        if str(body.get("kind")).endswith("List") and isinstance(body.get("items"), list):
            items = [
                self._object(source, item, at=f"{at}items[{index}].")
                for index, item in enumerate(body["items"])
            ]
            return {**body, "items": items}
        where = POD_SPECS.get((str(body.get("apiVersion")), str(body.get("kind"))))
        if where is None:
            return body
        self.workloads += 1
        try:
            return self._workload(source, body, at=at, where=where)
        except RefusedError as error:
            problem = Problem(_name(body), error.field, error.message, error.remedy)
            self.findings.append(Finding(source.place(at + error.field), problem))
            return body

    def _workload(self, source: Manifest, body: JSON, *, at: str, where: str) -> JSON:
        before = _pod_of(body, where)
        after = mount_into(before, self.mount, at=where)
        self.containers.update(names_of(before, at=where))
        now = settings_modules(after)
        for container, module in settings_modules(before).items():
            if now[container] != module:
                message = f"the container {container} had DJANGO_SETTINGS_MODULE={module}"
                remedy = f"Name it as settings.module of DjangoProject/{self.mount.project}"
                problem = Problem(_name(body), where, message, remedy)
                self.findings.append(Finding(source.place(at + where), problem, note=True))
        return _with_pod(body, where.split("."), after)


def _pod_of(body: JSON, where: str) -> JSON:
    found = body
    for key in where.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise RefusedError(where, "it has no PodSpec here", "Correct it")
    return found


def _with_pod(body: JSON, keys: list[str], pod: JSON) -> JSON:
    first, *rest = keys
    return {**body, first: _with_pod(body[first], rest, pod) if rest else pod}


def _name(body: JSON) -> str:
    metadata = body.get("metadata")
    names = metadata if isinstance(metadata, dict) else {}
    return f"{body['kind']}/{names.get('name') or names.get('generateName') or '?'}"
