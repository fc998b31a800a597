"""What one upload costs the web process: against two others, against the floor, with a full table, and open for long.

A photo of 300 KB, one creation and one PATCH for everyone, on connections that are kept. Runs are short, and each
measures all of them one after the other, so that what the machine does meanwhile happens to all. The service is whole
(sessions, the door with its limits, metrics, durable rows and bytes, SHA-256); its worker does not run, so that the
database's CPU is that of the uploads alone. Neither rival asks who uploads, hashes, or makes anything durable. CPU is
that of one process; PostgreSQL's has rows of its own.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.harness.processes import Child, once, python
from loadtests.photos import picture
from tests.benchmarks import uploads_rivals, uploads_slow
from tests.benchmarks.rows import Row, alone, paired
from tests.benchmarks.stack import READY_WITHIN, Stack, say, stack
from tests.benchmarks.uploads_client import SLOTS, Photo, upload_all
from tests.benchmarks.uploads_people import Applicants, fill

RUNS = int(os.environ.get("BENCH_RUNS", "11"))
UPLOADS = int(os.environ.get("BENCH_UPLOADS", "150"))
"""Of one run; fewer of both to try the benchmark itself; five runs at least."""
WARMING = 100
SLOW_RUNS = 5
PHOTO_BYTES = 300_000
MANY = 1_000_000
WEB = python("-m", "service", "web", "--lifeline")
CLOCK = 2
"""Linux: what the scheduler counts, of the process whose id is the rest of the clock's number."""
NO_PARTNERS = "http://127.0.0.1:9"
"""The web role asks none of them by itself."""
SETTINGS = {
    "REGISTRATION_OVERLOAD_LIMIT": "on",
    "REGISTRATION_PHOTO_QUEUE_LIMIT": "100000",  # bounded as ever; nobody inspects photos here
}


@dataclass
class Costs:
    """CPU seconds per upload of each run."""

    web: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)

    @property
    def both(self) -> list[float]:
        return [web + database for web, database in zip(self.web, self.database, strict=True)]


def rows() -> Iterator[Row]:
    with stack() as started:
        bench = Bench(started)
        bench.prepare()
        ours, many, floor, node, other = (Costs() for _ in range(5))
        for run in range(1, RUNS + 1):
            turns = [
                lambda: bench.measure(node, bench.tus_server, bench.anonymous(UPLOADS)),
                lambda: bench.measure(floor, bench.floor, bench.anonymous(UPLOADS)),
                lambda: bench.measure(ours, bench.few, bench.applicants.photos(UPLOADS)),
                lambda: bench.measure(many, bench.many, bench.later.photos(UPLOADS)),
                lambda: bench.measure(other, bench.tuspyserver, bench.anonymous(UPLOADS)),
            ]
            for turn in turns if run % 2 else reversed(turns):
                turn()
            figures = {"ours": ours, "floor": floor, "@tus/server": node, "tuspyserver": other, "1 M rows": many}
            text = ", ".join(f"{name} {costs.web[-1] * 1e3:.2f}" for name, costs in figures.items())
            say(f"run {run} of {RUNS}: ms of the web process: {text}")
        yield paired("uploads.cpu_vs_tus_server", "s", ours.web, node.web)
        yield paired("uploads.cpu_vs_tuspyserver", "s", ours.web, other.web)
        yield paired("uploads.cpu_vs_floor", "s", ours.web, floor.web)
        yield alone("uploads.database_cpu", "s", ours.database)
        yield paired("uploads.growth_1m", "s", many.both, ours.both)
        yield paired("uploads.database_growth_1m", "s", many.database, ours.database)
        yield alone("uploads.rss_per_open_upload", "bytes", [bench.memory(run) for run in range(1, SLOW_RUNS + 1)])


class Server:
    """A process that takes uploads, and the folder where it keeps them."""

    def __init__(self, child: Child, folder: Path) -> None:
        self.child = child
        self.folder = folder
        self._settled: set[str] = set()

    def settle(self) -> None:
        """Have what was kept on the disk and out of the kernel's memory: the next run finds what this one found.

        Nothing is removed: ext4 looks at each inode that was freed in the last minutes whenever it makes a file. With
        thousands of them every server became slower from run to run, the floor first, and all ratios better.
        """
        for folder, _, names in os.walk(self.folder):
            for path in {f"{folder}/{name}" for name in names} - self._settled:
                file = os.open(path, os.O_RDONLY)
                try:
                    os.fdatasync(file)
                    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(file)
                self._settled.add(path)


