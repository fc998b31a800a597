"""An applicant's requests and what she makes of the answers, by the service's public contract."""

import json
from typing import Any

import pytest

from loadtests.actions import ROUTES
from loadtests.applicant import Applicant, Reading, outcome
from loadtests.connections import Answer
from scenarios import catalogue, journey
from scenarios.behaviour import traits
from scenarios.journey_state import Action, Result
from scenarios.networks import Cut
from scenarios.population import Person, person
from scenarios.uploaders import Uploader

PHOTOS = (b"a" * 10, b"b" * 20)


@pytest.fixture(scope="module")
def night() -> catalogue.Night:
    return catalogue.load("prakerja-wave-1")


@pytest.fixture
def who(night: catalogue.Night) -> Person:
    """Somebody with e-mail who asks for the first code there."""
    return next(each for each in (person(night, 1, k) for k in range(1000)) if each.channel == "email")


@pytest.fixture
def one(night: catalogue.Night, who: Person) -> Applicant:
    return Applicant(who, 0, journey.start(traits(night, who)), "run")


def at(one: Applicant, action: Action, **progress: int) -> Applicant:
    one.state = one.state._replace(action=int(action), progress=one.state.progress._replace(**progress))
    return one


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, fields, b"" if body is None else json.dumps(body).encode())


def problem(status: int, code: str, **members: Any) -> Answer:
    return answer(status, {"type": f"https://launchnight.example/problems/{code}", **members})


PLACE = {"state": "waiting", "number": 9, "ahead": 4, "wait_s": [3, 8], "poll_after_s": 2.5, "place_token": "later"}


def test_a_ticket_is_asked_for_under_an_idempotency_key(one):
    request = at(one, Action.TICKET).request(PHOTOS)
    assert (request.method, request.path, request.body) == ("POST", "/tickets", b"{}")
    assert f"Idempotency-Key: run-{one.number}-0\r\n" in request.headers


def test_the_first_range_of_waiting_times_is_kept(one):
    """Later ranges shrink by themselves; a promise is judged by what was said first."""
    drawn = answer(201, {"ticket": "T", "secret": "S", "place": PLACE})
    assert at(one, Action.TICKET).read(drawn) == Reading(Result.WAIT, 2.5)
    later = {**PLACE, "wait_s": [1, 2], "state": "invited", "place_token": "even later", "ticket": None}
    assert at(one, Action.PLACE).read(answer(200, later)).result is Result.OK
    assert one.wait_range == (3.0, 8.0)
    headers = one.request(PHOTOS).headers
    assert "Waiting-Room-Ticket: T\r\nWaiting-Room-Secret: S\r\n" in headers
    assert "Waiting-Room-Place: even later\r\n" in headers


def test_nobody_is_held_to_a_wait_that_was_not_told(one):
    """Before the opening and in a pause no range is shown: the person waits, and is judged by none."""
    early = {**PLACE, "state": "before", "ahead": None, "wait_s": None}
    drawn = answer(201, {"ticket": "T", "secret": "S", "place": early})
    assert at(one, Action.TICKET).read(drawn) == Reading(Result.WAIT, 2.5)
    assert one.wait_range is None


def test_a_ticket_under_a_newer_key_is_shown_from_then_on(one):
    """Keys change while people wait; who shows the renewed ticket outlives the old key."""
    at(one, Action.TICKET).read(answer(201, {"ticket": "T", "secret": "S", "place": PLACE}))
    at(one, Action.PLACE).read(answer(200, {**PLACE, "ticket": "renewed"}))
    assert "Waiting-Room-Ticket: renewed\r\nWaiting-Room-Secret: S\r\n" in at(one, Action.PLACE).request(PHOTOS).headers


def test_a_request_without_an_answer_keeps_its_key(one):
    """The same effect is asked for under the same key until somebody answers."""
    at(one, Action.ACCOUNT)
    first = one.request(PHOTOS).headers
    for lost in (Answer(0, {}, b"", "timeout"), answer(500), problem(503, "unavailable", retry_after="1")):
        one.read(lost)
        assert one.request(PHOTOS).headers == first
    one.read(answer(201, {"account_id": "a"}))
    assert one.request(PHOTOS).headers != first


def test_the_account_names_phone_and_email(one, who):
    body = json.loads(bytes(at(one, Action.ACCOUNT).request(PHOTOS).body))
    assert body == {"name": who.name, "phone": who.phone, "email": who.email}
    assert one.read(answer(201, {"account_id": "a1"})) == Reading(Result.OK, receipt="a1")


