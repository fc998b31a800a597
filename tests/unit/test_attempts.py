"""Which requests are first attempts at a step, over HTTP and by pages, and which messages find a reader."""

import numpy as np
import pytest

from loadtests.applicant import Applicant
from loadtests.attempts import Attempts, step_of
from loadtests.clock import Clock
from loadtests.connections import Answer, Connections
from loadtests.crowd import Crowd, Share
from scenarios import catalogue, journey
from scenarios.behaviour import traits
from scenarios.fates import Channel
from scenarios.journey_state import Action, Code, Progress, State
from scenarios.population import person

NIGHT = catalogue.load("prakerja-wave-1")


def state(action: Action, retries: int = 0, **parts: int) -> State:
    """parts: photo, answers, signed_in."""
    start = journey.start(traits(NIGHT, person(NIGHT, 1, 0)))
    progress = start.progress._replace(photo=parts.get("photo", 0), answers=parts.get("answers", 0))
    code = start.code._replace(signed_in=parts.get("signed_in", 0))
    nerves = start.nerves._replace(retries=retries)
    return start._replace(action=action + 0, progress=progress, code=code, nerves=nerves)


def firsts(*states: State, more: tuple[int, ...] = ()) -> list[bool]:
    """more: the requests, counted from 0, whose attempt needs another one."""
    attempts = Attempts()
    return [attempts.is_first(one, more=place in more) for place, one in enumerate(states)]


def test_a_step_is_begun_once() -> None:
    """Sent again, resent, asked for its offset: all repeat. Another photo, answer or code is another step."""
    assert firsts(state(Action.ACCOUNT), state(Action.ACCOUNT, 1), state(Action.CODE, 1)) == [True, False, True]
    assert firsts(state(Action.CODE), state(Action.CODE_AGAIN, 1), state(Action.CODE, 1, signed_in=1)) == [
        True, False, True,
    ]  # fmt: skip
    photo = [state(Action.PHOTO_SEND), state(Action.PHOTO_HEAD, 1), state(Action.PHOTO_SEND, 1)]
    assert firsts(*photo, state(Action.PHOTO_SEND, 1, photo=1)) == [True, False, False, True]
    assert firsts(*(state(Action.ANSWER, answers=n) for n in (0, 1, 1, 2))) == [True, True, False, True]


def test_the_line_says_when_to_ask_again() -> None:
    """Looking again as told is no repeat; after a failure, or sooner than told, it is."""
    line = [state(Action.PLACE), state(Action.PLACE), state(Action.PLACE, 1), state(Action.PLACE, 1)]
    assert firsts(*line, state(Action.CLAIM, 1), state(Action.CLAIM, 2)) == [True, True, False, True, True, False]


def test_an_attempt_may_take_several_requests() -> None:
    """A page and its form are one attempt; opened again after a failure, both of them repeat."""
    form = [state(Action.ACCOUNT)] * 2 + [state(Action.ACCOUNT, 1)] * 2
    assert firsts(*form, more=(0, 2)) == [True, True, False, False]


def test_every_step_has_a_number_of_its_own() -> None:
    steps = [step_of(state(action)) for action in Action if action not in (Action.CODE_AGAIN, Action.PHOTO_HEAD)]
    steps += [step_of(state(Action.ANSWER, answers=n)) for n in range(1, 18)]
    steps += [step_of(state(Action.PHOTO_CREATE, photo=1)), step_of(state(Action.CODE, signed_in=1))]
    assert len(set(steps)) == len(steps)


@pytest.fixture
def crowd() -> Crowd:
    share = Share(NIGHT, 1, 20.0, np.array([0.0]), np.array([0]), last_arrival=0.0, drain=60.0, run="test")
    return Crowd(share, Clock(0.0), Connections("http://127.0.0.1:1"), (b"", b""), _Stats())


class _Stats:
    def log_request(self, *_: object) -> None: ...


def test_the_crowd_counts_first_attempts_by_route(crowd: Crowd) -> None:
    one = Applicant(person(NIGHT, 1, 0), 0, state(Action.ACCOUNT), "test")
    for _ in range(3):
        request = one.request(())
        crowd.notes.answered(one, request, Answer(503, {}, b""), "busy")
        crowd.notes.measured(request, Answer(503, {}, b""), "busy", 0.0, 0.0)
    text = crowd.metrics.exposition()
    assert 'swarm_first_requests_total{route="accounts"} 1\n' in text
    assert 'swarm_requests_total{route="accounts",outcome="busy"} 3\n' in text


def test_a_code_for_somebody_who_left_is_unread(crowd: Crowd) -> None:
    """As is one for somebody who has gone on, or looks out for it elsewhere."""
    one = Applicant(person(NIGHT, 1, 0), 0, state(Action.ACCOUNT), "test")
    for action, channel in ((Action.WAIT_CODE, Channel.SMS), (Action.CODE, Channel.SMS), (Action.IDENTITY, Channel.SMS),
                            (Action.WAIT_CODE, Channel.EMAIL)):  # fmt: skip
        one.state = state(action)._replace(code=Code(channel + 0, 1, 0, 0), progress=Progress(3, 0, 0, 0))
        crowd.notes.delivered(one, Channel.SMS)
    crowd.delivered(7, Channel.SMS, "123456")
    assert crowd.metrics.codes == {"awaited": 2, "unread": 3}
