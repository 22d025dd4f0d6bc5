"""Random lives of aliases: what people and fate do in any order, and what holds all the same.

``DBALIAS_LIVES`` is how many lives each server sees, ``DBALIAS_FIRST_LIFE`` the seed of the first.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from integration.provisioning.beginning import begun
from integration.provisioning.deeds import do_something
from integration.provisioning.life import SERVERS, Life
from integration.provisioning.promises import keep_promises
from integration.provisioning.rig import rigged
from localkube.databases import DatabaseServer

FIRST = int(os.environ.get("DBALIAS_FIRST_LIFE", "1"))
LIVES = range(FIRST, FIRST + int(os.environ.get("DBALIAS_LIVES", "2")))
CHAPTERS = 4
DEEDS = 7


async def live(life: Life) -> None:
    """Let things happen, with passes between them that may die, and rest now and then."""
    chance = life.random
    for _ in range(CHAPTERS):
        for _ in range(DEEDS):
            await do_something(life)
            for _ in range(chance.choice((0, 1, 1, 2))):
                moments = chance.randrange(25) if chance.random() < 0.4 else None
                await life.run(chance.randrange(2), chance.choice(SERVERS), moments)
        await keep_promises(life)


@pytest.mark.parametrize("seed", LIVES)
async def test_a_life_keeps_every_promise(
    kubeconfig: Path, database: DatabaseServer, seed: int
) -> None:
    """Nobody's login breaks, nothing is lost, nothing is left, and everything is told."""
    async with rigged(kubeconfig, database) as rig, begun(rig, seed) as life:
        try:
            await live(life)
        except BaseException as error:
            error.add_note("\n".join(life.story))
            raise
