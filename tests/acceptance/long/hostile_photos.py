"""The photo gate on real processes: a corpus made to harm it, one photo after the other, and what each one cost.

`make acceptance NAME=hostile-photos` sends every photo to a web process with a worker behind it. Each must be refused
at once or come to its verdict, no process may die, whoever decodes may take 256 MiB, and clean copies hold the picture
upright and nothing else. Then the control: the same bomb without the limits of an inspection.
Ends with 3 when a bar is missed, with 5 when the control does no harm.
"""

import argparse
import asyncio
import io
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread

import asyncpg
import psutil
from PIL import Image

from service.domain.photos import VERDICT_WORDS, PhotoVerdict
from service.metrics import Metrics
from service.storage.inspectors import Inspectors, Limits
from service.storage.migrate import migrate_url
from service.storage.vault import KeyVault
from tests.acceptance.long.worker_house import Bars, Invalid, proved
from tests.benchmarks.stack import Stack
from tests.hostile_photos import ACCEPTED, CORPUS, FORBIDDEN, WRONG_TYPE, bomb
from tests.photo_visits import FIRST_BYTES, Sent, send_photo, signed_in, verdicts
from tests.photos import held, stands_upright
from tests.service_process import running

MOST_MEMORY = 256 << 20
"""Bytes of the worker's inspector and of what it forks; what these share is counted once."""
LARGEST = 8 << 20
"""Bytes of a photo, unless a setting says otherwise."""
ANNOUNCED = 3_000_000
"""Bytes of a file of another type, as its sender announces it: all but the first are never sent."""
KEY = "44" * 32
LOOKS_PER_S = 200


@dataclass(frozen=True)
class Case:
    """A photo and what must become of it: the status of a refusal at once, or a verdict."""

    name: str
    photo: bytes
    refused: int | None
    verdict: PhotoVerdict | None
    waits: bool = False


@dataclass(frozen=True)
class Seen:
    case: Case
    sent: Sent
    verdict: int | None
    took: float
    memory: int

    @property
    def as_meant(self) -> bool:
        if self.case.refused is not None:
            return self.sent.status == self.case.refused and self.sent.sent <= FIRST_BYTES
        return self.sent.status == 204 and self.verdict == self.case.verdict


def cases() -> list[Case]:
    """The corpus, photos by cameras that were held in every way, and one that is larger than may be."""
    found = [Case("announced a byte too large", bytes(LARGEST + 1), 413, None)]
    for name, (make, verdict) in CORPUS.items():
        photo = make()
        if not photo:
            found.append(Case(name, photo, 400, None))
        elif verdict is WRONG_TYPE:
            found.append(Case(name, photo.ljust(ANNOUNCED, b"\0"), 415, None, waits=True))
        else:
            found.append(Case(name, photo, None, verdict))
    return found + [Case(f"held as mark {mark} says", held(mark), None, ACCEPTED) for mark in range(1, 9)]


async def prove(server: Stack, bars: Bars) -> None:
    url = await asyncio.to_thread(server.database, "hostile")
    await migrate_url(url)
    folder = server.folder / "photos"
    settings = {
        "DATABASE_URL": url,
        "REGISTRATION_SECRET_KEY": KEY,
        "REGISTRATION_PORT": "0",
        "REGISTRATION_PHOTO_DIR": str(folder),
        "REGISTRATION_PHOTO_INSPECTORS": "1",
    }
    corpus = cases()
    sessions = await signed_in(url, [case.name for case in corpus])
    with (
        running("web", "--lifeline", **settings) as (web, ready),
        running("worker", "--lifeline", **settings) as (worker, _),
    ):
        address, finished, seen = f"http://127.0.0.1:{ready['port']}", 0, []
        print(f"{'photo':34}{'bytes':>10}{'sent':>10}  {'answer':32}{'verdict':18}{'s':>6}{'MiB':>6}", flush=True)
        for case in corpus:
            began = time.monotonic()
            with memory_of(worker.pid) as most:
                sent = await asyncio.to_thread(send_photo, address, sessions[case.name], case.photo, waits=case.waits)
                finished += sent.upload_id is not None
                judged = await verdicts(url, finished)
            verdict = judged[sent.upload_id] if sent.upload_id else None
            seen.append(Seen(case, sent, verdict, time.monotonic() - began, most()))
            print(row(seen[-1]), flush=True)
        lived = web.poll() is worker.poll() is None
    judge(bars, seen, lived)
    kept = {path.name: path for path in folder.rglob("*") if path.is_file()}
    bars.judge(*clean_copies(await hashes(url), kept, seen))
    await control(bars)


