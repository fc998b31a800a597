"""The machine of an applicant under any service: whatever it answers, everybody ends exactly once, and in order."""

import math

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from scenarios import journey, throttle
from scenarios.fates import Channel, Fate, Furthest, Manners, Reason
from scenarios.journey_state import Action, Decision, Result, Traits
from scenarios.setbacks import MOST_MISHAPS, NAIVE_REPEATS, is_photo
from scenarios.uploaders import MOST_FAILURES, Uploader
from tests.unit.test_journey import HABITS

TROUBLED = HABITS._replace(
    closes_s=400_000.0,
    rush_from_s=390_000.0,
    rush_share=0.5,
    switch_share=0.5,
    page_lost_share=0.5,
    late_typing_share=0.3,
    refresh_share=0.5,
)
"""Everything that goes wrong on the people's own side does, half of the time."""
IN_LINE = {Action.TICKET, Action.PLACE, Action.CLAIM}
TYPED = {Action.SESSION, Action.PHONE}
FAILURES = [Result.BUSY, Result.ERROR, Result.TIMEOUT, Result.LOST]
FINAL = [Result.NOT_ELIGIBLE, Result.WAVE_CLOSED, Result.ADDRESS_TAKEN, Result.NUMBER_TAKEN, Result.REFUSED]


def possible(action: int) -> list[Result]:
    """What a service can make of an action."""
    if action == Action.WAIT_CODE:
        return [Result.DELIVERED, Result.SILENCE]
    results = [Result.OK, *FAILURES]
    if action in IN_LINE:
        results.append(Result.WAIT)
    if action in TYPED:
        results += [Result.WRONG_CODE, Result.OLD_CODE]
    if action in (Action.PHOTO_SEND, Action.PHOTO_HEAD):
        results += [Result.PARTIAL, Result.FARTHER, Result.KILLED, Result.GONE]
    if action == Action.ANSWER:
        results.append(Result.OVER)
    if action == Action.LOOK:
        results.append(Result.MISMATCH)
    return results


