"""A plan in a few lines of text."""

from collections.abc import Iterator

from scenarios.plan_record import Band, Lived, Plan, Probability, Setting
from scenarios.simulation.planning.knobs import KNOBS


def lines(plan: Plan) -> Iterator[str]:
    """The answer first. Everything in it is simulated, and the first line says so."""
    order, costs = plan.order, f"{plan.calibration} ({plan.calibration_digest[:12]})"
    yield f"SIMULATED, nothing was measured: {plan.title}"
    yield f"{plan.arrivals:,} people of the reading {order.reading}, partners {order.partners}, costs: {costs}"
    if not plan.found:
        yield f"Nothing within {order.most:g} times what theory says holds this night."
        yield f"{plan.no_set_because} is missed even with"
        yield from (f"  {_amount(one.amount):>10}  {one.unit:<12} {KNOBS[one.knob].what}" for one in plan.tried)
        return
    yield "To hold this night you need"
    for one in plan.found:
        yield f"  {_amount(one.amount):>10}  {one.unit:<12} {KNOBS[one.knob].what:<32} {_edge(one)}"
    assumed = " (prices are assumed)" if plan.prices_assumed else ""
    yield f"It costs {plan.cost:,.1f} {plan.price_unit}{assumed}; none that holds is below {plan.least_cost:,.1f}."
    yield from _proof(plan)
    if plan.sensitivities:
        yield f"What most hangs on: {KNOBS[plan.sensitivities[0].knob].what}."
    for tip in plan.tips:
        what = f"{KNOBS[tip.knob].what} {'at half its rate' if tip.slowed else 'standing still'}"
        how = "with its protections" if tip.protected else "without protections"
        yield f"{what}, {how}: {_tip(tip.tips_s, tip.survives_s)}"
    if plan.beside is not None:
        yield f"The same {plan.beside.people:,} people:"
        yield _lived("with this set", plan.beside.protected)
        yield _lived("as launched  ", plan.beside.launched)
    yield from (_outside(band) for band in plan.bands if not band.inside)
    if plan.unordered:
        yield f"more of a knob did worse in {plan.unordered} pairs of sets: the set may not be the cheapest"
    yield from (f"  {remark}" for remark in plan.remarks)


def _edge(one: Setting) -> str:
    if one.breaks_at is None:
        return "the least there is"
    at = _amount(one.breaks_at)
    return f"at {at} it misses {one.breaks}" if one.breaks else f"could be less: {at} holds, too"


def _outside(band: Band) -> str:
    found = f"{band.stage}, {band.figure}: {band.found:,.4g}, not {band.low:,.4g} to {band.high:,.4g}"
    return f"outside its band by {band.by}: {found}"


def _proof(plan: Plan) -> Iterator[str]:
    if plan.proof is None:
        return
    yield f"With other people it missed an objective in {_share(plan.proof.misses)}"
    yield f"and melted down in {_share(plan.proof.meltdowns)}."


def _share(one: Probability) -> str:
    return f"{one.count} of {one.runs} runs (probability {one.low:.1%} to {one.high:.1%}, {one.confidence:.1%} sure)"


def _tip(tips_s: float | None, survives_s: float) -> str:
    if tips_s is None:
        return f"it survives {survives_s:,.0f} s, the longest that was tried"
    if tips_s == 0.0:
        return "it melts down by itself"
    return f"it survives {survives_s:,.0f} s and melts down after {tips_s:,.0f} s"


def _lived(words: str, one: Lived) -> str:
    share = one.joined / one.wanted if one.wanted else 0.0
    return f"  {words} {one.joined:>11,} of {one.wanted:,} who wanted to and came in time joined ({share:.1%})"


def _amount(amount: float) -> str:
    return f"{amount:,.10g}"
