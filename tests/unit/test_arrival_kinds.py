"""Named arrivals: counts are the integral to the unit, instants are k6's, recorded ones come back as they were."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios import arrivals
from scenarios.arrival_kinds import ArrivalsError, Lines, Recorded, of_message, of_rates
from scenarios.arrivals import Spacing

# The stages of k6's own test of its ramping-arrival-rate (lib/executor/ramping_arrival_rate_test.go): 0 to 1 a second
# within 5 s, 1 s at 1, and 5 s back to 0; and the instants it expects, "time.Millisecond * 3162" and so on.
K6_STAGES = Lines((0.0, 5.0, 6.0, 11.0), (0.0, 1.0, 1.0, 0.0))
K6_INSTANTS = [3.162, 4.472, 5.5, 6.527, 7.837, 11.0]
THREE_TIMES = Lines(K6_STAGES.times, (0.0, 3.0, 3.0, 0.0))
K6_THREE_TIMES = [
    1.825, 2.581, 3.162, 3.651, 4.082, 4.472, 4.830, 5.166, 5.499, 5.833, 6.169, 6.527, 6.917, 7.348, 7.837, 8.418,
    9.174, 10.999,
]  # fmt: skip
# Those of its comparison of two implementations, a second each: 0-200-200-2000-2000-300-300-1333-1334-1334.
K6_LONG = Lines(tuple(map(float, range(10))), (0.0, 200.0, 200.0, 2000.0, 2000.0, 300.0, 300.0, 1333.0, 1334.0, 1334.0))


def k6_instants(lines: Lines) -> list[float]:
    """What k6 computes, in seconds: event i at the root of the area under the line, in whole nanoseconds.

    Its formula, (from d - sqrt(d (from^2 d + 2 (i - done) (to - from)))) / (from - to), in exact integers: an integer
    root of values scaled by 10^18 stands for k6's float.
    """
    found, done, i = [], Fraction(0), 1
    for start, end, begin, target in zip(lines.times, lines.times[1:], lines.rates, lines.rates[1:], strict=False):
        d, a, b = Fraction(end) - Fraction(start), Fraction(begin), Fraction(target)
        until = done + d * (a + b) / 2
        while i <= until:
            if a == b:
                x = (i - done) / a
            else:
                under = d * (a * a * d + 2 * (i - done) * (b - a))
                root = Fraction(math.isqrt(int(under * 10**36)), 10**18)
                x = (a * d - root) / (a - b)
            found.append(float(Fraction(start) + Fraction(int(x * 10**9), 10**9)))
            i += 1
        done = until
    return found


@pytest.mark.parametrize(
    ("lines", "expected"), [(K6_STAGES, K6_INSTANTS), (THREE_TIMES, K6_THREE_TIMES)], ids=["per second", "three times"]
)
def test_k6s_own_table_is_met(lines, expected):
    """Its test states them to a thousandth; k6 starts iteration i when the area is i, our formula says the same."""
    events = np.arange(1.0, len(expected) + 1)
    np.testing.assert_allclose(lines.inverses(events), expected, rtol=1e-3)
    np.testing.assert_allclose(k6_instants(lines), expected, rtol=1e-3)
    assert lines.cumulative(lines.length_s) == len(expected)


@pytest.mark.parametrize("lines", [K6_STAGES, THREE_TIMES, K6_LONG], ids=["per second", "three times", "long"])
def test_instants_are_k6s_to_a_microsecond(lines):
    """6, 18 and 8,101 of them."""
    expected = k6_instants(lines)
    events = np.arange(1.0, len(expected) + 1)
    assert len(expected) == int(lines.cumulative(lines.length_s))
    assert np.abs(lines.inverses(events) - expected).max() < 1e-6


rates = st.integers(0, 4000).map(lambda tenths: tenths / 10)
lengths = st.integers(0, 600).map(lambda tenths: tenths / 10)


@given(first=rates, parts=st.lists(st.tuples(lengths, rates), min_size=1, max_size=6), people=st.integers(1, 50))
def test_the_count_is_the_integral_to_the_unit(first, parts, people):
    """Whatever the points, jumps and pauses among them: as many as the exact area has whole shares of people."""
    times, values = [0.0], [first]
    for length, rate in parts:
        times.append(round(times[-1] + length, 1))
        values.append(rate)
    area = sum(
        (Fraction(str(end)) - Fraction(str(start))) * (Fraction(str(a)) + Fraction(str(b))) / 2
        for start, end, a, b in zip(times, times[1:], values, values[1:], strict=False)
    )
    share = Fraction(1, people)
    plan = arrivals.plan(Lines(tuple(times), tuple(values)), share, 1.0, None, seed=5)
    assert plan.planned == int(area * share)
    assert (np.diff(plan.due) >= 0.0).all()
    if plan.planned:
        assert plan.due[0] >= 0.0 and plan.due[-1] <= times[-1]


@given(parts=st.lists(st.tuples(lengths, rates), min_size=1, max_size=6), where=st.floats(0.0, 1.0))
def test_inverse_and_cumulative_are_one_anothers_inverse(parts, where):
    """The people that have come by the instant of the n-th are n, in rises, falls and across jumps."""
    times = np.cumsum([0.0, *(length + 0.1 for length, _ in parts)])
    lines = Lines(tuple(times.tolist()), (1.0, *(rate for _, rate in parts)))
    n = where * lines.cumulative(lines.length_s)
    (instant,) = lines.inverses(np.array([n]))
    assert lines.cumulative(float(instant)) == pytest.approx(n, abs=1e-5)


def test_exact_spacing_is_a_metronome():
    """Four a second: each in the middle of her quarter. At random the same numbers lie anywhere inside it."""
    lines = of_rates("constant:4", 0.5)
    assert lines is not None
    exact = arrivals.plan(lines, Fraction(1), 1.0, None, seed=1, spacing=Spacing.EXACT)
    np.testing.assert_allclose(exact.due, 0.125 + 0.25 * np.arange(120))
    drawn = arrivals.plan(lines, Fraction(1), 1.0, None, seed=1)
    assert (np.floor(drawn.due * 4) == np.arange(120)).all()
    assert np.diff(drawn.due).std() > 0.05
    assert exact.hash != drawn.hash


def test_people_and_speed_are_factors_of_named_arrivals_too():
    """A hundredth of 1,500 a second at ten times the speed: 15 a second of the clock, 150 of the machine's."""
    lines = of_rates("constant:1500", 1.0)
    assert lines is not None
    plan = arrivals.plan(lines, Fraction(1, 100), 10.0, None, seed=1)
    assert plan.planned == 900
    assert 5.9 < plan.due[-1] < 6.0


