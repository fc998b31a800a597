"""People without JavaScript as the swarm plays them, against the pages of the running service."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from loadtests.connections import Answer
from loadtests.pages.way import PageChanged
from scenarios import identity_numbers
from scenarios.fates import Fate, Reason
from scenarios.journey_state import Action, Result
from scenarios.population import email_of, phone_of
from tests.integration.page_walker import PHOTOS, Walker
from tests.integration.pages_room import standing_site

BY_SMS = {"channel": "sms", "email": None}
EFFECTS = """
with mine as (select id from account where phone = '{}')
select (select count(*) from mine) as accounts,
    (select count(*) from code_request join mine on mine.id = account_id where used_at is not null) as codes,
    (select count(*) from identity_check join mine on mine.id = account_id) as identity_checks,
    (select count(*) from upload join mine on mine.id = account_id where finished_at is not null) as photos,
    (select count(*) from wave_join join mine on mine.id = account_id) as joins
"""
_numbers = count(100)


@pytest.fixture(scope="module")
def standing(server_url, template, tmp_path_factory):
    with standing_site(server_url, template, tmp_path_factory.mktemp("photos"), "page_applicants") as found:
        yield found


async def effects(standing, number):
    """What the database holds of this applicant: accounts, codes accepted, identity checks, photos, joins."""
    (row,) = await standing.site.service.sql(EFFECTS.format(phone_of(number)))
    return dict(row)


def test_forms_alone_lead_to_the_wave(standing):
    """From the start page to joined; the receipts are as many as the effects, and no request was refused."""
    number = next(_numbers)
    walker = Walker(standing.site, number, channel="email", email=email_of(number))
    standing.run(walker.walk())
    held = standing.run(effects(standing, number))
    assert (walker.one.state.fate, walker.one.state.reason) == (Fate.JOINED, Reason.JOINED)
    assert held == {"accounts": 1, "codes": 2, "identity_checks": 1, "photos": 2, "joins": 1}
    assert {kind: len(set(told)) for kind, told in walker.receipts.items()} == held
    assert walker.asked == 2
    assert {status for _, status in walker.requests} == {200, 303}
    assert [route for route, _ in walker.requests[:4]] == ["pages-start", "pages-asset", "pages-asset", "pages-line"]
    assert walker.photos == [
        PHOTOS[walker.one.person.identity_card_photo % 2],
        PHOTOS[walker.one.person.selfie_photo % 2],
    ]


def test_every_answer_to_a_form_may_be_lost_once(standing):
    """The browser sends the same form again: nothing happens twice but a photo, which replaces the first."""
    number = next(_numbers)
    sent: Counter[str] = Counter()
    walker = Walker(standing.site, number, **BY_SMS, patience=2)

    def lose(request, answer):
        if request.method == "POST":
            sent[request.path] += 1
            if sent[request.path] == 1:
                return Answer(0, {}, b"", "timeout")
        return answer

    walker.meddle = lose
    standing.run(walker.walk())
    assert walker.one.state.fate == Fate.JOINED, walker.results
    assert len(sent) == 30 and set(sent.values()) == {2, 3}  # the line's page has two forms
    held = standing.run(effects(standing, number))
    assert held == {"accounts": 1, "codes": 1, "identity_checks": 1, "photos": 4, "joins": 1}
    assert {kind: len(set(told)) for kind, told in walker.receipts.items()} == held | {"photos": 2}


def test_a_mismatch_is_seen_on_the_status_page_and_corrected(standing):
    """What was typed with a wrong digit is known when the status page is read; the right number is typed then."""
    who = Walker(standing.site, next(_numbers), **BY_SMS).one.person
    walker = Walker(standing.site, who.number, **BY_SMS, typed_nik=identity_numbers.with_wrong_digit(who.nik))
    standing.run(walker.walk(to=Action.PERSONAL))
    standing.run(standing.site.service.drained())
    walker.go(Action.LOOK)
    standing.run(walker.walk(to=Action.JOIN))
    assert walker.results[-2:] == [(Action.LOOK, Result.MISMATCH), (Action.CORRECT, Result.OK)]
    assert standing.run(effects(standing, who.number))["identity_checks"] == 2


def test_final_answers_are_read_from_the_page(standing):
    """Too young; the phone, and the identity number, of somebody else."""
    first = Walker(standing.site, next(_numbers), **BY_SMS)
    standing.run(first.walk(to=Action.PERSONAL))
    for changes, reason in (
        ({"birth_date": "2019-01-02"}, Reason.NOT_ELIGIBLE),
        ({"phone": first.one.person.phone}, Reason.ADDRESS_TAKEN),
        ({"typed_nik": first.one.person.nik}, Reason.IDENTITY_NUMBER_TAKEN),
    ):
        walker = Walker(standing.site, next(_numbers), **BY_SMS | changes)
        standing.run(walker.walk())
        assert (walker.one.state.fate, walker.one.state.reason) == (Fate.REFUSED, reason)


def test_a_forgotten_cookie_leads_back_through_a_new_code(standing):
    """Signed in again, everything saved is there, and it is still one account."""
    walker = Walker(standing.site, next(_numbers), **BY_SMS)
    standing.run(walker.walk(to=Action.PERSONAL))
    walker.one.start_browser()
    standing.run(walker.walk(to=Action.WORK))
    ended = [(action, result) for action, result in walker.results if action is not Action.WAIT_CODE]
    assert ended[-4:] == [
        (Action.PERSONAL, Result.LOST),
        (Action.CODE, Result.OK),
        (Action.SESSION, Result.OK),
        (Action.PERSONAL, Result.OK),
    ]
    assert standing.run(effects(standing, walker.one.number))["accounts"] == 1


def test_a_wrong_code_is_typed_again(standing):
    walker = Walker(standing.site, next(_numbers), **BY_SMS)
    standing.run(walker.walk(to=Action.SESSION))
    right = walker.one.code
    walker.one.code = f"{(int(right) + 1) % 1_000_000:06}"
    refused = standing.run(walker.request())
    assert (refused.result, walker.requests[-1]) == (Result.WRONG_CODE, ("pages-code", 422))
    walker.decide(refused)
    walker.one.code = right
    standing.run(walker.walk(to=Action.IDENTITY))


def test_a_code_is_asked_for_again_too_early(standing):
    """The page says when: the applicant keeps looking out for the first one until then."""
    walker = Walker(standing.site, next(_numbers), **BY_SMS)
    standing.run(walker.walk(to=Action.WAIT_CODE))
    walker.go(Action.CODE_AGAIN)
    while (reading := standing.run(walker.request())).more:
        pass
    assert reading.result is Result.BUSY and 1 <= reading.retry_after <= 60
    walker.decide(reading)
    assert walker.one.state.action == Action.WAIT_CODE
    standing.run(walker.walk(to=Action.IDENTITY))


def test_the_line_is_waited_for_as_its_page_says(standing):
    """A paused entrance: the page names the time of the next look; once it opens the way goes on."""

    async def scenario():
        await standing.site.gate_at(0.0, 1.0, state="paused")
        try:
            walker = Walker(standing.site, next(_numbers), **BY_SMS)
            while (reading := await walker.request()).more:
                pass
            walker.decide(reading)
        finally:
            await standing.site.gate_at(1e9, 999.0)
        await walker.walk(to=Action.ACCOUNT)
        return reading, walker

    reading, walker = standing.run(scenario())
    assert reading.result is Result.WAIT and reading.retry_after >= 1.0
    assert walker.results == [
        (Action.TICKET, Result.WAIT),
        (Action.PLACE, Result.OK),
        (Action.CLAIM, Result.OK),
    ]


def test_a_closed_wave_is_a_final_answer(standing):
    walker = Walker(standing.site, next(_numbers), **BY_SMS)
    standing.run(walker.walk(to=Action.PERSONAL))
    clock = standing.site.service.clock
    clock.ahead = standing.site.service.settings.wave_closes_at - datetime.now(UTC) + timedelta(seconds=1)
    try:
        walker.go(Action.JOIN)
        standing.run(walker.walk())
    finally:
        clock.ahead = timedelta()
    assert (walker.one.state.fate, walker.one.state.reason) == (Fate.REFUSED, Reason.WAVE_CLOSED)


CHANGES = {
    "a field renamed": (b'name="mother_name"', b'name="mother"', "'mother'"),
    "a field more": (b'<select id="education"', b'<input name="consent"><select id="education"', "'consent'"),
    "another form": (b'value="personal"', b'value="home"', "no form 'personal'"),
    "no page": (b"<main", b"<section", "no page of the service"),
}


def changing(old, new):
    return lambda request, answer: answer._replace(body=answer.body.replace(old, new))


def test_a_page_that_changed_fails_loudly(standing):
    """The crowd makes a defect of it: the run is not judged. Unchanged, the same page is passed."""
    walker = Walker(standing.site, next(_numbers), **BY_SMS)
    standing.run(walker.walk(to=Action.IDENTITY))
    for old, new, told in CHANGES.values():
        walker.go(Action.PERSONAL)
        walker.meddle = changing(old, new)
        with pytest.raises(PageChanged, match=told):
            standing.run(walker.walk(to=Action.WORK))
    walker.go(Action.PERSONAL)
    walker.meddle = lambda request, answer: answer
    standing.run(walker.walk(to=Action.WORK))
