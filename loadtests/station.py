"""A worker's side of a run: holds shards, agrees on the plan, plays them, tells what became of their people.

Messages, each about one run: crowd_plan (master: settings and shards), crowd_here (worker: which process it is),
crowd_ready (worker: hash of the plan it computed), crowd_go (master: all hashes agree, this is the opening), crowd_news
(worker, once a second: who has started and who has ended since, receipts, what was measured), crowd_take (master:
shards of a lost worker, and with which applicant each goes on), crowd_cut (master: end it), crowd_ledger (worker: the
last news), crowd_fault (worker: cannot play, and why). A process without workers sends them to itself.
"""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import gevent
import numpy as np
from gevent.event import Event

from loadtests import photos
from loadtests.attendance import Identity
from loadtests.clock import Clock
from loadtests.connections import Connections
from loadtests.crowd import Crowd, Share
from loadtests.deliveries import listen
from loadtests.memory import settle
from loadtests.onlookers import Audience
from loadtests.receipts import KINDS, Told
from loadtests.roster import Parcel
from loadtests.run_settings import RunSettings
from loadtests.swarm_metrics import MetricsPort
from scenarios import offices, onlookers
from scenarios.arrivals import SHARDS, IntArray, Plan
from scenarios.uploaders import Uploader

NEWS_EVERY = 1.0
"""Seconds: what a lost worker knew and had not told is at most so old."""
CONNECTED_WITHIN = 1.0
"""Seconds that people taken over wait for the line that brings their codes; then they start without it."""

_NO_NEWS = Parcel({}, {}), Told({}, dict.fromkeys(KINDS, 0))

_log = logging.getLogger(__name__)

T = TypeVar("T")
Send = Callable[[str, dict[str, Any]], None]


