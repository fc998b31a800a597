"""Windows of a rehearsal: equal spans of it, each judged by name before anything is fitted to it.

What a request costs shows only where the work of a window was begun and ended in it, on a service that kept up. So a
window is refused where an injected fault lasted, where a process began anew, where requests or photos piled up or were
worked off (it drifts), and where a loop or the door was full (it is saturated). Where the service's processes waited
for cores that others had, or the machine's host took them, it was slow, yet used what it always does: such a window is
starved, and its times are not fitted. The queues of messages and identity checks may grow: a partner's quota bounds
them, and what is counted of them are the jobs that ended.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.calibration_file import ROLES
from scenarios.counters import FloatArray, grown
from scenarios.record import Run, Samples

WIDTH_S = 20.0
"""Processor time is told in hundredths of a second, once a second: over 20 s that is a percent of a calm service."""
MOST_DRIFT = 0.01
"""Growth of what waits, as a share of what is answered meanwhile: more is not kept up with."""
CHANCE = 3.0
"""Arrivals by chance let n requests waver by the root of n; three times as much is no chance."""
FULL = 0.9
"""Share of a core: above, whoever wants it waits."""
MOST_WAIT = 0.2
"""Of what the service's processes ran, the part for which they wanted a core and had none: others had them."""
MOST_STOLEN = 0.05
"""Of the time in which cores were busy: above, the host of a virtual machine held everything up, seen or not."""
MOST_SHED = 0.01
"""Share of requests turned away at the door."""
_LOOK_S = 1.0
"""Between two looks at a level."""

BoolArray = NDArray[np.bool_]
Level = Callable[[Samples, FloatArray], FloatArray]
"""What waits at each moment."""


@dataclass(frozen=True)
class Window:
    """A span of a run, in real seconds since the doors opened."""

    start_s: float
    end_s: float
    busy: float
    """Of the busiest loop of the web role, the share of its core that it wanted."""
    load: float
    """Share of the machine's cores that were busy, whoever had them."""
    requests_per_s: float
    refused: str
    """Why nothing is fitted to it; empty where it is steady."""
    starved: str
    """Why its times are not fitted, though it may be steady; empty where there were cores enough."""


@dataclass(frozen=True)
class Windows:
    """A run cut into windows; edges: their bounds, one more than windows."""

    run: Run
    edges: FloatArray
    all: tuple[Window, ...]

    @property
    def width_s(self) -> float:
        return float(self.edges[1] - self.edges[0])

    @property
    def steady(self) -> BoolArray:
        """Shape (windows,)."""
        return np.array([not each.refused for each in self.all], dtype=np.bool_)

    def calm(self, most_busy: float) -> BoolArray:
        """The steady ones in which next to nothing waits; shape (windows,)."""
        calm = [each.busy <= most_busy and not each.starved for each in self.all]
        return self.steady & np.array(calm, dtype=np.bool_)

    def gained(self, name: str, **labels: str) -> FloatArray:
        """What counters gained in each window; shape (windows,)."""
        return np.diff(grown(self.run.samples, name, self.edges, **labels))

    def gained_by(self, name: str, *labels: str) -> dict[tuple[str, ...], FloatArray]:
        """The same by the values of these labels, those that gained nothing left out."""
        keys = {tuple(own.get(label, "") for label in labels) for own, _, _ in self.run.samples.select(name)}
        found = {key: self.gained(name, **dict(zip(labels, key, strict=True))) for key in sorted(keys)}
        return {key: each for key, each in found.items() if each.any()}

    def values_of(self, name: str, label: str) -> list[str]:
        """The values of a label among the series called `name`, sorted."""
        return sorted({own.get(label, "") for own, _, _ in self.run.samples.select(name)})


def cut(run: Run, width_s: float = WIDTH_S) -> Windows:
    """The windows between the first arrival and the end of the drain; what is left over at the end is none."""
    start, end = _span(run)
    count = int((end - start) / width_s)
    edges: FloatArray = start + width_s * np.arange(count + 1, dtype=np.float64)
    bare = Windows(run, edges, ())
    answered = bare.gained("registration_http_requests_total") / width_s
    busy, load = _busy(bare, width_s), _load(bare, width_s)
    reasons, starved = _reasons(bare, busy, answered * width_s), _starved(bare)
    return Windows(
        run,
        edges,
        tuple(
            Window(
                start_s=float(edges[i]),
                end_s=float(edges[i + 1]),
                busy=float(busy[i]),
                load=float(load[i]),
                requests_per_s=float(answered[i]),
                refused=reasons[i],
                starved=starved.get(i, ""),
            )
            for i in range(count)
        ),
    )


