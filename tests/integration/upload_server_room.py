"""What tests of the upload server alone ask of it."""

import json
import os
from base64 import b64encode
from hashlib import sha1

from service.web.files import Terms
from tests.integration.upload_room import CHUNK, TUS, upload_room

FILE = os.urandom(200_000)
MOST = 1_000_000


def playing(run, database_url, folder):
    """Runs a coroutine function of (room) against a fresh server, which takes anything up to MOST bytes."""

    def play(scene, terms=None):
        async def in_room():
            terms_of_it = terms or Terms(MOST, for_everybody=True)
            async with upload_room(database_url, folder, terms=terms_of_it) as room:
                return await scene(room)

        return run(in_room())

    return play


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
