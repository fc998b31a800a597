"""A whole plan on a service whose needs are written down: what it finds, proves, ranks and tips is known beforehand."""

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.plan_verdict import judge
from scenarios.catalogue import load
from scenarios.plan_record import Plan
from scenarios.record import RecordError
from scenarios.simulation.figures import NotSimulated
from scenarios.simulation.planning import goals, planner, prices
from scenarios.simulation.planning.knobs import KNOBS, Values, with_
from scenarios.simulation.planning.order import Order
from scenarios.simulation.planning.plan_view import lines
from scenarios.simulation.planning.planner import LawBroken, Planner
from scenarios.simulation.planning.search import at_times
from scenarios.simulation.planning.sizing import Start
from scenarios.simulation.planning.trials import Trial
from tests.unit.planned_service import NEEDS, sizing, slack
from tests.unit.simulated_nights import COSTS
from tests.unit.test_plan_parts import outcome

NIGHT = load("prakerja-wave-1")
PEOPLE = 1_000
NEEDED = {name: knob.at_least(NEEDS[name]) for name, knob in KNOBS.items()}


class Written:
    """Answers trials by what is written down: what is missing of any knob loses as many people.

    of: what is missing. unlucky: share of the seeds of proofs that need `more` web processes more. tips_s: a blow
    longer than this, protected or not, loses a third of the people; without protections three times as early. broken:
    laws, of the night as launched alone where `only_launched` says so. unbounded: no blow without protections can be
    played.
    """

    def __init__(
        self, unlucky: float = 0.0, tips_s: float = 200.0, broken: tuple[str, ...] = (), *, more: float = 1.0,
        of: Callable[[Values], float] = slack, only_launched: bool = False, unbounded: bool = False,
    ) -> None:  # fmt: skip
        self.unlucky, self.tips_s, self.broken, self.more = unlucky, tips_s, broken, more
        self.of, self.only_launched, self.unbounded = of, only_launched, unbounded
        self.trials: list[Trial] = []

    def __call__(self, trials: Sequence[Trial]) -> list[dict[str, Any]]:
        self.trials += trials
        return [self._reply(trial) for trial in trials]

    def _reply(self, trial: Trial) -> dict[str, Any]:
        if self.unbounded and trial.unprotected and trial.trigger is not None:
            raise NotSimulated("a queue without a bound outgrew its room")
        lost = self._lost(trial)
        wanted = PEOPLE - round(lost * PEOPLE)
        curves = {name: [0, PEOPLE] for name in ("came", "joined", "line", "live")}
        found = outcome(
            people=PEOPLE, wanted=PEOPLE, joined=wanted, admitted_wanted=PEOPLE, admitted_joined=wanted, fates={},
            busiest_s=dict.fromkeys(KNOBS, 60.0), curves=curves,
            after_wanted=100 if trial.trigger else 0, after_joined=50 if trial.trigger else 0,
            broken_laws=self.broken if trial.as_launched or not self.only_launched else (),
        )  # fmt: skip
        joined = np.arange(PEOPLE) < wanted
        return {"outcome": found.to_dict(), "bands": [], "remarks": ["onlookers: not simulated"],
                "joined": base64.b64encode(np.packbits(joined).tobytes()).decode()}  # fmt: skip

    def _lost(self, trial: Trial) -> float:
        values: Values = trial.values
        if trial.seed > planner.PROOF_SEEDS_FROM and trial.seed % 20 < 20 * self.unlucky:
            values = with_(values, "web", values["web"] - self.more)
        short = self.of(values)
        lost = 0.0 if short >= -1e-9 else min(0.06 - short, 1.0)
        tips_s = self.tips_s if not trial.unprotected else self.tips_s / 3.0
        if trial.trigger is not None and trial.trigger.length_s > tips_s:
            lost = max(lost, 0.33)
        return max(lost, 0.6) if trial.as_launched else lost


