"""From the last byte of an upload to its verdict: through the real queue, worker and inspectors."""

import asyncio
from hashlib import sha256

import asyncpg
import pytest

from service.actions.photo_inspection import inspect_photo
from service.domain.queues import JobEnd
from service.domain.uploads import Part, StorageFailed
from service.photo_ports import InspectionFailed
from service.queues.worker import HANDLERS
from service.storage.ledger import read_ledger
from tests.hostile_photos import CORPUS
from tests.integration.registration_room import TUS, Person, code_of, registration, until
from tests.integration.worker_room import running_worker
from tests.photos import jpeg

GOOD, BETTER = jpeg(), jpeg(seed=2)
BROKEN = CORPUS["cut off in the middle"][0]()
MARKED = CORPUS["place and camera"][0]()


@pytest.fixture
def registered(run, database_url, tmp_path):
    """Run a coroutine function of (service, person) with a worker; `photo` is what it does with photos."""

    def play(scene, photo=inspect_photo, **settings):
        async def in_room():
            async with registration(database_url, tmp_path, working=False, **settings) as service:
                handlers = {**HANDLERS, "photo": photo}
                async with running_worker(service.ports, service.settings, service.metrics, handlers):
                    return await scene(service, await (await Person(service, 1).sign_up()).sign_in())

        return run(in_room())

    return play


async def at_once():
    """Nobody's quota is waited for."""


class Held:
    """A handler that inspects nobody's photo before `go`."""

    def __init__(self):
        self.go = asyncio.Event()

    async def __call__(self, ports, job, turn):
        await self.go.wait()
        return await inspect_photo(ports, job, turn)


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


async def photo_of(person, slot="selfie"):
    return next((photo for photo in (await person.me())["photos"] if photo["slot"] == slot), None)


async def inspected(person, slot="selfie"):
    """The photo of a slot once it has its verdict."""

    async def is_judged():
        return (await photo_of(person, slot))["status"] != "pending"

    await until(is_judged)
    return await photo_of(person, slot)


async def ledger(service):
    connection = await asyncpg.connect(service.settings.database_url)
    try:
        return (await read_ledger(connection, service.ports.photos))["photos"]
    finally:
        await connection.close()


def test_a_clean_copy_is_kept_sealed_and_the_original_goes(registered, tmp_path):
    """What lies on the disk is no picture without the key, and no place or camera with it; the hash tells what came."""

    async def scene(service, person):
        upload_id = (await person.upload("selfie", MARKED)).rpartition("/")[2]
        assert await inspected(person) == {"slot": "selfie", "status": "accepted", "reason": None}
        await service.drained()
        assert files(tmp_path) == [f"{upload_id}.clean"]
        sealed = await service.ports.photos.copy(upload_id)
        assert b"JFIF" not in sealed and b"\xff\xd8\xff" not in sealed
        clean = service.ports.vault.open(sealed, upload_id.encode())
        assert clean.startswith(b"\xff\xd8\xff") and b"Exif" not in clean and b"Phone 7" not in clean
        (row,) = await service.sql("select original_sha256, clean_bytes, inspected_at from upload")
        assert (row["original_sha256"], row["clean_bytes"]) == (sha256(MARKED).digest(), len(sealed))
        assert row["inspected_at"] is not None
        assert (await ledger(service))["missing_bytes"] == []

    registered(scene)


def test_a_refused_photo_says_why_and_can_be_replaced(registered, tmp_path):
    """Nobody joins with it; whoever replaces it does, and nothing of the refused one is kept."""

    async def scene(service, person):
        await person.upload("selfie", BROKEN)
        assert await inspected(person) == {"slot": "selfie", "status": "refused", "reason": "unreadable"}
        await service.drained()
        assert files(tmp_path) == []
        assert (await ledger(service))["missing_bytes"] == []
        refused = await person.post("/waves/1/join")
        assert code_of(refused) == "steps-missing" and "photos" in refused.json()["missing"]
        await person.upload("selfie", GOOD)
        assert (await inspected(person))["status"] == "accepted"
        await person.upload("identity_card", GOOD)
        assert "photos" not in (await person.post("/waves/1/join")).json()["missing"]

    registered(scene)


def test_a_newer_photo_replaces_an_accepted_one(registered, tmp_path):
    async def scene(service, person):
        await person.upload("selfie", GOOD)
        await inspected(person)
        await service.drained()
        newer = (await person.upload("selfie", BETTER)).rpartition("/")[2]
        await inspected(person)
        await service.drained()
        assert files(tmp_path) == [f"{newer}.clean"]
        found = await ledger(service)
        assert (len(found["ids"]), found["doubled"], found["lost"], found["missing_bytes"]) == (2, 0, 0, [])

    registered(scene)


def test_who_waits_for_the_inspection_may_join(registered):
    """The inspection may take hours on such a night; joining does not wait for it."""
    held = Held()

    async def scene(_, person):
        await person.upload("selfie")
        await person.upload("identity_card")
        assert await photo_of(person) == {"slot": "selfie", "status": "pending", "reason": None}
        assert "photos" not in (await person.post("/waves/1/join")).json()["missing"]
        held.go.set()

    registered(scene, held)


