"""Whatever stands in a file, ``check`` says what is wrong with it and never breaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbalias.api.meta import Kind
from dbalias.cli.main import main

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("users"),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=5,
)
FIELDS = (
    "projectRef",
    "alias",
    "engine",
    "inheritFrom",
    "credentials",
    "rules",
    "waitFor",
    "empty",
    "serverRef",
    "provision",
    "host",
    "adminCredentials",
    "allowedNamespaces",
)
SPECS = VALUES | st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4).map(
    lambda spec: {"projectRef": {"name": "shop"}, **spec}
)
METADATA = st.fixed_dictionaries(
    {"name": st.sampled_from(["shop", "users", "default"])},
    optional={
        "namespace": VALUES,
        "labels": VALUES,
        "creationTimestamp": VALUES,
        "managedFields": VALUES,
    },
)
BODIES = st.fixed_dictionaries(
    {
        "apiVersion": st.sampled_from(["dbalias.dev/v1alpha1", "dbalias.dev/v2", "v1"]),
        "kind": st.sampled_from([*Kind, "Secret", "ConfigMap"]),
        "metadata": METADATA,
    },
    optional={"spec": SPECS, "status": VALUES, "data": VALUES, "stringData": VALUES},
)


@given(bodies=st.lists(BODIES, min_size=1, max_size=4))
@settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_objects_come_to_an_exit_code(
    bodies: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No exception, and an answer that programs can read."""
    project = {"apiVersion": "dbalias.dev/v1alpha1", "kind": "DjangoProject", "spec": {}}
    project["metadata"] = {"name": "shop"}
    path = tmp_path / "bodies.json"
    path.write_text("\n---\n".join(json.dumps(body) for body in [project, *bodies]))
    assert main(["check", str(path), "-o", "json"]) in (0, 1, 2)
    assert json.loads(capsys.readouterr().out).keys() == {"unreadable", "findings"}