def planned(played: Written, **changes: Any) -> Plan:
    asked, _ = goals.goals(NIGHT, [])
    order = Order(NIGHT, "prepared", NIGHT.curve.default, "20", True, 1.0, 1.0, COSTS)
    begun = Start(sizing, 90.0, PEOPLE, 3600.0)
    usual: dict[str, Any] = {"seed": 1, "seeds": 20, "most": 8.0, "start": begun}
    return Planner(order, asked, prices.load(), play=played, **{**usual, **changes}).made(
        lambda: (len(played.trials), 0.0)
    )


@pytest.fixture(scope="module")
def plan() -> Plan:
    return planned(Written())


def test_the_set_that_is_needed_is_found_and_none_can_be_cheaper(plan: Plan) -> None:
    assert {one.knob: one.amount for one in plan.found} == NEEDED
    assert plan.cost == plan.least_cost == pytest.approx(prices.load().cost(NEEDED))
    for one in plan.found:
        assert one.breaks_at is not None and one.breaks_at < one.amount and one.breaks in goals.PEOPLE
    assert plan.unordered == 0 and plan.compared > 40


def test_it_is_proved_on_people_that_had_no_part_in_the_search(plan: Plan) -> None:
    assert plan.proof is not None and plan.proof.first_seed > planner.PROOF_SEEDS_FROM
    assert (plan.proof.misses.count, plan.proof.misses.runs, plan.proof.rounds) == (0, 20, 1)
    assert plan.proof.misses.high == pytest.approx(1.0 - (0.05 / 3.0 / 2.0) ** (1 / 20))
    assert len(plan.proof.lost) == 20


def test_what_breaks_with_other_people_is_taken_into_the_search() -> None:
    """A fifth of all seeds need one web process more: the set gets it, and is proved anew on seeds nobody has seen."""
    found = planned(Written(unlucky=0.2))
    assert found.amount("web") == NEEDED["web"] + 1.0
    assert found.proof is not None and found.proof.rounds == 2 and found.proof.misses.count == 0
    assert len(found.order.search_seeds) == 6


def test_a_set_that_other_people_break_and_nothing_mends_is_not_found() -> None:
    """Some people lose by whatever there is: the set that was known before them is no answer."""
    found = planned(Written(unlucky=0.2, more=1e6))
    assert (found.found, found.cost, found.proof, found.tips) == ((), None, None, ())
    assert found.no_set_because in goals.PEOPLE
    assert {one.knob: one.amount for one in found.tried} == at_times(sizing, 90.0, 8.0)
    assert judge(found).exit_code == 3


@pytest.mark.parametrize(("divided", "more"), [(1.0, 200.0), (5.0, 1.0)])
def test_a_search_that_is_made_again_may_take_as_much_as_the_first(divided: float, more: float) -> None:
    """Other people need more web than three times the sizing; or the sizing is a fifth of what anybody needs."""

    def guessed(gate: float) -> Values:
        return {name: amount / divided for name, amount in sizing(gate).items()} | {"gate": gate}

    found = planned(Written(unlucky=0.2, more=more), start=Start(guessed, 90.0, PEOPLE, 3600.0))
    assert found.amount("web") == NEEDED["web"] + more
    assert found.proof is not None and found.proof.misses.count == 0
    assert [each for one in found.frontiers for each in one.points if each.y is None] == []


def test_a_search_that_is_made_again_stays_within_the_most() -> None:
    played = Written(unlucky=0.2)
    parts: list[tuple[str, int]] = []
    found = planned(played, most=2.0, tell=lambda what, _runs: parts.append((what, len(played.trials))))
    assert found.amount("web") == NEEDED["web"] + 1.0
    proofs = [begun for what, begun in parts if what == "the same set with other people"]
    again = played.trials[proofs[0] : proofs[1]]
    most = at_times(sizing, 90.0, 2.0)
    assert [trial for trial in again if any(trial.values[name] > most[name] for name in KNOBS)] == []


