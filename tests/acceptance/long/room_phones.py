"""People before the real waiting room, over HTTP: each takes a ticket, asks until let in, and remembers what was said.

What an answer acknowledged is written down at once: it must hold whatever is killed afterwards.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.wire import Connection, Response, request

LOST = (OSError, TimeoutError, asyncio.IncompleteReadError, EOFError, ValueError)
"""No whole answer came: nobody knows what happened to the request."""
AGAIN = (0.05, 0.4)
"""Seconds until somebody without an answer asks again."""


@dataclass
class Held:
    """What one person was told. Numbers: every one that an answer named for the one key."""

    key: str
    numbers: set[int] = field(default_factory=set)
    ticket: str = ""
    secret: str = ""
    passes: set[str] = field(default_factory=set)
    claimed_at: float | None = None


@dataclass
class Told:
    people: list[Held] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    """Requests that were sent, and nobody knows what became of them."""
    refused: int = 0
    """Nobody listened."""
    busy: int = 0
    """Requests under way now."""

    @property
    def holders(self) -> list[Held]:
        return [one for one in self.people if one.numbers]


class Phone:
    """route: the URL of some replica, drawn anew for each request."""

    def __init__(self, route: Callable[[], str], draw: random.Random, told: Told, key: str) -> None:
        self._route = route
        self._draw = draw
        self._told = told
        self.held = Held(key)
        told.people.append(self.held)

    async def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Response | None:
        """One request on a connection of its own; None: no answer came."""
        self._told.busy += 1
        try:
            async with Connection(self._route()) as line:
                answer = await line.exchange(request(line.host, method, path, headers, body))
        except ConnectionRefusedError:
            self._told.refused += 1
            return None
        except LOST:
            self._told.unanswered += 1
            return None
        finally:
            self._told.busy -= 1
        self._told.answers[f"{method} {path} {answer.status}"] += 1
        return answer

    async def pause(self, answer: Response | None) -> None:
        """As long as the answer asks for, or a moment when there was none."""
        seconds = self._draw.uniform(*AGAIN)
        if answer is not None and "retry-after" in answer.headers:
            seconds += min(float(answer.headers["retry-after"]), 3.0)
        await asyncio.sleep(seconds)

    def _headers(self, key: str) -> dict[str, str]:
        found = {"Content-Type": "application/json", "Idempotency-Key": key}
        if self.held.ticket:
            found |= {"Waiting-Room-Ticket": self.held.ticket, "Waiting-Room-Secret": self.held.secret}
        return found

    async def join(self) -> None:
        """Take a ticket, with the same key until there is an answer; some ask once more although there is one."""
        answered = 0
        wanted = 2 if self._draw.random() < 0.2 else 1
        while answered < wanted:
            answer = await self.ask("POST", "/tickets", self._headers(self.held.key), b"{}")
            if answer is not None and answer.status == 201:
                said: dict[str, Any] = json.loads(answer.body)
                self.held.ticket, self.held.secret = str(said["ticket"]), str(said["secret"])
                self.held.numbers.add(int(said["number"]))
                answered += 1
            else:
                await self.pause(answer)

    async def enter(self, patience: Callable[[], bool]) -> None:
        """Claim until there is a pass, while there is patience; some claim again."""
        wanted = 2 if self._draw.random() < 0.2 else 1
        while wanted and patience():
            key = f"{self.held.key}-{self._draw.getrandbits(64):x}"
            answer = await self.ask("POST", "/claims", self._headers(key), b"{}")
            if answer is not None and answer.status == 201:
                self.held.passes.add(str(json.loads(answer.body)["pass"]))
                wanted -= 1
            else:
                await self.pause(answer)
