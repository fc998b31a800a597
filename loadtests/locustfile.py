"""The swarm, as Locust sees it: one crowd user per worker, a shape that lasts until everybody has ended.

    locust -f loadtests/locustfile.py --host http://127.0.0.1:8000 --night prakerja-wave-1 --people 1/100

Works with the web UI, headless, with --processes N and with --master and --worker. Applicants are not Locust users: the
crowd plays them (loadtests.crowd), Locust shows how many are on their way.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, ClassVar

import gevent
from gevent.event import Event
from gevent.socket import wait_read
from locust import LoadTestShape, User, events, task
from locust.runners import STATE_MISSING, LocalRunner, MasterRunner, WorkerRunner

from loadtests import needs
from loadtests.muster import INVALID, Muster
from loadtests.run_settings import OPTIONS, RunSettings, SettingsRefused
from loadtests.station import Station
from loadtests.swarm_metrics import MetricsPort
from loadtests.web_tabs import WebTabs

LAST_SCRAPE = 60.0
"""Seconds that a finished swarm stays up for whoever still wants to read its metrics."""
ORPHAN_GRACE = 20.0
"""Seconds that a worker whose starter is gone waits for its master to end it."""


class LaunchNight(User):
    """The crowd of one worker."""

    station: ClassVar[Station]

    @task
    def play(self) -> None:
        try:
            self.station.play()
        except Exception:  # Locust would log it and begin again: a swarm that plays nothing would look clean
            self.station.break_down(traceback.format_exc())
        Event().wait()  # the next task would start the share again; Locust ends this one


class UntilAllHaveEnded(LoadTestShape):
    """One crowd user for each worker, until the record is written."""

    muster: Muster
    lifeline: "Lifeline | None" = None
    _crowds = 0

    def tick(self) -> tuple[int, float] | None:
        if self.muster.finished.is_set():
            if self.lifeline is not None and self.muster.exit_code in (0, INVALID):
                self.lifeline.cut.wait(LAST_SCRAPE)
            self._crowds = 0
            return None
        if isinstance(self.runner, MasterRunner):
            self._crowds = self._crowds or len(_clients(self.runner))
        else:
            self._crowds = 1
        return self._crowds, self._crowds


class CountingLocalRunner(LocalRunner):
    """A local runner whose users are the applicants on their way."""

    @property
    def user_count(self) -> int:
        return LaunchNight.station.live


class Lifeline:
    """Notices when the standard input closes, and then calls `end`."""

    def __init__(self, end: Callable[[], None]) -> None:
        self.cut = Event()
        self._end = end
        gevent.spawn(self._watch)

    def _watch(self) -> None:
        while True:
            wait_read(0)
            if not os.read(0, 4096):
                break
        self.cut.set()
        self._end()


def _end_orphan() -> None:
    """Of a worker: its master ends it, unless that is gone too."""
    gevent.sleep(ORPHAN_GRACE)
    os.kill(os.getpid(), signal.SIGTERM)


def _clients(runner: MasterRunner) -> list[str]:
    return [client.id for client in runner.clients.all if client.state != STATE_MISSING]


def add_options(parser: Any) -> None:
    """Locust's command line, and the form of its web UI, with a run's settings."""
    for name, facts in OPTIONS:
        parser.add_argument(name, **facts)
    lifeline = "End when the standard input closes"
    parser.add_argument("--lifeline", action="store_true", include_in_web_ui=False, help=lifeline)


def set_up(environment: Any, runner: Any, **_: Any) -> None:
    """Put the two sides of a run where this process needs them: leading, playing, or both."""
    if isinstance(runner, MasterRunner | LocalRunner):
        _lead(environment, runner)
    if isinstance(runner, WorkerRunner | LocalRunner):
        _play(environment, runner)
    if isinstance(runner, WorkerRunner) and environment.parsed_options.lifeline:
        Lifeline(_end_orphan)


def _lead(environment: Any, runner: Any) -> None:
    if isinstance(runner, MasterRunner):
        muster = Muster(lambda kind, data, client: runner.send_message(kind, data, client), lambda: _clients(runner))
    else:
        muster = Muster(lambda kind, data, _: runner.send_message(kind, data), lambda: ["local"])

    def stop() -> None:
        """Asked to end from outside. Locust heeds no SIGTERM while a headless shape runs, so that one is ended here."""
        if not environment.parsed_options.headless:
            os.kill(os.getpid(), signal.SIGTERM)
        elif muster.has_begun:
            muster.stop()
        else:
            os.kill(os.getpid(), signal.SIGINT)  # still waiting for workers, which only this interrupts

    lifeline = Lifeline(stop) if environment.parsed_options.lifeline else None
    if environment.parsed_options.headless:
        gevent.signal_handler(signal.SIGTERM, stop)
    shape = environment.shape_class
    assert isinstance(shape, UntilAllHaveEnded)
    shape.muster, shape.lifeline = muster, lifeline

    page = MetricsPort(lambda: muster.measured.exposition())

    def parsed() -> RunSettings:
        return RunSettings.parse(environment.parsed_options, environment.host)

    if environment.parsed_options.headless:
        try:
            parsed()
        except SettingsRefused as refused:
            print(refused, file=sys.stderr)
            sys.exit(2)

    def begin(**_: Any) -> None:
        try:
            settings = parsed()
            muster.begin(settings)
            if not muster.finished.is_set():
                _tell_needs(settings, muster.workers)
            if isinstance(runner, MasterRunner):  # one without workers shows its figures as a worker does
                page.open(settings.metrics_port)
        except (SettingsRefused, OSError) as refused:
            muster.fail(str(refused), 2)

    def end(**_: Any) -> None:
        environment.process_exit_code = muster.exit_code

    runner.register_message("crowd_here", lambda msg, **_: muster.here(msg.data))
    runner.register_message("crowd_ready", lambda msg, **_: muster.ready(msg.data))
    runner.register_message("crowd_news", lambda msg, **_: muster.take_news(msg.data))
    runner.register_message("crowd_ledger", lambda msg, **_: muster.take_ledger(msg.data), concurrent=True)
    runner.register_message("crowd_fault", lambda msg, **_: muster.take_fault(msg.data), concurrent=True)
    environment.events.test_start.add_listener(begin)
    environment.events.test_stopping.add_listener(lambda **_: muster.stop())
    environment.events.quitting.add_listener(end)
    gevent.spawn(muster.watch)
    if environment.web_ui is not None:
        WebTabs(lambda: muster.measured, muster.audits).add_to(environment.web_ui)


def _tell_needs(settings: RunSettings, workers: int) -> None:
    """Say on standard error what the chosen factors ask of the machines that play them, before anybody starts."""
    needed = needs.needs(settings.plan(), settings.night.population, settings.pace, settings.steps, workers)
    sources = needs.sources_to(settings.host, settings.source_addresses)
    has, most = needs.machine(), settings.most_connections
    for line in needs.lines(needed, has, workers=workers, sources=sources, most=most):
        print(f"swarm: {line}", file=sys.stderr, flush=True)


def _play(environment: Any, runner: Any) -> None:
    def tell(kind: str, data: dict[str, Any]) -> None:
        if kind == "crowd_ledger" and isinstance(runner, WorkerRunner):
            runner._send_stats()  # before the master ends the run: it waits half a second for what comes after that
        runner.send_message(kind, data)

    station = Station(tell, environment.stats, has_master=isinstance(runner, WorkerRunner))
    LaunchNight.station = station
    runner.register_message("crowd_plan", lambda msg, **_: station.plan(msg.data), concurrent=True)
    runner.register_message("crowd_go", lambda msg, **_: station.go(msg.data))
    runner.register_message("crowd_take", lambda msg, **_: station.take(msg.data), concurrent=True)
    runner.register_message("crowd_cut", lambda **_: station.cut(), concurrent=True)
    if isinstance(runner, LocalRunner):
        runner.__class__ = CountingLocalRunner
        return

    def report_live(data: dict[str, Any], **_: Any) -> None:
        data["user_count"] = station.live
        data["user_classes_count"] = {LaunchNight.__name__: station.live}

    def end(**_: Any) -> None:
        environment.process_exit_code = 0  # a designed "come back later" is no failure of the worker

    environment.events.report_to_master.add_listener(report_live)
    environment.events.test_stopping.add_listener(lambda **_: station.leave())
    environment.events.quitting.add_listener(end)


listeners: Any = events  # Locust's own types say nothing about listeners
listeners.init_command_line_parser.add_listener(add_options)
listeners.init.add_listener(set_up)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # What a script starts in the background is born deaf to Ctrl-C, and Ctrl-C is how a swarm is told to end.
    signal.signal(signal.SIGINT, signal.default_int_handler)