def _span(run: Run) -> tuple[float, float]:
    """From the doors' opening to the end of the drain, as far as samples reach: the audit reads the database too."""
    ends = [float(event["t"]) for event in run.events if event["kind"] == "phase" and event["name"] == "drain"
            and event.get("edge") == "end"]  # fmt: skip
    sampled = [float(times[-1]) for _, times, _ in run.samples.select("rehearsal_cpu_seconds_total")]
    return 0.0, min([float(run.config["played_s"]), *ends, max(sampled, default=0.0)])


def _busy(of: Windows, width_s: float) -> FloatArray:
    """Share of its core that the busiest loop of the web role ran or waited for; shape (windows,).

    Of processes that the harness did not start, what they say of their processor time; nan where nobody says anything.
    """
    name = "rehearsal_main_thread_seconds_total"
    loops = [of.gained(name, role="web", program=one) for one in _web_programs(of.run.samples, name)]
    if not loops:
        own = "registration_process_cpu_seconds_total"
        instances = {labels["instance"] for labels, _, _ in of.run.samples.select(own, job="web")}
        loops = [of.gained(own, job="web", instance=one) for one in sorted(instances)]
    return np.max(loops, axis=0) / width_s if loops else np.full(len(of.edges) - 1, np.nan)


def _web_programs(samples: Samples, name: str) -> list[str]:
    return sorted({own["program"] for own, _, _ in samples.select(name, role="web")})


def _load(of: Windows, width_s: float) -> FloatArray:
    """Share of all cores that were busy; 0 where the record does not know; shape (windows,)."""
    name = "rehearsal_core_busy_seconds_total"
    cores = len(of.values_of(name, "core"))
    return of.gained(name) / (cores * width_s) if cores else np.zeros(len(of.edges) - 1)


def _reasons(of: Windows, busy: FloatArray, answered: FloatArray) -> list[str]:
    """For each window the first reason to refuse it, empty where there is none."""
    found = [""] * len(busy)
    for i, why in _all_reasons(of, busy, answered):
        found[i] = found[i] or why
    return found


def _all_reasons(of: Windows, busy: FloatArray, answered: FloatArray) -> Iterator[tuple[int, str]]:
    for name, start, end in _faults(of.run.events):
        for place in np.flatnonzero((of.edges[:-1] < end) & (of.edges[1:] > start)):
            yield int(place), f"a fault was injected: {name}"
    for moment in _restarts(of.run.samples, of.edges[0]):
        if of.edges[0] <= moment < of.edges[-1]:
            yield int(np.searchsorted(of.edges, moment, side="right")) - 1, "a process of the service began anew"
    photos = of.gained("registration_queue_jobs_total", queue="photo", outcome="done")
    yield from _drifts(of, "requests at the service", _at_the_service, answered)
    yield from _drifts(of, "photos to be inspected", _uninspected, photos)
    shed = of.gained("registration_door_shed_total")
    for i, share in enumerate(busy):
        if math.isnan(share):
            yield i, "the record does not tell how busy the web role was"
        if share >= FULL:
            yield i, f"saturated: a loop of the web role wanted {share:.0%} of its core"
        if shed[i] > MOST_SHED * max(answered[i], 1.0):
            yield i, f"saturated: {shed[i]:.0f} requests were turned away while {answered[i]:.0f} were answered"


def _starved(of: Windows) -> dict[int, str]:
    """Number of each window in which the service's processes waited for cores, or cores for their host -> in words."""
    return _stolen(of) | _waited(of)


