"""Little's law as a check of the generator: requests out at a time = requests a second x time of each.

Three clocks take part, so that none can lie alone: the wall clock of each process of the swarm, by which it counts
requests that are out (L); the crowd's own clock, which times each answer (W); and that of the record, by which the rate
is counted (lambda). Of a window everything is known to the last request: what was out at its edges is told with its
age, so that the law holds exactly, growing load or not,

    L = lambda W + (ages at the end - ages at the beginning) / length

and no windows need to be left out because the load drifted. Source: J. D. C. Little, "Little's Law as Viewed on Its
50th Anniversary", Operations Research 59 (2011), theorem LL.2 for finite spans.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports import statistics
from reports.statistics import FloatArray
from reports.wording import Said, clock, count, number, percent, say
from scenarios.record import Samples

ID = "#little"
WINDOW_S = 10.0
ALLOWED = 0.03
LEAST_OUT_S = 1.0
"""Request-seconds that a window must hold to be judged: of less a few pauses between two looks at a clock are 3 %."""
DRIFTS = 0.2
"""Share of the requests out from which on the edges of a window are told: then its load grew or fell all along."""

_TIMED = ("swarm_request_seconds_sum", "swarm_blocked_seconds_sum", "swarm_unanswered_seconds_total")
"""What the crowd's clock says of requests that have ended."""


@dataclass(frozen=True)
class Window:
    """One process of the swarm between two scrapes. Times in seconds since the doors opened, by the record's clock."""

    instance: str
    place: int
    """Which of the record's spans it fills, counted from the opening."""
    start: float
    end: float
    out: float
    """Requests out at a time, by the wall clock."""
    rate: float
    """Requests ended, per second."""
    response: float
    """Mean time of those, in seconds; nan where none ended."""
    carried: float
    """Of requests out at a time, what the edges make up: the ages at the end less those at the beginning."""
    watched: float
    """Seconds that went by on the process's wall clock."""

    @property
    def timed(self) -> float:
        """Requests out at a time, by the crowd's clock and the record's."""
        return self.carried + (self.rate * self.response if self.rate else 0.0)

    @property
    def is_judged(self) -> bool:
        return self.out * self.watched >= LEAST_OUT_S

    @property
    def gap(self) -> float:
        """By how much of itself the count is missed by what was timed; nan of a window without requests."""
        return self.timed / self.out - 1.0 if self.out > 0.0 else float("nan")

    @property
    def gap_of_record(self) -> float:
        """How much of the gap lies between the process's clocks and the record's."""
        return self.watched / (self.end - self.start) - 1.0

    @property
    def is_broken(self) -> bool:
        return self.is_judged and abs(self.gap) > ALLOWED

    @property
    def drifts(self) -> bool:
        return self.is_judged and abs(self.carried) > DRIFTS * self.out


def windows(samples: Samples, length_s: float = WINDOW_S) -> list[Window]:
    """All windows of all processes of the swarm, by process and time; none of a record that does not tell."""
    watching = samples.select("swarm_watched_seconds_total")
    return [
        window
        for own, times, watched in sorted(watching, key=lambda series: series[0].get("instance", ""))
        for window in _of_process(samples, own.get("instance", ""), times, watched, length_s)
    ]


def broken(samples: Samples) -> tuple[Said, Said, float] | None:
    """Cause, advice and the largest gap, where counted and timed requests are farther apart than is allowed."""
    judged = [one for one in windows(samples) if one.is_judged]
    apart = [one for one in judged if one.is_broken]
    if not apart:
        return None
    worst = max(apart, key=lambda one: abs(one.gap))
    cause = say(
        "in {broken} of {judged} windows Little's law does not hold: from {start} to {end} {out} requests were out at "
        "a time and {timed} were timed, {gap} apart, {allowed} allowed; {why}",
        broken=count(len(apart), source=ID), judged=count(len(judged), source=ID), start=clock(worst.start),
        end=clock(worst.end), out=number(worst.out, source=ID), timed=number(worst.timed, source=ID),
        gap=percent(abs(worst.gap), source=ID), allowed=percent(ALLOWED), why=_why(worst),
    )  # fmt: skip
    advice = say("look at the clocks of the machines (time service, a machine that was suspended), and play the night "
                 "again")  # fmt: skip
    return cause, advice, abs(worst.gap)