def test_a_full_queue_costs_the_phone_one_byte(registered):
    """503 with Retry-After at the end of the photo, every byte but the last acknowledged; nothing half-done, and the
    upload is finished by one byte when there is room again."""
    held = Held()

    async def scene(service, person):
        await person.upload("selfie")
        path = await person.begin_upload("identity_card", len(GOOD))
        for offset in (0, len(GOOD) - 1, len(GOOD) - 1):
            refused = await person.send_bytes(path, GOOD[offset:], offset=offset)
            assert (refused.status_code, code_of(refused)) == (503, "queue-full")
            assert int(refused.headers["retry-after"]) >= 1
            asked = await service.http.head(path, headers=TUS | person.session)
            assert asked.headers["upload-offset"] == str(len(GOOD) - 1)
            assert await photo_of(person, "identity_card") is None
        held.go.set()
        await service.drained()
        assert (await person.send_bytes(path, GOOD[-1:], offset=len(GOOD) - 1)).status_code == 204
        assert (await inspected(person, "identity_card"))["status"] == "accepted"

    registered(scene, held, PHOTO_QUEUE_LIMIT="1")


def test_an_inspector_that_dies_costs_a_retry(registered):
    """The photo is inspected by the next one, and was never refused."""
    failures = iter([InspectionFailed()])

    async def dying(ports, job, turn):
        for failure in failures:
            raise failure
        return await inspect_photo(ports, job, turn)

    async def scene(service, person):
        await person.upload("selfie")
        assert (await inspected(person))["status"] == "accepted"
        ended = service.metrics.registry.get_sample_value
        assert ended("registration_queue_jobs_total", {"queue": "photo", "outcome": "retried"}) == 1

    registered(scene, dying)


def test_whoever_takes_over_finishes_what_was_left(registered, tmp_path):
    """A worker that died after the verdict, before the original was gone: the next one removes it. One that comes
    after a replacement inspects nothing and leaves nothing."""
    jobs = []

    async def forgotten(ports, job, turn):
        jobs.append(job)
        return await inspect_photo(ports, job, turn)

    async def scene(service, person):
        path = await person.upload("selfie", GOOD)
        await inspected(person)
        await service.drained()
        upload_id = path.rpartition("/")[2]
        await service.ports.photos.write(upload_id, Part(0, 0), 0, GOOD)  # as if it had not been removed
        assert (await inspect_photo(service.ports, jobs[0], at_once)).end is JobEnd.LOST
        assert files(tmp_path) == [f"{upload_id}.clean"]
        newer = (await person.upload("selfie", BETTER)).rpartition("/")[2]
        await service.drained()
        await service.ports.photos.write(upload_id, Part(0, 0), 0, GOOD)
        await inspect_photo(service.ports, jobs[0], at_once)
        assert files(tmp_path) == [f"{newer}.clean"]

    registered(scene, forgotten)


def test_nothing_stays_of_writers_that_did_not_get_to_an_acknowledgment(registered, tmp_path):
    """A web process killed between disk and row leaves the picture with all its marks; the phone sends it again."""

    async def scene(service, person):
        path = await person.begin_upload("selfie", len(MARKED))
        upload_id = path.rpartition("/")[2]
        await service.sql("update upload set epoch = 1")
        await service.ports.photos.write(upload_id, Part(1, 0), 0, MARKED)
        asked = await service.http.head(path, headers={**TUS, **person.session})
        assert asked.headers["upload-offset"] == "0"
        assert (await person.send_bytes(path, MARKED)).status_code == 204
        await inspected(person)
        await service.drained()
        assert files(tmp_path) == [f"{upload_id}.clean"]

    registered(scene)


def test_a_photo_whose_bytes_changed_is_not_judged(registered, tmp_path):
    """On the disk or on the way to it: the hash of what was received tells, and the photo waits for somebody."""
    failed = []

    async def damaging(ports, job, turn):
        (file,) = tmp_path.rglob(f"{job.payload['upload_id']}.[01]")
        file.write_bytes(GOOD[:-10] + bytes([GOOD[-10] ^ 1]) + GOOD[-9:])
        try:
            return await inspect_photo(ports, job, turn)
        except StorageFailed:
            failed.append(job)
            raise

    async def scene(service, person):
        await person.upload("selfie", GOOD)

        async def has_failed():
            return failed

        await until(has_failed)
        assert (await photo_of(person))["status"] == "pending"

    registered(scene, damaging)


def test_the_ledger_misses_what_is_gone(registered, tmp_path):
    """Negative controls: a clean copy that is not there, and a photo that waits for a job that does not exist."""

    async def scene(service, person):
        upload_id = (await person.upload("selfie")).rpartition("/")[2]
        await inspected(person)
        await service.drained()
        await service.ports.photos.remove_copy(upload_id)
        assert (await ledger(service))["missing_bytes"] == [upload_id]
        await service.sql("update upload set verdict = null, clean_bytes = null")
        found = await ledger(service)
        assert (found["lost"], found["missing_bytes"]) == (1, [upload_id])

    registered(scene)


def test_a_file_of_another_type_is_refused_at_once(registered, tmp_path):
    """By its first bytes, whatever it is called; the upload is forgotten, and no byte was stored."""

    async def scene(service, person):
        for name in ("a GIF", "a page", "an archive"):
            made = await person.begin_upload("selfie", 3_000_000)
            sent = await person.send_bytes(made, CORPUS[name][0]()[:4096])
            assert (sent.status_code, code_of(sent)) == (415, "photo-type-unsupported")
            asked = await service.http.head(made, headers=TUS | person.session)
            assert asked.status_code == 404
        assert files(tmp_path) == [] and await service.depth() == 0

    registered(scene)