def _stolen(of: Windows) -> dict[int, str]:
    """Windows in which the host of a virtual machine let others have its cores."""
    stolen, busy = (of.gained(f"rehearsal_core_{state}_seconds_total") for state in ("stolen", "busy"))
    return {
        int(i): f"starved: the host took {stolen[i]:.1f} s of the {busy[i]:.1f} s in which cores were busy"
        for i in np.flatnonzero(stolen > MOST_STOLEN * busy)
    }


def _waited(of: Windows) -> dict[int, str]:
    """Windows in which processes waited for cores; of older records, which do not tell that: no core was free."""
    if of.run.samples.select("rehearsal_core_wait_seconds_total"):
        waited, ran = (
            np.sum([of.gained(f"rehearsal_{name}_seconds_total", role=role) for role in ROLES], axis=0)
            for name in ("core_wait", "cpu")
        )
        return {
            int(i): f"starved: the service waited {waited[i]:.1f} s for a core while it ran for {ran[i]:.1f} s"
            for i in np.flatnonzero(waited > MOST_WAIT * ran)
        }
    name = "rehearsal_core_busy_seconds_total"
    cores = [of.gained(name, core=core) for core in of.values_of(name, "core")]
    least = np.min(cores, axis=0) / of.width_s if cores else np.zeros(0)
    return {
        int(i): f"starved: every core of the machine was busy for {least[i]:.0%} of the time or more"
        for i in np.flatnonzero(least >= FULL)
    }


def _faults(events: Sequence[Mapping[str, Any]]) -> list[tuple[str, float, float]]:
    """(name, start, end) of each fault that began; one that was never ended lasts to infinity."""
    lasting: dict[tuple[Any, ...], float] = {}
    found: list[tuple[str, float, float]] = []
    for event in events:
        if event["kind"] == "fault":
            key = (event["name"], event.get("target"), event.get("number"))
            if event.get("edge") == "start":
                lasting[key] = float(event["t"])
            elif key in lasting:
                found.append((str(event["name"]), lasting.pop(key), float(event["t"])))
    return found + [(str(key[0]), start, math.inf) for key, start in lasting.items()]


def _restarts(samples: Samples, start_s: float) -> Iterator[float]:
    """When counters of a process of the service fell, or were first seen after `start_s`."""
    for _, times, values in samples.select("registration_process_cpu_seconds_total"):
        yield from times[1:][values[1:] < values[:-1]]
        if times[0] > start_s:
            yield float(times[0])


def _drifts(of: Windows, what: str, level: Level, finished: FloatArray) -> Iterator[tuple[int, str]]:
    """The windows in which `level` of what waits or is worked on rose or fell along a straight line."""
    for i, (start, end) in enumerate(zip(of.edges[:-1], of.edges[1:], strict=True)):
        moments = np.arange(start, end + 1e-9, _LOOK_S)
        held = level(of.run.samples, moments)
        centered = moments - moments.mean()
        grew = float(centered @ held / (centered @ centered)) * (end - start)
        if abs(grew) > MOST_DRIFT * finished[i] and abs(grew) > CHANCE * math.sqrt(held.mean() + 1.0):
            word = "grew" if grew > 0.0 else "fell"
            yield i, f"drifts: {what} {word} by {abs(grew):.0f} while {finished[i]:.0f} were finished"


def _at_the_service(samples: Samples, moments: FloatArray) -> FloatArray:
    """Requests that stand in line at the door or are worked on, of all processes together; shape of `moments`."""
    waiting = _held(samples, "registration_door_waiting_requests", moments)
    inside = _held(samples, "registration_door_in_flight_requests", moments, route_class="all")
    return np.sum([*waiting, *inside], axis=0) if waiting or inside else np.zeros(len(moments))


def _uninspected(samples: Samples, moments: FloatArray) -> FloatArray:
    """Photos in the queue; all processes tell of the same one. Shape of `moments`."""
    told = _held(samples, "registration_queue_depth", moments, queue="photo")
    return np.max(told, axis=0) if told else np.zeros(len(moments))


def _held(samples: Samples, name: str, moments: FloatArray, **labels: str) -> list[FloatArray]:
    """The level of each gauge at each moment, 0 before it was first seen."""
    return [
        np.concatenate(([0.0], np.nan_to_num(values)))[np.searchsorted(times, moments, side="right")]
        for _, times, values in samples.select(name, **labels)
    ]
