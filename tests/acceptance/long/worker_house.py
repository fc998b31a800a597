"""What the long proofs of the queues run on: a database server, partners that remember every call, and real workers.

The database and each worker are processes; the partners answer in this one, so that each call has its instant.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
from prometheus_client.parser import text_string_to_metric_families

from loadtests.harness.errors import Exit
from service.storage.migrate import migrate_url
from tests.acceptance.test_service_processes import settings_for
from tests.benchmarks.stack import Stack, stack
from tests.integration.worker_room import Room, service_room
from tests.service_process import running


class Invalid(Exception):
    """What was meant to trouble the workers did not, so nothing is proved."""


@dataclass(frozen=True)
class Worker:
    process: Any
    metrics_port: int

    def stop(self) -> None:
        """SIGSTOP, and wait until it stands still. Raises Invalid."""
        running = psutil.Process(self.process.pid)
        running.suspend()
        deadline = time.monotonic() + 5.0
        while running.status() != psutil.STATUS_STOPPED:
            if time.monotonic() > deadline:
                raise Invalid("a worker that was stopped did not stop")

    def go_on(self) -> None:
        psutil.Process(self.process.pid).resume()

    def kill(self) -> None:
        self.process.kill()
        if self.process.wait(10) != -9:
            raise Invalid("a worker that was killed had ended by itself")

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that bear these labels."""
        with urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as page:
            families = text_string_to_metric_families(page.read().decode())
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


class House:
    def __init__(self, room: Room, server: Stack, url: str, children: AsyncExitStack) -> None:
        self.room = room
        self.url = url
        self._folder = server.folder
        self._children = children
        self.workers: list[Worker] = []

    async def worker(self, **settings: str) -> Worker:
        """One more worker process, ready. settings: as in the table, without the prefix."""
        given = {"PARTNERS_URL": self.room.settings.partners_url, **settings}
        variables = settings_for(self.url, self._folder, **given)
        # Of the house's own room, so that either can read what the other sealed.
        variables["REGISTRATION_SECRET_KEY"] = "07" * 32
        process, ready = await asyncio.to_thread(
            lambda: self._children.enter_context(running("worker", "--lifeline", **variables))
        )
        worker = Worker(process, int(ready["metrics_port"]))
        self.workers.append(worker)
        return worker


@asynccontextmanager
async def house(started: Stack, name: str, **settings: Any) -> AsyncIterator[House]:
    """A fresh database on the server, partners, and the workers that are asked for."""
    url = await asyncio.to_thread(started.database, name)
    await migrate_url(url)
    photos = Path(started.folder) / f"photos-{name}"
    photos.mkdir()
    async with service_room(url, photos, **settings) as room, AsyncExitStack() as children:
        made = House(room, started, url, children)
        try:
            yield made
        finally:
            for worker in made.workers:
                worker.process.kill()  # what it has in hand is nobody's any more, and partners stop listening now


async def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Raises Invalid when it does not come to that in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Invalid(f"waited {seconds:.0f} s for {what}")
        await asyncio.sleep(0.01)


class Bars:
    """What was promised, and whether it was kept."""

    def __init__(self) -> None:
        self._missed: list[str] = []

    def judge(self, kept: bool, text: str) -> None:
        print(f"{'kept  ' if kept else 'MISSED'}  {text}", flush=True)
        if not kept:
            self._missed.append(text)

    def exit_code(self) -> int:
        print(f"{len(self._missed)} bars missed" if self._missed else "every bar is met", flush=True)
        return Exit.MISSED if self._missed else Exit.OK


def proved(proof: Callable[[Stack, Bars], Awaitable[None]]) -> int:
    """Run a proof on a server of its own; its exit code."""
    bars = Bars()

    async def run(server: Stack) -> None:
        await proof(server, bars)

    try:
        with stack() as server:
            asyncio.run(run(server))
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Invalid as reason:
        print(f"INVALID: {reason}", file=sys.stderr, flush=True)
        return Exit.INVALID
    return bars.exit_code()
