"""R7, small: requests repeated, raced and cut, commits cut, everything done once. The whole: `make acceptance`."""

import asyncio

import pytest

from tests.integration.effects import NATURAL, doubled, missing
from tests.integration.repeating_crowd import Fate
from tests.integration.repeating_house import KEPT, house

PEOPLE = 12
SEED = 7


@pytest.mark.timeout(240)
def test_everything_is_done_once_whatever_becomes_of_requests_and_commits(database_url, tmp_path):
    """192 operations over HTTP: no double in the database or at partners, replays say the same."""

    async def scenario():
        async with house(database_url, tmp_path, seed=SEED, workers_too=False) as room:
            seen = await room.play(PEOPLE, seed=SEED, share=0.25, at_once=4)
            await room.drained()
            bites, cuts = await room.bites(), sum(room.cutter.cuts.values())
            unknown = await room.told("registration_commits_unknown_total", "outcome")
            return seen, await room.effects(), await room.at_partners(), bites, cuts, unknown

    seen, found, partners, bites, cuts, unknown = asyncio.run(scenario())
    assert min(bites, cuts, *seen.fates.values()) > 5 and len(seen.fates) == len(Fate), "nothing happened"
    # Which of them turn out done, undone or open is luck here; each has its test in test_unknown_commits.
    assert unknown.total() > 5, "hardly a commit was of unknown fate"
    assert (seen.done, seen.stuck, seen.differing) == (PEOPLE, [], [])
    assert (doubled(found, PEOPLE), missing(found, PEOPLE)) == ({}, {})
    assert found["kept answers"] == PEOPLE * KEPT
    assert partners == {"messages": PEOPLE, "checks": PEOPLE}


@pytest.mark.timeout(240)
def test_without_idempotency_effects_are_doubled(database_url, tmp_path):
    """Negative control: the keys are ignored. Tickets and messages double, and only natural keys hold."""

    async def scenario():
        async with house(database_url, tmp_path, seed=SEED, workers_too=False, IDEMPOTENCY="off") as room:
            seen = await room.play(PEOPLE, seed=SEED, share=0.0, at_once=4)
            return seen, await room.effects()

    seen, found = asyncio.run(scenario())
    double = doubled(found, PEOPLE)
    assert sum(double.values()) >= 3 and seen.differing
    assert not double.keys() & set(NATURAL)
