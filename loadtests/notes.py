"""What the crowd of one process writes down of its people: roster, receipts, its metrics, and Locust's own tables.

Counts are written straight into Locust's tables, which costs a tenth of its request events.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from loadtests.actions import OF_PHOTOS, PHOTO_CREATE, PHOTO_SEND, PROVING_CODE
from loadtests.applicant import Applicant, Reading, Request
from loadtests.connections import Answer
from loadtests.receipts import Receipts
from loadtests.roster import Roster
from loadtests.swarm_metrics import SwarmMetrics
from scenarios.fates import Fate, Furthest
from scenarios.journey_state import Action, State
from scenarios.networks import Cut

ANSWERED = frozenset({"ok", "refused", "busy"})
AWAIT_CODE = frozenset({Action.CODE, Action.CODE_AGAIN, Action.WAIT_CODE})
"""A message may be faster than the answer to the request for it."""


class Notes:
    """The books of one crowd."""

    def __init__(
        self,
        due: Any,
        numbers: Any,
        routes: Iterable[str],
        live: Callable[[], int],
        due_by_now: Callable[[], int],
        stats: Any,
        now: Callable[[], float],
    ) -> None:
        """due, numbers: as of a Share; live: how many are on their way; stats: Locust's RequestStats; now: the clock
        that times requests."""
        self.roster = Roster(due, numbers)
        self.receipts = Receipts()
        self.metrics = SwarmMetrics(routes, len(due), live, due_by_now, now)
        self._stats = stats

    def started(self, one: Applicant, now: float) -> None:
        """She is on her way."""
        self.metrics.arrivals += 1
        person, row = one.person, one.row
        if self.roster.columns["taken_over"][row]:  # late because of the lost worker: no fault of the clock
            self.metrics.taken_over += 1
        else:
            self.metrics.lateness.observe(max(0.0, now - self.roster.columns["due"][row]))
        self.roster.start(
            row,
            started=now,
            province=person.province,
            network=person.network,
            patience=person.patience,
            manners=person.manners,
            channel=one.state.traits.channel,
        )

    def measured(self, request: Request, answer: Answer, outcome: str, delay: float, service: float) -> None:
        """A request has ended. delay: from the intended instant until it was made; service: until the answer was read,
        without the time it was blocked."""
        figures = self.metrics.routes[request.route]
        if outcome != "transport":  # a broken connection is no answer, and would count as a fast one
            figures.answered(delay, answer.blocked, service)
        figures.outcomes[outcome] += 1
        self._stats.log_request(request.method, request.route, 1000.0 * service, len(answer.body))
        if outcome not in ANSWERED:
            self._stats.log_error(request.method, request.route, answer.failure or f"status {answer.status}")

    def answered(self, one: Applicant, request: Request, answer: Answer, outcome: str, *, more: bool = False) -> None:
        """What her action's request was in the end; the machine has not moved on yet. more: it needs another one."""
        self.metrics.routes[request.route].firsts += one.attempts.is_first(one.state, more=more)
        columns, row = self.roster.columns, one.row
        columns["requests"][row] += 1
        action = one.state.action
        if request.body:
            columns["bytes_sent"][row] += answer.sent
            if action in OF_PHOTOS:
                columns["photo_tries"][row] += 1
                self.metrics.photo_bytes["sent"] += answer.sent
                self.metrics.photo_resumes += one.offset > 0 and action == PHOTO_SEND
        if answer.cut:
            self.metrics.cuts[Cut(answer.cut)] += 1
        if action == PHOTO_CREATE:
            columns["photos_started"][row] = max(columns["photos_started"][row], one.state.progress.photo + 1)
        elif one.asks_code():
            columns["codes_asked"][row] += 1
        elif action in PROVING_CODE and request.body and outcome == "ok":
            columns["codes_accepted"][row] += 1

    def refreshed(self, one: Applicant, effect: tuple[str, object] | None) -> None:
        """Her browser sends a request again whose answer is still out: a no to one says nothing of the other."""
        self.metrics.refreshes += 1
        self.roster.columns["requests"][one.row] += 1
        if effect is not None:
            self.receipts.unanswered(*effect)

    def delivered(self, one: Applicant | None, channel: int) -> None:
        """A message with a code reached a phone or mailbox; one: None when its owner has left."""
        is_awaited = one is not None and one.state.code.channel == channel and one.state.action in AWAIT_CODE
        self.metrics.codes["awaited" if is_awaited else "unread"] += 1

    def told(self, effect: tuple[str, object], reading: Reading, outcome: str) -> None:
        """What an answer says of the effect that was asked for."""
        if reading.receipt:
            self.receipts.acknowledged(*effect, reading.receipt)
        elif outcome in ANSWERED and not reading.untold:
            self.receipts.declined(*effect)
        else:
            self.receipts.unanswered(*effect)

    def moved_on(self, one: Applicant, before: State, now: float) -> None:
        """The machine has decided: what that completed."""
        after = one.state
        if after.progress.furthest > before.progress.furthest:
            self._reached(one, after.progress.furthest, now)
        if after.nerves.retries > before.nerves.retries:
            self.roster.columns["retries"][one.row] += 1
        setbacks = self.metrics.setbacks
        setbacks["visit_ended"] += after.nerves.visits > before.nerves.visits
        setbacks["browser_changed"] += after.browser > before.browser
        setbacks["page_lost"] += after.pages > before.pages
        if after.progress.photo > before.progress.photo:
            self.roster.columns["photos_stored"][one.row] += 1
            self.metrics.photo_bytes["stored"] += len(one.photo)

    def ended(self, one: Applicant, fate: int, reason: int, now: float) -> None:
        """Her way has ended."""
        self.roster.end(one.row, fate, reason, now)
        self.receipts.forget(one.number)
        self.metrics.fates[Fate(fate)] += 1

    def _reached(self, one: Applicant, furthest: int, now: float) -> None:
        new: Sequence[Furthest] = self.roster.reach(one.row, furthest, now)
        for stage in new:
            self.metrics.stages[stage] += 1
        if Furthest.TICKETED in new and one.wait_range is not None:
            self.roster.put(one.row, wait_low=one.wait_range[0], wait_high=one.wait_range[1])
        if Furthest.ADMITTED in new:
            ticketed_at = self.roster.columns[Furthest.TICKETED.column][one.row]
            self.roster.put(one.row, wait=now - ticketed_at)