def row(one: Seen) -> str:
    answer = f"{one.sent.status} {one.sent.code}".strip()
    verdict = "" if one.verdict is None else VERDICT_WORDS[PhotoVerdict(one.verdict)]
    return (
        f"{one.case.name:34}{len(one.case.photo):>10,}{one.sent.sent:>10,}  {answer:32}{verdict:18}"
        f"{one.took:>6.2f}{one.memory / 2**20:>6.0f}{'' if one.as_meant else '  NOT AS MEANT'}"
    )


def judge(bars: Bars, seen: list[Seen], lived: bool) -> None:
    handled = sum(one.as_meant for one in seen)
    bars.judge(handled == len(seen), f"{handled} of {len(seen)} photos had the answer or the verdict that was meant")
    bars.judge(lived, "web process and worker are the same as before")
    early = max(one.sent.sent for one in seen if one.case.waits)
    bars.judge(early <= FIRST_BYTES, f"a wrong type was known after {early} bytes, at most {FIRST_BYTES}")
    most = max(one.memory for one in seen)
    bars.judge(most <= MOST_MEMORY, f"decoding took {most / 2**20:.0f} MiB at most, {MOST_MEMORY >> 20} allowed")


async def hashes(url: str) -> dict[str, bytes]:
    """What the service says that each original was, by upload."""
    connection = await asyncpg.connect(url)
    try:
        return {row["id"]: row["original_sha256"] for row in await connection.fetch("select * from upload")}
    finally:
        await connection.close()


def clean_copies(hashed: dict[str, bytes], kept: dict[str, Path], seen: list[Seen]) -> tuple[bool, str]:
    """Whether nothing is kept but a clean copy of each accepted photo, sealed, and the hash of what came."""
    vault, wrong = KeyVault(bytes.fromhex(KEY)), 0
    accepted = [one for one in seen if one.verdict == ACCEPTED]
    for one in accepted:
        name = str(one.sent.upload_id)
        sealed = kept.pop(f"{name}.clean").read_bytes()
        clean = vault.open(sealed, name.encode())
        same = hashed[name] == sha256(one.case.photo).digest()
        wrong += not (same and b"JFIF" not in sealed and is_clean(one.case, clean))
    good = len(accepted) - wrong
    text = f"{good} of {len(accepted)} clean copies: sealed, upright, no mark, nothing behind; {len(kept)} other files"
    return not wrong and not kept, text


def is_clean(case: Case, clean: bytes) -> bool:
    with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(clean)) as image:
        image.load()
        plain = (image.format, image.mode) == ("JPEG", "RGB") and not image.getexif()
    upright = stands_upright(clean) if case.name.startswith("held") else True
    return plain and upright and clean.endswith(b"\xff\xd9") and not any(mark in clean for mark in FORBIDDEN)


async def control(bars: Bars) -> None:
    """Without the limits of an inspection a file of 155 KB takes more than the worker may."""
    limits = Limits(most_pixels=40_000_000, memory_bytes=0, cpu=0)
    pool = Inspectors(1, limits, Metrics())
    try:
        with memory_of(psutil.Process().pid) as most:
            await pool.inspect(bomb())
        if most() <= MOST_MEMORY:
            raise Invalid(f"without limits the bomb took {most() / 2**20:.0f} MiB: the corpus proves nothing")
    finally:
        await pool.close()
    bars.judge(True, f"control, no limits: a file of {len(bomb()):,} bytes takes {most() / 2**20:.0f} MiB")


@contextmanager
def memory_of(pid: int) -> Iterator[Callable[[], int]]:
    """The most bytes that all take together which a process has started, while the block runs."""
    process, over, most = psutil.Process(pid), Event(), 0

    def look() -> None:
        nonlocal most
        while not over.wait(1 / LOOKS_PER_S):
            most = max(most, sum(_resident(one.pid) for one in process.children(recursive=True)))

    looking = Thread(target=look)
    looking.start()
    try:
        yield lambda: most
    finally:
        over.set()
        looking.join()


def _resident(pid: int) -> int:
    """Bytes of a process; what several share is divided among them. 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")), 0)


def main() -> int:
    argparse.ArgumentParser(
        prog="make acceptance NAME=hostile-photos", description=__doc__.split("\n\n")[0]
    ).parse_args()
    return proved(prove)


if __name__ == "__main__":
    sys.exit(main())
