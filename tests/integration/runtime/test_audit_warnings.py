"""The routing audit on real models: each warning, and where every model goes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dbalias.api.policy import MigrateOn, PinReads
from dbalias.api.project import Profile, ProfileEntry, Routing, Settings, SettingsMode, Unmatched
from dbalias.migrations.report import parse_report
from dbalias_report import LIMIT
from integration.runtime.auditing import OWN_ROUTER, STAFF, Auditor, about, errors, warnings
from unit.builders import a_policy, a_rule

EVERYTHING = a_rule("default", "*")


def test_relation_that_crosses_databases_is_told_unless_a_relation_set_means_it(
    auditor: Auditor,
) -> None:
    """A relation set of a policy says that it is meant."""
    auditor.install()
    apart = [a_rule("other", "zoo.note"), EVERYTHING]
    told = warnings(auditor.look(a_policy("p", *apart)))
    meant = warnings(auditor.look(a_policy("p", *apart, relations=(("default", "other"),))))
    assert about(told, "zoo.Note (in other) refers to zoo.Animal (in default)")
    assert not [one for one in meant if "refers to" in one]


def test_models_without_a_table_where_they_are_written_are_told(auditor: Auditor) -> None:
    """Migrated nowhere, or elsewhere; unmanaged models are somebody else's."""
    auditor.install()
    nowhere = replace(a_rule("default", "catalog"), migrate_on=MigrateOn.NOWHERE)
    elsewhere = replace(
        a_rule("default", "zoo.label", "zoo.census"),
        migrate_on=MigrateOn.ALIASES,
        migrate_aliases=("other",),
    )
    told = warnings(auditor.look(a_policy("p", nowhere, elsewhere, EVERYTHING)))
    assert "catalog.Tag of catalog are migrated nowhere" in about(told, "catalog.Category")
    assert about(told, "zoo.Label is written to default and migrated on other")
    assert not [one for one in told if "zoo.Census" in one]


def test_code_of_an_app_with_rules_for_models_only_is_told(auditor: Auditor) -> None:
    """RunPython has no model: it runs wherever one of the rules migrates."""
    told = warnings(auditor.look(a_policy("p", a_rule("default", "orders.order"))))
    sentence = about(told, "orders.0002_standard_shipping runs code or SQL")
    assert "only models of orders have rules" in sentence


def test_apps_that_no_rule_claims_are_told_once_each(auditor: Auditor) -> None:
    """With where they go; what a router of the project claims is claimed."""
    own = "'default' if model._meta.app_label == 'customers' else None"
    auditor.write("own", OWN_ROUTER.format(write=own, read="None"))
    claimed = a_policy("p", a_rule("default", *STAFF, "orders"))
    told = warnings(auditor.look(claimed, routing=Routing(before=("own.Router",))))
    (sentence,) = [one for one in told if one.startswith("no rule claims")]
    assert sentence.startswith("no rule claims catalog.Category, catalog.Product, ")
    assert "these models of catalog go to default; add `apps: [catalog]`" in sentence


def test_names_that_nothing_bears_are_told(auditor: Auditor) -> None:
    """An app and a model; a proxy is known by its own name, too."""
    auditor.install()
    wrong = a_rule("default", "shoop", "zoo.lion", "zoo.fish", "catalog.bargain")
    told = warnings(auditor.look(a_policy("p", wrong, EVERYTHING)))
    assert about(told, 'policy p names the app "shoop", which is not installed')
    assert about(told, 'policy p names the model "zoo.lion"')
    assert not [one for one in told if "fish" in one or "bargain" in one]


def pinned(auditor: Auditor, *, atomic: bool | None, profile: bool = False) -> list[str]:
    """Return what is told of a policy that pins reads, with a replica to read from."""
    changes = ProfileEntry("*", {"ATOMIC_REQUESTS": True})
    outcome = auditor.look(
        a_policy("p", a_rule("default", "*", read=("copy",)), pin_reads=PinReads.TRANSACTION),
        aliases=[auditor.alias("default", atomic_requests=atomic), auditor.replica()],
        profiles=(Profile("web", (changes,)),) if profile else (),
    )
    return warnings(outcome)


def test_reads_pinned_in_transactions_with_atomic_requests_are_told(auditor: Auditor) -> None:
    """Replicas are never read in requests; in the profile that says so, by its name."""
    sentence = about(pinned(auditor, atomic=True), "pins reads in transactions")
    assert "policy p" in sentence
    assert "on default each request is one (ATOMIC_REQUESTS)" in sentence
    assert "`pinReads: Request`" in sentence
    in_profile = about(pinned(auditor, atomic=None, profile=True), "pins reads in transactions")
    assert 'in the profile "web"' in in_profile


def test_atomic_requests_on_several_aliases_are_told(auditor: Auditor) -> None:
    """One dead database would fail every view."""
    both = [auditor.alias(name, atomic_requests=True) for name in ("default", "other")]
    told = warnings(auditor.look(a_policy("p", EVERYTHING), aliases=both))
    assert "on default, other: each request opens" in about(told, "ATOMIC_REQUESTS")


BASE = """
from shop.settings import *
DATABASES = {{**DATABASES, "legacy": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}}}}
DATABASE_ROUTERS = ["own.Router"]
{more}
"""


