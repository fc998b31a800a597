"""What the limits of an inspection are for, and a hostile corpus against a whole service."""

from dataclasses import replace

import pytest

from service.metrics import Metrics
from service.photo_ports import Inspection, InspectionFailed
from service.storage.inspectors import Inspectors, Limits
from tests.hostile_photos import ACCEPTED, CORPUS, TOO_MANY_PIXELS, UNREADABLE, WRONG_TYPE, bomb, scans
from tests.photo_visits import send_photo, signed_in, verdicts
from tests.service_process import running

LIMITS = Limits(most_pixels=40_000_000, cpu=1)


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


ONE_OF_EACH_KIND = (
    "a photo", "a GIF", "an archive before a JPEG", "noise behind a signature", "cut off in the middle",
    "a PNG with more than it says", "JPEG and archive in one", "place and camera", "two pictures", "60,000 x 60,000",
    "39 megapixels of nothing", "a scan a hundred thousand times", "50 MB of text", "39 megapixels in a PNG",
    "marks that name themselves",
)  # fmt: skip
"""All of them: without HTTP in tests/integration, with it by `make acceptance NAME=hostile-photos`."""


def test_the_corpus_harms_no_process_of_the_service(run, database_url, tmp_path):
    """Hostile photos over HTTP, to a real web process and a real worker: each has its verdict or was refused at
    once, both processes are the same as before, and nothing of what was refused lies on the disk."""
    settings = {
        "DATABASE_URL": database_url,
        "REGISTRATION_SECRET_KEY": "33" * 32,
        "REGISTRATION_PORT": "0",
        "REGISTRATION_PHOTO_DIR": str(tmp_path / "photos"),
    }
    photos = {name: (CORPUS[name][0](), CORPUS[name][1]) for name in ONE_OF_EACH_KIND}
    assert {verdict for _, verdict in photos.values()} == {ACCEPTED, WRONG_TYPE, UNREADABLE, TOO_MANY_PIXELS}
    sessions = run(signed_in(database_url, photos))
    with (
        running("web", "--lifeline", **settings) as (web, ready),
        running("worker", "--lifeline", **settings) as (worker, _),
    ):
        url = f"http://127.0.0.1:{ready['port']}"
        sent = {name: send_photo(url, sessions[name], photo) for name, (photo, _) in photos.items()}
        assert {one.status for one in sent.values()} == {204, 415}
        at_once = {name for name, one in sent.items() if one.status == 415}
        assert at_once == {name for name, (_, verdict) in photos.items() if verdict is WRONG_TYPE}
        judged = run(verdicts(database_url, len(photos) - len(at_once)))
        assert judged == {sent[name].upload_id: verdict for name, (_, verdict) in photos.items() if name not in at_once}
        assert web.poll() is worker.poll() is None
    kept = {path.name for path in (tmp_path / "photos").rglob("*") if path.is_file()}
    assert kept == {f"{upload_id}.clean" for upload_id, verdict in judged.items() if verdict == ACCEPTED}
