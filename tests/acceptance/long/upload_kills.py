"""B3 on real processes: uploads to three replicas that are killed under them, on the local disk and in a bucket.

`make acceptance NAME=upload-kills` uploads 1,000 files at random replicas; each is interrupted by at least three
`kill -9` of the replica it talks to. No offset may be told that lies below one that was told before, every file must be
the one that was sent, and none may be stuck. Then the control: replicas that acknowledge bytes before these are stored.
Ends with 3 when a bar is missed, with 5 when the run proves nothing.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

import asyncpg

from tests.acceptance.long.worker_house import Bars, Invalid, proved
from tests.benchmarks.stack import Stack
from tests.s3_server import CREDENTIALS, s3_server
from tests.upload_fleet import Fleet, fleet
from tests.upload_phones import CHUNKS, PATIENCE, THINKING, Phone, Tally

REPLICAS = 3
KILLS = 3
"""Of each upload, at least."""
LIMIT = 400.0
"""Seconds for the uploads of one store; who is not done then is stuck."""
CONTROL_UPLOADS = 60
PAUSE = (0.1, 0.7)
"""Seconds between a replica's return and the next kill, at least."""
RIPE = 0.6
"""Part of the uploads under way that moved since their own last interruption, before the next kill: else a store that
is slower than the kills would be cut before it has stored anything, again and again."""
STORES = ("local", "s3")
BUCKET_TOGETHER, BUCKET_THINKING, BUCKET_CHUNKS = 300, 1.5, (8_000, 96_000)
"""Uploads under way at once, seconds between requests, and bytes of a chunk: the S3 server of the tests is one process
in Python, and takes some two hundred requests a second while the replicas have the other processor."""


@dataclass(frozen=True)
class Crowd:
    uploads: int
    together: int
    patience: float = PATIENCE
    thinking: float = THINKING
    chunks: tuple[int, int] = CHUNKS


def arguments() -> argparse.ArgumentParser:
    about = str(__doc__).split("\n\n")[0]
    parser = argparse.ArgumentParser(prog="make acceptance NAME=upload-kills", description=about)
    parser.add_argument("--seed", type=int, default=1, help="of files, chunks, routes and kills (%(default)s)")
    parser.add_argument("--uploads", type=int, default=1000, help="on each store (%(default)s)")
    parser.add_argument("--together", type=int, default=350, help="uploads under way at once (%(default)s)")
    parser.add_argument("--store", choices=STORES, action="append", help="one of the stores alone")
    return parser


async def prove(options: argparse.Namespace, server: Stack, bars: Bars) -> None:
    for store in options.store or STORES:
        with ExitStack() as bucket:
            crowd = Crowd(options.uploads, options.together)
            given: list[str] = []
            if store == "s3":
                given = ["--s3", bucket.enter_context(s3_server(server.folder)).url("kills")]
                together = min(options.together, BUCKET_TOGETHER)
                crowd = Crowd(options.uploads, together, thinking=BUCKET_THINKING, chunks=BUCKET_CHUNKS)
            print(f"{store}: {options.uploads} uploads, {REPLICAS} replicas, seed {options.seed}", flush=True)
            tally, bitten = await uploaded(server, store, given, crowd, options.seed)
        judge(bars, store, options.uploads, tally, bitten)
    await control(server, bars, options.seed)


async def uploaded(
    server: Stack,
    name: str,
    given: Sequence[str],
    crowd: Crowd,
    seed: int,
    module: str = "service",
) -> tuple[Tally, list[int]]:
    """What phones met, and how many requests each kill interrupted."""
    url = await asyncio.to_thread(server.database, f"uploads_{name}")
    data = server.folder / name
    data.mkdir()
    settings = {"DATABASE_URL": url, **CREDENTIALS}
    tally, draw, bitten, over = Tally(), random.Random(f"{seed}/{name}"), list[int](), asyncio.Event()
    async with fleet(data, REPLICAS, ["--data", str(data), *given], settings, module) as replicas:
        phones = [
            Phone(
                partial(replicas.route, draw),
                random.Random(f"{seed}/{name}/{number}"),
                tally,
                kills=KILLS,
                patience=crowd.patience,
                thinking=crowd.thinking,
                chunks=crowd.chunks,
            )
            for number in range(crowd.uploads)
        ]
        async with asyncio.TaskGroup() as group:
            group.create_task(keep_killing(replicas, draw, phones, bitten, over))
            await all_upload(phones, crowd.together, tally)
            over.set()
    await compare_hashes(url, phones, tally)
    return tally, bitten


