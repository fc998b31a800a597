"""The machine of an applicant: the way through, retries and returns, codes, the line, photos, leaving."""

import math
from collections.abc import Callable

import pytest

from scenarios import journey
from scenarios.fates import Channel, Fate, Furthest, Manners, Reason
from scenarios.journey_state import Action, Decision, Habits, Result, State, Traits
from scenarios.uploaders import MOST_FAILURES, Uploader

HABITS = Habits(
    think_sigma=0.5,
    account_s=40.0,
    code_s=30.0,
    identity_s=45.0,
    profile_step_s=30.0,
    photo_s=30.0,
    phone_s=20.0,
    answer_s=80.0,
    join_s=10.0,
    retry_median_s=12.0,
    retry_sigma=1.0,
    return_median_s=4500.0,
    return_sigma=1.0,
    late_code_s=60.0,
    resend_share=0.6,
    resend_limit=4,
    silence_limit=10,
    new_photo_share=0.3,
    busy_limit=8,
    line_median_s=5400.0,
    line_sigma=1.0,
    leave_share=0.0,
)
NORMAL = Traits(tries=5, visits=3, channel=Channel.EMAIL, mistyped=0, manners=Manners.PUNCTUAL)
SEED = 1

Answers = Callable[[State], Result]


def always_well(state: State) -> Result:
    return Result.DELIVERED if state.action == Action.WAIT_CODE else Result.OK


def step(state: State, result: Result, *, number: int = 7, retry_after: float = -1.0, now: float = 0.0) -> Decision:
    return journey.step(state, HABITS, SEED, number, result, retry_after, now)


def travel(answers: Answers, traits: Traits = NORMAL, habits: Habits = HABITS, number: int = 7) -> list[Decision]:
    """Everything that happens until the applicant leaves; `answers` plays the service."""
    state, now, way = journey.start(traits), 0.0, []
    while state.action != Action.LEAVE:
        decision = journey.step(state, habits, SEED, number, answers(state), 3.0, now)
        way.append(decision)
        state, now = decision.state, now + decision.delay_s
        assert len(way) < 5000, "no end"
    return way


def until(action: Action, traits: Traits = NORMAL) -> State:
    """The state of somebody whose next action is `action`, all having gone well."""
    state = journey.start(traits)
    while state.action != action:
        state = step(state, always_well(state)).state
    return state


def test_the_whole_way_with_the_first_code_by_email():
    """Ticket to wave joined in the order of that night; the phone needs a code of its own."""
    actions = [Action(decision.action) for decision in travel(always_well)]
    way = [Action.CLAIM, Action.ACCOUNT, Action.CODE, Action.WAIT_CODE, Action.SESSION, Action.IDENTITY]
    way += [Action.PERSONAL, Action.WORK, Action.PROGRAM]
    way += [Action.PHOTO_CREATE, Action.PHOTO_SEND] * 2
    way += [Action.CODE, Action.WAIT_CODE, Action.PHONE, Action.ASSESSMENT]
    way += [Action.ANSWER] * 18 + [Action.SUBMIT, Action.LOOK, Action.JOIN, Action.LAST_LOOK, Action.LEAVE]
    assert actions == way


def test_a_first_code_by_sms_verifies_the_phone_at_once():
    """No second code is asked for, and the stages still follow each other."""
    way = travel(always_well, NORMAL._replace(channel=Channel.SMS))
    assert [decision.action for decision in way].count(Action.CODE) == 1
    assert Action.PHONE not in [decision.action for decision in way]
    assert way[-1].state.progress.furthest == Furthest.WAVE_JOINED


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.SMS])
def test_who_was_told_of_the_place_has_joined(channel):
    """The fate is decided when the join is accepted, whatever becomes of the last look."""
    looking = until(Action.LAST_LOOK, NORMAL._replace(channel=channel))
    assert looking.fate == Fate.JOINED
    for result in (Result.OK, Result.TIMEOUT, Result.LOST):
        end = step(looking, result).state
        assert (end.action, end.fate, end.reason) == (Action.LEAVE, Fate.JOINED, Reason.JOINED)


def test_think_times_are_log_normal_around_their_medians():
    """The median over many people is the night's figure; the same person always takes the same time."""
    state = until(Action.CLAIM)
    delays = sorted(step(state, Result.OK, number=number).delay_s for number in range(4001))
    assert delays[2000] == pytest.approx(40.0, rel=0.05)
    sigma = math.log(delays[int(4001 * 0.8413)] / delays[2000])
    assert sigma == pytest.approx(0.5, rel=0.1)
    assert step(state, Result.OK, number=5) == step(state, Result.OK, number=5)


