"""What a person would look at first when an end-to-end test has failed."""

from collections.abc import Iterator

from stage.api import JSON, ApiError, ApiServer
from stage.setting import OPERATOR_NAMESPACE

_LINES = "30"


def describe(api: ApiServer, namespace: str) -> str:
    """Return conditions, Jobs, events and the ends of the logs, of Jobs and of the operator."""
    return "\n".join(
        [
            f"--- namespace {namespace}",
            *_conditions(api, namespace),
            *_jobs(api, namespace),
            *_events(api, namespace),
            *_logs(api, namespace),
            *_logs(api, OPERATOR_NAMESPACE),
        ]
    )


def _conditions(api: ApiServer, namespace: str) -> Iterator[str]:
    for kind in ("DjangoProject", "DatabaseServer", "DatabaseAlias", "DatabaseRoutingPolicy"):
        for one in api.objects(kind, namespace):
            yield f"{kind}/{one['metadata']['name']} generation {one['metadata']['generation']}"
            for found in one.get("status", {}).get("conditions", ()):
                yield f"    {_sentence(found)}"


def _sentence(condition: JSON) -> str:
    told = " ".join(str(condition.get(part, "")) for part in ("type", "status", "reason"))
    return f"{told} @{condition.get('observedGeneration')}: {condition.get('message', '')}"


def _jobs(api: ApiServer, namespace: str) -> Iterator[str]:
    for one in api.objects("Job", namespace):
        ended = [c["type"] for c in one["status"].get("conditions", ()) if c["status"] == "True"]
        yield f"Job/{one['metadata']['name']} {' '.join(ended) or 'unfinished'}"


def _events(api: ApiServer, namespace: str) -> Iterator[str]:
    for one in api.objects("Event", namespace):
        about = one["involvedObject"]
        yield f"event {about['kind']}/{about['name']} {one['reason']}: {one.get('message', '')}"


def _logs(api: ApiServer, namespace: str) -> Iterator[str]:
    for pod in api.objects("Pod", namespace):
        name = pod["metadata"]["name"]
        yield f"--- log of {namespace}/{name} ({pod['status'].get('phase')})"
        try:
            yield api.log(namespace, name, within=0, tailLines=_LINES)
        except ApiError as error:
            yield str(error)
