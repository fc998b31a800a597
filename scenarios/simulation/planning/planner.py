"""A plan from its order to its record: search, proof on other people, what lies around it, what tips it, what was."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from scenarios import plan_record
from scenarios.plan_record import Beside, Lived, Plan, Proof, Setting
from scenarios.simulation.assumptions import ASSUMPTIONS
from scenarios.simulation.figures import NotSimulated
from scenarios.simulation.planning import around, search, tipping
from scenarios.simulation.planning.chances import CONFIDENCE, chance
from scenarios.simulation.planning.goals import Goal, came_joined, judged, melts_below
from scenarios.simulation.planning.knobs import GATE, KNOBS, Values, with_
from scenarios.simulation.planning.order import Order
from scenarios.simulation.planning.outcome import Outcome
from scenarios.simulation.planning.prices import Prices
from scenarios.simulation.planning.search import Found, Standing
from scenarios.simulation.planning.sizing import Start
from scenarios.simulation.planning.trials import SLOWED, STRUCK, Trial, Trigger

Reply = dict[str, Any]
PROOFS = 3
"""Sets that are proved at most. Each proof has a third of what may go wrong, so that all of them together hold."""
PROOF_SEEDS_FROM = 1_000
"""Seeds of proofs lie so far above those of the search, and each proof's above the last one's, at least: no set was
ever fitted to them."""
_FIRST = 2
"""Seeds that a set is looked at with first: only where it holds with these the others are asked."""
_ADDED = 4
"""Of the seeds that break a set, those that do so most join the search, and are asked first from then on."""
_PLENTY = 3.0
"""Times the sizing is more than enough, once a set is known."""
_BLOWS = {
    (False, True): "standing still, with its protections",
    (False, False): "standing still, without protections",
    (True, True): "at half its rate, with its protections",
}
"""Slowed, protected -> in words."""


class LawBroken(RuntimeError):
    """A run in which people or work were lost or counted twice: nothing may be planned by it."""


@dataclass
class Planner:
    """Plays what it must and remembers what it saw. `play` answers trials in order."""

    order: Order
    goals: Sequence[Goal]
    prices: Prices
    seed: int
    seeds: int
    most: float
    play: Callable[[Sequence[Trial]], Sequence[Reply]]
    start: Start
    tell: Callable[[str, int], None] = lambda _what, _runs: None
    """Told what comes next, and how many more runs it takes from there to the end, about."""
    search_seeds: list[int] = field(default_factory=list)
    _looked: dict[int, list[tuple[Values, bool]]] = field(default_factory=dict)
    """By the number of seeds that were looked at."""

    def __post_init__(self) -> None:
        self.search_seeds = self.search_seeds or [self.seed, self.seed + 1]

    # ------------------------------------------------------------ looking

    def outcomes(self, trials: Sequence[Trial]) -> list[Outcome]:
        """What the trials come to. Raises LawBroken."""
        return [_lawful(trial, reply) for trial, reply in zip(trials, self.play(trials), strict=True)]

    def looks(self, sets: Sequence[Values]) -> list[Standing]:
        """How sets stand with the worst of the seeds of the search."""
        worst: list[Standing | None] = [None] * len(sets)
        for seeds in (self.search_seeds[:_FIRST], self.search_seeds[_FIRST:]):
            wanted = [place for place, known in enumerate(worst) if known is None or known.holds]
            trials = [Trial.of(sets[place], seed) for place in wanted for seed in seeds]
            standings = iter([self.standing(one) for one in self.outcomes(trials)])
            for place in wanted:
                these = [known for known in (worst[place], *islice(standings, len(seeds))) if known is not None]
                worst[place] = min(these, key=lambda one: one.slack)
        found = [standing for standing in worst if standing is not None]
        seen = self._looked.setdefault(len(self.search_seeds), [])
        seen += [(values, standing.holds) for values, standing in zip(sets, found, strict=True)]
        return found

    def standing(self, outcome: Outcome) -> Standing:
        """How one run stands to all goals."""
        nearest = min(judged(outcome, self.goals), key=lambda one: one.slack)
        return Standing(nearest.met, nearest.slack, nearest.goal.id)

    def melts(self, outcome: Outcome) -> bool:
        return came_joined(outcome) < melts_below(self.goals)

    # ------------------------------------------------------------ the plan

    def made(self, about: Callable[[], tuple[int, float]]) -> Plan:
        """The whole plan. about: runs so far and the seconds of CPU they took. Raises LawBroken, NotSimulated."""
        self.tell("the least of each knob", 100 + self.seeds + 200)
        found = search.cheapest(self.looks, self.start.sizing, self.start.gate, self.prices.cost, self.most)
        if found.values is None:
            return self._record(about, found, None)
        found, proof = self._proved(found, found.values)
        if found.values is None:
            return self._record(about, found, None)
        values = found.values
        self.tell("a little more and less of each", 170)
        (usual,) = self.outcomes([Trial.of(values, self.seed)])
        sensitivities = around.sensitivities(values, usual.joined, self._seen)
        self.tell("one knob against another", 140)
        plenty_at = partial(self._plenty_at, found)
        frontiers = around.frontiers(_pairs(sensitivities), values, found.least, plenty_at, self.looks)
        self.tell("how hard it can be struck", 40)
        tips, not_tried = self._tips(values, sensitivities, usual)
        self.tell("the night as it was launched", 2)
        beside, why, bands, remarks = self._beside(values)
        return self._record(
            about, found, values, proof=proof, sensitivities=sensitivities, frontiers=frontiers, tips=tips,
            beside=beside, beside_not_known_because=why, bands=bands, remarks=[*not_tried, *remarks],
        )  # fmt: skip

    def _proved(self, found: Found, values: Values) -> tuple[Found, Proof]:
        """The set on people that had no part in its choice; where it misses, they have one, and others judge it.

        Found none: with these people nothing within `most` holds, and the proof is of the last set that seemed to.
        """
        sure = 1.0 - (1.0 - CONFIDENCE) / PROOFS
        for turn in range(PROOFS):
            first = self.seed + max(PROOF_SEEDS_FROM, self.seeds) * (turn + 1)
            self.tell("the same set with other people", self.seeds + 250)
            outcomes = self.outcomes([Trial.of(values, first + place) for place in range(self.seeds)])
            standings = [self.standing(one) for one in outcomes]
            misses = [place for place in range(self.seeds) if not standings[place].holds]
            proof = Proof(
                first_seed=first,
                misses=plan_record.Probability(**chance(len(misses), self.seeds, sure).to_dict()),
                meltdowns=plan_record.Probability(**chance(sum(map(self.melts, outcomes)), self.seeds, sure).to_dict()),
                lost=tuple(1.0 - came_joined(one) for one in outcomes),
                rounds=turn + 1,
            )
            if not misses or turn == PROOFS - 1:
                break
            misses.sort(key=lambda place: standings[place].slack)
            self.search_seeds[:0] = [first + place for place in misses[:_ADDED]]
            found = self._again(found, values)
            if found.values is None:
                break
            values = found.values
        return found, proof

    def _again(self, found: Found, values: Values) -> Found:
        """The same search after more has become known; where plenty is too little, with the most there may be."""
        most = search.at_times(self.start.sizing, self.start.gate, self.most)
        roomy = self._plenty_at(found, 2.0 * values[GATE])
        better = search.once_more(
            self.looks, found, {name: min(roomy[name], most[name]) for name in KNOBS}, self.prices.cost
        )
        return better if better.values is not None else search.once_more(self.looks, found, most, self.prices.cost)

    def _seen(self, sets: Sequence[Values]) -> list[around.Seen]:
        """On the people of the first seed."""
        outcomes = self.outcomes([Trial.of(values, self.seed) for values in sets])
        return [around.Seen(self.standing(one), one.joined) for one in outcomes]

    def _plenty_at(self, found: Found, gate: float) -> Values:
        """More than enough of everything where the gate lets in so many a second: no less than was plenty before."""
        guess, values = self.start.sizing(gate), found.values or {}
        return {
            name: max(knob.at_least(guess[name] * _PLENTY), found.plenty[name], values.get(name, 0.0))
            for name, knob in KNOBS.items()
        }

    def _tips(
        self, values: Values, sensitivities: Sequence[around.Sensitivity], usual: Outcome
    ) -> tuple[list[tipping.Tip], list[str]]:  # fmt: skip
        """The shortest blows to what most hangs on: with the protections and without, standing still and slowed; and
        which of these kinds cannot be played, and why."""
        knob = next((one.knob for one in sensitivities if one.knob in STRUCK), "web")
        start_s = usual.busiest_s[knob]
        kinds = [(False, True)]  # the gate is itself a protection: without them there is none to be struck
        kinds += [(False, False)] if knob != GATE else []
        kinds += [(True, True)] if knob in SLOWED else []

        def struck(lengths: Sequence[tipping.Struck]) -> list[tipping.Blow | str]:
            trials = [
                Trial.of(
                    values, self.seed, unprotected=not protected,
                    trigger=Trigger(knob, start_s, length_s, slowed) if length_s else None,
                )
                for slowed, protected, length_s in lengths
            ]  # fmt: skip
            try:
                return [self._blow(one) for one in self.outcomes(trials)]
            except NotSimulated:  # one of them; each by itself tells which
                return [self._blow_or_why(trial) for trial in trials]

        found = search.together(struck, [
            tipping.unless_unplayed(tipping.shortest(knob, slowed, safe, start_s)) for slowed, safe in kinds
        ])  # fmt: skip
        return [tip for tip in found if isinstance(tip, tipping.Tip)], [
            f"the shortest blow to the {KNOBS[knob].what} that tips it, {_BLOWS[kind]}, is not known: {why}"
            for kind, why in zip(kinds, found, strict=True)
            if isinstance(why, str)
        ]

    def _blow_or_why(self, trial: Trial) -> tipping.Blow | str:
        try:
            return self._blow(*self.outcomes([trial]))
        except NotSimulated as fault:
            return str(fault)

    def _blow(self, outcome: Outcome) -> tipping.Blow:
        after = 1.0 - outcome.after_joined / outcome.after_wanted if outcome.after_wanted else None
        return tipping.Blow(self.melts(outcome), 1.0 - came_joined(outcome), after)

    def _beside(
        self, values: Values
    ) -> tuple[Beside | None, str, list[dict[str, Any]], list[str]]:  # fmt: skip
        """The night with this set and the one as launched, on the same people; and what theory says of the first."""
        with_set = Trial.of(values, self.seed, closely=True)
        as_launched = replace(with_set, unprotected=True, as_launched=True)
        (safe,) = self.play([with_set])
        protected = _lawful(with_set, safe)
        try:
            (bare,) = self.play([as_launched])
        except NotSimulated as fault:
            return None, str(fault), safe["bands"], safe["remarks"]
        launched = _lawful(as_launched, bare)
        one, other = (_joined(each["joined"], protected.people) for each in (safe, bare))
        night = self.order.night
        beside = Beside(
            people=protected.people,
            seed=self.seed,
            protected=self._lived(protected, self.order.partners, night),
            launched=self._lived(launched, self.order.launched, night),
            both=int((one & other).sum()),
            only_protected=int((one & ~other).sum()),
            only_launched=int((~one & other).sum()),
            neither=int((~one & ~other).sum()),
        )
        return beside, "", safe["bands"], safe["remarks"]

    def _lived(self, outcome: Outcome, partners: str, night: Any) -> Lived:
        curve = plan_record.Curve(
            outcome.step_s, **{name: tuple(counts) for name, counts in outcome.curves.items()}
        )  # fmt: skip
        return Lived(
            title=night.partners[partners].title,
            partners=partners,
            fates=outcome.fates,
            wanted=outcome.wanted,
            joined=outcome.joined,
            goals=tuple(self._asked(goal, [outcome]) for goal in self.goals),
            curve=curve,
        )

    # ------------------------------------------------------------ the record

    def _asked(self, goal: Goal, outcomes: Sequence[Outcome]) -> plan_record.Asked:
        """How the worst of some runs stands to a goal."""
        verdicts = [judged(outcome, [goal])[0] for outcome in outcomes]
        worst = min(verdicts, key=lambda one: one.slack) if verdicts else None
        return plan_record.Asked(
            goal.id, goal.bound, goal.at_most, goal.origin,
            None if worst is None else worst.value, None if worst is None else worst.met,
        )  # fmt: skip

    def _settings(self, values: Values, least: Values) -> tuple[Setting, ...]:
        """The set, each knob with what is missed one step below."""
        below = {
            name: knob.steps[knob.place(values[name]) - 1]
            for name, knob in KNOBS.items()
            if knob.place(values[name]) > 0
        }
        standings = dict(
            zip(below, self.looks([with_(values, name, amount) for name, amount in below.items()]), strict=True)
        )
        return tuple(
            Setting(
                knob=name,
                unit=knob.unit,
                amount=values[name],
                least=least.get(name, values[name]),
                price=self.prices.of[name],
                breaks_at=below.get(name),
                breaks=standings[name].worst if name in below and not standings[name].holds else "",
            )
            for name, knob in KNOBS.items()
        )

    def _record(
        self, about: Callable[[], tuple[int, float]], found: Found, values: Values | None, **parts: Any
    ) -> Plan:  # fmt: skip
        order, prices = self.order, self.prices
        settings = () if values is None else self._settings(values, found.least)
        outcomes = [] if values is None else self.outcomes([Trial.of(values, seed) for seed in self.search_seeds])
        seen = [search.once(each) for each in self._looked.values()]
        runs, cpu_s = about()
        return Plan(
            schema=plan_record.SCHEMA,
            id="",
            simulated=True,
            night=order.night.name,
            title=order.night.title,
            order=plan_record.Order(
                order.partners, order.reading, order.people, order.cut, order.speed, order.pace, self.seed,
                tuple(self.search_seeds), self.seeds, self.most,
            ),
            calibration="",
            calibration_digest=order.costs_digest,
            price_unit=prices.unit,
            prices_assumed=prices.status == "assumption",
            arrivals=self.start.arrivals,
            arrived_by_s=self.start.arrived_by_s,
            goals=tuple(self._asked(goal, outcomes) for goal in self.goals),
            unjudged=(),
            melts_below=melts_below(self.goals),
            found=settings,
            cost=None if values is None else prices.cost(values),
            least_cost=prices.cost(found.least) if found.least else None,
            no_set_because=found.worst,
            tried=() if values is not None else tuple(
                Setting(name, knob.unit, found.plenty[name], 0.0, prices.of[name], None, "")
                for name, knob in KNOBS.items()
            ),
            sensitivities=tuple(
                plan_record.Sensitivity(
                    one.knob, one.elasticity, tuple(plan_record.Change(**asdict(each)) for each in one.changes)
                )
                for one in parts.get("sensitivities", ())
            ),
            frontiers=tuple(
                plan_record.Frontier(
                    one.x, one.y, tuple(plan_record.Point(x, y) for x, y in one.points), one.exchange,
                    around.worth(one, prices.of),
                )
                for one in parts.get("frontiers", ())
            ),
            proof=parts.get("proof"),
            tips=tuple(_tip(one) for one in parts.get("tips", ())),
            beside=parts.get("beside"),
            beside_not_known_because=parts.get("beside_not_known_because", ""),
            bands=tuple(plan_record.Band(**each) for each in parts.get("bands", ())),
            unordered=sum(len(search.unordered(each)) for each in seen),
            compared=sum(map(len, seen)),
            assumptions=ASSUMPTIONS,
            remarks=tuple(parts.get("remarks", ())),
            runs=runs,
            runs_cpu_s=cpu_s,
            versions={},
        )  # fmt: skip


def _lawful(trial: Trial, reply: Reply) -> Outcome:
    """What a trial came to. Raises LawBroken."""
    found = Outcome.from_dict(reply["outcome"])
    if found.broken_laws:
        raise LawBroken(f"seed {trial.seed}: {'; '.join(found.broken_laws)}")
    return found


def _pairs(sensitivities: Sequence[around.Sensitivity]) -> list[tuple[str, str]]:
    """The two knobs on which most hangs, one against the other, and the gate against the first machine among them."""
    first, second = (one.knob for one in sensitivities[:2])
    x, y = (second, first) if second == GATE else (first, second)
    machine = next(one.knob for one in sensitivities if one.knob in ("web", "database"))
    return list(dict.fromkeys([(x, y), (GATE, machine), ("database", "web")]))


def _joined(packed: str, people: int) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    bits = np.frombuffer(base64.b64decode(packed), np.uint8)
    return np.unpackbits(bits)[:people].astype(bool)


def _tip(one: tipping.Tip) -> plan_record.Tip:
    told = one.to_dict()
    blows = tuple(plan_record.Blow(**each) for each in told.pop("tried"))
    return plan_record.Tip(**told, tried=blows)
