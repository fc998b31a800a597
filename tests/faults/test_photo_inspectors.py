"""What the limits of an inspection are for, and a hostile corpus against a whole service."""

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

import asyncpg
import pytest

from service.metrics import Metrics
from service.photo_ports import Inspection, InspectionFailed
from service.storage.inspectors import Inspectors, Limits
from tests.hostile_photos import ACCEPTED, CORPUS, TOO_MANY_PIXELS, UNREADABLE, WRONG_TYPE, bomb, scans
from tests.service_process import running
from tests.stack.phone import send

LIMITS = Limits(most_pixels=40_000_000, cpu=1)
PERSON = """
with ticket as (insert into ticket default values returning number), person as (
    insert into account (id, ticket_number, name, phone) select gen_random_uuid(), number, 'Name', $1 from ticket
    returning id
)
insert into session select $2, id, now(), now() + interval '1 hour' from person
"""


async def inspected(limits: Limits, photo: bytes) -> Inspection:
    pool = Inspectors(1, limits, Metrics())
    try:
        return await pool.inspect(photo)
    finally:
        await pool.close()


def test_without_its_limit_of_memory_a_bomb_is_let_in(run):
    """Negative control: 155 KB that take half a gigabyte."""
    assert run(inspected(LIMITS, bomb())).verdict is TOO_MANY_PIXELS
    assert run(inspected(replace(LIMITS, memory_bytes=0, cpu=0), bomb())).verdict is ACCEPTED


def test_without_its_limit_of_time_a_bomb_holds_an_inspector(run):
    """Negative control: the process is killed at the deadline, and the photo would be tried again and again."""
    assert run(inspected(LIMITS, scans())).verdict is UNREADABLE
    with pytest.raises(InspectionFailed):
        run(inspected(replace(LIMITS, cpu=0, deadline=3.0), scans()))


def test_the_corpus_harms_no_process_of_the_service(run, database_url, tmp_path):
    """Every hostile photo over HTTP, to a real web process and a real worker: each has its verdict or was refused at
    once, both processes are the same as before, and nothing of what was refused lies on the disk."""
    settings = {
        "DATABASE_URL": database_url,
        "REGISTRATION_SECRET_KEY": "33" * 32,
        "REGISTRATION_PORT": "0",
        "REGISTRATION_PHOTO_DIR": str(tmp_path / "photos"),
    }
    photos = {name: (make(), verdict) for name, (make, verdict) in CORPUS.items() if name != "empty"}
    sessions = run(signed_in(database_url, photos))
    with (
        running("web", "--lifeline", **settings) as (web, ready),
        running("worker", "--lifeline", **settings) as (worker, _),
    ):
        url = f"http://127.0.0.1:{ready['port']}"
        uploads = {name: upload(url, sessions[name], photo) for name, (photo, _) in photos.items()}
        at_once = {name for name, upload_id in uploads.items() if upload_id is None}
        assert at_once == {name for name, (_, verdict) in photos.items() if verdict is WRONG_TYPE}
        judged = run(verdicts(database_url, len(photos) - len(at_once)))
        assert judged == {uploads[name]: verdict for name, (_, verdict) in photos.items() if name not in at_once}
        assert web.poll() is worker.poll() is None
    kept = {path.name for path in (tmp_path / "photos").rglob("*") if path.is_file()}
    assert kept == {f"{upload_id}.clean" for upload_id, verdict in judged.items() if verdict == ACCEPTED}


async def signed_in(database_url: str, names: Iterable[str]) -> dict[str, str]:
    """Somebody for each name, by the token of their session."""
    tokens = {name: secrets.token_urlsafe(16) for name in names}
    connection = await asyncpg.connect(database_url)
    try:
        for number, token in enumerate(tokens.values()):
            await connection.execute(PERSON, f"+6280{number:09d}", sha256(token.encode()).digest())
    finally:
        await connection.close()
    return tokens


def upload(url: str, token: str, photo: bytes) -> str | None:
    """The id of the finished upload; None when it was refused for its type."""
    session = {"Tus_Resumable": "1.0.0", "Authorization": f"Bearer {token}"}
    made = send(url, "POST", "/files/", b"", Upload_Length=str(len(photo)), Upload_Metadata="slot c2VsZmll", **session)
    assert made.status == 201, made
    path = str(made.headers["Location"])
    chunk = {"Upload_Offset": "0", "Content_Type": "application/offset+octet-stream"}
    sent = send(url, "PATCH", path, photo, **chunk, **session)
    assert sent.status in (204, 415), sent
    return path.rpartition("/")[2] if sent.status == 204 else None


async def verdicts(database_url: str, photos: int) -> dict[str, int]:
    """What every upload was found to be, once all of them were inspected and nothing is left to do."""
    connection = await asyncpg.connect(database_url)
    try:
        async with asyncio.timeout(90):
            while await connection.fetchval("select count(*) from job") > 0:  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.1)
        found = {row["id"]: row["verdict"] for row in await connection.fetch("select id, verdict from upload")}
    finally:
        await connection.close()
    assert len(found) == photos
    return found