def test_no_proof_has_the_people_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a proof has more seeds than proofs are usually apart."""
    monkeypatch.setattr(planner, "PROOF_SEEDS_FROM", 5)
    found = planned(Written(unlucky=0.2))
    assert found.proof is not None and found.proof.rounds == 2
    proved = range(found.proof.first_seed, found.proof.first_seed + 20)
    assert [seed for seed in found.order.search_seeds if seed in proved] == []
    assert found.proof.first_seed == 1 + 2 * 20


def test_a_knob_of_which_less_would_do_says_so() -> None:
    """A service that needs one core less where there are few web processes: in plenty of these that is not seen."""

    def odd(values: Values) -> float:
        return slack(with_(values, "database", values["database"] + (values["web"] <= NEEDED["web"])))

    found = planned(Written(of=odd))
    edges = {one.knob: (one.breaks_at, bool(one.breaks)) for one in found.found}
    assert edges["database"] == (NEEDED["database"] - 1.0, False)
    assert edges["web"] == (NEEDED["web"] - 1.0, True)
    assert [line for line in lines(found) if "could be less: 16 holds, too" in line]


def test_a_knob_that_has_no_less_says_so() -> None:
    found = planned(Written(of=lambda values: slack(with_(values, "web", 1e4))))
    assert {one.knob: (one.amount, one.breaks_at) for one in found.found}["web"] == (1.0, None)
    assert [line.split("  ")[-1] for line in lines(found) if "web processes  " in line] == ["the least there is"]


def test_blows_tip_it_where_it_is_written_and_earlier_without_protections(plan: Plan) -> None:
    found = {(tip.slowed, tip.protected): tip for tip in plan.tips}
    safe, bare = found[False, True], found[False, False]
    assert safe.tips_s is not None and safe.survives_s <= 200.0 < safe.tips_s <= 1.1 * safe.survives_s
    assert bare.tips_s is not None and bare.survives_s <= 200.0 / 3.0 < bare.tips_s
    assert safe.lasting and not planned_tip(Written(tips_s=1e9), plan).lasting


def planned_tip(played: Written, plan: Plan) -> Any:
    tip = planned(played, seeds=1).tips[0]
    assert tip.knob == plan.tips[0].knob and tip.tips_s is None
    return tip


def test_a_blow_that_cannot_be_played_is_named_and_the_others_are_looked_for(plan: Plan) -> None:
    found = planned(Written(unbounded=True))
    assert found.tips == tuple(tip for tip in plan.tips if tip.protected) and len(found.tips) == len(plan.tips) - 1
    (why,) = set(found.remarks) - set(plan.remarks)
    assert "without protections" in why and "outgrew its room" in why
    assert found.beside == plan.beside


def test_the_same_people_live_both_nights(plan: Plan) -> None:
    assert plan.beside is not None
    assert (plan.beside.both, plan.beside.only_protected, plan.beside.only_launched, plan.beside.neither) == (
        400,
        600,
        0,
        0,
    )
    assert plan.beside.launched.partners == "as-launched"
    assert plan.remarks == ("onlookers: not simulated",)


def test_a_night_that_nothing_holds_has_a_plan_that_says_so() -> None:
    found = planned(Written(), most=1.0)
    assert found.found == () and found.proof is None and found.cost is None
    assert found.no_set_because in goals.PEOPLE
    assert {one.knob for one in found.tried} == set(KNOBS)


@pytest.mark.parametrize("only_launched", [False, True])
def test_nothing_is_planned_by_a_run_that_broke_a_law(only_launched: bool) -> None:
    with pytest.raises(LawBroken, match="seed 1: two people"):
        planned(Written(broken=("two people have no fate",), only_launched=only_launched))


def test_a_record_comes_back_and_one_that_does_not_fit_is_refused(plan: Plan, tmp_path: Path) -> None:
    plan.write(tmp_path)
    assert Plan.load(tmp_path) == plan
    text = (tmp_path / "plan.json").read_text()
    (tmp_path / "plan.json").write_text(text.replace('"simulated": true', '"simulated": false'))
    with pytest.raises(RecordError, match="no plan is measured"):
        Plan.load(tmp_path)
    (tmp_path / "plan.json").write_text(text.replace('"cost":', '"price":', 1))
    with pytest.raises(RecordError, match="price: unknown key"):
        Plan.load(tmp_path)
