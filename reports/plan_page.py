"""The page of a plan: what the night needs, how sure that is, what hangs on it, and the night as it was launched.

All of it is simulated, and every part of the page says so.
"""

from dataclasses import dataclass, field
from typing import Any

from reports import plan_figures
from reports.drawing import Picture, Table
from reports.plan_verdict import OUTCOMES, PlanVerdict
from reports.plan_words import FIGURES, FORMULAS, ORIGINS, UNITS, goal, goal_of, knob, unjudged, worded
from reports.wording import Quoted, Said, count, listed, number, percent, recorded, say, seconds
from scenarios.plan_record import Plan, Setting


@dataclass(frozen=True)
class Part:
    """One section of the page."""

    id: str
    title: Said
    texts: list[Said]
    pictures: list[Picture] = field(default_factory=list)
    tables: list[tuple[Said, Table]] = field(default_factory=list)


def title(plan: Plan) -> Said:
    """The night and how it was planned for, in a few words."""
    share = say("people {share}", share=plan.order.people)
    people = say("the first {people} people", people=count(int(plan.order.people))) if plan.order.cut else share
    partners = say("partners {set}", set=plan.order.partners)
    return listed((Quoted(plan.title), say("plan by simulation"), partners, people), " · ")


def sections(plan: Plan, verdict: PlanVerdict) -> dict[str, dict[str, Any] | None]:
    """What the templates are filled with, in the order of the page."""
    parts = [
        _launched(plan), _needs(plan), _hangs(plan), _exchange(plan), _chance(plan), _struck(plan), _theory(plan),
        _goals(plan), _basis(plan),
    ]  # fmt: skip
    return {"plan_first": _first(plan, verdict), "plan_parts": {"parts": [part for part in parts if part is not None]}}


def _first(plan: Plan, verdict: PlanVerdict) -> dict[str, Any]:
    settings = plan.found or plan.tried
    where = "found" if plan.found else "tried"
    cards = [
        {
            "knob": one.knob,
            "what": knob(one.knob),
            "value": _amount(one, f"plan:{where}.{place}.amount"),
            "note": _edge(plan, one, place),
        }
        for place, one in enumerate(settings)
    ]
    return {
        "outcome": say(OUTCOMES[verdict.outcome]),
        "cards": cards,
        "simulated": _simulated(plan),
        "sentences": verdict.sentences,
    }


def _simulated(plan: Plan) -> Said:
    return say(
        "Nothing on this page was measured. A night of {people} people was simulated {runs} times, person by person, "
        "with costs called “{calibration}” (SHA-256 {digest}).",
        people=count(plan.arrivals, source="plan:arrivals"), runs=count(plan.runs, source="plan:runs"),
        calibration=recorded(plan.calibration), digest=plan.calibration_digest[:12],
    )  # fmt: skip


def _amount(one: Setting, source: str) -> Said:
    return say("{value} {unit}", value=number(one.amount, source=source), unit=say(UNITS[one.unit]))


def _edge(plan: Plan, one: Setting, place: int) -> Said:
    if not plan.found:
        return say("tried, and not enough")
    if one.breaks_at is None:
        return say("the least there is to choose")
    at = number(one.breaks_at, source=f"plan:found.{place}.breaks_at")
    if not one.breaks:
        return say("could be less: {amount} holds, too", amount=at)
    return say("at {amount} this breaks: {goal}", amount=at, goal=goal_of(one.breaks, plan.goals))


