"""People who ask for tickets and codes at a steady rate, whatever they are told, and what became of it.

Half of the requests draw a ticket, half ask for a code by SMS, each for a person of its own; a code then goes through
the queue to the simulated partner. Nobody repeats a request: what is lost is lost, so figures of recovery owe nothing
to people who come back.
"""

import asyncio
import json
import secrets
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp

USEFUL = 1.0
"""Seconds; an answer after more than this is of no use: the objective of the night."""
PROMPT = 5.0
"""Seconds from the answer to the phone: half of what the night allows for."""
PATIENCE = 30.0
"""Then the phone gives up. Nobody should need it: each request has an answer long before."""


@dataclass
class Asked:
    """One request. Instants are unix seconds."""

    due: float
    phone: str
    """Empty: it asked for a ticket."""
    status: int = 0
    """0: there was no answer."""
    at: float = 0.0
    retry_after: bool = False
    ticket: int = 0
    request: str = ""

    @property
    def took(self) -> float:
        return self.at - self.due

    @property
    def acknowledged(self) -> bool:
        return 200 <= self.status < 300

    @property
    def useful(self) -> bool:
        return self.acknowledged and self.took <= USEFUL


@dataclass
class Load:
    url: str
    partners: str
    rate: float
    settles: float = 30.0
    """Seconds from the last request to the last code: a lease that runs out, a retry and then some."""
    phones: list[str] = field(default_factory=list)
    """Of people who have not asked yet."""
    asked: list[Asked] = field(default_factory=list)
    delivered: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """When a message came, by phone."""
    lateness: list[float] = field(default_factory=list)

    @asynccontextmanager
    async def playing(self) -> AsyncIterator[None]:
        """Requests keep coming meanwhile; at the end all are answered, and what was promised has come or never will."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            listening = await self._listen(session)
            stop = asyncio.Event()
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._arrive(session, group, stop))
                    try:
                        yield
                    finally:
                        stop.set()
                await self._settled()
            finally:
                listening.cancel()
                await asyncio.wait([listening])

    async def _settled(self) -> None:
        deadline = time.time() + self.settles
        while self.unserved() and time.time() < deadline:  # noqa: ASYNC110 - nobody tells when the last one came
            await asyncio.sleep(0.05)

    async def _arrive(self, session: aiohttp.ClientSession, group: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        """Evenly, so that two windows of the same length can be compared."""
        began, number = time.time(), 0
        while not stop.is_set():
            due = began + number / self.rate
            await asyncio.sleep(max(0.0, due - time.time()))
            self.lateness.append(time.time() - due)
            asked = Asked(due, self.phones.pop(0) if number % 2 and self.phones else "")
            self.asked.append(asked)
            group.create_task(self._ask(session, asked))
            number += 1

    async def _ask(self, session: aiohttp.ClientSession, asked: Asked) -> None:
        path, body = ("/codes", {"address": asked.phone}) if asked.phone else ("/tickets", {})
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        with suppress(aiohttp.ClientError, TimeoutError):
            async with asyncio.timeout(PATIENCE), session.post(self.url + path, json=body, headers=headers) as answer:
                told = await answer.json(content_type=None)
                asked.status = answer.status
                asked.retry_after = "retry-after" in answer.headers
                asked.ticket = told.get("number", 0)
                asked.request = told.get("code_request", "")
        asked.at = time.time()

    async def _listen(self, session: aiohttp.ClientSession) -> asyncio.Task[None]:
        """Note what arrives on the phones, from now on."""
        timeout = aiohttp.ClientTimeout(total=None)
        answer = await session.get(f"{self.partners}/deliveries", timeout=timeout)

        async def note() -> None:
            async with answer:
                async for line in answer.content:
                    if line.strip():
                        message = json.loads(line)
                        self.delivered[message["to"]].append(message["delivered_at"])

        return asyncio.create_task(note())

    # ------------------------------------------------------------ what became of it

    def within(self, start: float, end: float) -> list[Asked]:
        return [each for each in self.asked if start <= each.due < end]

    def served(self, start: float, end: float) -> float:
        """Share of the requests of these seconds that had a useful answer."""
        asked = self.within(start, end)
        return sum(each.useful for each in asked) / len(asked)

    def delivered_per_s(self, start: float, end: float) -> float:
        """Codes that came to people in these seconds."""
        return sum(start <= at < end for times in self.delivered.values() for at in times) / (end - start)

    def prompt(self, start: float, end: float) -> float:
        """Share of the codes promised to those who asked in these seconds that came soon."""
        promised = [each for each in self.within(start, end) if each.phone and each.acknowledged]
        prompt = [
            each for each in promised if min(self.delivered[each.phone], default=PATIENCE * 1e9) - each.at <= PROMPT
        ]
        return len(prompt) / max(len(promised), 1)

    def unserved(self) -> list[str]:
        """Phones to which a code was promised that has not come."""
        return [
            each.phone for each in self.asked if each.phone and each.acknowledged and not self.delivered[each.phone]
        ]


def indefinite(asked: Iterable[Asked], within: float) -> list[str]:
    """Requests without a definite answer in time: a success, or 503 that says when to come back."""
    return [
        f"{each.status} after {each.took:.1f} s" + ("" if each.retry_after else ", without Retry-After")
        for each in asked
        if not (each.acknowledged or (each.status == 503 and each.retry_after)) or each.took > within
    ]


def differences(load: Load, tickets: set[int], requests: set[str]) -> list[str]:
    """What people were told against what the database holds and what came to them.

    Promised and never come, or stored nowhere: lost. Come twice, or one number given to two: doubled. Who was refused
    or not answered may have got a code all the same, once.
    """
    told = [each for each in load.asked if each.acknowledged]
    numbers = [each.ticket for each in told if not each.phone]
    found = [f"ticket {number} was given twice" for number in numbers if numbers.count(number) > 1]
    found += [f"ticket {number} is lost" for number in numbers if number not in tickets]
    found += [f"the request of {each.phone} is lost" for each in told if each.phone and each.request not in requests]
    found += [f"the code of {phone} is lost" for phone in load.unserved()]
    return found + [f"{phone} got {len(came)} codes" for phone, came in load.delivered.items() if len(came) > 1]
