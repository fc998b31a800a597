"""Replicas of the upload server alone that are killed at random moments and started again at once."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from loadtests.harness.processes import Child, free_ports, python

READY_WITHIN = 60.0
CONNECTIONS = "6"
"""Of each replica to the database, which may have sixty; those of the killed ones end a moment later."""


class Replica:
    """Fulfils `tests.upload_phones.Target`."""

    def __init__(self, number: int, port: int) -> None:
        self.number = number
        self.port = port
        self.kills = 0
        self.busy = 0
        self.child: Child | None = None
        """None: it is down."""


class Fleet:
    """arguments: of each server beside its address; module: what is run."""

    def __init__(
        self, folder: Path, count: int, arguments: Sequence[str], settings: Mapping[str, str], module: str = "service"
    ) -> None:
        first = free_ports(count)
        self.replicas = [Replica(number, first + number) for number in range(count)]
        self._folder = folder
        self._module = module
        self._arguments = arguments
        # Phones that ask again at once are what the door exists to refuse, and it is not looked at here.
        fixed = {"REGISTRATION_DATABASE_CONNECTIONS": CONNECTIONS, "REGISTRATION_OVERLOAD_LIMIT": "off"}
        self._settings = {**fixed, **settings}

    def route(self, draw: random.Random) -> Replica:
        """Some replica, up if there is one."""
        return draw.choice([one for one in self.replicas if one.child is not None] or self.replicas)

    def victim(self, draw: random.Random) -> Replica:
        """Some replica; one that is talked to more is drawn more often."""
        (drawn,) = draw.choices(self.replicas, [1 + one.busy for one in self.replicas])
        return drawn

    async def kill(self, replica: Replica) -> None:
        """`kill -9`, and start it again at once; returns when it is at work."""
        child, replica.child = replica.child, None
        assert child is not None, "it is down already"
        replica.kills += 1
        os.killpg(child.pid, signal.SIGKILL)
        await asyncio.to_thread(child.kill)  # and whatever it held open is closed
        assert child.code == -signal.SIGKILL, f"replica {replica.number} had ended by itself: {child.code}"
        await self._start(replica)

    async def _start(self, replica: Replica) -> None:
        address = ["--host", "127.0.0.1", "--port", str(replica.port), "--lifeline"]
        command = python("-m", self._module, "uploads", *address, *self._arguments)
        child = Child(f"uploads-{replica.number}", command, settings=self._settings, logs=self._folder)
        try:
            await asyncio.to_thread(child.wait_ready, READY_WITHIN)
        except BaseException:
            child.kill()
            raise
        replica.child = child

    def _kill_all(self) -> None:
        for replica in self.replicas:
            if replica.child is not None:
                replica.child.kill()


@asynccontextmanager
async def fleet(
    folder: Path, count: int, arguments: Sequence[str], settings: Mapping[str, str], module: str = "service"
) -> AsyncIterator[Fleet]:
    """So many replicas on one database and one store, all at work; none is left afterwards. Raises HarnessError."""
    started = Fleet(folder, count, arguments, settings, module)
    try:
        for replica in started.replicas:  # the first one brings the database up to date
            await started._start(replica)
        yield started
    finally:
        await asyncio.to_thread(started._kill_all)
