"""The floors of the waiting room's benchmark: bare Starlette routes on the server that the service uses.

`/board` answers the bytes of our board; `/tickets` draws each ticket by one INSERT of its own, through asyncpg without
a layer, and answers as many bytes as ours. Frozen: the floors must not move when the service gets better.

    python -m tests.benchmarks.waiting_room_floor --database URL --board TEXT --lifeline
"""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.benchmarks.serving import serve

SCHEMA = """
    create table if not exists floor_ticket
        (number bigint generated always as identity primary key, at timestamptz default now())
"""
WRITE = "insert into floor_ticket default values returning number"
CONNECTIONS = 6
"""As many as the service has in `stack.py`."""
ANSWER_BYTES = 400
"""About as long as our answer."""


def build(options: argparse.Namespace) -> Starlette:
    board = options.board.encode()
    headers = {"cache-control": "public, max-age=1"}
    pool: asyncpg.Pool

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        nonlocal pool
        async with asyncpg.create_pool(options.database, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
            await pool.execute(SCHEMA)
            yield

    async def show(_: Request) -> Response:
        return Response(board, media_type="application/json", headers=headers)

    async def draw(request: Request) -> Response:
        await request.body()
        number = await pool.fetchval(WRITE)
        return Response(b'{"number":%d}'.ljust(ANSWER_BYTES) % number, 201, media_type="application/json")

    routes = [Route("/board", show), Route("/tickets", draw, methods=["POST"])]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--board", required=True)
    serve(parser, build, lifespan="on")  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
