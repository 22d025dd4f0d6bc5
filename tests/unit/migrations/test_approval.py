"""What an approval covers, which annotation gives one, and why a plan was superseded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbalias.migrations.approval import Approval, ProjectPlan, answer, objection
from dbalias.migrations.plan import Plan, Step, difference
from unit.migrations.builders import NOW

HEX = "0123456789abcdef" * 2
STEPS = (Step("shop.0001_initial", "aa", 2), Step("shop.0002_more", "bb", 1))


def a_plan(**changes: Any) -> Plan:
    """Two migrations of one alias."""
    fields: dict[str, Any] = {"digest": HEX, "database": "db-1", "count": 2, "steps": STEPS}
    return Plan(**(fields | changes))


def waiting(**plans: Plan) -> ProjectPlan:
    """What waits in the project whose uid is ``project-uid``."""
    return ProjectPlan("project-uid", plans)


def approved(plan: ProjectPlan, stored: Approval | None = None) -> Approval:
    """The answer to an annotation with the digest of a plan."""
    return answer(plan.digest, stored=stored or Approval(), plan=plan, now=NOW)


def test_the_digest_of_what_waits_grants_each_alias_its_own_plan() -> None:
    """Also after a round through the status."""
    plan = waiting(default=a_plan(), users=a_plan(digest=HEX[::-1], after="job-7"))

    approval = Approval.stored({"approval": approved(plan).render()})

    for alias, one in plan.plans.items():
        grant = approval.grant(alias)
        assert grant is not None
        assert grant.covers(one)
        assert grant.approval == plan.digest
    assert approval.grant("orders") is None
    assert approval.at == "2026-05-04T12:00:00Z"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(a_plan(digest=HEX[::-1]), id="another plan"),
        pytest.param(a_plan(after="job-8"), id="the same once more, after a run of it"),
        pytest.param(None, id="none"),
    ],
)
def test_a_grant_covers_nothing_but_its_plan(other: Plan | None) -> None:
    """A plan that is found again after a run is another one."""
    grant = approved(waiting(default=a_plan())).grant("default")
    assert grant is not None
    assert not grant.covers(other)


@pytest.mark.parametrize(
    "given",
    [None, "", "yes", "*", HEX, "{}a", " {}", "{:.12}"],
)
def test_any_other_annotation_approves_nothing(given: str | None) -> None:
    """A shortened, longer or alien one, and that of one alias' plan."""
    plan = waiting(default=a_plan())
    text = given and given.format(plan.digest)

    approval = answer(text, stored=Approval(), plan=plan, now=NOW)

    assert approval == Approval()
    assert bool(objection(text, approval=approval, plan=plan)) == bool(text)


def test_objection_tells_a_shortened_digest_from_that_of_an_alias_and_from_an_alien_one() -> None:
    """Each names the annotation; the right one meets none."""
    plan = waiting(default=a_plan())
    said = {
        text: objection(text, approval=Approval(), plan=plan)
        for text in (plan.digest[:9], HEX, "s3krit" * 50)
    }
    assert "only the beginning" in said[plan.digest[:9]]
    assert "of one alias' plan" in said[HEX]
    assert "not the digest of what is pending" in said["s3krit" * 50]
    assert max(map(len, said.values())) < 250
    assert objection(plan.digest, approval=approved(plan), plan=waiting()) == ""


def test_what_was_approved_stays_when_the_others_have_ended() -> None:
    """The annotation is the same: what waits, and its digest, are others by then."""
    plan = waiting(default=a_plan(), users=a_plan(digest=HEX[::-1]))
    given = approved(plan)

    later = answer(plan.digest, stored=given, plan=plan.without(["default"]), now=NOW)

    assert later is given


def test_a_second_approval_adds_to_the_first() -> None:
    """What the first one gave to an alias that still waits for its turn is not lost."""
    first = approved(waiting(default=a_plan()))
    second = approved(waiting(users=a_plan(digest=HEX[::-1])), first)

    assert [grant.alias for grant in second.grants] == ["default", "users"]
    assert [grant.approval for grant in second.grants] == [first.digest, second.digest]


def test_a_newer_approval_replaces_what_an_alias_had() -> None:
    """One grant an alias."""
    first = approved(waiting(default=a_plan()))
    newer = waiting(default=a_plan(digest=HEX[::-1]))
    (grant,) = approved(newer, first).grants
    assert grant.plan == HEX[::-1]


@pytest.mark.parametrize("given", [None, "", "another"])
def test_an_annotation_that_is_gone_or_changed_takes_the_approval_back(given: str | None) -> None:
    """For whatever has not started."""
    plan = waiting(default=a_plan())
    assert answer(given, stored=approved(plan), plan=plan, now=NOW) == Approval()


def test_digest_of_a_project_differs_with_all_that_it_covers() -> None:
    """Alias, plan, database, turn, project; not with the order, nor with what is only shown."""
    one, two = a_plan(), a_plan(digest=HEX[::-1])
    digests = [
        waiting(default=one).digest,
        waiting(users=one).digest,
        waiting(default=one, users=two).digest,
        waiting(default=two, users=one).digest,
        waiting(default=replace(one, database="db-2")).digest,
        waiting(default=replace(one, after="job-1")).digest,
        ProjectPlan("other-uid", {"default": one}).digest,
    ]
    assert len(set(digests)) == len(digests)
    assert waiting(users=two, default=one).digest == digests[2]
    assert waiting(default=replace(one, job="c-2", superseded="before")).digest == digests[0]
    assert waiting().digest == ""


@pytest.mark.parametrize(
    ("new", "said"),
    [
        pytest.param(None, "nothing is pending any more", id="all applied"),
        pytest.param(a_plan(after="job-2"), "the Job job-2 has used its approval up", id="used up"),
        pytest.param(a_plan(digest="x", database="db-2"), "another database", id="database"),
        pytest.param(
            a_plan(digest="x", count=3, steps=(*STEPS, Step("shop.0003_new", "cc"))),
            "shop.0003_new was added",
            id="added",
        ),
        pytest.param(
            a_plan(digest="x", count=1, steps=STEPS[1:]),
            "shop.0001_initial is no longer pending",
            id="applied by hand",
        ),
        pytest.param(
            a_plan(digest="x", steps=(STEPS[0], replace(STEPS[1], digest="zz"))),
            "shop.0002_more differs in source or SQL",
            id="changed",
        ),
        pytest.param(a_plan(digest="x"), "the arguments, the command or what routing", id="rest"),
        pytest.param(
            a_plan(digest="x", count=9), "or migrations not listed here", id="lists that were cut"
        ),
    ],
)
def test_difference_says_by_what_a_plan_was_superseded(new: Plan | None, said: str) -> None:
    """In the words that the condition repeats."""
    assert said in difference(a_plan(), new)


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(
    plan=st.dictionaries(
        st.sampled_from(["digest", "database", "count", "destructive", "migrations", "after"]),
        JSON_LIKE,
    ),
    approval=st.dictionaries(st.sampled_from(["digest", "at", "aliases"]), JSON_LIKE),
)
def test_whatever_a_status_or_a_report_holds_is_read_without_an_error(
    plan: dict[str, Any], approval: dict[str, Any]
) -> None:
    """And what was read is written in the same way again."""
    read = Plan.parse(plan)
    assert read is None or Plan.parse(read.render()) == read
    kept = Approval.stored({"approval": approval})
    assert not kept.digest or Approval.stored({"approval": kept.render()}) == kept
