"""What to show when something did not become ready: conditions, logs, events, and what to try."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from demo.errors import DemoError
from demo.programs import Kube
from demo.release import NAMESPACE, RELEASE
from demo.screen import Screen
from demo.watching import job_state

_LINES = 25
_KINDS = "djangoprojects,databasealiases,databaseroutingpolicies,databaseservers"


@dataclass(frozen=True, slots=True)
class _Page:
    """Where the pieces are written; each is what one kubectl command says."""

    kube: Kube
    screen: Screen

    def show(self, title: str, namespace: str, *words: str) -> None:
        """Show the end of what a command says; its failure is shown as well."""
        self.screen.heading(title)
        try:
            said = self.kube.kubectl(*words, f"--namespace={namespace}")
        except DemoError as error:
            said = str(error)
        self.screen.block("\n".join(said.splitlines()[-_LINES:]) or "(nothing)")


def explain(kube: Kube, screen: Screen, namespaces: tuple[str, ...]) -> None:
    """Show everything that a person would look at first."""
    page = _Page(kube, screen)
    for namespace in namespaces:
        for line in _unmet_conditions(kube, namespace):
            screen.block(line)
        for job in kube.items("jobs", namespace):
            name = job["metadata"]["name"]
            if job_state(job) != "Complete":
                page.show(f"Log of Job {name}", namespace, "logs", f"job/{name}")
    for namespace in (*namespaces, NAMESPACE):
        page.show(f"Pods of {namespace}", namespace, "get", "pods")
        page.show(f"Events of {namespace}", namespace, "get", "events", "--sort-by=.lastTimestamp")
    page.show("The operator's log", NAMESPACE, "logs", f"deployment/{RELEASE}")
    screen.heading("What to try")
    if kube.shell_setup:
        screen.block(kube.shell_setup)
    screen.block(
        f"kubectl -n {namespaces[0]} describe djp,dba,dbrp,dbs\n"
        "docs/troubleshooting.md has a section for every Reason above.\n"
        "`make demo` again goes on from here; `make demo-down` takes everything away."
    )


def _unmet_conditions(kube: Kube, namespace: str) -> Iterator[str]:
    for body in kube.items(_KINDS, namespace):
        where = f"{namespace} {body['kind']}/{body['metadata']['name']}"
        conditions: list[Any] = body.get("status", {}).get("conditions", [])
        if not conditions:
            yield f"{where}: no condition yet; has the operator seen it?"
        for each in conditions:
            healthy = "False" if each["type"] in ("Reconciling", "Stalled") else "True"
            if each["status"] != healthy:
                yield (
                    f"{where} {each['type']}={each['status']} {each.get('reason')}: "
                    f"{each.get('message')}"
                )
