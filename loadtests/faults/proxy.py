"""The proxy: listens, leads each connection to its target, and lets toxics loose on them."""

import asyncio
import socket
from contextlib import suppress
from typing import Any

from loadtests.faults.addresses import Tcp, Unix, send_at_once
from loadtests.faults.connection import Connection
from loadtests.faults.doses import Dose, holding
from loadtests.faults.draws import Direction
from loadtests.faults.events import EventLog
from loadtests.faults.link import HELD_MOST, Ending, Traffic
from loadtests.faults.toxics import Down, Toxic

BACKLOG = 1024
"""Connections that wait to be accepted: what a service under load has too."""
TRY_AGAIN = 0.1
"""Seconds until the next accept after one failed (no more open files): some connection ends meanwhile."""


class AlreadyThere(Exception):
    """A toxic of this kind holds in this direction already."""


class NotThere(Exception):
    """There is no such toxic."""


class Proxy:
    """All methods belong to the event loop's thread."""

    def __init__(
        self,
        group: asyncio.TaskGroup,
        listen: Tcp,
        target: Tcp | Unix,
        *,
        seed: int,
        most: int,
        events: EventLog,
    ) -> None:
        """group: of all its tasks. most: connections at a time; more wait to be accepted."""
        self.listen = listen
        """Where it listens; the port taken, once it is open."""
        self.target = target
        self._group = group
        self._seed = seed
        self._most = most
        self._events = events
        self._slots = asyncio.Semaphore(most)
        self._doses: dict[str, Dose] = {}
        self._connections: dict[int, Connection] = {}
        self._traffic = {direction: Traffic() for direction in Direction}
        self._accepted = 0
        self._unreachable = 0
        self._keeper: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Listen. Raises OSError."""
        if self._keeper is None:
            self._keeper = _bound(self.listen)
            self.listen = Tcp(self.listen.host, self._keeper.getsockname()[1])
        listener = _bound(self.listen)
        try:
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        self._accepting = self._group.create_task(self._accept(listener))

    async def close(self) -> None:
        """Listen no longer; the port stays taken, and connecting to it is refused."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait({self._accepting})
            self._accepting = None

    async def end(self) -> None:
        """Listen no longer and reset what is open; the group ends when that has happened."""
        await self.close()
        for connection in self._connections.values():
            connection.end(Ending.RESET)

    # Toxics

    def toxics(self) -> list[dict[str, Any]]:
        return [dose.as_json() for dose in self._doses.values()]

    async def add(self, toxic: Toxic) -> dict[str, Any]:
        """Let a toxic loose, on open connections too. Raises AlreadyThere."""
        if toxic.id in self._doses:
            raise AlreadyThere(toxic.id)
        dose = self._doses[toxic.id] = Dose(toxic)
        self._events.write("added", toxic=toxic.as_json())
        if isinstance(toxic, Down):
            await self._go_down(dose)
        else:
            self._tell_connections()
        return dose.as_json()

    def one(self, name: str) -> Toxic:
        """Raises NotThere."""
        return self._dose(name).toxic

    def change(self, toxic: Toxic) -> dict[str, Any]:
        """Give the toxic of the same id other figures; the count of its bites goes on. Raises NotThere."""
        dose = self._dose(toxic.id)
        dose.toxic = toxic
        self._events.write("changed", toxic=toxic.as_json())
        self._tell_connections()
        return dose.as_json()

    def remove(self, name: str) -> dict[str, Any]:
        """Take a toxic away and return it with its bites. Raises NotThere; OSError when the port is lost."""
        dose = self._dose(name)
        if isinstance(dose.toxic, Down):
            self.open()
        del self._doses[name]
        self._tell_connections()
        self._events.write("removed", toxic=dose.toxic.as_json(), bit=dose.proof())
        return dose.as_json()

    def remove_all(self) -> list[dict[str, Any]]:
        """Raises OSError when the port is lost."""
        return [self.remove(name) for name in list(self._doses)]

    def state(self) -> dict[str, Any]:
        """How much went through, and what is held."""
        return {
            "listen": str(self.listen),
            "to": str(self.target),
            "seed": self._seed,
            "connections": {
                "open": len(self._connections),
                "most_open": self._most,
                "accepted": self._accepted,
                "unreachable": self._unreachable,
            },
            **{
                direction.word: {
                    "bytes": traffic.bytes,
                    "held_bytes": traffic.held,
                    "held_most_bytes": traffic.held_most,
                    "held_limit_bytes": HELD_MOST,
                }
                for direction, traffic in self._traffic.items()
            },
            "events_lost": self._events.lost,
        }

    def _dose(self, name: str) -> Dose:
        try:
            return self._doses[name]
        except KeyError:
            raise NotThere(name) from None

    def _tell_connections(self) -> None:
        for connection in self._connections.values():
            self._tell(connection)

    def _tell(self, connection: Connection) -> None:
        doses = [dose for dose in self._doses.values() if not isinstance(dose.toxic, Down)]
        connection.take(
            {direction: holding(doses, self._seed, connection.number, direction) for direction in Direction}
        )

    async def _go_down(self, dose: Dose) -> None:
        await self.close()
        for connection in self._connections.values():
            dose.bit(0, first=True)
            connection.end(Ending.RESET)
        dose.refuses = await self._is_refused()
        self._events.write("down", bit=dose.proof())

    async def _is_refused(self) -> bool:
        """Whether those who come now are refused: the kernel does that without telling anybody."""
        try:
            async with asyncio.timeout(1):
                (await self.listen.connect()).close()
        except ConnectionRefusedError:
            return True
        except (OSError, TimeoutError):
            return False
        return False

    # Connections

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listener:
            while True:
                await self._slots.acquire()
                try:
                    client, _ = await loop.sock_accept(listener)
                except OSError:
                    self._slots.release()
                    await asyncio.sleep(TRY_AGAIN)
                except BaseException:
                    self._slots.release()
                    raise
                else:
                    self._group.create_task(self._serve(self._new(client)))

    def _new(self, client: socket.socket) -> Connection:
        """The connection of a client, known from its first moment: who goes down resets it too."""
        self._accepted += 1
        with suppress(OSError):  # it was reset already; reading from it will tell
            send_at_once(client)
        connection = Connection(
            self._accepted,
            client,
            self.target,
            seed=self._seed,
            traffic=self._traffic,
            on_bite=self._on_bite,
        )
        self._connections[connection.number] = connection
        self._tell(connection)
        self._events.write("opened", connection=connection.number)
        return connection

    async def _serve(self, connection: Connection) -> None:
        try:
            ending = await connection.run()
        finally:
            del self._connections[connection.number]
            self._slots.release()
        if connection.unreachable is not None:
            self._unreachable += 1
            self._events.write("unreachable", connection=connection.number, why=connection.unreachable)
        passed = {link.direction.word: link.passed for link in connection.links}
        self._events.write("closed", connection=connection.number, how=ending.value, bytes=passed)

    def _on_bite(self, connection: int, dose: Dose) -> None:
        self._events.write("bit", connection=connection, toxic=dose.toxic.id)


def _bound(address: Tcp) -> socket.socket:
    """A socket that has the address and does not listen. Raises OSError."""
    bound = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address.host, address.port))
    except OSError:
        bound.close()
        raise
    return bound
