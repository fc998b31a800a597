"""kill -9 of the web process while photos arrive: no acknowledged byte is lost, and the photo is the one sent."""

import asyncio
import json
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from service.metrics import Metrics
from service.storage.photos import LocalPhotoStore
from service.storage.pool import Database
from service.storage.uploads import parts_of
from tests.integration.upload_room import UploadRoom, random_bytes

REPOSITORY = Path(__file__).resolve().parents[2]
KILLS = 4


@asynccontextmanager
async def web_process(database_url: str, folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """`python -m service web` on a free port, killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "web", "--lifeline"),
        cwd=REPOSITORY,
        env=os.environ
        | {
            "DATABASE_URL": database_url,
            "REGISTRATION_SECRET_KEY": "00" * 32,
            "REGISTRATION_PORT": "0",
            "REGISTRATION_PHOTO_DIR": str(folder),
        },
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            ready = json.loads(await process.stdout.readline())
        yield process, ready["port"]
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def test_killed_web_process_loses_no_acknowledged_byte(run, database_url, tmp_path):
    """Four kills while a chunk of one photo is on its way; each time the phone goes on where the service says."""
    draw = random.Random(11_04_2020)
    photo = random_bytes(7_000_000)
    folder = tmp_path / "photos"

    async def scene():
        database, photos = await Database.open(database_url, connections=4), LocalPhotoStore(folder)
        path, acknowledged = "", 0
        for attempt in range(KILLS + 1):
            async with web_process(database_url, folder) as (process, port):
                room = UploadRoom(port, database, folder, photos, Metrics(), Counter())
                if not path:
                    person = await room.person()
                person.room = room
                path = path or await person.begin(len(photo))
                offset = await person.offset(path)
                assert offset >= acknowledged
                chunks_until_kill = draw.randint(1, 30) if attempt < KILLS else -1
                while offset < len(photo):
                    if chunks_until_kill == 0:
                        asyncio.get_running_loop().call_soon(process.kill)
                    chunks_until_kill -= 1
                    # Small chunks: each answer is an acknowledgement that the next process must know of.
                    try:
                        answer = await person.patch(path, offset, photo[offset : offset + 40_000])
                    except (OSError, asyncio.IncompleteReadError):
                        break
                    assert answer.status == 204
                    offset = acknowledged = answer.offset
                assert acknowledged > 0
                assert (acknowledged < len(photo)) == (attempt < KILLS), "the kill came too late"
        assert acknowledged == len(photo)
        assert await room.stored(path) == photo
        parts = parts_of((await room.row(path))["parts"])
        left = set(room.files_on_disk()) - {f"{path.rpartition('/')[2]}.{part.writer}" for part in parts}
        assert len(left) <= KILLS  # each may leave bytes that nobody refers to
        await database.close()
        photos.close()

    run(scene())
