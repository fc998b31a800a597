"""The floor of a registration: what any service must do for the same requests, and nothing else.

A bare ASGI function on the server that the service uses; one session read for each request that bears a session, one
write for each acknowledged step, through asyncpg without a layer; the photo's bytes written and made durable once.
The statements below are frozen: the floor must not move when the service gets better.

    python -m tests.benchmarks.floor --database URL --folder DIR --lifeline
"""

import argparse
import asyncio
import hashlib
import os
import uuid
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from tests.benchmarks.serving import Receive, Send, serve

SCHEMA = """
    create table floor_ticket (number bigint generated always as identity primary key, at timestamptz default now());
    create table floor_session (token_hash bytea primary key, account uuid not null);
    create table floor_step (
        account uuid not null, step smallint not null, data bytea not null, at timestamptz not null default now(),
        primary key (account, step)
    );
"""
READ_SESSION = "select account from floor_session where token_hash = $1"
WRITE_TICKET = "insert into floor_ticket default values returning number"
WRITE_SESSION = "insert into floor_session (token_hash, account) values ($1, $2)"
WRITE_STEP = """
    insert into floor_step (account, step, data) values ($1, $2, $3)
    on conflict (account, step) do update set data = excluded.data
"""
CONNECTIONS = 6
FIRST_ANSWER = 100
"""Step of the assessment's answer 0; other steps are the routes' own."""


class Route(NamedTuple):
    """What one route writes and answers. Routes are found by their whole path, else by its first part."""

    step: int
    """0 = nothing is written."""
    status: int
    answer_bytes: int
    """As long as the first service's answers were."""


ROUTES = {
    "POST /tickets": Route(1, 201, 200),
    "GET /place": Route(0, 200, 150),
    "POST /claims": Route(2, 201, 70),
    "POST /accounts": Route(3, 201, 53),
    "POST /codes": Route(4, 202, 95),
    "POST /sessions": Route(5, 201, 132),
    "PUT /identity": Route(6, 202, 91),
    "PUT /profile/personal": Route(7, 204, 0),
    "PUT /profile/work": Route(14, 204, 0),
    "PUT /profile/program": Route(15, 204, 0),
    "POST /files": Route(8, 201, 0),
    "PATCH /files": Route(9, 204, 0),
    "POST /phone": Route(10, 200, 23),
    "POST /assessment": Route(11, 201, 2198),
    "PUT /assessment": Route(12, 204, 0),
    "POST /assessment/submission": Route(16, 200, 15),
    "POST /waves": Route(13, 201, 111),
    "GET /me": Route(0, 200, 471),
}
JSON_TYPE = (b"content-type", b"application/json")


class Floor:
    """The ASGI function."""

    def __init__(self, database: str, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._idle: asyncio.LifoQueue[asyncpg.Connection] = asyncio.LifoQueue()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        method, path = scope["method"], scope["path"]
        route = ROUTES.get(f"{method} {path}") or ROUTES[f"{method} /{path.split('/', 2)[1]}"]
        chunks = [(message := await receive())["body"]]
        while message["more_body"]:
            chunks.append((message := await receive())["body"])
        authorization = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if method == "PATCH":
            await asyncio.to_thread(self._keep, chunks)
            chunks = [b"%d" % sum(map(len, chunks))]
        if authorization or route.step:
            await self._ask_database(route.step, path, authorization, b"".join(chunks))
        headers = [(b"location", b"/files/" + b"0" * 32)] if method == "POST" and route.step == 8 else [JSON_TYPE]
        if route.status != 204:
            headers.append((b"content-length", b"%d" % route.answer_bytes))
        await send({"type": "http.response.start", "status": route.status, "headers": headers})
        await send({"type": "http.response.body", "body": b" " * route.answer_bytes})

    async def _ask_database(self, step: int, path: str, authorization: bytes, data: bytes) -> None:
        connection = await self._idle.get()
        try:
            account = uuid.uuid4()
            if authorization:
                token_hash = hashlib.sha256(authorization.removeprefix(b"Bearer ")).digest()
                account = await connection.fetchval(READ_SESSION, token_hash)
            if step == 1:
                await connection.fetchval(WRITE_TICKET)
            elif step == 5:
                await connection.execute(WRITE_SESSION, os.urandom(32), account)
            elif step:
                number = FIRST_ANSWER + int(path.rpartition("/")[2]) if step == 12 else step
                await connection.execute(WRITE_STEP, account, number, data)
        finally:
            self._idle.put_nowait(connection)

    def _keep(self, chunks: list[bytes]) -> None:
        file = os.open(self._folder / os.urandom(16).hex(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            for chunk in chunks:
                os.write(file, chunk)
            os.fdatasync(file)
        finally:
            os.close(file)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        for _ in range(CONNECTIONS):
            self._idle.put_nowait(await asyncpg.connect(self._database))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        while not self._idle.empty():
            await self._idle.get_nowait().close()
        await send({"type": "lifespan.shutdown.complete"})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.floor")
    parser.add_argument("--database", required=True)
    parser.add_argument("--folder", required=True, type=Path)
    serve(parser, lambda options: Floor(options.database, options.folder), lifespan="on")


if __name__ == "__main__":
    main()