async def keep_killing(
    replicas: Fleet, draw: random.Random, phones: Sequence[Phone], bitten: list[int], over: asyncio.Event
) -> None:
    """One replica after the other; how many uploads each kill interrupted is added to `bitten`."""
    while not over.is_set():
        await asyncio.sleep(draw.uniform(*PAUSE))
        under_way = [phone for phone in phones if phone.under_way]
        if sum(phone.is_ripe for phone in under_way) < RIPE * len(under_way):
            continue
        before = sum(phone.interruptions for phone in phones)
        await replicas.kill(replicas.victim(draw))
        bitten.append(sum(phone.interruptions for phone in phones) - before)


async def all_upload(phones: Sequence[Phone], together: int, tally: Tally) -> None:
    """Whoever is not done at the limit is stuck."""
    room, began = asyncio.Semaphore(together), time.monotonic()

    async def one(phone: Phone) -> None:
        async with room:
            await phone.upload()

    tasks = {asyncio.create_task(one(phone)): phone for phone in phones}
    _, waiting = await asyncio.wait(tasks, timeout=LIMIT)
    for task in waiting:
        task.cancel()
        tally.stuck.append(f"{tasks[task].path}: not done after {LIMIT:.0f} s")
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()
    print(f"  took {time.monotonic() - began:.0f} s", flush=True)


async def compare_hashes(url: str, phones: Sequence[Phone], tally: Tally) -> None:
    """The service keeps a hash of every file: it must be that of the one that was sent."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("select id, original_sha256 from upload where finished_at is not null")
    finally:
        await connection.close()
    kept = {row["id"]: row["original_sha256"] for row in rows}
    for phone in phones:
        digest = kept.get(phone.path.rpartition("/")[2])
        if digest is not None and digest != sha256(phone.content).digest():
            tally.mismatches.append(f"{phone.path}: the hash that is kept is of other bytes")


def judge(bars: Bars, store: str, uploads: int, tally: Tally, bitten: Sequence[int]) -> None:
    show(tally, bitten)
    if tally.interruptions and min(tally.interruptions) < KILLS:
        raise Invalid(f"{store}: an upload was interrupted {min(tally.interruptions)} times only")
    for one in [*tally.regressions, *tally.mismatches, *tally.stuck, *tally.unexplained][:20]:
        print(f"  {one}", flush=True)
    bars.judge(not tally.regressions, f"{store}: {len(tally.regressions)} offsets fell or were made up")
    bars.judge(not tally.mismatches, f"{store}: {len(tally.mismatches)} files differ from what was sent")
    done = tally.finished == uploads and not tally.stuck
    bars.judge(done, f"{store}: {tally.finished} of {uploads} uploads stored, {len(tally.stuck)} stuck")


def show(tally: Tally, bitten: Sequence[int]) -> None:
    cuts = tally.interruptions or [0]
    middle = sum(0.05 < share < 0.95 for share in tally.shares) / max(len(tally.shares), 1)
    print(
        f"  {len(bitten)} kills, {sum(count > 0 for count in bitten)} of them cut requests: "
        f"{dict(tally.interrupted)}\n"
        f"  {middle:.0%} of these with 5 to 95 % of the file acknowledged\n"
        f"  interruptions of an upload: {min(cuts)} to {max(cuts)}, median {statistics.median(cuts):.0f}; "
        f"{tally.hung} connections left hanging\n"
        f"  {tally.bytes / 1e6:.0f} MB stored; refused meanwhile: {dict(tally.answers)}; "
        f"ended without an answer or a kill: {len(tally.unexplained)}",
        flush=True,
    )


async def control(server: Stack, bars: Bars, seed: int) -> None:
    """Replicas that acknowledge bytes half a second before they write them."""
    print(f"control: {CONTROL_UPLOADS} uploads to replicas that acknowledge what they have not stored", flush=True)
    careless = "tests.acceptance.long.upload_careless"
    crowd = Crowd(CONTROL_UPLOADS, CONTROL_UPLOADS, patience=5.0)
    tally, bitten = await uploaded(server, "careless", [], crowd, seed, careless)
    show(tally, bitten)
    harm = len(tally.regressions) + len(tally.mismatches) + len(tally.stuck)
    if not sum(bitten):
        raise Invalid("no kill of the control cut a request")
    bars.judge(harm > 0, f"control: {harm} of {CONTROL_UPLOADS} uploads fell back, differ or are stuck")


def main() -> int:
    options = arguments().parse_args()
    return proved(partial(prove, options))


if __name__ == "__main__":
    sys.exit(main())
