"""Replicas that receive uploads, each behind a fault proxy in which the connections of phones can be left hanging."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.harness.errors import HarnessError
from loadtests.harness.http_json import ask
from loadtests.harness.processes import Child, once, python
from service.metrics import Metrics
from service.storage.photos import LocalPhotoStore
from service.storage.pool import Database
from tests.benchmarks.stack import READY_WITHIN, Stack
from tests.integration.upload_room import Answer, Connection, Person, UploadRoom, random_bytes

DEADLINE = 20.0
"""Seconds that a step may take before the run counts as broken."""
HANDED_OVER = 0.1
"""Seconds that the kernel has to hand over what reached it: only then has it arrived."""
BEYOND = 2000
"""Bytes that a phone sends into the hole: they prove that it is one."""
NO_PARTNERS = "http://127.0.0.1:9"
ALL_ON = {"REGISTRATION_OVERLOAD_LIMIT": "on", "REGISTRATION_PHOTO_QUEUE_LIMIT": "1000000"}
"""As on the night, but nobody inspects what is finished here."""


class Unbitten(HarnessError):
    """The fault did not happen."""


@dataclass(frozen=True)
class Replica:
    web: Child
    proxy: Child
    room: UploadRoom
    """Asks it directly: a phone that came back over another network."""

    async def control(self, method: str, path: str, body: object = None) -> Any:
        url = f"http://127.0.0.1:{self.proxy.ready['control_port']}{path}"
        return await asyncio.to_thread(ask, method, url, body)

    async def passed(self) -> int:
        """Bytes that the proxy has passed on to the replica."""
        return int((await self.control("GET", "/state"))["upstream"]["bytes"])


@dataclass
class Hanging:
    """An upload whose request hangs: neither side hears the other any more."""

    person: Person
    path: str
    photo: bytes
    acknowledged: int
    """Bytes that an earlier request of the phone had brought: it was told so."""
    arrived: int
    """Bytes of the photo that reached the replica."""
    old: Connection
    words: Answer | None = None
    """What the old request was answered in the end; None: its connection just ended."""


@asynccontextmanager
async def replicas(
    rooms: Stack, name: str, count: int, module: str = "service", **settings: str
) -> AsyncIterator[list[Replica]]:
    """So many of them on one fresh database and one folder. module: what is run. Raises HarnessError."""
    url = await asyncio.to_thread(rooms.database, name)
    given = rooms.settings(name, url, NO_PARTNERS) | ALL_ON | settings
    migrate = python("-m", "service", "migrate")
    await asyncio.to_thread(once, f"migrate-{name}", migrate, settings=given, logs=rooms.folder, within=READY_WITHIN)
    database = await Database.open(url, connections=4)
    folder = Path(given["REGISTRATION_PHOTO_DIR"])
    photos = LocalPhotoStore(folder)
    started: list[Child] = []
    try:
        found = []
        for number in range(count):
            web = await _started(
                rooms, started, f"web-{name}-{number}", python("-m", module, "web", "--lifeline"), given
            )
            leads = ["--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{web.ready['port']}", "--lifeline"]
            proxy = await _started(
                rooms, started, f"faults-{name}-{number}", python("-m", "loadtests.faults", *leads), {}
            )
            room = UploadRoom(int(web.ready["port"]), database, folder, photos, Metrics(), Counter())
            found.append(Replica(web, proxy, room))
        yield found
    finally:
        await database.close()
        photos.close()
        for child in reversed(started):
            await asyncio.to_thread(child.stop, grace=5.0)


async def _started(rooms: Stack, started: list[Child], name: str, command: list[str], given: dict[str, str]) -> Child:
    child = await asyncio.to_thread(rooms.start, name, command, given)
    started.append(child)
    return child


@asynccontextmanager
async def hanging(replica: Replica, count: int, draw: random.Random, largest: int) -> AsyncIterator[list[Hanging]]:
    """Uploads to one replica that hang in the middle, until the block ends; then what was held back arrives as well.

    largest: bytes of a photo. Raises HarnessError when the black hole did not bite.
    """
    before, expected = await replica.passed(), 0
    found = []
    try:
        for _ in range(count):
            one, sent = await _begun(replica, draw, largest)
            found.append(one)
            expected += sent
        await _until_passed(replica, before + expected)
        await asyncio.sleep(HANDED_OVER)
        for direction in ("upstream", "downstream"):
            await replica.control("POST", "/toxics", {"kind": "black_hole", "direction": direction})
        for one in found:
            await one.old.send(one.photo[one.arrived : one.arrived + BEYOND])
        await _until_bitten(replica, count)
        yield found
    finally:
        await replica.control("DELETE", "/toxics")
        for one in found:
            one.words = await _last_words(one)
            await one.old.close()


async def _begun(replica: Replica, draw: random.Random, largest: int) -> tuple[Hanging, int]:
    """An upload under way through the proxy, and how many bytes were sent for it, its head included."""
    person = await replica.room.person()
    photo = random_bytes(draw.randrange(largest // 2, largest))
    acknowledged, arrived = sorted(draw.sample(range(1, len(photo) - BEYOND), 2))
    path = await person.begin(len(photo))
    if (answer := await person.patch(path, 0, photo[:acknowledged])).status != 204:
        raise HarnessError(f"the first part of a photo was answered with {answer.status}")
    old = Connection(*await asyncio.open_connection("127.0.0.1", replica.proxy.ready["port"]))
    headers = {"Host": "127.0.0.1", "Content-Length": str(len(photo) - acknowledged)} | person.chunk(acknowledged)
    lines = [f"PATCH {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    request = "\r\n".join(lines).encode() + photo[acknowledged:arrived]
    await old.send(request)
    return Hanging(person, path, photo, acknowledged, arrived, old), len(request)


async def _until_passed(replica: Replica, expected: int) -> None:
    deadline = time.monotonic() + DEADLINE
    while (passed := await replica.passed()) < expected:
        if time.monotonic() > deadline:
            raise HarnessError(f"the proxy passed {passed} of {expected} bytes on")


async def _until_bitten(replica: Replica, count: int) -> None:
    deadline = time.monotonic() + DEADLINE
    while True:
        toxics = (await replica.control("GET", "/toxics"))["toxics"]
        bitten = max(int(one["bit"]["connections"]) for one in toxics if one["direction"] == "upstream")
        if bitten >= count:
            return
        if time.monotonic() > deadline:
            raise Unbitten(f"the black hole bit {bitten} of {count} connections")


@dataclass(frozen=True)
class Back:
    """What a phone met that came back."""

    head_s: float
    """Until HEAD was answered."""
    usable_s: float
    """Until the rest was accepted as well."""
    offset: int
    status: int
    """Of the PATCH with the rest."""


async def come_back(one: Hanging, replica: Replica) -> Back:
    """HEAD, and the rest from there, directly to a replica."""
    person = Person(replica.room, one.person.account_id, one.person.session)
    began = time.monotonic()
    offset = await person.offset(one.path)
    asked = time.monotonic()
    answer = await person.patch(one.path, offset, one.photo[offset:])
    return Back(asked - began, time.monotonic() - began, offset, answer.status)


async def _last_words(one: Hanging) -> Answer | None:
    try:
        return await one.old.answer("PATCH")
    except (asyncio.IncompleteReadError, OSError):
        return None


class Probe:
    """Somebody else who asks a replica all the time: how long each answer takes, in seconds."""

    def __init__(self, replica: Replica, every: float = 0.01) -> None:
        self.took: list[float] = []
        self._replica = replica
        self._every = every

    @asynccontextmanager
    async def asking(self) -> AsyncIterator["Probe"]:
        person = await self._replica.room.person()
        path = await person.begin(1000)
        task = asyncio.create_task(self._ask(person, path))
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()

    async def _ask(self, person: Person, path: str) -> None:
        while True:
            began = time.monotonic()
            await person.offset(path)
            self.took.append(time.monotonic() - began)
            await asyncio.sleep(self._every)


def at(share: float, values: Sequence[float]) -> float:
    """The value that this share of them does not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]