def _why(worst: Window) -> Said:
    """Which of the three clocks stands alone."""
    of_record = worst.gap_of_record
    if abs(of_record) < 0.5 * abs(worst.gap):
        return say("the clock that times answers and the wall clock of {instance} differ, or answers were lost or "
                   "counted twice", instance=worst.instance)  # fmt: skip
    share = percent(abs(of_record), source=ID)
    if of_record > 0.0:
        return say("the clocks of {instance} went {share} faster than the record's", instance=worst.instance,
                   share=share)  # fmt: skip
    return say("the clocks of {instance} went {share} slower than the record's", instance=worst.instance, share=share)


def _of_process(
    samples: Samples, instance: str, times: FloatArray, watched: FloatArray, length_s: float
) -> Iterator[Window]:
    begun = watched > 0.0
    places, edges = _edges(times[begun], watched[begun], length_s)

    def counted(name: str) -> FloatArray:
        return np.diff(statistics.counted_by(samples, name, edges, instance=instance))

    seconds = counted("swarm_watched_seconds_total")
    area = counted("swarm_requests_out_seconds_total")
    ended = counted("swarm_requests_total")
    timed = np.sum([counted(name) for name in _TIMED], axis=0)
    ages = statistics.level(samples, "swarm_requests_out_age_seconds", edges, instance=instance)
    carried = np.diff(np.nan_to_num(ages))
    for i, length in enumerate(np.diff(edges)):
        if seconds[i] > 0.0 and length >= 0.5 * length_s:  # else the process was gone, or is just there
            yield Window(
                instance=instance,
                place=int(places[i]),
                start=float(edges[i]),
                end=float(edges[i + 1]),
                out=float(area[i] / seconds[i]),
                rate=float(ended[i] / length),
                response=float(timed[i] / ended[i]) if ended[i] else float("nan"),
                carried=float(carried[i] / length),
                watched=float(seconds[i]),
            )


def _edges(times: FloatArray, watched: FloatArray, length_s: float) -> tuple[NDArray[np.int64], FloatArray]:
    """The scrapes between which windows lie, ascending, and the number of the window that begins with each.

    A scrape is stamped before it is sent, and a page that came late shows a later moment. Of the scrapes about each
    edge the nearest is taken that came as soon as any: its own clock is then least ahead of its stamp.
    """
    found: dict[float, int] = {}
    ahead = watched - times
    first, last = (int(times[end] // length_s) if len(times) else 0 for end in (0, -1))
    for place in range(first, last + 2 if len(times) else first):
        edge = min(max(place * length_s, times[0]), times[-1])
        near = np.flatnonzero(np.abs(times - edge) <= 0.4 * length_s)
        if len(near):
            soon = near[ahead[near] <= ahead[near].min() + 0.1 * ALLOWED * length_s / 2.0]
            found[float(times[soon[np.argmin(np.abs(times[soon] - edge))]])] = place
    return np.array(list(found.values()), dtype=np.int64), np.array(list(found))


@dataclass(frozen=True)
class Moment:
    """All processes together in one window: what a figure draws."""

    start: float
    end: float
    out: float
    timed: float
    rate: float
    carried: float
    worst: Window
    """Of the judged ones that with the largest gap; any where none is judged."""

    @property
    def response(self) -> float:
        return (self.timed - self.carried) / self.rate if self.rate else float("nan")


def moments(found: list[Window]) -> list[Moment]:
    """Windows of several processes put together, in the order of time."""
    by_place: dict[int, list[Window]] = {}
    for one in found:
        by_place.setdefault(one.place, []).append(one)
    return [
        Moment(
            start=min(one.start for one in group),
            end=max(one.end for one in group),
            out=sum(one.out for one in group),
            timed=sum(one.timed for one in group),
            rate=sum(one.rate for one in group),
            carried=sum(one.carried for one in group),
            worst=max(group, key=lambda one: (one.is_judged, abs(one.gap) if one.out else 0.0)),
        )
        for _, group in sorted(by_place.items())
    ]
