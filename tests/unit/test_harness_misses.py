"""Objectives that cannot be met any more are seen while the night plays, and no other ones."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from loadtests.harness.misses import LAG, REQUESTS_OF, Watch
from scenarios.objectives import DEFAULTS, STAGES, Demand, demands
from scenarios.record import SamplesWriter
from service.domain.buckets import CALIBRATION

PLANNED = 100
NIGHT = {name: default.bound for name, default in DEFAULTS.items()}


class Source:
    """Counts of a swarm and a worker, as a scrape shows them."""

    def __init__(self) -> None:
        self.answers: dict[str, Counter[float]] = {}
        self.outcomes: dict[tuple[str, str], float] = {}
        self.codes: dict[str, Counter[float]] = {"no": Counter(), "yes": Counter()}
        self.ended = 0.0

    def answer(self, route: str, took: float, times: int = 1, outcome: str = "ok") -> None:
        self.answers.setdefault(route, Counter())[took] += times
        self.outcomes[route, outcome] = self.outcomes.get((route, outcome), 0.0) + times

    def watch(self, targets: Any) -> None: ...
    def finish(self, writer: SamplesWriter, opens_at: float) -> None: ...
    def total(self, name: str, **labels: str) -> float:
        raise NotImplementedError

    def latest(self, name: str) -> list[tuple[dict[str, str], float]]:
        if name == "swarm_fates_total":
            return [({"fate": "joined"}, self.ended), ({"fate": "failed"}, 0.0)]
        if name == "swarm_requests_total":
            return [({"route": route, "outcome": how}, n) for (route, how), n in self.outcomes.items()]
        kind, of = ("route", self.answers) if name.startswith("swarm") else ("quota_bound", self.codes)
        return [
            ({kind: key, "le": le}, float(sum(n for took, n in counted.items() if took <= float(le))))
            for key, counted in of.items()
            for le in [*map(str, CALIBRATION), "+Inf"]
        ]


Played = Callable[[Source, float], None]


def played(play: Played, *, until: float = 120.0, faults: tuple[float, float] = (0.0, 0.0), speed: float = 1.0,
           **more: Any) -> tuple[str, float] | None:  # fmt: skip
    """Looks every two seconds, from two before the opening; the objective that was given up, and when.

    play: what happens in the two seconds up to t.
    """
    source, watch = Source(), Watch(demands({**NIGHT, **more}, {}), planned=PLANNED, speed=speed)
    t = -2.0
    while t <= until:
        if faults[0] <= t < faults[1]:
            watch.disturb(t)
        if t > 0:
            play(source, t)
        if (miss := watch.look(source, t)) is not None:
            assert miss.demand.id in miss.text
            return miss.demand.id, t
        t += 2.0
    return None


def steady(source: Source, t: float, slow: int = 0, route: str = "answers") -> None:
    """A hundred answers, `slow` of them of the given route and slow; somebody ends."""
    source.answer("answers", 0.02, 100 - slow)
    source.answer(route, 5.0, slow)
    source.ended = min(PLANNED, source.ended + 2)


def test_a_run_that_holds_is_never_given_up() -> None:
    """Nor one that holds by a hair to its end: 5 % may be slower than a second, 1 % than three."""
    assert played(steady) is None
    assert played(lambda source, t: steady(source, t, slow=1)) is None


def test_what_cannot_be_made_up_for_is_given_up_at_once() -> None:
    """Of 5,000 answers to come 50 may take more than three seconds: the second look finds 200 of them."""
    assert played(lambda source, t: steady(source, t, slow=100)) == ("api_p99_s", 4.0)


def test_the_more_is_wrong_the_sooner_it_is_seen() -> None:
    moments = []
    for slow in (8, 20, 60):
        found = played(lambda source, t, slow=slow: steady(source, t, slow=slow))  # type: ignore[misc]
        assert found is not None
        moments.append(found[1])
    assert moments == sorted(moments, reverse=True) and moments[0] > 2 * moments[2]


def test_a_bad_beginning_that_can_be_made_up_for_goes_on() -> None:
    """Fifteen slow ones of a hundred are far too many so far, 30 of 5,000 in the end are not; 300 would be."""
    assert played(lambda source, t: steady(source, t, slow=15 if t <= 4 else 0)) is None
    assert played(lambda source, t: steady(source, t, slow=15 if t <= 40 else 0)) is not None


def test_what_is_out_of_reach_is_missed_in_the_end_too() -> None:
    """Whatever the rest does: here everything after it is perfect, and the bound is still broken."""
    source, watch = Source(), Watch(demands(NIGHT, {}), planned=PLANNED, speed=1.0)
    t, missed = 0.0, None
    while source.ended < PLANNED:
        t += 2.0
        steady(source, t, slow=0 if missed else 30)
        missed = missed or watch.look(source, t)
    assert missed is not None and t == PLANNED
    bound = {"api_p95_s": (1.0, 0.05), "api_p99_s": (3.0, 0.01)}[missed.demand.id]
    took = source.answers["answers"]
    assert sum(n for seconds, n in took.items() if seconds > bound[0]) > bound[1] * took.total()


def test_one_error_does_not_end_a_run_and_many_do() -> None:
    """A thousandth may fail: of 5,000 requests to come five."""
    assert played(lambda source, t: steady(source, t) if t != 6 else source.answer("join", 0.1, 1, "error")) is None
    found = played(lambda source, t: source.answer("join", 0.1, 10, "error"))
    assert found is not None and found[0] == "server_error_ratio"


def test_uploads_are_left_out_but_where_they_are_asked_for() -> None:
    slow = lambda source, t: steady(source, t, slow=60, route="files-patch")  # noqa: E731
    assert played(slow) is None
    found = played(slow, stage={"photos": {"p95_s": 3.0}})
    assert found is not None and found[0] == "stage.photos.p95_s"


def test_a_stage_is_watched_by_its_own_routes() -> None:
    """One answer in a hundred is nothing for the night, and all of them for the stage."""
    slow = lambda source, t: steady(source, t, slow=1, route="codes")  # noqa: E731
    assert played(slow) is None
    assert played(slow, stage={"account": {"p95_s": 1.0}}) is None
    found = played(slow, stage={"code": {"p95_s": 1.0}})
    assert found is not None and found[0] == "stage.code.p95_s"


def test_every_stage_says_what_a_journey_asks_of_it() -> None:
    assert list(REQUESTS_OF) == list(STAGES)


def test_codes_that_a_quota_held_are_not_counted() -> None:
    def slow(kind: str) -> Played:
        def play(source: Source, t: float) -> None:
            source.codes[kind][30.0] += 10

        return play

    assert played(slow("yes")) is None
    found = played(slow("no"))
    assert found is not None and found[0] == "codes_within_10s_ratio"


def test_what_comes_in_a_fault_is_left_out() -> None:
    """The negative control: the same answers without the fault end the run."""
    slow = lambda source, t: steady(source, t, slow=60 if 10 <= t <= 30 else 0)  # noqa: E731
    assert played(slow) is not None
    assert played(slow, faults=(8.0, 32.0)) is None
    after = lambda source, t: steady(source, t, slow=60 if t > 60 else 0)  # noqa: E731
    found = played(after, faults=(8.0, 32.0))
    assert found is not None and found[1] > 60


@pytest.mark.parametrize("speed", [1.0, 2.0])
def test_a_window_is_watched_inside_alone(speed: float) -> None:
    """Its end is the end of all that could make up for it: what is missed then is given up at once."""
    window = [{"name": "x", "start_s": 40 * speed, "end_s": 60 * speed, "api_p95_s": 1.0}]
    slow = lambda source, t: steady(source, t, slow=15 if 40 < t <= 60 else 0)  # noqa: E731
    lax: dict[str, Any] = {"api_p95_s": 10.0, "api_p99_s": 10.0}
    found = played(slow, speed=speed, **lax, window=window)
    assert found is not None and found[0] == "window.x.api_p95_s"
    assert 60 < found[1] <= 60 + LAG
    before = lambda source, t: steady(source, t, slow=15 if t <= 40 - LAG else 0)  # noqa: E731
    assert played(before, speed=speed, **lax, window=window) is None


def test_what_a_running_stack_counted_before_the_opening_is_not_of_the_run() -> None:
    source, watch = Source(), Watch([Demand("server_error_ratio", 0.001, "")], planned=PLANNED, speed=1.0)
    source.answer("join", 0.1, 10_000, "error")
    looks = [watch.look(source, t) for t in (-1.0, 1.0, 3.0, 5.0)]
    assert looks == [None] * 4


def test_a_bound_between_two_edges_is_judged_by_the_edge_above() -> None:
    """Only what certainly lies beyond it counts against it; beyond the last edge nothing is certain."""
    for bound, missed in ((3.1, True), (4.9, True), (5.0, False), (500.0, False)):
        found = played(lambda source, t: steady(source, t, slow=60), api_p95_s=bound, api_p99_s=1000.0)
        assert (found is not None) is (missed and min(e for e in CALIBRATION if e >= bound) < 5.0), bound