class Journey(RuleBasedStateMachine):
    @initialize(
        tries=st.integers(1, 10),
        visits=st.sampled_from([-1, 1, 3]),
        channel=st.sampled_from([Channel.EMAIL, Channel.SMS]),
        mistyped=st.integers(0, 1),
        manners=st.sampled_from(Manners),
        uploader=st.sampled_from(Uploader),
        low_memory=st.integers(0, 1),
        number=st.integers(0, 2**40),
    )
    def somebody_comes(
        self,
        tries: int,
        visits: int,
        channel: Channel,
        mistyped: int,
        manners: Manners,
        uploader: Uploader,
        low_memory: int,
        number: int,
    ) -> None:
        traits = Traits(tries, visits, int(channel), mistyped, int(manners), int(uploader), low_memory)
        self.open_the_site(traits, number)

    def open_the_site(self, traits: Traits, number: int) -> None:
        self.number, self.now, self.accepted = number, 0.0, False
        self.state = journey.start(traits)
        self.throttle = throttle.FRESH
        self.before = self.state
        self.decision = Decision(self.state, self.state.action, 0.0)

    @precondition(lambda self: self.state.action == Action.LEAVE)
    @rule(number=st.integers(0, 2**40))
    def somebody_else_comes(self, number: int) -> None:
        self.open_the_site(self.state.traits, number)

    def answer(self, result: Result, retry_after: float) -> Result:
        """The client's next request, unless it holds it back, and the service's `result`; what the machine was told."""
        if self.state.action != Action.WAIT_CODE and self.state.traits.manners == Manners.ADAPTIVE:
            attempt = throttle.attempt(self.throttle, 3, self.number, self.now)
            if attempt.is_held_back:
                result, retry_after = Result.BUSY, attempt.throttle.told_s
            self.throttle = throttle.answered(attempt.throttle, result, retry_after, self.now)
        self.before = self.state
        self.accepted = self.accepted or (self.state.action == Action.JOIN and result == Result.OK)
        self.decision = journey.step(self.state, TROUBLED, 3, self.number, result, retry_after, self.now)
        self.state = self.decision.state
        self.now += self.decision.delay_s
        return result

    @precondition(lambda self: self.state.action != Action.LEAVE)
    @rule(data=st.data(), retry_after=st.floats(0, 600))
    def service_answers(self, data: st.DataObject, retry_after: float) -> None:
        self.answer(data.draw(st.sampled_from(possible(self.state.action))), retry_after)

    @precondition(lambda self: self.state.action != Action.LEAVE)
    @rule(times=st.integers(1, 30))
    def all_goes_well(self, times: int) -> None:
        for _ in range(times):
            if self.state.action != Action.LEAVE:
                self.answer(Result.DELIVERED if self.state.action == Action.WAIT_CODE else Result.OK, -1.0)

    @precondition(lambda self: self.state.action not in (Action.LEAVE, Action.WAIT_CODE, Action.LAST_LOOK))
    @rule(result=st.sampled_from(FINAL))
    def final_no(self, result: Result) -> None:
        is_own = result == Result.ADDRESS_TAKEN and self.state.action == Action.ACCOUNT and self.state.browser > 0
        if self.answer(result, -1.0) == result:
            assert (self.state.fate == Fate.REFUSED) != is_own

    @invariant()
    def delays_are_times(self) -> None:
        assert math.isfinite(self.decision.delay_s)
        assert self.decision.delay_s >= 0.0
        assert self.decision.action == self.state.action

    @invariant()
    def stages_are_never_undone(self) -> None:
        assert self.state.progress.furthest >= self.before.progress.furthest
        assert 0 <= self.state.progress.photo <= 2
        assert 0 <= self.state.progress.answers <= 18
        if self.state.progress.furthest >= Furthest.PHOTOS_UPLOADED:
            assert self.state.progress.photo == 2

    @invariant()
    def a_fate_belongs_to_the_end(self) -> None:
        if self.state.action == Action.LEAVE:
            assert self.state.fate in (Fate.JOINED, Fate.REFUSED, Fate.ABANDONED, Fate.FAILED)
            assert self.state.reason != Reason.NONE
        else:
            assert (self.state.fate == Fate.JOINED) == (self.state.action == Action.LAST_LOOK)
            assert self.state.fate in (0, Fate.JOINED)

    @invariant()
    def joined_means_told_so(self) -> None:
        assert (self.state.fate == Fate.JOINED) == self.accepted

    @invariant()
    def a_client_repeats_only_so_often(self) -> None:
        """However naive: after a few times it is the person's turn, whose patience is bounded. Uploads go on alone."""
        uploading = is_photo(self.state.action) or self.state.action == Action.LEAVE
        assert 0 <= self.state.nerves.repeats <= (max(MOST_FAILURES, NAIVE_REPEATS) if uploading else NAIVE_REPEATS)
        assert self.state.nerves.repeats == 0 or uploading or self.state.traits.manners == Manners.NAIVE

    @invariant()
    def accepted_requests_are_among_those_counted(self) -> None:
        memory = self.throttle
        counted = memory.requests + memory.requests_before
        assert memory.accepted + memory.accepted_before <= counted <= memory.attempts

    @invariant()
    def patience_is_bounded(self) -> None:
        if self.state.action != Action.LEAVE:
            assert self.state.nerves.tries < self.state.traits.tries
            assert self.state.nerves.busy <= HABITS.busy_limit
            assert self.state.nerves.mishaps < MOST_MISHAPS
            # One visit more, in the last hours.
            assert self.state.traits.visits < 0 or self.state.nerves.visits <= self.state.traits.visits


TestJourney = Journey.TestCase
TestJourney.settings = settings(max_examples=60, stateful_step_count=60)
