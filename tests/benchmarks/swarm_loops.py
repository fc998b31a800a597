"""The processes that `swarm` compares: each asks one target for a while and says what that cost, as a JSON line.

    python -m tests.benchmarks.swarm_loops crowd URL SECONDS [RECORDING]    our crowd, all of it on
    python -m tests.benchmarks.swarm_loops bare URL SECONDS RECORDING       a bare FastHttpSession in a loop
    python -m tests.benchmarks.swarm_loops http_user URL SECONDS RECORDING  Locust's HttpUser
    python -m tests.benchmarks.swarm_loops live URL PEOPLE                  memory of people who think

The crowd first writes down what two hundred people send; the others send these very requests, ready made.
"""

from gevent import monkey

monkey.patch_all()

import dataclasses  # noqa: E402  (whatever talks must be imported after the patch)
import gc  # noqa: E402
import json  # noqa: E402
import pickle  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any, NamedTuple  # noqa: E402

import gevent  # noqa: E402
import numpy as np  # noqa: E402
from gevent.event import Event  # noqa: E402
from locust import HttpUser, constant, task  # noqa: E402
from locust.contrib.fasthttp import FastHttpSession  # noqa: E402
from locust.env import Environment  # noqa: E402
from locust.event import EventHook  # noqa: E402
from locust.stats import RequestStats  # noqa: E402

from loadtests.clock import Clock  # noqa: E402
from loadtests.connections import Answer, Connections  # noqa: E402
from loadtests.crowd import Crowd, Share  # noqa: E402
from loadtests.deliveries import listen  # noqa: E402
from loadtests.memory import settle  # noqa: E402
from scenarios import catalogue  # noqa: E402
from scenarios.arrivals import SHARDS  # noqa: E402
from scenarios.catalogue import Night  # noqa: E402
from scenarios.journey_state import Action  # noqa: E402

ROOT = Path(__file__).parents[2]
PEOPLE_PER_S = 100.0
"""Of the crowd: whole journeys of 38 requests, for each second that the others ask."""
ARRIVALS_PER_S = 400.0
"""More than a core can play: the crowd, too, asks as fast as it can. With time to spare each request wakes loop and
target for itself, which costs whoever asks a third more, whatever the client."""
MOST = 0.95
"""It is measured until this share of its people has ended: a few return after an hour."""
USERS = 50
"""Of the loops, which ask as fast as they can, one request at a time each."""
WARM_UP = 2.0
RECORDED = 20_000
"""More than two hundred people's whole journeys: all kinds of requests in their proportions."""
PHOTO_BYTES = 3000
"""Photos as small as a form: what a byte costs is the system's affair, and the same for all."""


class Sent(NamedTuple):
    """A request as the crowd sent it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Recording(Connections):
    """Connections that note what is sent over them."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.sent: list[Sent] = []

    def send(self, method: str, path: str, headers: str = "", body: Any = b"", **how: Any) -> Answer:
        if len(self.sent) < RECORDED:
            fields = dict(line.split(": ", 1) for line in headers.split("\r\n") if line)
            self.sent.append(Sent(method, path, {"Accept": "application/json", **fields}, bytes(body)))
        return super().send(method, path, headers, body, **how)


# ---------------------------------------------------------------- our crowd


def hurried(night: Night, **thinking: float) -> Night:
    """The night for people with scripts in their browsers and lines that take no time."""
    lines = {
        name: dataclasses.replace(line, up_mbps=1e6, down_mbps=1e6, round_trip_s=0.0, cuts_per_min=0.0)
        for name, line in night.networks.items()
    }
    people = dataclasses.replace(
        night.population, think=dataclasses.replace(night.population.think, **thinking), without_javascript=0.0
    )
    return dataclasses.replace(night, networks=lines, population=people)


class Playing:
    """A crowd at work as in a worker (loadtests.station): codes are delivered, and its news are made once a second."""

    def __init__(self, night: Night, connections: Connections, due: Any, pace: float, small: bool = True) -> None:
        corpus = tuple(bytes(PHOTO_BYTES) for _ in range(night.population.photos.count)) if small else ()
        share = Share(night, 1, pace, due, np.arange(len(due)), float(due[-1]), 3600.0, "bench")
        self.crowd = Crowd(share, Clock(time.time()), connections, corpus, RequestStats(use_response_times_cache=False))
        connected = Event()
        url = f"http://{connections._head_end.partition('Host: ')[2].partition(chr(13))[0]}"
        self._helpers = [gevent.spawn(listen, url, list(range(SHARDS)), self.crowd.delivered, connected)]
        assert connected.wait(20)
        self.crowd.metrics.vitals.watch()
        self._helpers += [gevent.spawn(self.crowd.play), gevent.spawn(self._report)]

    def _report(self) -> None:
        while True:
            gevent.sleep(1.0)
            self.crowd.roster.parcel()
            self.crowd.receipts.news()
            self.crowd.metrics.news()

    def await_ends(self, people: int) -> None:
        """Wait until so many have ended."""
        give_up = time.monotonic() + 180.0
        while (ended := sum(self.crowd.metrics.fates.values())) < people:
            if time.monotonic() > give_up:
                raise TimeoutError(f"{ended} of {people} people have ended after three minutes")
            gevent.sleep(0.05)

    def requests(self) -> int:
        return sum(sum(route.outcomes.values()) for route in self.crowd.metrics.routes.values())

    def end(self) -> None:
        if self.crowd.defect:
            raise RuntimeError(self.crowd.defect)
        self.crowd.metrics.vitals.rest()
        self.crowd.cut()
        gevent.killall(self._helpers)


