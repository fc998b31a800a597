"""kill -9 of replicas under the uploads they receive: the small version of `make acceptance NAME=upload-kills`."""

import asyncio
import random
from functools import partial

from tests.upload_fleet import fleet
from tests.upload_phones import Phone, Tally

UPLOADS = 24
KILLS = 2


def test_killed_replicas_take_no_offset_back(run, database_url, tmp_path):
    """Two replicas, each upload interrupted twice; every offset that was told holds, every file is the one sent."""
    draw, tally = random.Random(5), Tally()

    async def scene():
        settings = {"DATABASE_URL": database_url}
        async with fleet(tmp_path, 2, ["--data", str(tmp_path)], settings) as replicas:
            phones = [
                Phone(partial(replicas.route, draw), random.Random(n), tally, kills=KILLS, largest=80_000)
                for n in range(UPLOADS)
            ]
            uploading = asyncio.gather(*(phone.upload() for phone in phones))
            while not uploading.done():
                await replicas.kill(replicas.victim(draw))
                await asyncio.wait([uploading], timeout=draw.uniform(0.2, 0.8))
            await uploading

    run(scene())
    assert (tally.regressions, tally.mismatches, tally.stuck) == ([], [], [])
    assert tally.finished == UPLOADS
    assert min(tally.interruptions) >= KILLS
