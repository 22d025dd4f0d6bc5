"""The chart starts the operator with arguments that the operator understands."""

import argparse
import itertools
import json

import pytest

import rendering
from chart.objects import container, render
from dbalias.cli import run

SCHEMA = json.loads((rendering.CHART / "values.schema.json").read_text())
LOG = SCHEMA["properties"]["log"]["properties"]


def started_with(*values: str) -> argparse.Namespace:
    """Return what `dbalias run` reads from the arguments the chart gives it."""
    verb, *arguments = container(render(*values))["args"]
    assert verb == "run"
    parser = argparse.ArgumentParser(exit_on_error=False)
    run.add_arguments(parser)
    return parser.parse_args(arguments)


def test_the_default_operator_serves_all_namespaces_and_keeps_its_lease_at_home() -> None:
    """What the chart says by its defaults arrives."""
    read = started_with()
    assert read.all_namespaces
    assert not read.namespaces
    assert not read.watch_secrets
    assert (read.lease_namespace, read.lease_name) == (rendering.NAMESPACE, "dbalias")
    assert read.installation == f"{rendering.NAMESPACE}/dbalias"


def test_named_namespaces_arrive_one_by_one() -> None:
    """One argument each, and not all namespaces as well."""
    read = started_with("--set=watchNamespaces={shop,blog}", "--set=watchSecrets=true")
    assert read.namespaces == ["shop", "blog"]
    assert not read.all_namespaces
    assert read.watch_secrets


@pytest.mark.parametrize(
    ("level", "style"), list(itertools.product(LOG["level"]["enum"], LOG["format"]["enum"]))
)
def test_every_log_setting_of_the_schema_is_one_of_the_operators(level: str, style: str) -> None:
    """Else the pod would crash on a value that the schema let through."""
    read = started_with(f"--set=log.level={level}", f"--set=log.format={style}")
    assert (read.log_level, read.log_format) == (level, style)
