"""G7, G8 and G12: what polling costs, when a turn is noticed, whether crowds ask together, and who stands ahead.

100,000 people in a line of an hour. One night is undisturbed; in the other all replicas start anew for 10 s and later
the network is cut for a minute. Negative controls: people who ask again
after a plain interval and once the network is back, as usual clients do, and people who ask every 20 s. Two million in
the same line: `make acceptance NAME=room-millions`.
"""

from typing import Any

import numpy as np

from tests.acceptance.long.room_goals import Figures, Finding, Invalid, Run
from tests.acceptance.long.room_line import Night, Told, play

GOALS = ("G7", "G8", "G12")
SEEDS, QUICK = 1, 1

PEOPLE, QUICK_PEOPLE = 100_000, 10_000
HOUR = 3600.0
RESTART, CUT = (900, 910), (1800, 1860)
AFTER = 60
"""Seconds after a disturbance in which the busiest one is compared with the mean."""
LONG = 2700.0
"""Waits from here on tell what an hour costs."""
SELDOM = 20.0
"""Seconds between two looks of the control that notices late."""

MOST_LOOKS, MOST_NOTICE, MOST_PEAK, MOST_AHEAD = 85.0, 3.0, 1.5, 0.01


def night(people: int, **other: Any) -> Night:
    rate = people / HOUR
    return Night(people=people, rate=lambda _: rate, seconds=4200, absent=0.1, leaving_per_s=2e-5, **other)


def measure(seed: int, run: Run) -> Figures:
    people = QUICK_PEOPLE if run.quick else PEOPLE
    calm = play(night(people), seed)
    disturbed = play(night(people, cuts=(RESTART, CUT)), seed)
    together = play(night(people // 10, cuts=(RESTART, CUT), is_plain=True, rushes=True), seed)
    late = play(night(people // 10, every_s=SELDOM), seed)
    return {
        "people": people,
        "looks_per_hour": calm.looks_per_hour(0.0),
        "looks_of_long_waits": calm.looks_per_hour(LONG),
        "notice_p50_p95_p99": np.percentile(calm.notice(), (50, 95, 99)).tolist(),
        "peaks": peaks(disturbed),
        "peak_of_joins": _peak_of_looks(calm),
        "ahead_p99": float(np.percentile(calm.ahead_errors, 99)),
        "ahead_checks": len(calm.ahead_errors),
        "looks": int(calm.looks.sum()),
        "control_peaks": peaks(together),
        "control_notice_p95": float(np.percentile(late.notice(), 95)),
    }


def peaks(told: Told) -> dict[str, float]:
    starts = {"opening": 0, "restart": RESTART[1], "cut": CUT[1]}
    return {name: told.peak_to_mean(start, AFTER) for name, start in starts.items()}


def _peak_of_looks(told: Told) -> float:
    """The busiest second of the night against the mean of the first hour: no herd anywhere."""
    bins = told.asks[-told.began :][:3600]
    return float(bins.max() / bins.mean())


def judge(figures: list[Figures]) -> list[Finding]:
    if min(each["control_peaks"][name] for each in figures for name in ("restart", "cut")) <= MOST_PEAK:
        raise Invalid("people who all ask once the network is back make no herd: the model shows none")
    if min(each["control_notice_p95"] for each in figures) <= MOST_NOTICE:
        raise Invalid("people who ask every 20 s notice their turn within 3 s: the model cannot tell")
    worst = {
        name: max(each[name] for each in figures) for name in ("looks_per_hour", "looks_of_long_waits", "ahead_p99")
    }
    notice = max(each["notice_p50_p95_p99"][1] for each in figures)
    busiest = {name: max(each["peaks"][name] for each in figures) for name in figures[0]["peaks"]}
    controls = {name: min(each["control_peaks"][name] for each in figures) for name in busiest}
    return [
        Finding(
            "G7",
            max(worst["looks_per_hour"], worst["looks_of_long_waits"]) <= MOST_LOOKS and notice <= MOST_NOTICE,
            f"{worst['looks_per_hour']:.0f} looks an hour over all waits of a line of an hour, "
            f"{worst['looks_of_long_waits']:.0f} in waits from 45 min on (bar {MOST_LOOKS:.0f}); turn noticed within "
            f"{notice:.1f} s at p95 (bar {MOST_NOTICE:.0f} s); the board is made at most once a second, early looks "
            "are 429 (tests/integration/test_place.py)",
        ),
        Finding(
            "G8",
            max(busiest.values()) <= MOST_PEAK,
            "busiest second to mean of a minute: "
            + ", ".join(f"{name} {peak:.2f} (plain clients {controls[name]:.1f})" for name, peak in busiest.items())
            + f" (bar {MOST_PEAK})",
        ),
        Finding(
            "G12",
            worst["ahead_p99"] <= MOST_AHEAD,
            f"people ahead off by {worst['ahead_p99']:.1%} at p99 from a plain count, where at least 500 stand "
            f"(bar {MOST_AHEAD:.0%})",
        ),
    ]