class Bench:
    """The service with an empty and with a full table, the floor and two rivals; all idle but the one measured."""

    def __init__(self, started: Stack) -> None:
        self._stack = started
        self._pictures = picture(PHOTO_BYTES, False, 1), picture(PHOTO_BYTES, False, 2)

    def prepare(self) -> None:
        folders = {name: self._folder(name) for name in ("tus-server", "tuspyserver", "floor")}
        floor = python("-m", "tests.benchmarks.uploads_floor", "--folder", str(folders["floor"]), "--lifeline")
        commands = {
            "tus-server": uploads_rivals.tus_server(folders["tus-server"]),
            "tuspyserver": uploads_rivals.tuspyserver(folders["tuspyserver"]),
            "floor": floor,
        }
        self.tus_server, self.tuspyserver, self.floor = (
            Server(self._stack.start(name, command), folders[name]) for name, command in commands.items()
        )
        measured = RUNS * UPLOADS + WARMING
        slow = SLOW_RUNS * (uploads_slow.OPEN + WARMING)
        self.few = self._service("few", uploads=0, photos=measured + slow)
        self.applicants = Applicants(self._pictures, others=0)
        self.many = self._service("many", uploads=MANY, photos=measured)
        self.later = Applicants(self._pictures, others=MANY // 2)
        say("warming up")
        for server in (self.floor, self.tus_server, self.tuspyserver):
            self.measure(Costs(), server, self.anonymous(WARMING))
        self.measure(Costs(), self.few, self.applicants.photos(WARMING))
        self.measure(Costs(), self.many, self.later.photos(WARMING))

    def anonymous(self, number: int) -> list[Photo]:
        return [Photo(self._pictures[each % 2], "identity_card") for each in range(number)]

    def measure(self, costs: Costs, server: Server, photos: list[Photo]) -> None:
        """CPU of `server`, its threads included, and of the database server while it takes these photos, for each."""
        database, web = self._stack.database_cpu(), _cpu(server.child.pid)
        asyncio.run(upload_all(server.child.url, photos))
        costs.web.append((_cpu(server.child.pid) - web) / len(photos))
        costs.database.append((self._stack.database_cpu() - database) / len(photos))
        server.settle()

    def memory(self, run: int) -> float:
        """Bytes per open upload of a web process that has just begun: one that was full before keeps what it had."""
        web = self._stack.start(f"web-slow-{run}", WEB, dict(self.few.child.settings))
        asyncio.run(upload_all(web.url, self.applicants.photos(WARMING)))
        memory = asyncio.run(uploads_slow.measure(web.url, web.pid, self.applicants.photos(uploads_slow.OPEN)))
        web.stop(grace=20.0)
        self.few.settle()
        say(f"{uploads_slow.OPEN} slow uploads, {run} of {SLOW_RUNS}: {memory.per_upload:,.0f} bytes each")
        return memory.per_upload

    def _service(self, name: str, *, uploads: int, photos: int) -> Server:
        """The web role on a database of its own, with so many finished uploads and applicants for so many photos."""
        say(f"starting the service on the database {name}, with {uploads:,} uploads")
        database = self._stack.database(name)
        settings = {**self._stack.settings(name, database, NO_PARTNERS), **SETTINGS}
        migrate = python("-m", "service", "migrate")
        once(f"migrate-{name}", migrate, settings=settings, logs=self._stack.folder, within=READY_WITHIN)
        asyncio.run(fill(database, uploads=uploads, applicants=photos // len(SLOTS) + 1))
        web = self._stack.start(f"web-{name}", WEB, settings)
        return Server(web, Path(settings["REGISTRATION_PHOTO_DIR"]))

    def _folder(self, name: str) -> Path:
        folder = self._stack.folder / name
        folder.mkdir()
        return folder


def _cpu(pid: int) -> float:
    """CPU seconds of a process with its threads, by its clock: /proc counts in steps of 10 ms, a twentieth of a run."""
    return time.clock_gettime(~pid << 3 | CLOCK)
