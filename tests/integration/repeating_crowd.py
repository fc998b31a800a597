"""People who do everything once, on lines and servers that make them send it more than once.

Each operation has a fate, drawn from the seed: sent once, sent again after its answer, raced against itself, or cut,
which is sent over a bad line that loses the answer, then again over a good one. Whatever its fate, an operation is
repeated under its key until it is answered for good, and every answer under one key must be the same, byte for byte.
"""

import asyncio
import io
import json
import random
import re
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import aiohttp
from PIL import Image

from scenarios.identity_numbers import family_card_of, nik
from tests.integration.registration_room import BORN, STEPS

CODE = re.compile(r"\b(\d{6})\b")
TRIES = 60
"""For one operation: only a service that has stopped needs them."""
LONGEST_WAIT = 0.3
"""Seconds. Retry-After is meant for people; these here only have to come again."""
MOST_AT_ONCE = 4
MESSAGE_WITHIN = 120.0
"""Seconds. A job whose claim was cut waits for the end of its lease, and may be cut again."""


class Fate(Enum):
    ONCE = "once"
    REPEATED = "repeated"
    RACED = "raced"
    CUT = "cut"


SHARES = {Fate.ONCE: 0.7, Fate.REPEATED: 0.1, Fate.RACED: 0.1, Fate.CUT: 0.1}


def _told(answer: "Answer") -> "Answer":
    """What each repetition must say alike: a ticket's place is as of now."""
    if not answer.body.startswith(b'{"ticket":'):
        return answer
    drawn = json.loads(answer.body)
    return replace(answer, body=json.dumps({**drawn, "place": None}).encode())


