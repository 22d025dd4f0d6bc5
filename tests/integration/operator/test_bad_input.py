"""Bad input: each is named in a condition, with a remedy, and harms nobody else."""

from __future__ import annotations

from integration.operator.objects import alias, everything_to, policy, project, secret
from integration.operator.operating import wait_until
from integration.operator.workbench import Space


def test_a_project_without_an_alias_default_waits_for_it(space: Space) -> None:
    """Another object may still cure it: Reconciling, not Stalled, and it proceeds by itself."""
    space.apply(project(), alias("users"), secret())
    ready = space.wait_for("djp", "shop", reason="DefaultMissing")
    assert "DatabaseAlias" in ready["message"]
    assert "empty: true" in ready["message"]
    assert space.condition("djp", "shop", "Reconciling")["status"] == "True"
    assert space.condition("djp", "shop", "Stalled")["status"] == "False"
    assert space.published() is None
    space.apply(alias("default"))
    space.wait_for("djp", "shop", reason="Ready")


def test_the_older_of_two_claimants_keeps_the_alias(space: Space) -> None:
    """The younger is Stalled, harms nothing, and its deletion harms nothing either."""
    space.apply(project(), alias("default"), secret())
    space.wait_for("djp", "shop", reason="Ready")
    rival = alias("default", host="elsewhere.example")
    rival["metadata"]["name"] = "rival"
    space.apply(rival)
    said = space.wait_for("dba", "rival", reason="AliasConflict")
    assert "shop-default" in said["message"]
    assert space.document()["databases"]["default"]["settings"]["HOST"] == "db.example"
    space.delete("dba", "rival")
    space.wait_for("djp", "shop", reason="Ready")
    assert space.document()["databases"]["default"]["settings"]["HOST"] == "db.example"


def test_an_engine_that_django_does_not_have_is_refused(space: Space) -> None:
    """The alias names the field and what to write."""
    space.apply(project(), alias("default"), secret())
    space.apply(alias("users", engine="django.db.backends.postgres"))
    said = space.wait_for("dba", "shop-users", reason="InvalidConfiguration")
    assert "spec.engine" in said["message"]
    assert space.condition("dba", "shop-users", "Stalled")["status"] == "True"
    wait_until(space.published, what="the valid alias published")


def test_options_that_django_would_reject_later_are_refused_now(space: Space) -> None:
    """A connection pool demands that no connection persists."""
    space.apply(project(), alias("default", options={"pool": True}, connMaxAge=60), secret())
    said = space.wait_for("dba", "shop-default", reason="InvalidConfiguration")
    assert "pool" in said["message"]
    assert space.published() is None


def test_a_policy_that_names_an_unknown_alias_publishes_nothing(space: Space) -> None:
    """A typo must not route models into nowhere: the last published stays."""
    space.apply(project(), alias("default"), secret())
    space.wait_for("djp", "shop", reason="Ready")
    before = space.document()
    space.apply(policy("typo", everything_to("usrs")))
    said = space.wait_for("dbrp", "typo", reason="AliasNotFound")
    assert "usrs" in said["message"]
    space.wait_for("djp", "shop", reason="AliasNotFound")
    assert space.condition("djp", "shop", "Stalled")["status"] == "False"
    assert space.document() == before
    space.apply(policy("typo", everything_to("default")))
    space.wait_for("djp", "shop", reason="Ready")
    assert space.document() != before


def test_a_missing_key_is_named_and_picked_up_when_it_appears(space: Space) -> None:
    """The Secret is there, its key is not."""
    space.apply(project(), alias("default"), secret(pasword="oops"))
    said = space.wait_for("dba", "shop-default", reason="SecretKeyMissing")
    assert "password" in said["message"]
    assert "oops" not in said["message"]
    space.apply(secret(password="right"))
    space.wait_for("djp", "shop", reason="Ready")


def test_a_secret_never_appears_where_people_may_look(space: Space) -> None:
    """Not in ConfigMaps, statuses or events, whatever it contains."""
    awkward = "q'\"\\%s{{x}}$HOME\n\u00fc\U0001f511-needle"
    space.apply(project(), alias("default"), alias("lost", secret="none"), secret(password=awkward))
    wait_until(space.published, what="published")
    space.wait_for("dba", "shop-lost", reason="SecretNotFound")
    for kind in ("configmap", "djp", "dba", "events"):
        for body in space.all(kind):
            assert "needle" not in str(body), kind


def test_aliases_wait_for_a_project_that_comes_later(space: Space) -> None:
    """Apply order is nobody's promise."""
    space.apply(alias("default"), secret(), policy("all", everything_to("default")))
    space.wait_for("dba", "shop-default", reason="ProjectNotFound")
    space.wait_for("dbrp", "all", reason="ProjectNotFound")
    assert space.condition("dba", "shop-default", "Stalled")["status"] == "False"
    space.apply(project())
    space.wait_for("djp", "shop", reason="Ready")
    space.wait_for("dba", "shop-default", reason="Ready")


def test_a_deleted_project_takes_what_it_published_with_it(space: Space) -> None:
    """Owner references and nothing else: no finalizer holds the deletion up."""
    space.apply(project(), alias("default"), secret())
    space.wait_for("djp", "shop", reason="Ready")
    space.delete("djp", "shop")
    wait_until(lambda: space.published() is None, what="the ConfigMap collected")
    wait_until(lambda: space.get("secret", "shop-databases") is None, what="the Secret collected")
    space.wait_for("dba", "shop-default", reason="ProjectNotFound")
    space.apply(project())
    space.wait_for("djp", "shop", reason="Ready")