def test_aliases_and_routers_that_the_overlay_replaces_are_told(auditor: Auditor) -> None:
    """What the base module had and nothing of what is published keeps."""
    auditor.write("own", OWN_ROUTER.format(write="None", read="None"))
    auditor.write("base", BASE.format(more=""))
    told = warnings(auditor.look(a_policy("p", EVERYTHING), settings=Settings(module="base")))
    assert "declare a DatabaseAlias" in about(told, 'base has a database "legacy"')
    assert "routing.before" in about(told, "base has the router own.Router")


def test_aliases_that_an_importing_module_leaves_out_are_told(auditor: Auditor) -> None:
    """Mode Imported replaces nothing; the module may drop what is published."""
    taken = (
        "import dbalias_databases\n"
        "DATABASES = {'default': dbalias_databases.DATABASES['default']}\n"
        "DATABASE_ROUTERS = dbalias_databases.DATABASE_ROUTERS\n"
    )
    auditor.write("own", OWN_ROUTER.format(write="None", read="None"))
    auditor.write("base", BASE.format(more=taken))
    auditor.pod.env |= {"DJANGO_SETTINGS_MODULE": "base", "PYTHONPATH": str(auditor.pod.mount)}
    imported = Settings(module="base", mode=SettingsMode.IMPORTED)
    told = warnings(auditor.look(a_policy("p", EVERYTHING), settings=imported))
    assert about(told, 'DATABASES of base lacks the published alias "other"')


def test_audit_of_settings_as_they_should_be_has_nothing_to_tell(auditor: Auditor) -> None:
    """Or nobody would read it."""
    auditor.install("django.contrib.sites", "django.contrib.flatpages")
    assert warnings(auditor.look(a_policy("p", EVERYTHING))) == []
    assert warnings(auditor.look()) == []


# where the models go


def destination(routes: Any, *, write: str) -> Any:
    """Return the one destination with this write alias."""
    (found,) = [one for one in routes if one["write"] == write]
    return found


def test_report_says_where_every_model_goes_and_the_log_has_each(auditor: Auditor) -> None:
    """Whole apps by their label, models of split apps by name, in the report's own words."""
    apart = a_rule("other", "customers", "orders", "catalog.tag", read=("copy", "other"))
    copy = auditor.alias("copy", inherit_from="other", role=auditor.replica().role)
    outcome = auditor.look(
        a_policy("p", apart, EVERYTHING),
        aliases=[auditor.alias("default"), auditor.alias("other"), copy],
        at="other",
    )
    report = outcome.report
    other = destination(report["routes"], write="other")
    assert (other["apps"], other["models"]) == (["customers", "orders"], ["catalog.Tag"])
    assert (other["read"], other["migrate"]) == (["copy", "other"], ["other"])
    assert other["modelsCount"] == 5
    rest = destination(report["routes"], write="default")
    assert "catalog.Product_tags" in rest["models"]
    assert (report["routesCount"], report["modelsCount"]) == (2, 5 + rest["modelsCount"])
    line = "dbalias: route: orders (Order, OrderLine, ShippingMethod): "
    assert f"{line}read copy, other, write other, migrate other" in outcome.output
    assert "dbalias: route: catalog (Tag): read copy, other" in outcome.output


MANY = """
from django.db import models
for number in range(400):
    name = f"AModelWithARatherLongName{number:03}"
    type(name, (models.Model,), {"__module__": __name__})
"""


def test_sentence_about_models_with_long_names_ends_with_what_to_change(auditor: Auditor) -> None:
    """The report cuts long sentences at their end, which is where the remedy stands."""
    folder = auditor.pod.image / "many"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "models.py").write_text(MANY)
    auditor.pod.env["SHOP_EXTRA_APPS"] = "many"
    one = a_rule("default", "many.amodelwitharatherlongname000")
    routing = Routing(unmatched=Unmatched.REFUSE)
    told = about(errors(auditor.look(a_policy("p", one), routing=routing)), "many.AModel")
    assert told.endswith("and 394 more]` to a rule of a DatabaseRoutingPolicy")


@pytest.mark.parametrize("apart", [1, 60])
def test_report_of_hundreds_of_models_fits_and_keeps_its_counts(
    auditor: Auditor, apart: int
) -> None:
    """4,096 bytes of JSON that the operator reads; the log has all of them."""
    folder = auditor.pod.image / "many"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "models.py").write_text(MANY)
    auditor.pod.env["SHOP_EXTRA_APPS"] = "many"
    aliases = ["default", *(f"shard-{number}" for number in range(apart))]
    rules = [
        a_rule(alias, f"many.amodelwitharatherlongname{number:03}")
        for number, alias in enumerate(aliases)
    ]
    policy = a_policy("p", *rules, EVERYTHING)
    login = auditor.alias("default")
    declared = [replace(login, alias=a, metadata=replace(login.metadata, name=a)) for a in aliases]
    outcome = auditor.look(policy, aliases=declared)
    assert (outcome.report["routesCount"], outcome.report["modelsCount"]) == (apart + 1, 417)
    assert 0 < len(outcome.report["routes"]) <= apart + 1
    assert len(json.dumps(outcome.report, ensure_ascii=False, separators=(",", ":"))) <= LIMIT
    told = parse_report(json.dumps(outcome.report))
    assert told is not None
    assert told.models_count == 417
    assert "AModelWithARatherLongName399" in outcome.output
