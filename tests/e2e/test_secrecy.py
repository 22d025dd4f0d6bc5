"""Marked secrets in every place: nothing but Secrets holds them when all has gone its way."""

import json
from dataclasses import replace
from urllib.parse import quote

import pytest

from stage.api import JSON, ApiServer
from stage.objects import alias, entry, policy, project, rule, secret
from stage.play import Shop
from stage.setting import OPERATOR_NAMESPACE

MARK = "s3cr3tM4rk"
NASTY = f'%s {{0}} "{MARK}" {{"password": "x"}} \\ $HOME \'\n é'
PUBLIC = (
    "ConfigMap", "Event", "Pod", "Job", "DjangoProject", "DatabaseAlias", "DatabaseRoutingPolicy",
)  # fmt: skip


def url(name: str, text: str) -> list[JSON]:
    """Return an alias that reads a URL, and the Secret that holds it."""
    held = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "stringData": {"url": text}}  # fmt: skip
    spec = {"credentials": {"secretRef": {"name": name}, "preset": "URL"}}
    return [held, alias(name, engine="postgresql", **spec)]


@pytest.mark.usefixtures("steady_operator")  # its log is read
def test_no_object_and_no_log_ever_holds_a_secret(shop: Shop, api: ApiServer) -> None:
    """Good logins, refused ones, broken URLs and wrong ports; migrated, failed and mended."""
    default = shop.postgres("app", password=f"default {NASTY}")
    users = shop.mariadb("users", password=f"users {NASTY}")
    refused = shop.postgres("refused", password=f"right {NASTY}")
    place = f"{refused.server.host}:{refused.server.port}/{refused.name}"
    shop.apply(
        project(), entry("default", default), entry("users", users),
        entry("refused", replace(refused, password=f"wrong {NASTY}")),
        url("broken", f"postgresql://u:{NASTY}@{place}"),
        url("port", f"postgresql://u:p@{refused.server.host}:{MARK}/n"),
        url("strange", f"postgresql://{refused.user}:{quote(NASTY)}@{place}?options=-c%20{MARK}%3D1"),
        policy("people", rule(["customers", "orders"], write="users")),
    )  # fmt: skip
    for name, reason in (("refused", "LoginRefused"), ("broken", "InvalidConfiguration")):
        shop.expect("Ready", "False", reason=reason, alias=name)
    shop.expect("Ready", "True", alias="users")
    shop.eventually(lambda: all(map(_has_ended, shop.jobs())), what="every Job to end")
    shop.run("python", "manage.py", "check")
    check(shop, api)

    shop.apply(secret("refused", refused))
    shop.expect("Ready", "True", alias="refused")
    check(shop, api)


def check(shop: Shop, api: ApiServer) -> None:
    """Look through everything that is not a Secret, and through every log."""
    for kind in PUBLIC:
        for one in shop.objects(kind):
            where = f"{kind}/{one['metadata']['name']}"
            assert MARK not in json.dumps(one, ensure_ascii=False), where
    for pod in shop.objects("Pod"):
        if pod["status"]["phase"] != "Pending":  # the next attempt may be about to start
            assert MARK not in api.log(shop.namespace, pod["metadata"]["name"])
    for pod in api.objects("Pod", OPERATOR_NAMESPACE):
        assert MARK not in api.log(OPERATOR_NAMESPACE, pod["metadata"]["name"])


def _has_ended(job: JSON) -> bool:
    return bool(job["status"].get("conditions"))
