"""How many people a second the gate lets in: the slow loop, which follows the tightest stage that a person waits at.

Compiled rules (DESIGN section 2). The door at the origin sheds within a tenth of a second; this loop looks every EVERY
seconds at what the stages behind the gate keep up with, cuts at once and by much, rises little, and holds while it
cannot see. Three things let it stand still instead of swinging. A cut goes to what the stage was measured to keep up
with, in terms of the rate at which its present guests were let in, so guests who are still on their way cause no second
cut. The measured capacity is remembered: the way back to it is short. And the way beyond it is as slow as people are on
their way to the stage that bound.

A stage minutes behind the gate cannot be cut for: whoever will strain it is in already. There the rate is steered by
the line as it will be when those on their way have come, and around what the stage was found to keep up with.
"""

from typing import NamedTuple

EVERY = 5.0
"""Seconds between two looks: figures of a second are noise, and after ten a halved capacity has cost a queue."""

CODE_LIMIT = 3.0
"""Seconds that a code may wait for its turn; the objective is 10 for 95 of 100."""
PHOTOS_LIMIT = 45.0
"""Seconds in which both photos of a person are taken in: phones need 20 on average."""
BAD_SHARE = 0.05
"""Of answers refused or later than a second: the objective of the API."""
FEW_ANSWERS = 5.0
FEW_DONE = 1.0
"""A second, added to what a share or a wait is taken of: where hardly anybody is, one slow answer is no strain."""
CLOSE_SHARE = 0.9
"""Of the time until the wave closes, for what may end at any time before: identity checks."""

DRAIN_S = 15.0
"""In so many seconds the part of a line that is too long shall be gone."""
MOST_DRAIN = 0.3
"""Of what the stage does, set aside for that: the guests on their way come whatever the gate does."""
MARGIN = 0.02
"""Where answers are late nobody knows how many wait: so much less comes for each time that the strain is too high."""
BACK_S = 4.0
"""Seconds after which somebody who was refused asks again."""
STRONGEST_CUT = 0.4
CUT_BY_STRAIN = 0.2
"""Of what came is left at least so much; a look at a stage that is hardly strained is trusted with less of a cut."""

CALM = 0.5
"""Below this strain more may come; up to 1 the rate is held."""
CLOSE = 0.95
"""Of the measured capacity, to which the way back is short."""
QUICK_RISE = 0.1
SLOW_RISE = 0.01
LATER_RISE = 0.02
"""Of the rate and at each look: below what was measured, beyond it, and when that has done no harm for long."""
EASE = 0.02
MOST_EASED = 0.95
"""Between calm and too much the rate falls a little at each look, not below so much of what came."""
STEADY = 0.7
"""Of what is allowed: the line aimed at minutes behind the gate. The stage never idles, and a wave of people fits."""
LEARN_S = 300.0
"""Memory for what such a stage keeps up with: shorter than the way there, and it would learn from its own waves."""
LONG_CALM_S = 60.0
"""Then what was measured is no longer true."""
PROOF = 0.06
"""Of the measured capacity: so much more is tried in the time that people need to come to the stage."""
IN_USE = 0.8
"""A rate that hardly anybody uses says nothing about a higher one."""
LEAST_SHARE = 0.02
"""Of the hard rate: somebody always comes in, or nobody would ever learn that more is possible."""

STANDSTILL_S = 5.0
"""Live people in line and nobody admitted for so long: somebody is told, within ten seconds with the way there."""
SLOW_GATE = 3.0
"""Turns of a slow gate that may pass first: at 0.1 people a second ten seconds without anybody are no standstill."""


class Load(NamedTuple):
    """How a stage bears what comes to it."""

    strain: float
    """What people bear there, as a multiple of what the objective allows. 0: nobody waits."""
    fits: float
    """Share of those who come now that it keeps up with; 1 and more: with all of them."""
    clears: float
    """The same while it also works off what has piled up."""


class Choice(NamedTuple):
    """What the loop remembers."""

    rate_per_s: float
    capacity_per_s: float
    """People a second that the stages keep up with: as planned, and from the first cut on as measured."""
    calm_s: float
    """Seconds since the last cut."""