def test_a_rate_without_an_end_lasts_five_minutes_and_steps_last_as_long_as_they_say():
    planned = {
        text: arrivals.planned(lines, Fraction(1), None)
        for text in ("constant:1.5", "ramp:0-10", "ramp:10-0", "steps:100x60,0x30,1500x0.5")
        if (lines := of_rates(text, None)) is not None
    }
    assert planned == {"constant:1.5": 450, "ramp:0-10": 1500, "ramp:10-0": 1500, "steps:100x60,0x30,1500x0.5": 6750}


def test_a_step_begins_at_its_own_rate():
    lines = of_rates("steps:100x60,1500x30", None)
    assert lines == Lines((0.0, 60.0, 60.0, 90.0), (100.0, 100.0, 1500.0, 1500.0))
    assert lines.cumulative(60.0) == 6000 and lines.cumulative(61.0) == 7500


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("constant:", "must be constant:RATE"),
        ("constant:-5", "must be constant:RATE"),
        ("constant:0", "nobody arrives"),
        ("constant:1e12", "must be constant:RATE"),
        ("constant:1000000000", "must be below 1,000,000,000"),
        ("ramp:5", "must be ramp:FROM-TO"),
        ("ramp:0-0", "nobody arrives"),
        ("steps:", "must be RATExSECONDS"),
        ("steps:100x60,60", "must be RATExSECONDS in steps:100x60,1500x30, not '60'"),
        ("steps:100x0", "longer than 0 s"),
        ("steps:1x9999999", "a month"),
    ],
)
def test_a_rate_that_is_none_is_refused_with_what_it_should_be(text, fault):
    with pytest.raises(ArrivalsError, match=fault):
        of_rates(text, None)


def test_recorded_instants_come_back_exactly():
    """To the last bit, with any seed and spacing, and over the message to workers."""
    at = np.sort(np.random.default_rng(3).exponential(40.0, 10_000)) / 3.0
    recorded = of_message(Recorded(at).message())
    for seed, spacing in ((1, Spacing.RANDOM), (2, Spacing.EXACT)):
        assert arrivals.plan(recorded, Fraction(1), 1.0, None, seed, spacing).due.tolist() == at.tolist()


@given(
    share=st.fractions(0, 1, max_denominator=10_000).filter(bool), count=st.integers(1, 500), seed=st.integers(0, 99)
)
def test_a_share_of_recorded_instants_takes_none_twice(share, count, seed):
    """One out of each 1/share, in order; the count is exact."""
    at = np.arange(float(count))
    plan = arrivals.plan(Recorded(at), share, 1.0, None, seed)
    assert plan.planned == int(count * share)
    assert (np.diff(plan.due) > 0.0).all()
    edges = np.arange(plan.planned + 1) / float(share)
    assert (plan.due >= np.floor(edges[:-1])).all() and (plan.due <= np.ceil(edges[1:])).all()


def test_minutes_cut_a_recording():
    """Those before the end of the minutes, not the one at it."""
    plan = arrivals.plan(Recorded(np.array([0.0, 59.999, 60.0, 61.0])), Fraction(1), 1.0, 1.0, seed=1)
    assert plan.due.tolist() == [0.0, 59.999]


def test_lines_survive_the_message_to_workers():
    assert of_message(K6_LONG.message()) == K6_LONG
