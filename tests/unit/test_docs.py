"""The documentation says what the code does: reasons, fields, examples and links."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dbalias.api.conditions import Reason
from dbalias.api.parse import is_ours, parse_object

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
TROUBLESHOOTING = ROOT / "docs" / "troubleshooting.md"
RESOURCES = {
    "djangoprojects": "djangoproject.md",
    "databasealiases": "databasealias.md",
    "databaseroutingpolicies": "databaseroutingpolicy.md",
    "databaseservers": "databaseserver.md",
}
WRITTEN_AS_IN_A_POD = "pod"
"""Below this field the documentation names the first level only: the rest is a PodSpec's."""


def page_id(page: Path) -> str:
    """Return a page as people say it."""
    return str(page.relative_to(ROOT))


def yaml_blocks(page: Path) -> Iterator[str]:
    """Yield the YAML examples of a page."""
    yield from re.findall(r"^```yaml\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)


def without_code(page: Path) -> str:
    """Return a page's text without its examples."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)


def links(page: Path) -> Iterator[str]:
    """Yield the targets of a page's relative links."""
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page)):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """Return the anchors that headings make, as code hosts derive them."""
    headings = re.findall(r"^#+ (.+)$", without_code(page), re.M)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


def fields(schema: dict[str, Any], *, below: str = "") -> Iterator[str]:
    """Yield the names of a schema's fields, down to what a PodSpec documents."""
    for name, described in schema.get("properties", {}).items():
        yield name
        if below != WRITTEN_AS_IN_A_POD:
            yield from fields(described, below=name)
            yield from fields(described.get("items", {}), below=name)


def spec_of(plural: str) -> dict[str, Any]:
    """Return the schema of a kind's spec."""
    body = yaml.safe_load((ROOT / "crds" / f"dbalias.dev_{plural}.yaml").read_text("utf-8"))
    schema = body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return dict(schema["properties"]["spec"])


def test_every_reason_has_a_section_with_its_remedy() -> None:
    """A condition sends people there, so none may be missing, and none may be stale."""
    sections = re.findall(r"^### (\w+)$", TROUBLESHOOTING.read_text("utf-8"), re.M)
    assert sorted(sections) == sorted(reason.value for reason in Reason)


def test_no_section_is_empty() -> None:
    """A heading alone helps nobody."""
    _, *sections = re.split(r"^### ", TROUBLESHOOTING.read_text("utf-8"), flags=re.M)
    bare = [
        name for name, _, text in (part.partition("\n") for part in sections) if not text.strip()
    ]
    assert not bare


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_yaml_examples_are_understood(page: Path) -> None:
    """What people copy must be accepted as it stands."""
    problems = []
    for block in yaml_blocks(page):
        for body in yaml.safe_load_all(block):
            if is_ours(body):
                problems += [str(problem) for problem in parse_object(body).problems]
    assert not problems


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_relative_links_lead_somewhere(page: Path) -> None:
    """To a file of the repository, and to a heading of it where one is named."""
    broken = []
    for target in links(page):
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize(("plural", "page"), RESOURCES.items(), ids=RESOURCES.values())
def test_every_field_is_documented(plural: str, page: str) -> None:
    """A field that the API server takes and no page explains is a trap."""
    text = (ROOT / "docs" / "resources" / page).read_text("utf-8")
    missing = [name for name in fields(spec_of(plural)) if not re.search(rf"\b{name}\b", text)]
    assert not missing


def test_every_page_can_be_reached_from_the_readme() -> None:
    """A page that nothing links to is not read."""
    reached, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        reached.add(page)
        targets = {(page.parent / link.partition("#")[0]).resolve() for link in links(page)}
        ahead += [one for one in targets if one.suffix == ".md" and one not in reached]
    lost = {page for page in PAGES if ROOT / "docs" in page.parents} - reached
    assert not lost