def load_of_line(waiting: float, grew_per_s: float, done_per_s: float, limit_s: float, drain_s: float) -> Load:
    """A stage with a line: codes to be handed over, photos under way, identities to be asked.

    waiting: in line now; it grew by `grew_per_s` (negative: shrank). limit_s: how long one may be there on average.
    drain_s: what has piled up shall be gone in so long. A line that is not short is taken as it will be at the next
    look: by then people would have borne it.
    Work that may end at any time before the wave closes is judged the same way, by the time that is left.
    """
    if waiting <= 0.0 or limit_s <= 0.0:
        return Load(0.0, 1.0, 1.0)
    strain = waiting / (max(done_per_s, 0.0) + FEW_DONE) / limit_s
    if strain >= CALM:
        strain *= 1.0 + max(grew_per_s - FEW_DONE, 0.0) * EVERY / waiting
    comes = done_per_s + grew_per_s
    if comes <= 0.0:
        return Load(strain, 1.0, 1.0)
    piled = (waiting - limit_s * CALM * done_per_s) / max(drain_s, EVERY)
    clearing = min(max(piled, 0.0), MOST_DRAIN * done_per_s)
    return Load(strain, done_per_s / comes, (done_per_s - clearing) / comes)


def load_of_answers(done_per_s: float, late_per_s: float, refused_per_s: float, more_refused: float) -> Load:
    """A stage that is asked and answers, some `late_per_s` of `done_per_s` later than a second.

    refused_per_s: for want of capacity; `more_refused` is how much that grew a second. While it grows all of them count
    as coming; when it shrinks they are those who were refused before and come again, and fewer than are answered are
    new.
    """
    bad = late_per_s + refused_per_s
    if bad <= 0.0:
        return Load(0.0, 1.0, 1.0)
    strain = bad / (max(done_per_s, 0.0) + refused_per_s + FEW_ANSWERS) / BAD_SHARE
    comes = done_per_s + (refused_per_s if more_refused > 0.0 else more_refused * BACK_S)
    if comes <= 0.0:
        return Load(strain, 1.0, 1.0)
    clearing = refused_per_s * BACK_S / DRAIN_S
    if late_per_s > 0.0:
        clearing = max(clearing, MARGIN * strain * done_per_s)
    clearing = min(clearing, MOST_DRAIN * done_per_s)
    return Load(strain, done_per_s / comes, (done_per_s - clearing) / comes)


def worse(one: Load, other: Load) -> Load:
    """Of two looks at the same stage."""
    if one.strain >= other.strain:
        return one
    return other


def bound_per_s(load: Load, came_per_s: float) -> float:
    """People a second that may come in because of this stage; -1: it binds nothing.

    came_per_s: the highest rate since the stage's present guests were let in.
    """
    if load.strain <= 1.0 or load.clears >= 1.0:
        return -1.0
    return came_per_s * max(load.clears, STRONGEST_CUT, 1.0 - CUT_BY_STRAIN * load.strain)


def capacity_per_s(load: Load, came_per_s: float) -> float:
    """People a second that a stage which binds keeps up with."""
    return came_per_s * min(max(load.fits, STRONGEST_CUT, 1.0 - CUT_BY_STRAIN * load.strain), 1.0)


def cut(before: Choice, bound: float, capacity: float, most_per_s: float) -> Choice:
    """The rate at once, where a stage binds: `bound` people a second, of which it keeps up with `capacity`.

    Soon after another cut both measurements count: the second one was taken while the first still worked.
    """
    least = LEAST_SHARE * most_per_s
    if before.calm_s < LONG_CALM_S and before.capacity_per_s > capacity:
        capacity = (before.capacity_per_s + capacity) / 2.0
    return Choice(max(bound, least), max(capacity, least), 0.0)


