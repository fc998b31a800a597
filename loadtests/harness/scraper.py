"""The harness's own scraper: every target every two seconds, cheap enough to run beside what it measures.

Most series do not move between two scrapes. So the lines of a scrape are compared as a set with those of the one
before, and only new lines are parsed; a quiet histogram costs nothing.
"""

import http.client
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import cycle

from loadtests.harness import exposition
from loadtests.harness.samples import Target, kept
from scenarios.record import SamplesWriter

INTERVAL = 2.0
"""Seconds between scrapes: the shortest window of a report is four of them."""

TIMEOUT = 2.0
"""Seconds for one scrape; a target that answers later counts as down for it."""

ACCEPT = {"Accept": "text/plain; version=0.0.4"}


@dataclass(slots=True)
class Series:
    """One series while it is recorded: its samples so far, of equal ones only the first and the last."""

    name: str
    labels: dict[str, str]
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


class Recorder:
    """The samples of one target."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._series: dict[str, Series] = {}
        self._by_name: dict[str, list[Series]] = {}
        self._lines: set[str] = set()
        self._up: Series | None = None
        self._answered_at = -1.0

    def take(self, text: str, at: float) -> None:
        """Record a scrape that began at `at` (unix time, rising)."""
        lines = set(text.split("\n"))
        for line in lines - self._lines:
            if line and not line.startswith("#"):
                self._sample(line, at)
        self._lines = lines
        self._mark_up(at, 1.0)
        self._answered_at = at

    def miss(self, at: float) -> None:
        """Record that the target did not answer a scrape that began at `at`."""
        self._mark_up(at, 0.0)

    def latest(self, name: str) -> list[tuple[dict[str, str], float]]:
        return [(series.labels, series.values[-1]) for series in self._by_name.get(name, ())]

    def add_to(self, writer: SamplesWriter, opens_at: float) -> None:
        """Hand everything over; a series that stood still to the end gets its last sample at the last scrape."""
        for series in self._series.values():
            self._hold(series, self._answered_at)
            for at, value in zip(series.times, series.values, strict=True):
                writer.add(at - opens_at, series.name, series.labels, value)

    def _sample(self, line: str, at: float) -> None:
        text, value = exposition.split(line)
        series = self._series.get(text)
        if series is None:
            name, labels = exposition.series_of(text)
            if not kept(name):
                return
            series = self._open(text, name, dict(labels))
        else:
            # It stood still until the scrape before this one.
            self._hold(series, self._answered_at)
        series.times.append(at)
        series.values.append(value)

    def _open(self, text: str, name: str, labels: dict[str, str]) -> Series:
        series = self._series[text] = Series(name, {**labels, **self._target.labels})
        self._by_name.setdefault(name, []).append(series)
        return series

    @staticmethod
    def _hold(series: Series, at: float) -> None:
        if series.times[-1] < at:
            series.times.append(at)
            series.values.append(series.values[-1])

    def _mark_up(self, at: float, value: float) -> None:
        if self._up is None:
            self._up = self._open("up", "up", {})
        self._up.times.append(at)
        self._up.values.append(value)


class Endpoint:
    """One target's metrics over one kept-alive connection."""

    def __init__(self, target: Target) -> None:
        self._connection = http.client.HTTPConnection(target.host, target.port, timeout=TIMEOUT)

    def fetch(self) -> str:
        """The exposition. Raises OSError or HTTPException when the target does not give it in time."""
        try:
            self._connection.request("GET", "/metrics", headers=ACCEPT)
            answer = self._connection.getresponse()
            body = answer.read()
            if answer.status != http.client.OK:
                raise http.client.HTTPException(f"status {answer.status}")
            return body.decode()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()


class Scraper:
    """Scrapes each target every `interval` seconds, one after the other in equal steps, as Prometheus does.

    Programs that share a core would all show their metrics at the same moment otherwise, and requests wait for all.
    """

    def __init__(self, *, interval: float = INTERVAL, clock: Callable[[], float] = time.time) -> None:
        self._interval = interval
        self._clock = clock
        self._targets: list[tuple[Target, Endpoint, Recorder]] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def watch(self, targets: list[Target]) -> None:
        self._targets = [(target, Endpoint(target), Recorder(target)) for target in targets]
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(targets)), thread_name_prefix="scrape")
        self._thread = threading.Thread(target=self._loop, name="scraper", daemon=True)
        self._thread.start()

    def total(self, name: str, **labels: str) -> float:
        wanted = labels.items()
        return sum(value for own, value in self.latest(name) if wanted <= own.items())

    def latest(self, name: str) -> list[tuple[dict[str, str], float]]:
        with self._lock:
            return [pair for _, _, recorder in self._targets for pair in recorder.latest(name)]

    def finish(self, writer: SamplesWriter, opens_at: float) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._scrape()
        if self._pool is not None:
            self._pool.shutdown()
        for _, endpoint, recorder in self._targets:
            endpoint.close()
            recorder.add_to(writer, opens_at)

    def _loop(self) -> None:
        assert self._pool is not None
        step = self._interval / max(1, len(self._targets))
        under_way: dict[int, Future[None]] = {}
        due = time.monotonic()
        for place in cycle(range(len(self._targets))):
            if self._stop.wait(max(0.0, due - time.monotonic())):
                break
            # A scrape that takes longer than the interval skips the next one, it does not catch up.
            if place not in under_way or under_way[place].done():
                under_way[place] = self._pool.submit(self._scrape_one, self._targets[place])
            due = max(due + step, time.monotonic())
        wait(under_way.values())

    def _scrape(self) -> None:
        assert self._pool is not None
        for _ in self._pool.map(self._scrape_one, self._targets):
            pass

    def _scrape_one(self, watched: tuple[Target, Endpoint, Recorder]) -> None:
        _, endpoint, recorder = watched
        at = self._clock()
        try:
            text = endpoint.fetch()
        except (OSError, http.client.HTTPException, exposition.ExpositionError):
            with self._lock:
                recorder.miss(at)
        else:
            with self._lock:
                recorder.take(text, at)