def test_trouble_before_changes_no_think_time():
    """A service that fails now and then gives nobody another luck later on."""
    calm, troubled = until(Action.IDENTITY), until(Action.IDENTITY)
    for _ in range(3):
        troubled = step(troubled, Result.ERROR).state
    assert step(calm, Result.OK).delay_s == step(troubled, Result.OK).delay_s


@pytest.mark.parametrize(("tries", "visits"), [(2, 1), (5, 3), (10, 2)])
def test_tries_of_a_visit_and_visits_of_a_person(tries, visits):
    """When everything fails there are tries * visits requests, with short waits in a visit and long ones between."""
    way = travel(lambda _: Result.ERROR, NORMAL._replace(tries=tries, visits=visits))
    assert len(way) == tries * visits
    waits = [decision.delay_s for decision in way[:-1]]
    assert sum(wait > 600 for wait in waits) == visits - 1
    assert (way[-1].state.fate, way[-1].state.reason) == (Fate.FAILED, Reason.ERRORS)


def test_a_persistent_person_comes_back_until_the_close():
    """Unlimited visits never end by themselves."""
    state = journey.start(NORMAL._replace(tries=10, visits=-1))
    for _ in range(400):
        state = step(state, Result.TIMEOUT).state
        assert state.action == Action.TICKET
    assert state.nerves.visits == 40


def test_an_answer_that_works_restores_patience():
    state = until(Action.PERSONAL)
    for _ in range(4):
        state = step(state, Result.ERROR).state
    state = step(state, Result.OK).state
    assert state.nerves.tries == 0
    assert step(state, Result.ERROR).action == Action.WORK


def test_retry_after_is_obeyed_to_the_second_and_only_so_often():
    """Being told when to come back is no failed try; the ninth time in a row ends the visit."""
    state = until(Action.IDENTITY)
    for _ in range(8):
        decision = step(state, Result.BUSY, retry_after=17.0)
        assert (decision.action, decision.delay_s) == (Action.IDENTITY, 17.0)
        assert decision.state.nerves.tries == 0
        state = decision.state
    assert step(state, Result.BUSY, retry_after=17.0).delay_s > 100.0
    one_visit = state._replace(traits=state.traits._replace(visits=1))
    assert step(one_visit, Result.BUSY, retry_after=17.0).state.reason == Reason.BUSY


def test_busy_that_names_no_time_is_an_error_like_any_other():
    state = until(Action.IDENTITY)
    assert step(state, Result.BUSY).state.nerves.tries == 1


def test_the_line_is_polled_when_told_and_left_when_patience_ends():
    """Half of the people have left after the median patience, having been told nothing wrong; on their last visit for
    good, else with their ticket: they look at their place again when they come back."""
    stayed = 0
    last_visit = NORMAL._replace(visits=1)
    for number in range(1000):
        decision = step(journey.start(NORMAL), Result.WAIT, number=number, retry_after=6.0, now=100.0)
        assert (decision.action, decision.delay_s) == (Action.PLACE, 6.0)
        later = step(decision.state, Result.WAIT, number=number, retry_after=6.0, now=100.0 + 5400.0)
        assert (later.action, later.state.progress.furthest) == (Action.PLACE, Furthest.TICKETED)
        if later.delay_s == 6.0:
            stayed += 1
            continue
        assert (later.state.nerves.visits, later.state.leaves_line_at) == (1, -1.0)
        assert later.delay_s > 60.0
        at_last = decision.state._replace(traits=last_visit)
        left = step(at_last, Result.WAIT, number=number, retry_after=6.0, now=100.0 + 5400.0)
        assert (left.action, left.state.fate) == (Action.LEAVE, Fate.ABANDONED)
        assert left.state.reason == Reason.LEFT_THE_LINE
    assert stayed == pytest.approx(500, abs=60)


def test_a_turn_not_reached_at_the_claim_claims_again():
    """The limit is enforced at the claim: asked again there, not from the start."""
    decision = step(until(Action.CLAIM), Result.WAIT, retry_after=4.0, now=10.0)
    assert (decision.action, decision.delay_s) == (Action.CLAIM, 4.0)