def test_a_code_goes_to_the_channel_of_the_moment(one, who):
    """First to the chosen address, then to the phone that is to be verified; a new request forgets the old code."""
    one.code = "111111"
    assert json.loads(bytes(at(one, Action.CODE).request(PHOTOS).body)) == {"address": who.email}
    assert one.code == ""
    one.state = one.state._replace(code=one.state.code._replace(channel=2))
    assert json.loads(bytes(one.request(PHOTOS).body)) == {"address": who.phone}
    one.read(answer(202, {"code_request": "r1", "channel": "sms", "resend_after_s": 30}))
    again = json.loads(bytes(at(one, Action.CODE_AGAIN).request(PHOTOS).body))
    assert again == {"address": who.phone, "code_request": "r1"}


def test_the_receipt_of_a_code_is_its_request(one):
    one.code_request, one.code = "r1", "123456"
    assert json.loads(bytes(at(one, Action.SESSION).request(PHOTOS).body)) == {"code_request": "r1", "code": "123456"}
    assert one.read(answer(201, {"token": "S", "account_id": "a", "expires_in_s": 9})).receipt == "r1"
    assert "Authorization: Bearer S\r\n" in at(one, Action.LOOK).request(PHOTOS).headers


@pytest.mark.parametrize(
    ("reason", "result"),
    [
        ("wrong", Result.WRONG_CODE),
        ("not-sent-yet", Result.WRONG_CODE),
        ("expired", Result.OLD_CODE),
        ("too-many-tries", Result.OLD_CODE),
    ],
)
def test_a_refused_code_says_what_to_do(one, reason, result):
    assert at(one, Action.SESSION).read(problem(422, "code-refused", reason=reason)).result is result


def test_the_wrong_digit_is_typed_first_and_then_corrected(night):
    mistaken = next(each for each in (person(night, 1, k) for k in range(1000)) if each.typed_nik != each.nik)
    one = Applicant(mistaken, 0, journey.start(traits(night, mistaken)), "run")
    assert json.loads(bytes(at(one, Action.IDENTITY).request(PHOTOS).body))["nik"] == mistaken.typed_nik
    assert json.loads(bytes(at(one, Action.CORRECT).request(PHOTOS).body))["nik"] == mistaken.nik


def test_not_eligible_comes_without_a_check(one):
    """Under age: accepted, but nothing is asked of the registry, so there is no receipt."""
    reading = at(one, Action.IDENTITY).read(answer(202, {"check_id": None, "status": "not_eligible"}))
    assert reading == Reading(Result.NOT_ELIGIBLE)
    pending = one.read(answer(202, {"check_id": "c1", "status": "pending"}))
    assert pending == Reading(Result.OK, receipt="c1")


def test_an_upload_goes_on_at_the_stored_offset(one):
    """tus: create, send, ask after a break, send the rest; the receipt is the id of the finished upload."""
    one.session = "S"
    creation = at(one, Action.PHOTO_CREATE, photo=1).request(PHOTOS)
    photo = PHOTOS[one.person.selfie_photo % 2]
    assert f"Upload-Length: {len(photo)}\r\n" in creation.headers
    assert "Upload-Metadata: slot c2VsZmll,filetype aW1hZ2UvanBlZw==\r\n" in creation.headers
    one.read(answer(201, location="http://somewhere:1/files/u1"))
    sending = at(one, Action.PHOTO_SEND).request(PHOTOS)
    assert (sending.method, sending.path, bytes(sending.body)) == ("PATCH", "/files/u1", photo)
    assert one.read(problem(409, "upload-offset-mismatch")).result is Result.PARTIAL
    assert at(one, Action.PHOTO_HEAD).read(answer(200, upload_offset="4")).result is Result.FARTHER
    assert at(one, Action.PHOTO_HEAD).read(answer(200, upload_offset="4")).result is Result.PARTIAL
    rest = at(one, Action.PHOTO_SEND).request(PHOTOS)
    assert bytes(rest.body) == photo[4:]
    assert "Upload-Offset: 4\r\n" in rest.headers
    assert one.read(answer(204, upload_offset=str(len(photo)))) == Reading(Result.OK, receipt="u1")
    assert at(one, Action.PHOTO_HEAD).read(answer(404)).result is Result.GONE


def test_only_who_begins_anew_takes_another_photo(one):
    """A refused announcement is repeated with the same photo, under the same key."""
    one.session = "S"
    creation = at(one, Action.PHOTO_CREATE).request(PHOTOS)
    one.read(answer(503, retry_after="3"))
    assert one.request(PHOTOS) == creation
    one.read(answer(201, location="/files/u1"))
    assert at(one, Action.PHOTO_CREATE).request(PHOTOS).headers != creation.headers
    assert one.photo == PHOTOS[(one.person.identity_card_photo + 1) % 2]


