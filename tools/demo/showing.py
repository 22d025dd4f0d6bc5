"""What a user wants to see at the end: resources, files, Jobs, tables, and an answered query."""

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any

from demo.guides import Guide, Login, service_of
from demo.programs import Kube
from demo.screen import Screen
from demo.tables import list_tables
from demo.venue import Venue
from demo.watching import job_state, seconds_of

_PUBLISHED = "shop-databases"
_TABLE_LINE = 88


def show_resources(kube: Kube, screen: Screen, guide: Guide) -> None:
    """Show what `kubectl get` says of every resource of dbalias."""
    screen.heading(f"{guide.name}: {guide.title}")
    screen.block(f"$ kubectl -n {guide.namespace} get dbalias")
    screen.block(kube.kubectl("get", "dbalias", f"--namespace={guide.namespace}"))


def show_published(kube: Kube, screen: Screen, guide: Guide) -> None:
    """Show databases.json and, of the Secret, the names of its keys."""
    namespace = f"--namespace={guide.namespace}"
    config_map = kube.get("configmap", _PUBLISHED, namespace)
    document = json.loads(config_map["data"]["databases.json"])
    screen.heading(f"{guide.name}: what dbalias published as ConfigMap and Secret {_PUBLISHED}")
    screen.block("databases.json, shortened:")
    for alias, entry in document["databases"].items():
        filled = ", ".join(f"{path[-1]} from {name}" for path, name in entry.get("secrets", ()))
        settings = json.dumps(_without_empty(entry["settings"]))
        screen.block(f"  {alias}: {settings}{f' + {filled}' if filled else ''}")
    screen.block(f"  DATABASE_ROUTERS: {json.dumps(document['routers'])}")
    secret = kube.get("secret", _PUBLISHED, namespace)
    screen.block(f"keys of the Secret: {', '.join(sorted(secret.get('data', {}))) or 'none'}")


def show_jobs(kube: Kube, screen: Screen, guide: Guide) -> None:
    """Show every migrate Job, and what each alias has to say about its migrations."""
    screen.heading(f"{guide.name}: migrations, one Job for each alias that needs one")
    rows = [("JOB", "ALIAS", "OUTCOME", "TIME")]
    for job in kube.items("jobs", guide.namespace):
        metadata = job["metadata"]
        alias = metadata["labels"].get("dbalias.dev/alias", "")
        rows.append((metadata["name"], alias, job_state(job), f"{seconds_of(job):.0f} s"))
    screen.table(rows)
    for body in kube.items("databasealiases", guide.namespace):
        migrated = _condition(body, "Migrated")
        screen.block(f"{migrated['reason']}: {migrated['message']}")


def show_tables(venue: Venue, kube: Kube, screen: Screen, guide: Guide) -> None:
    """Show the tables of each database, read with the application's own login."""
    screen.heading(f"{guide.name}: tables, as the application's logins see them")
    declared = [login for login in guide.logins() if not login.administers]
    for login in (*declared, *_provisioned(kube, guide)):
        with venue.reach(guide, login) as (host, port):
            tables = list_tables(login, host, port)
        kind = "PostgreSQL" if login.engine == "postgresql" else "MariaDB"
        screen.block(f"{login.alias} ({kind} database {login.database}): {len(tables)} tables")
        for line in _wrapped(tables):
            screen.block(f"  {line}")


def show_application(kube: Kube, screen: Screen, guide: Guide) -> None:
    """Let the application write and read through its routers, and ask it over HTTP."""
    namespace = f"--namespace={guide.namespace}"
    screen.heading(f"{guide.name}: the application reads and writes through its routers")
    report = ("exec", "deployment/shop", "--", "python", "manage.py", "shop_report")
    screen.block(f"$ kubectl -n {guide.namespace} {' '.join(report)}")
    screen.block(kube.kubectl(namespace, *report))
    page = f"/api/v1/namespaces/{guide.namespace}/services/shop:http/proxy/"
    screen.block(f"$ kubectl get --raw {page}")
    answer: dict[str, Any] = json.loads(kube.kubectl("get", "--raw", page))
    for model, seen in answer["models"].items():
        screen.block(f"  {model:20} {seen['rows']} rows, read from {seen['database']}")


def show_next_steps(kube: Kube, screen: Screen, guides: Iterable[Guide]) -> None:
    """Say what to try next."""
    first, second, third = (guide.namespace for guide in guides)
    screen.heading("What to try next")
    if kube.shell_setup:
        screen.block(kube.shell_setup)
    screen.block(
        f"""\
Change a setting: published at once, no Job; pods load it when they start
  kubectl -n {first} patch dba users --type=merge -p '{{"spec":{{"connMaxAge":60}}}}'
  kubectl -n {first} get djp shop --watch
Leave a model without a rule: with an empty default that is refused, and says which
  kubectl -n {second} patch dbrp accounts --type=json \\
    -p '[{{"op":"remove","path":"/spec/rules/0/match/apps/3"}}]'
  kubectl -n {second} describe djp shop
and put it back
  kubectl -n {second} patch dbrp accounts --type=json \\
    -p '[{{"op":"add","path":"/spec/rules/0/match/apps/-","value":"sessions"}}]'
Migrate once more, on request: one Job, nothing left to do
  kubectl -n {second} annotate dba users dbalias.dev/migrate-requested-at=$(date -Is) --overwrite
  kubectl -n {second} get jobs --watch
Change the password of a database that was made: another login, the application restarted
  kubectl -n {third} annotate dba default dbalias.dev/rotate-requested-at=$(date -Is) --overwrite
  kubectl -n {third} get dba default -o jsonpath='{{.status.provision}}'
A shell in the application, with the published settings
  kubectl -n {first} exec -it deployment/shop -- python manage.py shell
Take it all away
  make demo-down"""
    )


def _provisioned(kube: Kube, guide: Guide) -> Iterator[Login]:
    """Yield the logins that dbalias has made, from the Secrets in which it hands them out."""
    for alias in kube.items("databasealiases", guide.namespace):
        binding = alias["status"].get("binding", {}).get("name")
        if binding:
            body = kube.get("secret", binding, f"--namespace={guide.namespace}")
            told = {key: base64.b64decode(value).decode() for key, value in body["data"].items()}
            yield Login(
                alias=alias["spec"].get("alias", alias["metadata"]["name"]),
                engine=told["type"],
                host=service_of(told["host"]),
                database=told["database"],
                user=told["username"],
                password=told["password"],
            )


def _condition(body: Any, kind: str) -> dict[str, str]:
    return next(each for each in body["status"]["conditions"] if each["type"] == kind)


def _without_empty(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value not in ({}, "", None)}


def _wrapped(names: list[str]) -> list[str]:
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > _TABLE_LINE:
            lines.append("")
        lines[-1] += f"{name} "
    return [line.rstrip() for line in lines if line]