def test_a_late_code_is_asked_for_again_by_six_in_ten_up_to_four_times():
    """60 s of silence: 60 % press resend, each at most four times, and somebody is always still looking out."""
    waiting = until(Action.WAIT_CODE)
    pressed = sum(step(waiting, Result.SILENCE, number=number).action == Action.CODE_AGAIN for number in range(2000))
    assert pressed == pytest.approx(1200, abs=80)
    for number in range(200):
        state, resends = waiting, 0
        while state.action in (Action.WAIT_CODE, Action.CODE_AGAIN):
            again = state.action == Action.CODE_AGAIN
            resends += again
            decision = step(state, Result.OK if again else Result.SILENCE, number=number)
            state = decision.state
            if decision.action == Action.WAIT_CODE:
                assert decision.delay_s == 60.0
        assert resends <= 4
        # The visit ends; the next one starts with a fresh code.
        assert (state.action, state.nerves.visits) == (Action.CODE, 1)


def test_a_resend_pressed_too_early_goes_on_looking_out():
    """429 on the resend: the message may still come."""
    waiting = until(Action.WAIT_CODE)
    again = waiting._replace(action=int(Action.CODE_AGAIN))
    decision = step(again, Result.BUSY, retry_after=12.0)
    assert (decision.action, decision.delay_s) == (Action.WAIT_CODE, 12.0)


def test_no_code_at_all_ends_as_failed_for_that_reason():
    way = travel(lambda state: Result.SILENCE if state.action == Action.WAIT_CODE else Result.OK)
    assert (way[-1].state.fate, way[-1].state.reason) == (Fate.FAILED, Reason.NO_CODE)
    assert way[-1].state.progress.furthest == Furthest.ACCOUNT_CREATED


def test_an_expired_code_is_replaced_and_a_wrong_one_typed_again():
    typing = until(Action.SESSION)
    assert step(typing, Result.OLD_CODE).action == Action.CODE
    assert step(typing, Result.WRONG_CODE).action == Action.SESSION


def test_a_lost_session_is_signed_in_again_and_goes_on_where_it_was():
    """Nothing that was saved is typed again."""
    state = step(until(Action.ANSWER), Result.LOST).state
    assert (state.action, state.code.channel, state.code.signed_in) == (Action.CODE, Channel.EMAIL, 0)
    for result in (Result.OK, Result.DELIVERED, Result.OK):
        state = step(state, result).state
    assert (state.action, state.progress.furthest) == (Action.ASSESSMENT, Furthest.PHONE_VERIFIED)


@pytest.mark.parametrize(
    ("shown", "back_to"),
    [(Action.PLACE, Action.TICKET), (Action.CLAIM, Action.TICKET), (Action.ACCOUNT, Action.CLAIM)],
)
def test_a_ticket_or_pass_that_is_not_known_is_got_anew(shown, back_to):
    state = step(journey.start(NORMAL), Result.WAIT, retry_after=1.0).state
    while state.action != shown:
        state = step(state, Result.OK).state
    assert step(state, Result.LOST).action == back_to


def test_a_broken_upload_goes_on_where_it_was():
    sending = until(Action.PHOTO_SEND)
    for result in (Result.ERROR, Result.TIMEOUT, Result.BUSY, Result.PARTIAL):
        assert step(sending, result).action == Action.PHOTO_HEAD
    asking = sending._replace(action=int(Action.PHOTO_HEAD))
    assert step(asking, Result.PARTIAL).action == Action.PHOTO_SEND
    assert step(asking, Result.GONE).action == Action.PHOTO_CREATE
    # All bytes had arrived, only the answer was lost: the slot is filled.
    assert step(asking, Result.OK).state.progress.photo == 1
    announcing = sending._replace(action=int(Action.PHOTO_CREATE))
    assert step(announcing, Result.BUSY, retry_after=9.0).action == Action.PHOTO_CREATE


@pytest.mark.parametrize(
    ("uploader", "pauses"), [(Uploader.TUS_JS, [0.0, 1.0, 3.0, 5.0]), (Uploader.UPPY, [0.1, 1.0, 3.0, 5.0])]
)
def test_a_stock_client_gives_up_after_four_tries_without_a_byte(uploader, pauses):
    """Then its person presses a button; a byte more on the server begins the row anew."""
    state = sending = until(Action.PHOTO_SEND, traits=NORMAL._replace(uploader=int(uploader)))
    for pause in pauses:
        decision = step(state, Result.BUSY, retry_after=30.0)
        assert (decision.action, decision.delay_s) == (Action.PHOTO_HEAD, pause)
        state = decision.state
    pressed = step(state, Result.ERROR).state
    assert (pressed.nerves.tries, pressed.nerves.repeats) == (1, 0)
    going_on = step(state, Result.FARTHER)
    assert (going_on.action, going_on.state.nerves.repeats) == (Action.PHOTO_SEND, 0)
    assert sending.nerves.repeats == 0