class Stuck(Exception):
    """A person cannot go on: what was done was not told, and doing it again is refused."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    location: str = ""


@dataclass(frozen=True)
class Lines:
    """Where requests go: good ones to every replica in turn, and a bad one that loses answers."""

    session: aiohttp.ClientSession
    bad_session: aiohttp.ClientSession
    """For the bad line: a connection for each request, so that each has a luck of its own."""
    good: Sequence[str]
    bad: str
    partners: str


@dataclass
class Seen:
    """What clients were told."""

    fates: Counter[Fate] = field(default_factory=Counter)
    requests: int = 0
    lost: int = 0
    """Requests whose connection broke."""
    refused: Counter[str] = field(default_factory=Counter)
    """503 by problem, each of them sent again."""
    differing: list[str] = field(default_factory=list)
    """Operations that were answered in two ways."""
    stuck: list[str] = field(default_factory=list)
    done: int = 0
    """People who have joined."""

    @property
    def operations(self) -> int:
        return sum(self.fates.values())


async def play(lines: Lines, people: int, *, seed: int, at_once: int, first: int = 1) -> Seen:
    """All of them from the ticket to the join, `at_once` at a time."""
    seen, turns = Seen(), asyncio.Semaphore(at_once)
    photo = _photo()

    async def one(number: int) -> None:
        async with turns:
            person = _Person(lines, seen, number, random.Random(f"{seed} {number}"), photo)
            try:
                await person.register()
                seen.done += 1
            except Stuck as stuck:
                seen.stuck.append(str(stuck))

    async with asyncio.TaskGroup() as group:
        for number in range(first, first + people):
            group.create_task(one(number))
    return seen


def _photo() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 120, 40)).save(file, "JPEG")
    return file.getvalue()


class _Person:
    def __init__(self, lines: Lines, seen: Seen, number: int, draws: random.Random, photo: bytes) -> None:
        self._lines = lines
        self._seen = seen
        self._number = number
        self._draws = draws
        self._photo = photo
        self._keys = 0
        self._session: dict[str, str] = {}

    async def register(self) -> None:
        phone = f"+6280{self._number:09d}"
        drawn = await self._json("POST", "/tickets", {})
        held = {"Waiting-Room-Ticket": drawn["ticket"], "Waiting-Room-Secret": drawn["secret"]}
        entry = (await self._json("POST", "/claims", {}, held))["pass"]
        account = {"name": "Siti Rahma", "phone": phone}
        await self._json("POST", "/accounts", account, {"Waiting-Room-Pass": entry})
        asked = (await self._json("POST", "/codes", {"address": phone}))["code_request"]
        typed = {"code_request": asked, "code": await self._code(phone)}
        token = (await self._json("POST", "/sessions", typed))["token"]
        self._session = {"Authorization": f"Bearer {token}"}
        number = nik(33, 72, BORN, False, self._number)
        given = {"nik": number, "family_card_number": family_card_of(number), "birth_date": BORN.isoformat()}
        await self._json("PUT", "/identity", given)
        for step, data in STEPS.items():
            await self._json("PUT", f"/profile/{step}", data)
        for slot in ("identity_card", "selfie"):
            await self._upload(slot)
        await self._json("POST", "/assessment", {})
        for item in (1, 2):
            await self._json("PUT", f"/assessment/answers/{item}", {"choice": item})
        await self._json("POST", "/assessment/submission", {})
        await self._json("POST", "/waves/1/join", {})

    async def _upload(self, slot: str) -> None:
        tus = {"Tus-Resumable": "1.0.0"}
        metadata = f"slot {b64encode(slot.encode()).decode()},filetype {b64encode(b'image/jpeg').decode()}"
        creation = {**tus, "Upload-Length": str(len(self._photo)), "Upload-Metadata": metadata}
        path = (await self._operation("POST", "/files/", b"", creation)).location
        chunk = {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        for _ in range(TRIES):
            # The photo is of one piece: it is there whole, or not at all. A repetition is resumed, not replayed.
            stored = await self._try(self._good(), "PATCH", path, self._photo, chunk)
            if stored is not None and stored.status < 300:
                return
            if stored is not None and stored.status == 409:  # the lost try had stored it
                end = chunk | {"Upload-Offset": str(len(self._photo))}
                whole = await self._try(self._good(), "PATCH", path, b"", end)
                if whole is not None and whole.status < 300:
                    return
            await asyncio.sleep(self._draws.random() * LONGEST_WAIT)
        raise Stuck(f"PATCH {slot}")

    async def _json(self, method: str, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        json_type = {"Content-Type": "application/json"}
        answer = await self._operation(method, path, json.dumps(body).encode(), json_type | (headers or {}))
        return json.loads(answer.body) if answer.body else None

    async def _operation(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """The answer of one operation, whatever its fate does to its requests."""
        if method == "POST":
            self._keys += 1
            headers = headers | {"Idempotency-Key": f"{self._number}-{self._keys}-{self._draws.getrandbits(64):x}"}
        fate = self._draws.choices(list(SHARES), list(SHARES.values()))[0]
        self._seen.fates[fate] += 1

        async def sent() -> Answer:
            return await self._until_answered(method, path, body, headers)

        answers: list[Answer] = []
        if fate is Fate.CUT:
            told = await self._try(self._lines.bad, method, path, body, headers)
            answers += [told] if told is not None and told.status < 300 else []
        if fate is Fate.RACED:
            answers += await _together(sent, self._draws.randint(2, MOST_AT_ONCE))
        else:
            answers.append(await sent())
        if fate is Fate.REPEATED:
            answers += [await sent() for _ in range(self._draws.randint(1, 2))]
        good = [answer for answer in answers if answer.status < 300]
        if method == "POST" and len({_told(each) for each in answers}) > 1:  # a PUT tells how things stand now
            self._seen.differing.append(f"{method} {path}")
        if not good:
            raise Stuck(f"{method} {path}: {answers[0].status} {answers[0].body[:100]!r}")
        return good[0]

    async def _until_answered(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """The first answer that is final."""
        for _ in range(TRIES):
            answer = await self._try(self._good(), method, path, body, headers)
            if answer is not None and answer.status != 503 and not _is_to_come_again(answer):
                return answer
            await asyncio.sleep(self._draws.random() * LONGEST_WAIT)
        raise Stuck(f"{method} {path}: not answered in {TRIES} tries")

    async def _try(self, url: str, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer | None:
        """None: the connection broke."""
        self._seen.requests += 1
        session = self._lines.bad_session if url == self._lines.bad else self._lines.session
        try:
            async with session.request(method, url + path, data=body, headers=headers | self._session) as got:
                answer = Answer(got.status, await got.read(), got.headers.get("Location", ""))
        except (aiohttp.ClientError, TimeoutError):
            self._seen.lost += 1
            return None
        if answer.status == 503:
            self._seen.refused[json.loads(answer.body)["type"].rpartition("/")[2]] += 1
        return answer

    def _good(self) -> str:
        return self._draws.choice(self._lines.good)

    async def _code(self, phone: str) -> str:
        """The code that came by SMS; the inbox lies outside of all trouble."""
        deadline = time.monotonic() + MESSAGE_WITHIN
        while time.monotonic() < deadline:
            async with self._lines.session.get(f"{self._lines.partners}/inbox/{phone}") as got:
                messages = (await got.json())["messages"]
            if messages:
                found = CODE.search(messages[-1]["text"])
                assert found
                return found[1]
            await asyncio.sleep(0.05)
        raise Stuck(f"no message came to {phone}")


async def _together(sent: Callable[[], Awaitable[Answer]], times: int) -> list[Answer]:
    return list(await asyncio.gather(*(sent() for _ in range(times))))


def _is_to_come_again(answer: Answer) -> bool:
    """Waiting is no answer: the turn has not come, or the code is not on its way yet."""
    return answer.status == 409 and json.loads(answer.body)["type"].endswith("/turn-not-reached")