class Station:
    """One worker process's part in the run that its master leads."""

    def __init__(self, send: Send, stats: Any, has_master: bool) -> None:
        """send: a message to the master; stats: Locust's RequestStats; has_master: another process leads."""
        self._send = send
        self._stats = stats
        self._has_master = has_master
        self._settings: RunSettings | None = None
        self._plan: Plan | None = None
        self._worker, self._run = 0, ""
        self._shards: list[int] = []
        self._taken: list[tuple[int, int]] = []
        """Shards taken over before the crowd was there, and where they go on."""
        self._photos: tuple[bytes, ...] = ()
        self._opens_at = 0.0
        self._go = Event()
        self._crowd: Crowd | None = None
        self._looking: Plan | None = None
        """When those come who only look."""
        self._audience: Audience | None = None
        """Plays those who only look; None where nobody does."""
        self._listeners: list[Any] = []
        self._handed_in = True
        self._broken = ""
        """Traceback of what ended the play."""
        self._cpu = 0.0
        """CPU seconds of playing; while it plays, minus those at its start."""
        self._page = MetricsPort(self._exposition)

    @property
    def live(self) -> int:
        """Applicants on their way now."""
        return len(self._crowd.live) if self._crowd is not None else 0

    # ------------------------------------------------------------ messages of the master

    def plan(self, data: dict[str, Any]) -> None:
        """crowd_plan: compute the plan, make ready, answer with its hash."""
        self._go.clear()
        self._crowd = self._audience = None
        self._handed_in, self._broken = False, ""
        self._worker, self._run, self._shards, self._taken = data["worker"], data["run"], data["shards"], []
        self._cpu = 0.0
        self._tell("crowd_here", process=list(Identity.own()))
        try:
            self._settings = RunSettings.of_message(data["settings"])
            self._plan = aside(self._settings.plan)
            habits = self._settings.night.population.onlookers
            self._looking = onlookers.plan(self._plan, habits, self._settings.seed)
            asked, folder = self._settings.night.population.photos, Path(self._settings.photo_dir)
            self._photos = aside(photos.corpus, asked, folder)
            port = self._settings.metrics_port
            self._page.open(port + 1 + self._worker if port and self._has_master else port)
        except (OSError, ValueError) as fault:
            self._tell("crowd_fault", fault=str(fault))
            return
        self._tell("crowd_ready", hash=self._plan.hash)

    def go(self, data: dict[str, Any]) -> None:
        """crowd_go: the opening is fixed. From now on the master is told once a second that all is well."""
        self._opens_at = data["opens_at"]
        self._go.set()
        gevent.spawn(self._report, self._run)

    def take(self, data: dict[str, Any]) -> None:
        """crowd_take: shards of a lost worker are this one's from now on, from the given applicants on."""
        if data["run"] != self._run or self._handed_in:
            return
        if self._crowd is None:
            self._taken += data["shards"]
        else:
            self._take(self._crowd, data["shards"])

    def cut(self) -> None:
        """crowd_cut: end the run for everybody and hand in what there is."""
        if self._crowd is not None:
            self._crowd.cut()
        self._hand_in()

    def leave(self) -> None:
        """This process is being ended, and the master has not asked for it: others are to go on with the share."""
        if self._crowd is not None:
            self._crowd.cut()
        self._hand_in(left=True)

    def break_down(self, defect: str) -> None:
        """A fault of the swarm's own ended the play: hand in what there is, with the reason."""
        self._broken = defect
        self.cut()

    # ------------------------------------------------------------ the crowd user's task

    def play(self) -> None:
        """Play this process's share once the master says go; returns when it is cut or the drain limit is reached."""
        self._go.wait()
        if self._handed_in or self._crowd is not None or self._settings is None or self._plan is None:
            return  # a second crowd user, or a run that ended before it began
        settings = self._settings
        clock = Clock(self._opens_at)
        numbers = self._plan.numbers(self._shards)
        share = Share(
            night=settings.night,
            seed=settings.seed,
            pace=settings.pace,
            due=self._plan.due[numbers],
            numbers=numbers,
            last_arrival=float(self._plan.due[-1]) if self._plan.planned else 0.0,
            drain=settings.drain_s,
            run=self._run,
            uploader=Uploader[settings.uploader.upper()],
            steps=settings.steps,
            speed=settings.speed,
            helper_waits=self._helper_waits(settings, self._plan),
        )
        try:
            connections = Connections(settings.host, settings.most_connections, settings.source_addresses)
        except (OSError, ValueError) as fault:
            given = [f"--host {settings.host}", *(f"--source-addresses {each}" for each in settings.source_addresses)]
            self._tell("crowd_fault", fault=f"{', '.join(given)}: {fault}")
            return
        self._crowd = crowd = Crowd(share, clock, connections, self._photos, self._stats)
        vitals = crowd.metrics.vitals
        vitals.exhausted = connections.exhausted
        vitals.sources = max(1, len(connections.sources.addresses))
        self._listen(crowd, self._shards)
        self._seat(crowd, connections)
        if self._taken:
            self._take(crowd, self._taken)
        settle()
        self._cpu = -time.process_time()
        vitals.watch()
        try:
            crowd.play()
        finally:
            vitals.rest()
            self._cpu += time.process_time()
            gevent.killall(self._listeners)
            if self._audience is not None:
                self._audience.cut()
            connections.close()
        self._hand_in()

    # ------------------------------------------------------------ own

    def _helper_waits(self, settings: RunSettings, plan: Plan) -> dict[int, float]:
        """Lines at labor offices belong to whole journeys: with --steps there are none."""
        if settings.steps:
            return {}
        return offices.waits(settings.night, settings.seed, plan.due, settings.pace)

    def _take(self, crowd: Crowd, shards: Sequence[tuple[int, int]]) -> None:
        assert self._plan is not None
        self._listen(crowd, [shard for shard, _ in shards]).wait(CONNECTED_WITHIN)
        numbers = remaining(self._plan, shards)
        overdue = crowd.take(self._plan.due[numbers], numbers)
        if self._audience is not None and self._looking is not None:
            # Those who were there, or should have come meanwhile, nobody knows of.
            looking = onlookers.coming(self._looking, (shard for shard, _ in shards), crowd.clock.now())
            self._audience.take(self._looking.due[looking], looking)
        _log.warning("worker %d takes over %d applicants, %d are overdue", self._worker, len(numbers), overdue)

    def _seat(self, crowd: Crowd, connections: Connections) -> None:
        """Start those who only look."""
        settings, looking = self._settings, self._looking
        assert settings is not None and looking is not None
        habits = settings.night.population.onlookers
        if habits is None or not looking.planned:
            return
        figures, clock = crowd.metrics.onlookers, crowd.clock
        self._audience = Audience(habits, settings.seed, settings.pace, clock, connections, figures, self._stats)
        numbers = looking.numbers(self._shards)
        self._audience.take(looking.due[numbers], numbers)
        gevent.spawn(self._audience.play)

    def _listen(self, crowd: Crowd, shards: Sequence[int]) -> Event:
        """Have the codes of these shards delivered; set once they are."""
        connected = Event()
        if self._settings is not None and self._settings.partners_url and shards:
            url = self._settings.partners_url
            self._listeners.append(gevent.spawn(listen, url, shards, crowd.delivered, connected))
        else:
            connected.set()
        return connected

    def _report(self, run: str) -> None:
        """Tell the master once a second what is new, and at once that everybody of the share has ended."""
        idle = False
        while not self._handed_in and self._run == run:
            self._tell("crowd_news", **self._news())
            if self._crowd is None or idle:
                gevent.sleep(NEWS_EVERY)
            else:
                self._crowd.idle.wait(NEWS_EVERY)
            idle = self._crowd is not None and self._crowd.idle.is_set()

    def _news(self) -> dict[str, Any]:
        crowd = self._crowd
        people, told = (crowd.roster.parcel(), crowd.receipts.news()) if crowd is not None else _NO_NEWS
        return {
            **people._asdict(),
            **told._asdict(),
            "figures": crowd.metrics.news() if crowd is not None else None,
            "defect": self._defect(),
            "cpu_s": self._cpu if self._cpu >= 0.0 else self._cpu + time.process_time(),
        }

    def _defect(self) -> str:
        """Of whichever part of the swarm failed first; empty while all is well."""
        parts = (part.defect for part in (self._crowd, self._audience) if part is not None and part.defect)
        return next(parts, self._broken)

    def _hand_in(self, *, left: bool = False) -> None:
        if not self._handed_in:
            self._handed_in = True
            self._tell("crowd_ledger", left=left, **self._news())

    def _tell(self, kind: str, **facts: Any) -> None:
        self._send(kind, {"worker": self._worker, "run": self._run, **facts})

    def _exposition(self) -> str:
        return self._crowd.metrics.exposition() if self._crowd is not None else ""


def aside(work: Callable[..., T], *arguments: Any) -> T:
    """What `work` returns, done in a thread: Locust ends a run whose workers are all deaf for four seconds.

    Raises its OSError or ValueError here only; gevent would print one that leaves the thread.
    """

    def safely() -> tuple[T | None, Exception | None]:
        try:
            return work(*arguments), None
        except (OSError, ValueError) as fault:
            return None, fault

    result, fault = gevent.get_hub().threadpool.apply(safely)
    if fault is not None:
        raise fault
    done: T = result
    return done


def remaining(plan: Plan, shards: Sequence[tuple[int, int]]) -> IntArray:
    """The applicants of these shards, each from the given row on: shard s holds s, s + SHARDS, ... in its rows."""
    first = np.zeros(SHARDS, np.int64)
    for shard, row in shards:
        first[shard] = row
    numbers = plan.numbers(shard for shard, _ in shards)
    return numbers[numbers // SHARDS >= first[numbers % SHARDS]]
