"""``graph`` draws where apps go, and its drawings mean what the manifests say."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbalias.cli.chart import Chart, Edge, Group, Node, NodeKind, shown
from dbalias.cli.chart_languages import to_dot, to_mermaid
from unit.cli.diagrams import Diagram, read_dot, read_mermaid
from unit.cli.files import DEFAULT, LOGIN, POLICY, PROJECT, USERS, Run

REPOSITORY = Path(__file__).parents[3]
GRAPHS = REPOSITORY / "tests" / "golden" / "graphs"
READERS = {"mermaid": read_mermaid, "dot": read_dot}


@pytest.fixture(params=READERS)
def draw(request: pytest.FixtureRequest, dbalias: Run) -> Callable[..., Diagram]:
    """Return a function that draws manifests in one of the languages and reads the drawing."""

    def drawn(*arguments: str) -> Diagram:
        assert dbalias("graph", *arguments, "-o", request.param) == 0, dbalias.err
        return READERS[request.param](dbalias.out)

    return drawn


def test_everything_that_is_declared_is_drawn(draw: Callable[..., Diagram]) -> None:
    """Rules, pools, weights, replicas, what is foreign or empty, and databases once each."""
    diagram = draw(str(GRAPHS / "shop.yaml"))
    assert diagram.groups == ["DjangoProject shop", "DjangoProject stock"]
    people = "auth, contenttypes"
    assert diagram.arrows() >= {
        (people, "users", "read ×2, write"),
        (people, "users-r1", "read ×3"),
        (people, "users-r2", "read"),
        ("trac", "trac.main", "read, write"),
        ("audit", "orders-serializable", "read, write"),
        ("audit", "orders", "migrate"),
        ("all other apps", "orders", "read, write"),
        ("all apps", "default", "read, write"),
        ("users-r1", "users", "replica of"),
        ("users-r2", "users", "replica of"),
        ("orders-serializable", "orders", "inherits from"),
    }
    lines = set(diagram.nodes.values())
    assert lines >= {
        ("default", "empty on purpose"),
        ("users-r1", "replica"),
        ("trac.main", "never migrated"),
        ("shop.routers.Tenants", "own router, routing.before"),
        ("shop.routers.Legacy", "own router, routing.after"),
        (people, "shop.customer", "policy people"),
        ("trac", "migrated nowhere", "policy people"),
        ("audit", "not migrated on orders-serializable", "policy all-else"),
        ("mysql", 'users "of" <shop> & co\\', "MySQL.databases.svc"),
        ("sqlite3", "/data/stock.sqlite3"),
    }
    shared = [id for id, one in diagram.nodes.items() if one == ("postgresql", "orders", "pg:5432")]
    assert len(shared) == 1
    assert [end for _, end, _, _ in diagram.edges].count(shared[0]) == 3


@pytest.mark.parametrize("place", ["before", "after"])
def test_own_routers_leave_to_django_what_only_they_know(
    place: str, draw: Callable[..., Diagram], dbalias: Run
) -> None:
    """Not every other app goes to default, for theirs do not."""
    project = PROJECT.replace("spec: {}", f"spec: {{routing: {{{place}: [shop.routers.Own]}}}}")
    diagram = draw(dbalias.write(project, DEFAULT, LOGIN))
    assert ("apps that no router claims", "default", "read, write") in diagram.arrows()
    assert not any("all apps" in lines for lines in diagram.nodes.values())


def test_nothing_of_a_secret_is_drawn(draw: Callable[..., Diagram], dbalias: Run) -> None:
    """No password, no user, and no address that only a Secret knows."""
    draw(str(GRAPHS / "shop.yaml"))
    for word in ("hunter2", "hidden", "nobody-sees"):
        assert word not in dbalias.out
    assert "its host is in a Secret" in dbalias.out


def test_the_order_of_objects_does_not_matter(draw: Callable[..., Diagram], dbalias: Run) -> None:
    """A drawing in a repository changes only when the databases do."""
    documents = (GRAPHS / "shop.yaml").read_text().split("\n---\n")
    draw(dbalias.write(*(f"{one}\n" for one in documents)))
    expected = dbalias.out
    random.Random(7).shuffle(documents)
    draw(dbalias.write(*(f"{one}\n" for one in documents)))
    assert dbalias.out == expected


def test_a_missing_secret_leaves_a_database_that_is_not_known(
    draw: Callable[..., Diagram], dbalias: Run
) -> None:
    """Its alias is drawn all the same; a plain login changes nothing."""
    hidden = USERS.replace("name: user_data", "credentials: {secretRef: {name: u}, preset: URL}")
    diagram = draw(dbalias.write(PROJECT, DEFAULT, hidden, POLICY))
    assert ("not known", "its Secret is not among the files") in diagram.nodes.values()
    assert ("postgresql", "app_data") in diagram.nodes.values()


def test_one_project_of_several_can_be_drawn(draw: Callable[..., Diagram], dbalias: Run) -> None:
    """Without what belongs to the others."""
    diagram = draw(str(GRAPHS / "shop.yaml"), "--project", "stock")
    assert diagram.groups == ["DjangoProject stock"]
    assert ("orders", "pg") in {one[1:] for one in diagram.nodes.values()}
    assert dbalias("graph", str(GRAPHS / "shop.yaml"), "--project", "gone") == 2
    assert "there is no DjangoProject/gone among the files" in dbalias.err


def test_bad_input_is_refused_as_by_the_other_verbs(dbalias: Run) -> None:
    """Exit code 2, with file and line."""
    assert dbalias("graph", dbalias.write(PROJECT, DEFAULT, POLICY, LOGIN)) == 2
    assert dbalias.out == ""
    assert "there is no alias users" in dbalias.err
    assert dbalias("graph", "missing.yaml") == 2
    assert "missing.yaml: error: cannot be read" in dbalias.err


def test_the_documentation_shows_what_is_drawn(dbalias: Run) -> None:
    """The page's drawing is that of the example it names."""
    page = (REPOSITORY / "docs" / "how-to" / "draw-a-graph.md").read_text()
    assert dbalias("graph", str(REPOSITORY / "examples" / "auth-router")) == 0
    assert f"```mermaid\n{dbalias.out}```" in page


lines = st.lists(st.text(max_size=80), min_size=1, max_size=3).map(tuple)


@given(lines=lines, label=st.text(max_size=20), kind=st.sampled_from(NodeKind))
def test_any_name_is_drawn_as_it_is(lines: tuple[str, ...], label: str, kind: NodeKind) -> None:
    """No character ends a label, starts markup, or becomes an escape in either language."""
    first, second = Node("a", kind, lines), Node("b", NodeKind.DATABASE, ("x",))
    chart = Chart([Group("g", label, (first,))], [second], [Edge("a", "b", label, aside=True)])
    for drawn in (
        read_mermaid("\n".join(to_mermaid(chart))),
        read_dot("\n".join(to_dot(chart))),
    ):
        assert drawn.groups == [shown(label)]
        assert drawn.nodes["a"] == tuple(shown(line) for line in lines)
        assert drawn.edges == [("a", "b", shown(label), True)]
