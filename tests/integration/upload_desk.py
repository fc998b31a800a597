"""Replicas of the upload actions on one real database and one real store, below HTTP: bodies come as a test wants."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from service.actions import uploads as actions
from service.actions.upload_rows import beginnings_on, finishes_on
from service.actions.upload_writers import Writers
from service.domain.policy import Policy
from service.domain.uploads import Append, Checksum, Creation, Slot
from service.photo_ports import PhotoStore, Upload
from service.ports import Ports
from service.storage.pool import Database
from service.storage.transaction import begin_on
from service.storage.uploads import parts_of
from service.storage.vault import KeyVault
from tests.integration.registration_room import JumpClock
from tests.integration.upload_room import open_account


class Body:
    """A request's body: `IncomingBytes` that hands on what it is given, piece by piece, and waits for more."""

    def __init__(self, *pieces: bytes, complete: bool = True, open_end: bool = False) -> None:
        """complete: nothing was cut off; open_end: more may be given."""
        self._pieces = [piece for piece in pieces if piece]
        self._changed = asyncio.Event()
        self._ended = not open_end
        self.complete = complete and not open_end
        self.taken = 0
        self.waits = False
        """Somebody wants more than was given."""

    def give(self, *pieces: bytes, ends: bool = False) -> None:
        self._pieces += pieces
        self._ended = self.complete = self._ended or ends
        self.waits = False
        self._changed.set()

    async def take(self, most: int) -> bytes:
        piece = await self.peek(most)
        if piece:
            first = self._pieces.pop(0)
            if first[most:]:
                self._pieces.insert(0, first[most:])
            self.taken += len(piece)
        return piece

    async def peek(self, most: int) -> bytes:
        while not self._pieces and not self._ended:
            self._changed.clear()
            self.waits = True
            await self._changed.wait()
            self.waits = False
        return self._pieces[0][:most] if self._pieces else b""

    @property
    def exhausted(self) -> bool:
        return self._ended and not self._pieces

    def let_go(self) -> None:
        self._ended = True
        self._changed.set()


class DeafBody(Body):
    """Of a request that does not hear: its process stands still, or is cut off from the others."""

    def let_go(self) -> None:
        pass


@dataclass
class Desk:
    """One replica. `session`: whose uploads are asked for, None for nobody's."""

    ports: Ports
    database: Database
    clock: JumpClock
    session: bytes | None = None
    writers: Writers = field(default_factory=Writers)
    stages: list[str] = field(default_factory=list)

    def another(self) -> "Desk":
        """Another replica on the same storage."""
        return Desk(self.ports, self.database, self.clock, self.session, stages=self.stages)

    async def signed_in(self) -> "Desk":
        """The same replica, asked by somebody with an account."""
        token = secrets.token_bytes(32)
        await open_account(self.database, token)
        return Desk(self.ports, self.database, self.clock, token, self.writers, self.stages)

    async def begin(self, length: int | None, slot: Slot | None = None) -> str:
        new = await actions.create(self.ports, None, self.session, Creation(slot, length, ""))
        assert isinstance(new, actions.BegunUpload)
        return new.upload_id

    async def send(
        self,
        upload_id: str,
        offset: int,
        body: Body | bytes,
        *,
        announced: int | None = None,
        length: int | None = None,
        checksum: Checksum | None = None,
        most_bytes: int | None = None,
        acknowledged: Any = lambda count: None,
    ) -> Upload:
        body = Body(body) if isinstance(body, bytes) else body
        chunk = Append(offset, announced, length, checksum)
        return await actions.append(
            self.ports, self.writers, self.session, upload_id, chunk, body, acknowledged, most_bytes=most_bytes
        )

    async def status(self, upload_id: str) -> Upload:
        return await actions.status(self.ports, self.writers, self.session, upload_id)

    async def terminate(self, upload_id: str) -> None:
        await actions.terminate(self.ports, self.writers, self.session, upload_id)

    async def row(self, upload_id: str) -> Any:
        async with self.database.connection() as connection:
            return await connection.fetchrow("select * from upload where id = $1", upload_id)

    async def stored(self, upload_id: str) -> bytes:
        """The acknowledged bytes; those of a finished upload are what its hash says."""
        row = await self.row(upload_id)
        data = await self.ports.photos.read(upload_id, parts_of(row["parts"]), row["committed"])
        assert (row["original_sha256"] is None) == (row["finished_at"] is None)
        assert row["original_sha256"] in (None, sha256(data).digest())
        return data


@asynccontextmanager
async def upload_desk(database_url: str, store: PhotoStore) -> AsyncIterator[Desk]:
    database = await Database.open(database_url, connections=6)
    nobody: Any = None  # uploads ask no partner
    clock, vault = JumpClock(), KeyVault(bytes(32))
    stages: list[str] = []
    begin, policy = begin_on(database, vault), Policy()
    ports = Ports(
        begin=begin,
        begin_apart=nobody,
        finish=nobody,
        claims=nobody,
        joins=nobody,
        beginnings=beginnings_on(begin),
        finishes=finishes_on(begin, limit=policy.photo_queue_limit),
        clock=clock,
        vault=vault,
        photos=store,
        inspector=nobody,
        civil_registry=nobody,
        email=nobody,
        sms=nobody,
        announcer=nobody,
        payouts=nobody,
        reached=stages.append,
    )
    try:
        yield Desk(ports, database, clock, stages=stages)
    finally:
        await database.close()
