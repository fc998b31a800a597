"""An upload service on a real socket, and a client that can break off anywhere."""

import asyncio
import os
import secrets
import socket
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import uvicorn

from service import settings
from service.actions.upload_rows import beginnings_on, finishes_on
from service.actions.upload_writers import Writers
from service.app import build_app, new_writers
from service.clock import WallClock
from service.domain.policy import Policy
from service.metrics import Metrics
from service.ports import Ports
from service.storage.photos import LocalPhotoStore
from service.storage.pool import Database
from service.storage.transaction import begin_on
from service.storage.uploads import parts_of
from service.storage.vault import KeyVault
from service.upload_server import build_upload_app
from service.web.files import Terms
from service.web.heads import ShortHeads

MOST_BYTES = 4 * 1024 * 1024
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = TUS | {"Content-Type": "application/offset+octet-stream"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def offset(self) -> int:
        return int(self.headers["upload-offset"])


class Connection:
    """One connection of a phone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def head(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        lines = [f"{name}: {value}" for name, value in {"Host": "127.0.0.1", **headers}.items()]
        await self.send("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode())

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, method: str = "", within: float = 20) -> Answer:
        """The next answer. method: HEAD has no body, whatever its headers say. within: so many seconds."""
        async with asyncio.timeout(within):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            status = int(head[0].split()[1])
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
            size = 0 if method == "HEAD" or status in (100, 204) else int(headers.get("content-length", 0))
            return Answer(status, headers, await self._reader.readexactly(size))

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            pass

    def reset(self) -> None:
        """End with a RST, as a phone network does."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.writer.transport.abort()


@dataclass
class UploadRoom:
    """One replica."""

    port: int
    database: Database
    folder: Path
    photos: LocalPhotoStore
    metrics: Metrics
    stages: Counter[str]
    transactions: list[bool] = field(default_factory=list)
    """Whether each was single, in order."""
    writers: Writers = field(default_factory=Writers)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        connection = Connection(*await asyncio.open_connection("127.0.0.1", self.port))
        try:
            yield connection
        finally:
            await connection.close()

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"", **more: str
    ) -> Answer:
        """One request on a connection of its own."""
        sent = {**(headers or {}), **{name.replace("_", "-"): value for name, value in more.items()}}
        if body or method in ("POST", "PATCH"):
            sent.setdefault("Content-Length", str(len(body)))
        async with self.connected() as connection:
            await connection.head(method, path, sent)
            if body:
                await connection.send(body)
            return await connection.answer(method)

    async def person(self) -> "Person":
        """Somebody with an account and a session."""
        token = secrets.token_urlsafe(32)
        account_id = await open_account(self.database, sha256(token.encode()).digest())
        return Person(self, account_id, {"Authorization": f"Bearer {token}"})

    async def stored(self, path: str) -> bytes:
        """The bytes of a finished upload, as the row tells where they lie; its hash is theirs."""
        row = await self.row(path)
        assert row["finished_at"] is not None
        data = await self.photos.read(row["id"], parts_of(row["parts"]), row["length"])
        assert row["original_sha256"] == sha256(data).digest()
        return data

    async def row(self, path: str) -> Any:
        async with self.database.connection() as connection:
            return await connection.fetchrow("select * from upload where id = $1", path.rpartition("/")[2])

    def files_on_disk(self) -> list[str]:
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())


@dataclass
class Person:
    room: UploadRoom
    account_id: UUID
    session: dict[str, str]

    async def begin(self, length: int, slot: str = "selfie", **headers: str) -> str:
        """Create an upload; returns its address."""
        photo = {"Upload-Length": str(length), "Upload-Metadata": f"slot {b64encode(slot.encode()).decode()}"}
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.room.ask("POST", "/files/", TUS | self.session | photo | more)
        assert answer.status == 201, answer
        return answer.headers["location"]

    async def patch(self, path: str, offset: int, body: bytes) -> Answer:
        return await self.room.ask("PATCH", path, self.chunk(offset), body)

    async def offset(self, path: str) -> int:
        answer = await self.room.ask("HEAD", path, TUS | self.session)
        assert answer.status == 200, answer
        return answer.offset

    def chunk(self, offset: int) -> dict[str, str]:
        return CHUNK | self.session | {"Upload-Offset": str(offset)}


@asynccontextmanager
async def upload_room(
    database_url: str, folder: Path, *, terms: Terms | None = None, **more: str
) -> AsyncIterator[UploadRoom]:
    """A replica on a free port of loopback, with real storage below it.

    terms: of the upload server alone; more: settings of the service, without the prefix.
    """
    database = await Database.open(database_url, connections=8)
    photos = LocalPhotoStore(folder)
    metrics = Metrics()
    vault = KeyVault(bytes(32))
    stages: Counter[str] = Counter()
    transactions: list[bool] = []
    begin = begin_on(database, vault)

    def counted_begin(*, single: bool = False) -> Any:
        transactions.append(single)
        return begin(single=single)

    nobody: Any = None  # uploads ask no partner
    ports = Ports(
        begin=counted_begin,
        begin_apart=nobody,
        finish=nobody,
        claims=nobody,
        joins=nobody,
        beginnings=beginnings_on(counted_begin),
        finishes=finishes_on(counted_begin, limit=Policy().photo_queue_limit),
        clock=WallClock(),
        vault=vault,
        photos=photos,
        inspector=nobody,
        civil_registry=nobody,
        email=nobody,
        sms=nobody,
        announcer=nobody,
        payouts=nobody,
        reached=lambda stage: stages.update([stage]),
    )
    given = {
        "DATABASE_URL": database_url,
        "REGISTRATION_SECRET_KEY": "00" * 32,
        "REGISTRATION_PHOTO_MAX_BYTES": str(MOST_BYTES),
        "REGISTRATION_OVERLOAD_LIMIT": "off",  # whoever comes in a crowd here meets the uploads, not the door
    }
    given |= {f"REGISTRATION_{name}": value for name, value in more.items()}
    writers = new_writers(metrics)
    app = (
        build_upload_app(ports, metrics, writers, terms)
        if terms
        else build_app(ports, settings.load(given), metrics, writers=writers)
    )
    listener = socket.create_server(("127.0.0.1", 0))
    # Without its lifespan: the board's copy would visit the database between the visits that are counted here.
    config = uvicorn.Config(app, http=ShortHeads, lifespan="off", log_config=None, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield UploadRoom(listener.getsockname()[1], database, folder, photos, metrics, stages, transactions, writers)
    finally:
        server.should_exit = True
        await task
        await database.close()
        photos.close()


async def open_account(database: Database, session: bytes) -> UUID:
    """An account, and a session of it whose token has this hash."""
    account_id = uuid4()
    async with database.transaction() as connection:
        number = await connection.fetchval("insert into ticket default values returning number")
        await connection.execute(
            "insert into account (id, ticket_number, name, phone) values ($1, $2, 'Name', $3)",
            account_id,
            number,
            f"+6280{number:09d}",
        )
        await connection.execute(
            "insert into session values ($1, $2, now(), now() + interval '1 hour')", session, account_id
        )
    return account_id


def random_bytes(size: int) -> bytes:
    """As many bytes of noise, behind what a JPEG begins with."""
    return (b"\xff\xd8\xff" + os.urandom(size))[:size]


async def holds(condition: Any, limit: float = 10) -> Any:
    """Wait until the coroutine function says something true; returns it."""
    async with asyncio.timeout(limit):
        while not (value := await condition()):  # noqa: ASYNC110 - what is waited for happens elsewhere
            await asyncio.sleep(0.01)
        return value
