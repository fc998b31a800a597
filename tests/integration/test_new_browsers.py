"""People who change the browser, or whose phone loses the page, against the running service: nothing is done twice.

The browser is changed at the worst moment: the request was sent, and its answer never came.
"""

import asyncio
from dataclasses import replace
from itertools import count

import pytest

from loadtests.applicant import Applicant
from loadtests.connections import Answer
from scenarios import journey, setbacks
from scenarios.behaviour import traits
from scenarios.fates import Fate
from scenarios.journey_state import Action, Result
from scenarios.population import email_of, person, phone_of
from tests.integration.page_walker import HABITS, NIGHT, SEED, Walker
from tests.integration.pages_room import standing_site
from tests.integration.test_page_applicants import EFFECTS

SWITCHING = HABITS._replace(switch_share=1.0)
_numbers = count(300)


@pytest.fixture(scope="module")
def standing(server_url, template, tmp_path_factory):
    with standing_site(server_url, template, tmp_path_factory.mktemp("photos"), "new_browsers") as found:
        yield found


def somebody(standing, *, scripts: bool = True) -> Walker:
    """An applicant with e-mail, who needs a second code for the phone and mistypes nothing; with scripts or without."""
    number = next(_numbers)
    nik = person(NIGHT, SEED, number).nik
    walker = Walker(standing.site, number, channel="email", email=email_of(number), typed_nik=nik)
    if scripts:
        who = replace(walker.one.person, without_javascript=False)
        walker.one = Applicant(who, number, journey.start(traits(NIGHT, who)), "walk")  # type: ignore[assignment]
    return walker


async def send_unheard(walker: Walker) -> None:
    """What the present action sends arrives; its answer does not."""

    def lose(request, answer):
        return answer if request.method == "GET" else Answer(0, {}, b"", "timeout")

    walker.meddle = lose
    while (await walker.request()).more:
        pass
    walker.meddle = lambda request, answer: answer


async def effects(standing, walker: Walker) -> dict[str, int]:
    (row,) = await standing.site.service.sql(EFFECTS.format(phone_of(walker.one.number)))
    return dict(row)


async def change_browser(standing, walker: Walker, action: Action) -> dict[str, int]:
    """Walk to `action`, send it unheard, turn away, come back with another browser; returns the effects at the end."""
    await walker.walk(to=action)
    await send_unheard(walker)
    one = walker.one
    patient = one.state._replace(traits=one.state.traits._replace(visits=-1))
    back = setbacks.turn_away(patient, SWITCHING, SEED, one.number, action + 0, Result.TIMEOUT + 0, 1.0).state
    assert back.browser == 1
    one.state = back
    await walker.walk()
    assert one.state.fate == Fate.JOINED, (action.name, walker.results)
    return await effects(standing, walker)


def test_another_browser_goes_on_where_the_first_one_was(standing):
    """One account, check and join, whatever was done unheard; a photo stored unheard is replaced by another."""
    actions = [Action.CLAIM, Action.ACCOUNT, Action.SESSION, Action.IDENTITY, Action.PHOTO_SEND, Action.JOIN]

    async def all_at_once():
        walkers = [somebody(standing) for _ in actions]
        return await asyncio.gather(*map(change_browser, [standing] * len(actions), walkers, actions))

    for action, held in zip(actions, standing.run(all_at_once()), strict=True):
        assert (held["accounts"], held["identity_checks"], held["joins"]) == (1, 1, 1), action.name
        assert held["photos"] == (3 if action == Action.PHOTO_SEND else 2), action.name
        # Two for e-mail and phone, and one more where the session was in the other browser.
        assert held["codes"] == (2 if action in (Action.CLAIM, Action.ACCOUNT) else 3), action.name


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_lost_page_costs_a_code_and_a_photo_and_nothing_else(standing, scripts):
    """With the first message open, and with the camera: what was stored in the browser leads back to where one was."""
    walker = somebody(standing, scripts=scripts)
    one = walker.one

    async def way():
        await walker.walk(to=Action.SESSION)
        one.state = one.state._replace(action=Action.CODE + 0, pages=1)
        await walker.walk(to=Action.PHOTO_CREATE)
        one.state = one.state._replace(action=Action.REOPEN + 0, pages=2)
        await walker.walk()
        return await effects(standing, walker)

    held = standing.run(way())
    assert one.state.fate == Fate.JOINED, walker.results
    assert held == {"accounts": 1, "codes": 2, "identity_checks": 1, "photos": 2, "joins": 1}
    assert walker.asked == 3