def _launched(plan: Plan) -> Part | None:
    """The night with this set and the one as launched."""
    if not plan.found:
        return None
    title_ = say("The same people, two nights (simulated)")
    if plan.beside is None:
        why = say("The night as launched is not known: {why}.", why=recorded(plan.beside_not_known_because))
        return Part("launched", title_, [why])
    one = plan.beside
    texts = [
        say("On one side the set above with every protection; on the other the partners “{partners}” and the very same "
            "machines, without waiting room, door, bounded queues, pacing and clearing of abandoned work. Who comes, "
            "when, with which phone and patience is the same, person by person. How many machines there were in April "
            "2020 was never published: these are better off than the real ones may have been.",
            partners=recorded(one.launched.title)),
        say("{both} people joined in both nights, {one} only in the protected one, {other} only in the one as "
            "launched, "
            "{neither} in neither.", both=count(one.both, source="plan:beside.both"),
            one=count(one.only_protected, source="plan:beside.only_protected"),
            other=count(one.only_launched, source="plan:beside.only_launched"),
            neither=count(one.neither, source="plan:beside.neither")),
    ]  # fmt: skip
    rows = [
        [goal(asked, f"plan:beside.protected.goals.{place}.bound"),
         worded(_last(asked.id), asked.value, f"plan:beside.protected.goals.{place}.value"),
         worded(_last(other.id), other.value, f"plan:beside.launched.goals.{place}.value")]
        for place, (asked, other) in enumerate(zip(one.protected.goals, one.launched.goals, strict=True))
    ]  # fmt: skip
    head = [say("objective"), say("with this set"), say("as launched")]
    return Part("launched", title_, texts, plan_figures.beside(one), [(say("Two nights"), Table(head, rows))])


def _needs(plan: Plan) -> Part:
    """The set, what it costs, and how far from the cheapest it can be."""
    settings, where = (plan.found, "found") if plan.found else (plan.tried, "tried")
    texts = [
        say("Each amount is the least with which all objectives hold for the seeds of the search while the others "
            "are as "
            "shown. What a knob needs at least is what it needs with plenty of everything else: no set can have less."),
    ]  # fmt: skip
    if plan.cost is not None and plan.least_cost is not None:
        texts.append(say("The set costs {cost} {unit}; no set that holds can cost less than {least}.",
                         cost=number(plan.cost, source="plan:cost"), unit=recorded(plan.price_unit),
                         least=number(plan.least_cost, source="plan:least_cost")))  # fmt: skip
    if plan.prices_assumed:
        texts.append(say("Prices are an assumption, relative to each other: take your own with --prices."))
    told = {
        "pairs": count(plan.unordered, source="plan:unordered"),
        "sets": count(plan.compared, source="plan:compared"),
    }
    texts.append(
        say("More of a knob did worse in {pairs} pairs of the {sets} sets that were looked at: the set may not be the "
            "cheapest.", **told) if plan.unordered else
        say("In none of the {sets} sets that were looked at did more of a knob do worse.", **told)
    )  # fmt: skip
    rows = [
        [
            knob(one.knob),
            _amount(one, f"plan:{where}.{place}.amount"),
            number(one.least, source=f"plan:{where}.{place}.least") if plan.found else "–",
            number(one.price, source=f"plan:{where}.{place}.price"),
            number(one.price * one.amount,
                   source=f"(plan:{where}.{place}.price) * (plan:{where}.{place}.amount)"),
        ]
        for place, one in enumerate(settings)
    ]  # fmt: skip
    head = [say("what"), say("needed"), say("never less than"), say("price of one"), say("cost")]
    return Part("needs", say("What the night needs (simulated)"), texts, [], [(say("The set"), Table(head, rows))])


def _hangs(plan: Plan) -> Part | None:
    if not plan.sensitivities:
        return None
    first = plan.sensitivities[0]
    texts = [
        say("One knob at a time was changed by a tenth and by a quarter, on the same people. The stage on which "
            "most hangs "
            "comes first: {knob}.", knob=knob(first.knob)),
        say("Elasticity: percent of the people who join that are lost for each percent less. Amounts come in "
            "steps, so a "
            "change is the nearest step."),
    ]  # fmt: skip
    rows = []
    for place, one in enumerate(plan.sensitivities):
        at = f"plan:sensitivities.{place}"
        changes = {change.asked: (i, change) for i, change in enumerate(one.changes)}
        cells = []
        for asked in (-0.25, -0.10, 0.10, 0.25):
            if asked not in changes:
                cells.append(say("there is none"))
                continue
            i, change = changes[asked]
            joined = count(change.joined, source=f"{at}.changes.{i}.joined")
            cells.append(say("{joined} joined, holds", joined=joined) if change.holds else
                         say("{joined} joined, breaks", joined=joined))  # fmt: skip
        rows.append([knob(one.knob), number(one.elasticity, source=f"{at}.elasticity"), *cells])
    head = [say("what"), say("elasticity"), say("a quarter less"), say("a tenth less"), say("a tenth more"),
            say("a quarter more")]  # fmt: skip
    return Part("hangs", say("What hangs on what (simulated)"), texts, plan_figures.sensitivities(plan),
                [(say("A little more, a little less"), Table(head, rows))])  # fmt: skip