def test_a_patient_client_waits_as_told_and_up_to_a_minute_more():
    state = until(Action.PHOTO_SEND)
    pauses = []
    for _ in range(MOST_FAILURES):
        decision = step(state, Result.BUSY, retry_after=7.0)
        pauses.append(decision.delay_s)
        state = decision.state._replace(action=int(Action.PHOTO_SEND))
    assert min(pauses) >= 7.0 and 60.0 < max(pauses) < 67.0
    assert len(set(pauses)) == len(pauses)
    assert state.nerves.tries == 0
    assert step(state, Result.BUSY, retry_after=7.0).state.nerves.tries == 1


def test_three_in_ten_take_another_photo_when_their_client_gave_up_or_died():
    """A dead client costs no patience."""
    sending = until(Action.PHOTO_SEND, traits=NORMAL._replace(uploader=int(Uploader.TUS_JS)))
    given_up = sending._replace(nerves=sending.nerves._replace(repeats=4))
    for state, result, tries in ((given_up, Result.ERROR, 1), (sending, Result.KILLED, 0)):
        decisions = [step(state, result, number=number) for number in range(2000)]
        actions = [decision.action for decision in decisions]
        assert set(actions) == {Action.PHOTO_CREATE, Action.PHOTO_HEAD}
        assert actions.count(Action.PHOTO_CREATE) == pytest.approx(600, abs=80)
        assert {decision.state.nerves.tries for decision in decisions} == {tries}


def test_a_one_shot_photo_is_sent_whole_or_begun_anew():
    announcing = until(Action.PHOTO_CREATE, traits=NORMAL._replace(uploader=int(Uploader.ONE_SHOT)))
    assert step(announcing, Result.OK).state.progress.photo == 1
    broken = step(announcing, Result.ERROR)
    assert (broken.action, broken.state.nerves.tries) == (Action.PHOTO_CREATE, 1)


def test_time_up_in_the_test_hands_in_what_there_is():
    assert step(until(Action.ANSWER), Result.OVER).action == Action.SUBMIT


def test_a_wrong_digit_is_corrected_once_it_is_told():
    """Whoever typed it right joins without a correction; the corrected data count from then on."""
    looking = until(Action.LOOK, NORMAL._replace(mistyped=1))
    correcting = step(looking, Result.MISMATCH).state
    assert correcting.action == Action.CORRECT
    joining = step(correcting, Result.OK).state
    assert (joining.action, joining.progress.mistyped) == (Action.JOIN, 0)
    assert step(until(Action.LOOK), Result.MISMATCH).action == Action.JOIN


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (Result.NOT_ELIGIBLE, Reason.NOT_ELIGIBLE),
        (Result.WAVE_CLOSED, Reason.WAVE_CLOSED),
        (Result.ADDRESS_TAKEN, Reason.ADDRESS_TAKEN),
        (Result.NUMBER_TAKEN, Reason.IDENTITY_NUMBER_TAKEN),
        (Result.REFUSED, Reason.OTHER_REFUSAL),
    ],
)
def test_a_final_no_is_final(result, reason):
    end = step(until(Action.IDENTITY), result)
    assert (end.action, end.state.fate, end.state.reason) == (Action.LEAVE, Fate.REFUSED, reason)


def test_some_stop_by_themselves_after_a_stage_that_worked():
    """The share holds for each stage, and the stage they had reached is kept."""
    leaving = HABITS._replace(leave_share=0.1)
    ends = [travel(always_well, habits=leaving, number=number)[-1].state for number in range(600)]
    left = [end for end in ends if end.fate == Fate.ABANDONED]
    assert {end.reason for end in left} == {Reason.LOST_INTEREST}
    # Seven stages to leave after, from the account to the assessment.
    assert len(left) == pytest.approx(600 * (1 - 0.9**7), abs=50)
    assert {end.progress.furthest for end in left} == set(range(Furthest.ACCOUNT_CREATED, Furthest.WAVE_JOINED))


def test_who_starts_again_keeps_the_stage_reached():
    """A pass that is lost, then a ticket that is lost: standing in line once more undoes no admission."""
    state = step(until(Action.ACCOUNT), Result.LOST).state
    state = step(state, Result.LOST).state
    assert state.action == Action.TICKET
    for result in (Result.OK, Result.WAIT):
        assert step(state, result).state.progress.furthest == Furthest.ADMITTED