def risen(before: Choice, reach: float, used_per_s: float, most_per_s: float, elapsed: float) -> Choice:
    """The rate for the next seconds where every stage is calm.

    reach: seconds after which those let in have come to the stage that bound last: beyond its capacity the rate rises
    by PROOF in that time and not faster, or nobody would know what the people on their way will meet. used_per_s:
    people let in lately.
    """
    rate = before.rate_per_s
    calm_s = before.calm_s + elapsed
    if used_per_s < IN_USE * rate:
        return Choice(rate, before.capacity_per_s, calm_s)
    if rate < CLOSE * before.capacity_per_s:
        higher = min(rate * (1.0 + QUICK_RISE), CLOSE * before.capacity_per_s)
    elif calm_s > LONG_CALM_S:
        higher = rate * (1.0 + LATER_RISE)
    else:
        higher = rate * (1.0 + SLOW_RISE)
    higher = min(higher, max(before.capacity_per_s * (1.0 + PROOF * calm_s / max(reach, EVERY)), rate), most_per_s)
    return Choice(max(higher, LEAST_SHARE * most_per_s), before.capacity_per_s, calm_s)


def line_s(waiting: float, grew_per_s: float, done_per_s: float) -> float:
    """Seconds of line, taking what comes as what it can do: one that only fills has not shown that yet."""
    return waiting / (max(done_per_s, 0.0) + max(grew_per_s, 0.0) + FEW_DONE)


def kept_up_per_s(
    known_per_s: float, came_per_s: float, grew_per_s: float, done_per_s: float, calm: bool, elapsed: float
) -> float:
    """People a second let in that a stage minutes behind the gate keeps up with; at first `known_per_s` is 0.

    came_per_s: let in when those set out who come to the stage now. While it is calm it keeps up with all of them.
    """
    if calm or known_per_s <= 0.0:
        return max(known_per_s, came_per_s)
    comes = max(done_per_s + grew_per_s, FEW_DONE)
    fits = min(max(done_per_s / comes, STRONGEST_CUT), 1.0 + MOST_DRAIN)
    return known_per_s + (came_per_s * fits - known_per_s) * min(elapsed / LEARN_S, 1.0)


def line_ahead_s(line_now_s: float, on_way_per_s: float, kept_up_per_s: float, reach: float) -> float:
    """Seconds of line once all have come who were let in during the last `reach` seconds, `on_way_per_s` on average."""
    if kept_up_per_s <= 0.0:
        return line_now_s
    return line_now_s + (on_way_per_s / kept_up_per_s - 1.0) * reach


def aim_per_s(kept_up_per_s: float, ahead_s: float, limit_s: float, reach: float) -> float:
    """The rate that brings the line ahead to where it shall be while the people let in now are on their way."""
    share = 1.0 - (ahead_s - STEADY * limit_s) / max(reach, EVERY)
    return kept_up_per_s * min(max(share, STRONGEST_CUT), 1.0 + PROOF)


def steered(before: Choice, aim: float, kept_up: float, most_per_s: float) -> Choice:
    """The rate where a stage minutes behind the gate binds: towards `aim`, downwards at once."""
    rate = min(aim, before.rate_per_s * (1.0 + QUICK_RISE), most_per_s)
    return Choice(max(rate, LEAST_SHARE * most_per_s), kept_up, 0.0)


def held(before: Choice, elapsed: float) -> Choice:
    """The same rate: the stages cannot be seen."""
    return Choice(before.rate_per_s, before.capacity_per_s, before.calm_s + elapsed)


def eased(before: Choice, came_per_s: float, elapsed: float) -> Choice:
    """A little less: a stage is neither calm nor strained. came_per_s: as for `bound_per_s`."""
    rate = max(before.rate_per_s * (1.0 - EASE), min(before.rate_per_s, MOST_EASED * came_per_s))
    return Choice(rate, before.capacity_per_s, before.calm_s + elapsed)


def stands_still(waiting: int, idle_s: float, rate_per_s: float) -> bool:
    """Whether live people wait and nobody comes in although the gate is open.

    waiting: live people who may come in and were not admitted. idle_s: seconds in which it was so and nobody was.
    rate_per_s: 0 or less while nobody shall come in: paused, closed.
    """
    if waiting <= 0 or rate_per_s <= 0.0:
        return False
    return idle_s >= max(STANDSTILL_S, SLOW_GATE / rate_per_s)
