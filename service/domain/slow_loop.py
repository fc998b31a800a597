"""The slow loop at the gate: what each stage was seen to bear, and the rate chosen from it.

Not a compiled rule, but without I/O: whoever leads the gate reads the figures that every replica writes and hands them
over. A new leader knows the rate that holds and nothing else, and goes on from there. A simulated night is looked at by
the same object.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from service.domain import admission as rules
from service.domain.admission import Choice, Load
from service.domain.stage_figures import StageTotal

WAITED_AT = ("email", "sms", "photo_intake", "assessment", "steps", "identity")
"""Stages of which the rate may have to take account; identity alone is nothing that anybody waits for. Steps are
what is answered at once on the way, by the database in the end."""
LIMITS = {"email": rules.CODE_LIMIT, "sms": rules.CODE_LIMIT, "photo_intake": rules.PHOTOS_LIMIT}
CODES = ("email", "sms")
LINES = (*CODES, "identity")
DRAIN_CHECKS_S = 240.0
"""In so many seconds the part of the identity queue that would end too late shall be gone; as `DRAIN_S`."""
WEB, WORKER = "steps", "email"
"""Figures that every web replica and every worker tells."""
REACH = {
    "email": 180.0, "sms": 180.0, "photo_intake": 300.0, "assessment": 600.0, "steps": 30.0, "identity": 240.0,
}  # fmt: skip
"""Seconds after which nearly everybody who was let in has come to the stage, or never will: a cut shows there by then.
Too long is safe, a second cut comes later; too short cuts twice for the same people: half of them ask for a code after
75 s, nearly all within 180. Of two million people behind e-mails that bind 95 % of what these allow finish; with 60 s
it was 92 % (docs/decisions.md)."""
FAR = "photo_intake"
"""People stand in line there minutes after the gate: the rate is steered by those on their way to it."""
FARTHEST = max(REACH.values())
UNPROVED = 300.0
"""Seconds, as REACH, while no stage has bound: how carefully a planned rate is exceeded."""
SPAN = {"photo_intake": 60.0, "identity": 60.0}
"""Seconds over which the growth of a line is measured where nothing is gained by speed; else one look."""
LONG_BORNE = 5.0
"""Times the way to the stage that bound: after so long without a strain what was measured there says nothing more. What
came meanwhile, and passed, is known to be borne, and the rate rises from there."""
HEARD_WITHIN = 60.0
"""A replica that falls silent makes the gate blind for so long; then it counts as stopped."""
_UNKNOWN = StageTotal("", 0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Seen:
    """The stages at one moment."""

    totals: Mapping[str, StageTotal]
    depths: Mapping[str, float]
    """Jobs in each queue."""
    closes_in: float
    """Seconds until the wave closes."""

    @property
    def whole(self) -> bool:
        """A web replica and a worker are heard of."""
        return WEB in self.totals and WORKER in self.totals

    @property
    def replicas(self) -> int:
        return self.total(WEB).replicas + self.total(WORKER).replicas

    def total(self, stage: str) -> StageTotal:
        return self.totals.get(stage, _UNKNOWN)

    def waiting(self, stage: str) -> float:
        return self.depths[stage] if stage in self.depths else self.total(stage).used

    def late_per_s(self, stage: str) -> float:
        """Answers that came later than a second."""
        return self.total(f"{stage}_late").done_per_s

    def refused_per_s(self, stage: str) -> float:
        """Those who were refused at the door, or at a queue because it is full. A worker does not know the latter."""
        return self.total(full(stage) if stage in LINES else stage).refused_per_s


@dataclass(frozen=True, slots=True)
class Chosen:
    """What one look came to."""

    rate_per_s: float
    binding: str
    """The stage that cut the rate at this look or the last cut before; empty: none."""
    strains: Mapping[str, float]
    blind: bool


def full(queue: str) -> str:
    """The stage under which web replicas tell whom they refused because that queue is full."""
    return f"{queue}_full"


def first_rate_per_s(most_per_s: float, planned_per_s: float | None, binding: str, held_per_s: float) -> float:
    """What a new leader begins with: a rate that a stage bounds goes on, else as planned.

    planned_per_s: None for the whole limit. held_per_s: the rate that holds; 0: nobody comes in.
    """
    if binding and held_per_s > 0.0:
        return min(most_per_s, held_per_s)
    return min(most_per_s, planned_per_s or most_per_s)


@dataclass(slots=True)
class _Rate:
    at: float
    per_s: float


@dataclass(frozen=True, slots=True)
class _Ahead:
    """The far stage. aim_per_s: the rate that its line asks for; -1: none."""

    strain: float
    aim_per_s: float = -1.0


@dataclass(slots=True)
class SlowLoop:
    """Chooses the rate look by look. start_per_s: the rate that holds; binding: the stage that bound it, if one did."""

    start_per_s: float
    now: float
    binding: str = ""
    _choice: Choice = field(init=False)
    _came: deque[_Rate] = field(init=False, default_factory=deque)
    _looks: deque[tuple[float, Seen]] = field(init=False, default_factory=deque)
    _kept_up: float = field(init=False, default=0.0)
    """People a second that the far stage keeps up with, as far as it is known."""
    _at: float = field(init=False)
    _most: float = field(init=False, default=math.inf)
    _heard: deque[_Rate] = field(init=False, default_factory=deque)

    def __post_init__(self) -> None:
        self._choice = Choice(self.start_per_s, self.start_per_s, 0.0)
        self._at = self.now

    def look(self, now: float, seen: Seen | None, used_per_s: float, most_per_s: float) -> Chosen:
        """The rate from now on. seen: None when the figures could not be read.

        now: seconds of a clock that never jumps. used_per_s: people let in since the last look.
        """
        elapsed, self._at = now - self._at, now
        unbound = not self.binding and self._choice.rate_per_s >= self._most
        if unbound and most_per_s > self._most:  # an operator raised the limit, and no stage says otherwise
            self._choice = Choice(most_per_s, most_per_s, 0.0)
        self._most = most_per_s
        rate = min(self._choice.rate_per_s, most_per_s)
        self._choice = Choice(rate, self._choice.capacity_per_s, self._choice.calm_s)
        self._came.append(_Rate(now, rate if used_per_s >= rules.IN_USE * rate else used_per_s))
        while self._came[0].at < now - FARTHEST:
            self._came.popleft()
        if seen is None or not self._sees(seen, now):
            self._looks.clear()
            self._choice = rules.held(self._choice, elapsed)
            return Chosen(rate, self.binding, {}, blind=True)
        while len(self._looks) > 1 and self._looks[1][0] <= now - max(SPAN.values()):
            self._looks.popleft()
        strains: dict[str, float] = {}
        if self._looks:
            loads = {stage: self._load(stage, seen, now) for stage in WAITED_AT}
            ahead = self._look_ahead(seen, now, elapsed)
            self._decide(loads, ahead.aim_per_s, now, used_per_s, most_per_s, elapsed)
            strains = {stage: load.strain for stage, load in loads.items()}
            strains[FAR] = max(strains[FAR], ahead.strain)
        self._looks.append((now, seen))
        return Chosen(self._choice.rate_per_s, self.binding, strains, blind=False)

    def _load(self, stage: str, seen: Seen, now: float) -> Load:
        at, before = self._before(stage, now)
        return _load(stage, seen, before, now - at)

    def _before(self, stage: str, now: float) -> tuple[float, Seen]:
        """The look with which this one is compared."""
        long_ago = [each for each in self._looks if each[0] <= now - SPAN.get(stage, 0.0)]
        return long_ago[-1] if long_ago else self._looks[0]

    def _look_ahead(self, seen: Seen, now: float, elapsed: float) -> _Ahead:
        """Steers from the first time that the line is not short, and then while too many are on their way."""
        waiting, done, reach, limit = seen.waiting(FAR), seen.total(FAR).done_per_s, REACH[FAR], LIMITS[FAR]
        if waiting <= 0.0:
            return _Ahead(0.0)
        at, before = self._before(FAR, now)
        grew = (waiting - before.waiting(FAR)) / (now - at)
        line = rules.line_s(waiting, grew, done)
        calm = line < rules.CALM * limit
        came = self._mean(now - reach, now - reach / 2.0)
        self._kept_up = rules.kept_up_per_s(self._kept_up, came, grew, done, calm, elapsed)
        ahead = rules.line_ahead_s(line, self._mean(now - reach, now), self._kept_up, reach)
        if calm and (self.binding != FAR or ahead < rules.STEADY * limit):
            return _Ahead(line / limit)
        return _Ahead(line / limit, rules.aim_per_s(self._kept_up, ahead, limit, reach))

    def follow(self, rate_per_s: float) -> None:
        """An operator has set the rate: what is chosen later begins from there."""
        self._choice = Choice(rate_per_s, self._choice.capacity_per_s, self._choice.calm_s)

    def _sees(self, seen: Seen, now: float) -> bool:
        """Whether everybody is heard who was heard of in the last minute."""
        self._heard.append(_Rate(now, seen.replicas))
        while self._heard[0].at < now - HEARD_WITHIN:
            self._heard.popleft()
        return seen.whole and seen.replicas >= max(each.per_s for each in self._heard)

    def _decide(
        self, loads: Mapping[str, Load], aim: float, now: float, used_per_s: float, most_per_s: float, elapsed: float
    ) -> None:
        came = {stage: self._highest(now - REACH[stage]) for stage in WAITED_AT}
        bounds = {stage: rules.bound_per_s(loads[stage], came[stage]) for stage in WAITED_AT}
        tightest = min(
            (stage for stage in WAITED_AT if bounds[stage] >= 0.0), key=lambda each: bounds[each], default=""
        )
        worst = max(WAITED_AT, key=lambda each: loads[each].strain)
        before, calm = self._choice, loads[worst].strain < rules.CALM
        if tightest and bounds[tightest] < self._choice.rate_per_s:
            capacity = rules.capacity_per_s(loads[tightest], came[tightest])
            self._choice = rules.cut(self._choice, bounds[tightest], capacity, most_per_s)
            self.binding = tightest
        elif not calm:
            self._choice = rules.eased(self._choice, came[worst], elapsed)
        else:
            reach = REACH.get(self.binding, UNPROVED)
            borne = self._kept_up if self.binding == FAR else self._borne(now, reach)
            before = before._replace(capacity_per_s=max(before.capacity_per_s, borne))
            self._choice = rules.risen(before, reach, used_per_s, most_per_s, elapsed)
            if self._choice.rate_per_s >= most_per_s:
                self.binding = ""
        if aim >= 0.0 and (calm or aim < self._choice.rate_per_s):
            self._choice = rules.steered(before, aim, self._kept_up, most_per_s)
            self.binding = FAR

    def _borne(self, now: float, reach: float) -> float:
        """The lowest rate at which people came who have all passed the stage that bound; 0: nobody knows."""
        if not self.binding or self._choice.calm_s < LONG_BORNE * reach:
            return 0.0
        return min((each.per_s for each in self._came if now - 1.5 * reach <= each.at <= now - reach), default=0.0)

    def _mean(self, since: float, until: float) -> float:
        """The mean rate at which people came then; before the first look it was that of the start."""
        known = [each.per_s for each in self._came if since <= each.at < until]
        return sum(known) / len(known) if known else self.start_per_s

    def _highest(self, since: float) -> float:
        """The highest rate at which people came since then; before the first look it was that of the start."""
        known = [each.per_s for each in self._came if each.at >= since]
        return max([*known, self.start_per_s] if since < self.now else known)


def _load(stage: str, seen: Seen, before: Seen, elapsed: float) -> Load:
    now, refused = seen.total(stage), seen.refused_per_s(stage)
    more_refused = (refused - before.refused_per_s(stage)) / elapsed
    answers = rules.load_of_answers(now.done_per_s, seen.late_per_s(stage), refused, more_refused)
    if stage not in LINES:
        return answers
    limit = LIMITS[stage] if stage in LIMITS else rules.CLOSE_SHARE * seen.closes_in
    grew = (seen.waiting(stage) - before.waiting(stage)) / elapsed
    drain = rules.DRAIN_S if stage in CODES else DRAIN_CHECKS_S
    return rules.worse(rules.load_of_line(seen.waiting(stage), grew, now.done_per_s, limit, drain), answers)
