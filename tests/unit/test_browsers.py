"""What an applicant still has to show after changing the browser, and after the phone has lost the page."""

import json

import pytest

from loadtests.applicant import Applicant
from loadtests.connections import Answer
from loadtests.pages.applicant import PageApplicant
from scenarios import catalogue, journey
from scenarios.behaviour import traits
from scenarios.journey_state import Action
from scenarios.population import person

NIGHT = catalogue.load("prakerja-wave-1")
PHOTOS = (b"one", b"two", b"three")
TOLD = {"ticket": "T1", "secret": "S1", "place_token": "K1", "entry": "P1", "session": "B1"}
"""What the service gave to be shown again, and the browser has stored."""
ON_THE_PAGE = {"code_request": "R1", "code": "123456", "upload": "/files/u1", "photo": b"one", "offset": 2}


@pytest.fixture
def one() -> Applicant:
    who = person(NIGHT, 1, 7)
    found = Applicant(who, 0, journey.start(traits(NIGHT, who)), "run")
    for name, value in {**TOLD, **ON_THE_PAGE}.items():
        setattr(found, name, value)
    return found


def held(one: Applicant) -> dict[str, object]:
    return {name: getattr(one, name) for name in {**TOLD, **ON_THE_PAGE}}


def ask(one: Applicant, action: Action, *, browser: int = 0, pages: int = 0) -> str:
    """The headers of the request for `action` once the state has changed so."""
    one.state = one.state._replace(
        action=int(action), browser=browser or one.state.browser, pages=pages or one.state.pages
    )
    return one.request(PHOTOS).headers


def test_as_long_as_nothing_is_lost_all_is_kept(one):
    """The negative control of both tests below."""
    ask(one, Action.LOOK)
    assert held(one) == {**TOLD, **ON_THE_PAGE}


def test_a_new_browser_has_neither_ticket_nor_session(one):
    """Nor the key of an earlier request: the same key would get the old ticket back."""
    before = ask(one, Action.TICKET)
    after = ask(one, Action.TICKET, browser=1)
    assert before != after
    assert not any(held(one).values())
    assert ask(one, Action.TICKET) == after, "only once for each new browser"


def test_a_lost_page_leaves_what_is_stored(one):
    """The session is there; the code's request, the photo and its upload's address are not. The photo is taken anew."""
    assert "Bearer B1" in ask(one, Action.REOPEN, pages=1)
    assert held(one) == {**TOLD, **dict.fromkeys(ON_THE_PAGE, ""), "photo": b"", "offset": 0}
    first = one.person.identity_card_photo
    one.request(PHOTOS)
    ask(one, Action.PHOTO_CREATE)
    assert one.photo == PHOTOS[(first + 1) % 3]


def test_the_status_page_says_where_one_was_and_decides_nothing(one):
    """A mismatch shown there is dealt with before joining, as ever."""
    ask(one, Action.REOPEN, pages=1)
    me = {"wave": {"id": 3}, "identity": {"status": "mismatch"}}
    assert one.read(Answer(200, {}, json.dumps(me).encode())).result == 0


def test_a_browser_without_scripts_begins_at_the_start_page(one):
    """And after a lost page, at the status page with its cookie."""
    plain = PageApplicant(one.person, 0, one.state, "run")
    plain._cookie, plain._going = "Cookie: c\r\n", ""
    plain.state = plain.state._replace(action=int(Action.REOPEN), pages=1)
    reopened = plain.request(PHOTOS)
    assert (reopened.path, "Cookie: c" in reopened.headers) == ("/daftar/status", True)
    plain.state = plain.state._replace(action=int(Action.CODE), browser=1)
    begun = plain.request(PHOTOS)
    assert (begun.path, "Cookie" in begun.headers) == ("/daftar/", False)
