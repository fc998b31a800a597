"""What tests of the upload server alone ask of it."""

import asyncio
import json
import os
from base64 import b64encode
from contextlib import contextmanager
from hashlib import sha1

from service.web.files import Terms
from tests.integration.upload_room import CHUNK, TUS, upload_room

FILE = os.urandom(200_000)
MOST = 1_000_000
TERMS = Terms(MOST, for_everybody=True)


def fresh_server(run, database_url, folder):
    """Runs a coroutine function of (room) against a server of its own, for what it does to it or other terms."""

    def play(scene, terms=TERMS):
        async def in_room():
            async with upload_room(database_url, folder, terms=terms) as room:
                return await scene(room)

        return run(in_room())

    return play


@contextmanager
def standing_server(database_url, folder):
    """The same against one server for all tests of a module; each finds it without uploads."""
    with asyncio.Runner() as runner:
        opened = upload_room(database_url, folder, terms=TERMS)
        room = runner.run(opened.__aenter__())

        async def from_the_start(scene):
            async with room.database.connection() as connection:
                await connection.execute("truncate upload cascade")
            for path in folder.rglob("*"):
                if path.is_file():
                    path.unlink()
            return await scene(room)

        try:
            yield lambda scene: runner.run(from_the_start(scene))
        finally:
            runner.run(opened.__aexit__(None, None, None))


def code(answer):
    return json.loads(answer.body)["type"].rpartition("/")[2]


def metadata(**pairs):
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in pairs.items())


def checksum(data, algorithm="sha1"):
    return {"Upload-Checksum": f"{algorithm} {b64encode(sha1(data).digest()).decode()}"}


async def begin(room, length, **headers):
    """The address of a new upload; length None: it is told later."""
    announced = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
    answer = await room.ask("POST", "/files/", TUS | announced, **headers)
    assert answer.status == 201, answer
    return answer.headers["location"]


async def patch(room, path, offset, body, **headers):
    return await room.ask("PATCH", path, CHUNK | {"Upload-Offset": str(offset)}, body, **headers)


async def offset(room, path):
    answer = await room.ask("HEAD", path, TUS)
    assert answer.status == 200, answer
    return answer.offset


async def rows(room):
    async with room.database.connection() as connection:
        return await connection.fetchval("select count(*) from upload where deleted_at is null")
