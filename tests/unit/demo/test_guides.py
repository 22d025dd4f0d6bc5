"""The examples as the demo reads them, and the names of its images."""

from pathlib import Path

import pytest
import yaml

from dbalias.api.parse import is_ours, parse_object
from demo.guides import GUIDES, IMAGE_IN_EXAMPLES, Guide
from demo.images import OPERATOR, ROOT, SHOP, ImageSource
from demo.pods import server_objects

EXAMPLES = sorted((ROOT / "examples").glob("*/*.yaml"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_example_is_understood(file: Path) -> None:
    """No example in the repository has a problem."""
    bodies = [body for body in yaml.safe_load_all(file.read_text()) if is_ours(body)]
    problems = [str(problem) for body in bodies for problem in parse_object(body).problems]
    assert not problems


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_the_image_is_put_in_everywhere(guide: Guide) -> None:
    """The placeholder of the manifests reaches no cluster."""
    applied = [*guide.declared("shop:2"), *guide.application("shop:2")]
    assert IMAGE_IN_EXAMPLES not in yaml.safe_dump_all(applied)
    assert yaml.safe_dump_all(applied).count("image: shop:2") == 2


def test_the_first_guide_has_a_login_on_each_kind_of_server() -> None:
    """As in Django's guide: default on PostgreSQL, users on MySQL."""
    logins = {login.alias: (login.engine, login.database) for login in GUIDES[0].logins()}
    assert logins == {"default": ("postgresql", "app_data"), "users": ("mysql", "user_data")}


def test_the_empty_default_has_no_login() -> None:
    """There is nothing to log in to."""
    assert {login.alias for login in GUIDES[1].logins()} == {"users", "customers"}


def test_aliases_whose_databases_are_made_need_an_administrator_alone() -> None:
    """Nobody makes their databases beforehand; the pod of the server makes who may."""
    (login,) = GUIDES[2].logins()
    assert (login.host, login.administers) == ("postgres", True)
    secret, _, _ = server_objects([login])
    assert "CREATE DATABASE" not in secret["stringData"]["init.sql"]
    assert "LOGIN CREATEDB CREATEROLE" in secret["stringData"]["init.sql"]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_database_pods_fit_into_a_restricted_namespace(guide: Guide) -> None:
    """The examples' namespaces enforce Pod Security `restricted`."""
    for login in guide.logins():
        _, deployment, service = server_objects([login])
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        (container,) = pod["containers"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert service["metadata"]["name"] == login.host


def test_an_image_is_named_after_its_content(tmp_path: Path) -> None:
    """What did not change is not built again, what did is never confused with it."""
    source = ImageSource("x", tmp_path, (".",), "BASE_IMAGE")
    (tmp_path / "a.py").write_text("1")
    before = source.named()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("x")
    assert source.named() == before
    (tmp_path / "a.py").write_text("2")
    assert source.named() != before


@pytest.mark.parametrize("source", [OPERATOR, SHOP], ids=lambda source: source.name)
def test_the_images_parts_exist(source: ImageSource) -> None:
    """A renamed folder must not fall out of the digest."""
    assert all((source.context / part).exists() for part in source.parts)
    assert source.base_argument in (source.context / "Dockerfile").read_text()