def test_a_one_shot_photo_goes_in_one_request(one):
    one.session = "S"
    state = at(one, Action.PHOTO_CREATE, photo=1).state
    one.state = state._replace(traits=state.traits._replace(uploader=int(Uploader.ONE_SHOT)))
    request = one.request(PHOTOS)
    assert (request.method, request.path) == ("PUT", "/files/selfie")
    assert request.body == PHOTOS[one.person.selfie_photo % 2]
    assert one.read(answer(204)).result is Result.OK


def test_an_app_that_was_killed_is_no_error(one):
    at(one, Action.PHOTO_SEND)
    assert one.read(Answer(0, {}, b"", "transport", 3, Cut.KILLED + 0)).result is Result.KILLED
    assert one.read(Answer(0, {}, b"", "timeout", 3, Cut.HALF_OPEN + 0)).result is Result.TIMEOUT


def test_the_wave_of_the_status_page_is_joined(one):
    page = {"wave": {"id": 3}, "identity": {"status": "pending"}}
    assert at(one, Action.LOOK).read(answer(200, page)).result is Result.OK
    assert at(one, Action.JOIN).request(PHOTOS).path == "/waves/3/join"
    assert one.read(answer(201, {"join_id": "j1"})) == Reading(Result.OK, receipt="j1")
    mismatch = {"wave": {"id": 3}, "identity": {"status": "mismatch"}}
    assert at(one, Action.LOOK).read(answer(200, mismatch)).result is Result.MISMATCH


@pytest.mark.parametrize(
    ("action", "given", "reading"),
    [
        (Action.PLACE, answer(429, retry_after="3"), Reading(Result.WAIT, 3.0)),
        (Action.CLAIM, problem(409, "turn-not-reached", poll_after_s=2.25), Reading(Result.WAIT, 2.25)),
        (Action.CODE, answer(503, retry_after="20"), Reading(Result.BUSY, 20.0)),
        (Action.CODE, answer(429, retry_after="7"), Reading(Result.BUSY, 7.0)),
        (Action.CODE, answer(503), Reading(Result.ERROR)),
        (Action.LOOK, problem(401, "not-signed-in"), Reading(Result.LOST)),
        (Action.LOOK, answer(500), Reading(Result.ERROR)),
        (Action.LOOK, Answer(0, {}, b"", "timeout"), Reading(Result.TIMEOUT)),
        (Action.LOOK, Answer(0, {}, b"", "transport"), Reading(Result.ERROR)),
        (Action.ANSWER, problem(409, "assessment-over"), Reading(Result.OVER)),
        (Action.JOIN, problem(409, "wave-closed"), Reading(Result.WAVE_CLOSED)),
        (Action.JOIN, problem(403, "not-eligible"), Reading(Result.NOT_ELIGIBLE)),
        (Action.JOIN, problem(409, "steps-missing", missing=["photos"]), Reading(Result.ERROR)),
        (Action.CORRECT, problem(409, "no-corrections-left"), Reading(Result.OK)),
        (Action.IDENTITY, problem(409, "identity-number-taken"), Reading(Result.NUMBER_TAKEN)),
    ],
)
def test_what_refusals_mean(one, action, given, reading):
    assert at(one, action).read(given) == reading


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"ticket": "T"}', b'{"ticket": "T", "place": {}}'])
def test_a_success_that_lacks_what_it_promised_is_an_error(one, body):
    """A proxy's error page with status 200 must not stop the swarm."""
    assert at(one, Action.TICKET).read(Answer(200, {}, body)).result is Result.ERROR


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"late"', b"{}"])
@pytest.mark.parametrize("status", [200, 204, 404, 409, 503])
def test_no_answer_of_a_stranger_stops_the_swarm(one, status, body):
    """Whatever was asked for, it is an error, or all is well where nothing was promised."""
    for action in map(Action, ROUTES):
        assert at(one, action).read(Answer(status, {}, body)).result in (
            Result.OK, Result.ERROR, Result.PARTIAL, Result.GONE,
        ), action.name  # fmt: skip


@pytest.mark.parametrize("told", [None, "soon", -1])
def test_who_is_not_told_when_to_look_again_looks_in_two_seconds(one, told):
    given = problem(409, "turn-not-reached", poll_after_s=told)
    assert at(one, Action.CLAIM).read(given) == Reading(Result.WAIT, 2.0)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (answer(204), "ok"),
        (answer(404), "refused"),
        (answer(409, retry_after="1"), "refused"),
        (answer(429, retry_after="1"), "busy"),
        (answer(503, retry_after="1"), "busy"),
        (answer(503), "error"),
        (answer(500), "error"),
        (Answer(0, {}, b"", "timeout"), "timeout"),
        (Answer(0, {}, b"", "transport"), "transport"),
    ],
)
def test_outcomes_as_the_metrics_count_them(given, name):
    assert outcome(given) == name
