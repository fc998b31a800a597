"""One connection through the proxy: a client, the server it was led to, and the two links between them."""

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Any

from loadtests.faults.addresses import Tcp, Unix
from loadtests.faults.doses import Dose, Doses
from loadtests.faults.draws import Direction
from loadtests.faults.link import Ending, Link, Traffic

CONNECT_WITHIN = 10.0
"""Seconds for the server to accept; a client would hardly wait longer."""
LINGER = 1.0
"""Seconds in which both sides may read the last bytes: closing while something unread has come would reset them."""


class Connection:
    def __init__(
        self,
        number: int,
        client: socket.socket,
        target: Tcp | Unix,
        *,
        seed: int,
        traffic: Mapping[Direction, Traffic],
        on_bite: Callable[[int, Dose], None],
    ) -> None:
        """on_bite: told this connection's number and the dose, at its first bite in each direction."""
        self.number = number
        self.links: list[Link] = []
        self.unreachable: str | None = None
        """Why the server could not be reached."""
        self._client = client
        self._target = target
        self._seed = seed
        self._traffic = traffic
        self._on_bite = on_bite
        self._doses: Mapping[Direction, Doses] = {}
        self._over: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    def take(self, doses: Mapping[Direction, Doses]) -> None:
        """From now on these toxics hold for its two directions."""
        if self._over.done():
            return  # it only lingers, or is not yet away: nothing can bite it any more
        self._doses = doses
        for link in self.links:
            link.take(doses[link.direction])

    def end(self, ending: Ending) -> None:
        """End it; the first to say how wins."""
        if not self._over.done():
            self._over.set_result(ending)

    async def run(self) -> Ending:
        """Carry bytes both ways until it ends, and say how it did."""
        server: socket.socket | None = None
        try:
            server = await self._connected()
            if server is None:
                reset(self._client)
                return Ending.RESET
            return await self._carried(server)
        finally:
            self._client.close()
            if server is not None:
                server.close()

    async def _connected(self) -> socket.socket | None:
        """The socket to the server; None when it cannot be reached, or the connection was ended before it was."""
        connecting = asyncio.create_task(self._target.connect())
        either: set[asyncio.Future[Any]] = {connecting, self._over}
        await asyncio.wait(either, timeout=CONNECT_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        if not connecting.done():
            self.unreachable = None if self._over.done() else os.strerror(errno.ETIMEDOUT)
            connecting.cancel()
            await asyncio.wait({connecting})
        if connecting.cancelled():
            return None
        fault = connecting.exception()
        if isinstance(fault, OSError):
            self.unreachable = fault.strerror or str(fault)
            return None
        return connecting.result()

    async def _carried(self, server: socket.socket) -> Ending:
        async with asyncio.TaskGroup() as group:
            carrying = group.create_task(self._carry(server))
            ending = await self._over
            carrying.cancel()
        if ending is Ending.RESET:
            reset(self._client)
            reset(server)
        elif carrying.cancelled():
            await _finish_reading(self._client, server)
        return ending

    async def _carry(self, server: socket.socket) -> None:
        ways = ((Direction.UPSTREAM, self._client, server), (Direction.DOWNSTREAM, server, self._client))
        self.links = [self._link(*way) for way in ways]
        self.take(self._doses)
        try:
            async with asyncio.TaskGroup() as group:
                for link in self.links:
                    group.create_task(link.run(group))
        finally:
            for link in self.links:
                link.drop()
        self.end(Ending.CLOSE)

    def _link(self, direction: Direction, source: socket.socket, sink: socket.socket) -> Link:
        return Link(
            direction,
            source,
            sink,
            draw_of=(self._seed, self.number),
            traffic=self._traffic[direction],
            end=self.end,
            on_bite=lambda dose: self._on_bite(self.number, dose),
        )


def reset(one: socket.socket) -> None:
    """Close with a reset: unsent bytes are thrown away and the other side hears RST. A Unix socket just closes."""
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()


async def _finish_reading(*sockets: socket.socket) -> None:
    """Close our side of each, then read what still comes, so that the last bytes sent are not lost by a reset."""
    loop = asyncio.get_running_loop()

    async def finish(one: socket.socket) -> None:
        try:
            one.shutdown(socket.SHUT_WR)
            while await loop.sock_recv(one, 65536):
                pass
        except OSError:
            pass

    try:
        async with asyncio.timeout(LINGER), asyncio.TaskGroup() as group:
            for one in sockets:
                group.create_task(finish(one))
    except TimeoutError:
        pass