def _exchange(plan: Plan) -> Part | None:
    drawn = plan_figures.frontiers(plan)
    if not drawn:
        return None
    texts = [
        say("For some amounts of one knob the least of the other with which the night holds, with plenty of all else.")
    ]
    for place, one in enumerate(plan.frontiers):
        if one.exchange is None:
            continue
        rate = number(abs(one.exchange), source=f"plan:frontiers.{place}.exchange" if one.exchange >= 0 else "")
        told = {"x": knob(one.x), "y": knob(one.y), "rate": rate}
        if one.exchange == 0.0:
            texts.append(say("{x} against {y}: more of the one saves nothing of the other.", **told))
        elif one.exchange < 0.0:
            texts.append(say("{x} against {y}: each unit more of the one needs {rate} more of the other.", **told))
        else:
            texts.append(say("{x} against {y}: each unit more of the one saves {rate} of the other.", **told))
    return Part("exchange", say("One knob against another (simulated)"), texts, drawn)


def _chance(plan: Plan) -> Part | None:
    proof = plan.proof
    if proof is None:
        return None

    def told(name: str) -> dict[str, Any]:
        one, at = getattr(proof, name), f"plan:proof.{name}"
        return {
            "count": count(one.count, source=f"{at}.count"), "runs": count(one.runs, source=f"{at}.runs"),
            "low": percent(one.low, source=f"{at}.low"), "high": percent(one.high, source=f"{at}.high"),
            "sure": percent(one.confidence, source=f"{at}.confidence"),
        }  # fmt: skip

    texts = [
        say("The set was played with other people, whose seeds ({first} and on) had no part in the search. An "
            "objective was "
            "missed in {count} of {runs} runs: the probability lies between {low} and {high} ({sure} sure, Clopper and "
            "Pearson).", first=str(proof.first_seed), **told("misses")),
        say("The night melted down, that is fewer than {below} of those who wanted to join did, in {count} of "
            "{runs} runs: "
            "the probability lies between {low} and {high}.",
            below=percent(plan.melts_below, source="plan:melts_below"), **told("meltdowns")),
        say("Near the edge a night goes well or very badly, seldom between: a mean over runs would be a night "
            "that never "
            "happens, so there is none."),
    ]  # fmt: skip
    if proof.rounds > 1:
        texts.append(say("It is set number {n} that was put to this proof: what broke the ones before was taken "
                         "into the "
                         "search, and bounds are wide enough for all proofs together.",
                         n=count(proof.rounds, source="plan:proof.rounds")))  # fmt: skip
    return Part("chance", say("How sure (simulated)"), texts, plan_figures.lost(plan, proof))


def _struck(plan: Plan) -> Part | None:
    if not plan.tips:
        return None
    texts = [
        say("In the busiest minute {knob} stands still for a while, or gives half of what it should. The shortest "
            "such blow "
            "after which the night melts down, within a tenth:", knob=knob(plan.tips[0].knob)),
    ]  # fmt: skip
    rows = []
    for place, tip in enumerate(plan.tips):
        at = f"plan:tips.{place}"
        kind = say("at half its rate") if tip.slowed else say("standing still")
        rows.append([
            kind,
            say("with its protections") if tip.protected else say("without protections"),
            seconds(tip.survives_s, source=f"{at}.survives_s") if tip.tips_s != 0.0 else "–",
            say("none that was tried") if tip.tips_s is None else
            say("none is needed") if tip.tips_s == 0.0 else seconds(tip.tips_s, source=f"{at}.tips_s"),
            say("yes") if tip.lasting else say("no"),
        ])  # fmt: skip
        if not tip.ordered:
            texts.append(say("Not every longer blow tipped it: near the edge chance decides."))
    head = [say("blow"), say("the night"), say("survives"), say("melts down after"), say("costs people long after it")]
    return Part("struck", say("The smallest blow that tips it (simulated)"), texts, plan_figures.blows(plan),
                [(say("Blows"), Table(head, rows))])  # fmt: skip