def crowd(url: str, seconds: float, recording: str = "") -> dict[str, Any]:
    connections = Recording(url) if recording else Connections(url)
    planned = int(seconds * PEOPLE_PER_S)
    due = np.arange(planned) / ARRIVALS_PER_S
    settle()
    playing = Playing(hurried(catalogue.load("prakerja-wave-1")), connections, due, 1e5)
    cpu = time.process_time()
    playing.await_ends(int(MOST * planned))
    asked, cpu = playing.requests(), time.process_time() - cpu
    playing.end()
    if isinstance(connections, Recording):
        Path(recording).write_bytes(pickle.dumps([tuple(each) for each in connections.sent]))
    return {"requests": asked, "cpu_s": cpu, "per_cpu_s": asked / cpu}


def live(url: str, people: str) -> dict[str, Any]:
    """Everybody stops to think before the profile: signed in, with all that the service has given until then."""
    night = catalogue.load("prakerja-wave-1")
    quick = hurried(night, account_s=1e-3, code_s=1e-3, session_s=1e-3, identity_s=1e-3, profile_s=1e6)
    connections = Connections(url)
    warm = Playing(quick, connections, np.zeros(500), 1.0, small=False)
    parked(warm, 500)
    warm.end()
    gc.collect()
    before = resident_bytes()
    planned = int(people)
    settle()
    playing = Playing(quick, connections, np.arange(planned) / 400.0, 1.0, small=False)
    there = parked(playing, planned)
    grown = resident_bytes() - before
    playing.end()
    return {"live": there, "bytes_each": grown / there}


def parked(playing: Playing, planned: int) -> int:
    """Wait until everybody is there and thinks; how many that are. A few leave before, as the night says."""
    give_up = time.monotonic() + 300.0
    while True:
        there = [one for one in playing.crowd.live.values() if one.state.action == Action.PERSONAL]
        all_came = playing.crowd.metrics.arrivals == planned and not playing.crowd._acting
        if all_came and len(there) >= 0.95 * len(playing.crowd.live):
            return len(playing.crowd.live)
        if time.monotonic() > give_up:
            raise TimeoutError(f"{len(there)} of {planned} people think after five minutes")
        gevent.sleep(0.2)


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


# ---------------------------------------------------------------- what it is compared with


def bare(url: str, seconds: float, recording: str) -> dict[str, Any]:
    """FastHttpSession without user, statistics or listeners; each greenlet has a session of its own."""
    requests = [Sent(*each) for each in pickle.loads(Path(recording).read_bytes())]
    done = [0]

    def loop(first: int) -> None:
        session = FastHttpSession(url, EventHook(), None)
        while True:
            for each in (*requests[first:], *requests[:first]):
                body: Any = each.body
                session.request(each.method, each.path, data=body, headers=each.headers)
                done[0] += 1

    loops = [gevent.spawn(loop, len(requests) * n // USERS) for n in range(USERS)]
    measured = over(seconds, lambda: done[0])
    gevent.killall(loops)
    return measured


def http_user(url: str, seconds: float, recording: str) -> dict[str, Any]:
    """Stock HttpUsers under a local runner."""
    requests = [Sent(*each) for each in pickle.loads(Path(recording).read_bytes())]

    class Somebody(HttpUser):
        host = url
        wait_time = constant(0)

        def on_start(self) -> None:
            self.at = id(self) // 64 % len(requests)

        @task
        def ask(self) -> None:
            each = requests[self.at % len(requests)]
            self.at += 1
            self.client.request(each.method, each.path, data=each.body, headers=each.headers, name="all")

    environment = Environment(user_classes=[Somebody])
    runner = environment.create_local_runner()
    runner.start(USERS, spawn_rate=USERS)
    measured = over(seconds, lambda: environment.stats.total.num_requests)
    runner.quit()
    return measured


def over(seconds: float, requests: Callable[[], int]) -> dict[str, Any]:
    """Requests and CPU seconds of this process from the end of the warm-up on, for so long."""
    gevent.sleep(WARM_UP)
    gc.collect()
    asked, cpu = requests(), time.process_time()
    gevent.sleep(seconds)
    asked, cpu = requests() - asked, time.process_time() - cpu
    return {"requests": asked, "cpu_s": cpu, "per_cpu_s": asked / cpu}


def main(role: str, url: str, amount: str, *recording: str) -> None:
    if role == "live":
        print(json.dumps(live(url, amount)))
    else:
        plays: dict[str, Callable[..., dict[str, Any]]] = {"crowd": crowd, "bare": bare, "http_user": http_user}
        print(json.dumps(plays[role](url, float(amount), *recording)))
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
