"""Check runs on real pods: what they tell, and that nothing is migrated because of them."""

from __future__ import annotations

from datetime import UTC, datetime

from stage.api import JSON
from stage.objects import PROJECT, entry, policy, project, rule
from stage.play import Shop, is_complete

CHECKS = "dbalias.dev/purpose=check"


def status(shop: Shop) -> JSON:
    """Return the project's status."""
    return shop.fetch("DjangoProject", PROJECT)["status"]


def checks(shop: Shop) -> list[JSON]:
    """Return the Check Jobs."""
    return shop.objects("Job", labelSelector=CHECKS)


def ask(shop: Shop, at: str) -> None:
    """Annotate the project as a person does."""
    key = f"dbalias.dev/check-requested-at={at}"
    kubectl = shop.kubectl("annotate", "--overwrite", "djp", PROJECT, key)
    said, _ = kubectl.communicate(timeout=30)
    assert kubectl.returncode == 0, said


def test_mode_check_looks_mode_auto_migrates_and_a_request_looks_again(shop: Shop) -> None:
    """Pending with names, warnings and routes; then the tables; then a check and nothing else."""
    default, users = shop.postgres("app_data"), shop.mariadb("user_data")
    people = policy("people", rule(["customers", "orders", "shoop"], write="users"))
    shop.apply(
        project(migrate={"mode": "Check"}), entry("default", default), entry("users", users), people
    )
    told = shop.expect("Migrated", "False", reason="Pending", alias="users")
    assert "migration(s) pending: contenttypes.0001_initial" in told["message"]
    shop.expect("Migrated", "False", reason="Pending")
    shop.expect("RoutesValid", "True")
    assert shop.jobs() == []
    assert users.tables() == default.tables() == set()
    assert shop.published() is None
    found = status(shop)
    assert any("shoop" in warning for warning in found["audit"]["warnings"])
    (people_go,) = [one for one in found["routes"]["destinations"] if one["write"] == "users"]
    assert (people_go["apps"], people_go["migrate"]) == (["customers", "orders"], ["users"])

    shop.apply(project(migrate={"mode": "Auto"}))
    shop.wait_ready()
    assert [is_complete(job) for job in shop.jobs()] == [True, True]
    assert "customers_customer" in users.tables()

    looked = len(checks(shop))
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ask(shop, at)
    shop.eventually(
        lambda: status(shop).get("lastHandledCheckRequest") == at, what="the request to be taken up"
    )
    shop.eventually(
        lambda: len(checks(shop)) == looked + 2 and all(map(is_complete, checks(shop))),
        what="one more check of each alias",
    )

    def has_ended(name: str) -> bool:
        record = shop.fetch("DatabaseAlias", name)["status"]["check"]
        return (record["outcome"], record["handledRequest"]) == ("Succeeded", at)

    shop.eventually(lambda: has_ended("default") and has_ended("users"), what="both outcomes")
    assert len(shop.jobs()) == 2
    assert shop.is_ready()