def _theory(plan: Plan) -> Part | None:
    if not plan.bands:
        return None
    outside = sum(not band.inside for band in plan.bands)
    texts = [say("What queueing theory says of the same night, beside the simulation. Its assumptions are simpler than "
                 "people, so each band is wide; outside of it the simulation has something to explain.")]  # fmt: skip
    texts.append(say("{n} figures lie outside.", n=count(outside)) if outside else say("All figures lie inside."))
    rows = [
        [
            knob(band.stage), say(FIGURES[band.figure]), say(FORMULAS[band.by]),
            say("{low} to {high}", low=number(band.low, source=f"plan:bands.{place}.low"),
                high=number(band.high, source=f"plan:bands.{place}.high")),
            number(band.found, source=f"plan:bands.{place}.found"),
            say("inside") if band.inside else say("outside"),
        ]
        for place, band in enumerate(plan.bands)
    ]  # fmt: skip
    head = [say("stage"), say("figure"), say("formula"), say("band"), say("simulated"), say("lies")]
    return Part(
        "theory", say("What theory says (simulated and reckoned)"), texts, [], [(say("Bands"), Table(head, rows))]
    )


def _goals(plan: Plan) -> Part:
    texts = [say("Judged by the worst of the seeds of the search ({seeds}); nobody is excused for a fault of the "
                 "night.",
                 seeds=", ".join(map(str, plan.order.search_seeds)))]  # fmt: skip
    rows = [
        [goal(one, f"plan:goals.{place}.bound"), say(ORIGINS[one.origin]),
         worded(_last(one.id), one.value, f"plan:goals.{place}.value"),
         "–" if one.met is None else say("met") if one.met else say("missed")]
        for place, one in enumerate(plan.goals)
    ]  # fmt: skip
    texts += [say("Not judged: {what}.", what=unjudged(identifier)) for identifier in plan.unjudged]
    head = [say("objective"), say("origin"), say("value"), say("verdict")]
    return Part("goals", say("What had to hold (simulated)"), texts, [], [(say("Objectives"), Table(head, rows))])


def _basis(plan: Plan) -> Part:
    order = plan.order
    texts = [
        *(say("Assumed: {what}.", what=recorded(one)) for one in plan.assumptions),
        say("How people come, retry and leave is as the night file says, where every figure has its source. "
            "docs/simulation.md says more of what is simulated, docs/plan.md how the search goes."),
        *(say("Remark: {what}.", what=recorded(remark)) for remark in plan.remarks),
    ]  # fmt: skip
    if order.people != "1" and not order.cut:
        texts.append(say("Machines are those of this scale, {share} of the people: small pools behave unlike "
                         "large ones, so "
                         "a plan to buy by is made at full size.", share=order.people))  # fmt: skip
    rows: list[list[Any]] = [
        [say("night"), f"{plan.night}, {order.reading}"],
        [say("partners"), order.partners],
        [say("factors"), say("people {people}, speed {speed}, pace {pace}", people=order.people,
                             speed=number(order.speed, source="plan:order.speed"),
                             pace=number(order.pace, source="plan:order.pace"))],
        [say("people who come"), count(plan.arrivals, source="plan:arrivals")],
        [say("seed"), str(order.seed)],
        [say("calibration"), say("{name}, SHA-256 {digest}", name=recorded(plan.calibration),
                                 digest=plan.calibration_digest)],
        [say("runs"), say("{runs}, {seconds} of processor time", runs=count(plan.runs, source="plan:runs"),
                          seconds=seconds(plan.runs_cpu_s, source="plan:runs_cpu_s"))],
        [say("versions"), ", ".join(f"{name} {value}" for name, value in plan.versions.items())],
    ]  # fmt: skip
    return Part(
        "basis", say("What it rests on"), texts, [], [(say("What was asked"), Table([say("what"), say("value")], rows))]
    )


def _last(identifier: str) -> str:
    return identifier.rpartition(".")[2]
