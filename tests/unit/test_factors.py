"""People, speed and pace: what they make of capacities, and what is said when something is rounded away."""

from dataclasses import replace
from fractions import Fraction

import pytest

from scenarios import catalogue
from scenarios.factors import Factors, parse_people, queue_limits, scaled

NIGHT = catalogue.load("prakerja-wave-1")
LAUNCHED, PREPARED = NIGHT.partners["as-launched"], NIGHT.partners["prepared"]
HUNDREDTH = Factors(Fraction(1, 100), 1.0, 20.0)


@pytest.mark.parametrize(("text", "people"), [("1/100", Fraction(1, 100)), ("0.01", Fraction(1, 100)), ("1", 1)])
def test_people_is_a_fraction(text: str, people: Fraction) -> None:
    """Written as a fraction or a decimal number."""
    assert parse_people(text) == people


@pytest.mark.parametrize("text", ["", "0", "-1/2", "2", "1/0", "half", "nan"])
def test_other_people_are_refused(text: str) -> None:
    """Only what is above 0 and at most 1 scales a night down."""
    with pytest.raises(ValueError, match="people must be"):
        parse_people(text)


def test_rates_are_per_real_second() -> None:
    """1/100 of the people at speed 10: S/N = a tenth of each rate."""
    partner_set, rounded = scaled(PREPARED, Factors(Fraction(1, 100), 10.0, 1.0))
    assert partner_set.gate_per_s == pytest.approx(60.0)
    assert partner_set.email.rate_per_s == pytest.approx(50.0)
    assert partner_set.sms.rate_per_s == pytest.approx(100.0)
    assert partner_set.civil_registry.rate_per_s == pytest.approx(1.5)
    assert rounded == []


def test_what_the_system_does_stays_real() -> None:
    """Delays, losses, latencies and errors are not scaled; pace scales nothing here."""
    partner_set, _ = scaled(PREPARED, HUNDREDTH)
    assert replace(partner_set.email, rate_per_s=500.0) == PREPARED.email
    assert replace(partner_set.civil_registry, rate_per_s=15.0) == PREPARED.civil_registry
    assert partner_set.gate_per_s == pytest.approx(6.0)


def test_no_gate_stays_no_gate() -> None:
    """-1 is not a rate."""
    assert scaled(LAUNCHED, HUNDREDTH)[0].gate_per_s == -1


def test_allowances_become_windows_that_replay_the_night() -> None:
    """624,000 by Sunday 16:00; 926,500 by Tuesday 12:00 (published: 926 k); 3.31 M at the close (3,294,190)."""
    windows = LAUNCHED.civil_registry.windows()
    assert [window.count for window in windows] == [624_000, 165_000, 137_500, 1_100_000, 1_100_000, 183_333]
    assert sum(window.count for window in windows[:3]) == 926_500
    assert sum(window.count for window in windows) == pytest.approx(3_294_190, rel=0.006)
    assert [window.start_s for window in windows] == [0, 75_600, 162_000, 234_000, 320_400, 406_800]
    assert [window.end_s for window in windows][-1] == 421_200


def test_allowances_are_scaled_and_what_is_lost_is_said() -> None:
    """At 1/1000 and speed 60 a day of the night is 24 real minutes; 137.5 checks become 137."""
    partner_set, rounded = scaled(LAUNCHED, Factors(Fraction(1, 1000), 60.0, 1.0))
    spans = partner_set.civil_registry.allowance
    assert [span.count for span in spans] == [624, 165, 137, 1100, 1100, 183]
    assert spans[1].end_s - spans[1].start_s == 1440.0
    assert all(span.per_day is None for span in spans)
    assert rounded == [
        "civil registry allowance from 162000 s: 137.500 became 137 checks",
        "civil registry allowance from 406800 s: 183.333 became 183 checks",
    ]


def test_bounds_of_queues_are_scaled_by_people_alone() -> None:
    """Two minutes of a gateway's rate, half a million identity checks, all a hundredth; never below one job."""
    assert queue_limits(PREPARED, HUNDREDTH) == ({"identity": 5000, "email": 600, "sms": 1200}, [])
    limits, rounded = queue_limits(LAUNCHED, Factors(Fraction(1, 1_000_000), 5.0, 1.0))
    assert limits == {"identity": 1, "email": 1, "sms": 1}
    assert rounded == [
        "bound of the identity queue: 0.500 became 1 jobs",
        "bound of the email queue: 0.007 became 1 jobs",
        "bound of the sms queue: 0.012 became 1 jobs",
    ]
