"""An operator that dies after any statement: the next one ends where the first would have."""

from __future__ import annotations

from dbalias.api.provision import Extension
from dbalias.servers.faults import ServerFaultError
from dbalias.servers.plot import Step
from dbalias.servers.wanted import Wanted
from integration.servers.postgresql.site import Site, a_wanted
from integration.servers.wanting import issued


def everything() -> Wanted:
    """Return an alias with a step of every kind."""
    extensions = (Extension("citext", schema="ext"), Extension("pg_trgm"))
    return a_wanted(readers=True, schemas=("app",), extensions=extensions)


def is_whole(site: Site, wanted: Wanted) -> None:
    """Show that exactly the wanted roles are there, and that the logins open the database."""
    assert site.roles(wanted) == {wanted.owner, *issued(wanted)}
    for login in issued(wanted):
        site.log_in(login, wanted.database).close()
    assert site.steps(wanted) == ()


def test_creation_goes_on_after_a_crash_at_every_step(creator: Site) -> None:
    """A claim without a database, a database without its mark, a login without rights inside."""
    for count in range(1, len(creator.steps(everything()))):
        wanted = everything()
        creator.carry_out(creator.steps(wanted)[:count])
        creator.close()
        creator.provide(wanted)
        is_whole(creator, wanted)
        creator.remove(wanted)


def test_a_statement_that_fails_leaves_no_half_of_its_step(creator: Site) -> None:
    """A role and its mark come together or not at all: no name of ours without an owner."""
    wanted = everything()
    for step in creator.steps(wanted):
        if len(step.statements) > 1:
            broken = Step(step.says, (*step.statements, "SELECT 1 / 0"), step.database)
            before = (creator.roles(wanted), creator.steps(wanted)[0].says)
            try:
                creator.carry_out([broken])
            except ServerFaultError:
                creator.close()
            assert (creator.roles(wanted), creator.steps(wanted)[0].says) == before
        creator.carry_out([step])
    is_whole(creator, wanted)


def test_steps_do_no_harm_twice(site: Site) -> None:
    """Two operators for a moment: what one did, the other finds done or finds changed."""
    wanted = everything()
    steps = site.steps(wanted)
    site.carry_out(steps)
    for step in steps:
        try:
            site.carry_out([step])
        except ServerFaultError:
            site.close()
    site.provide(wanted)
    is_whole(site, wanted)
