"""Inspectors on a hostile corpus: real processes, real limits, and what happens without them."""

import asyncio
import io
import os
import signal
import warnings
from contextlib import asynccontextmanager

import psutil
import pytest
from PIL import Image

from service.metrics import Metrics
from service.photo_ports import InspectionFailed
from service.storage.inspectors import Inspectors, Limits
from service.storage.photo_image import LONGEST_SIDE
from tests.hostile_photos import ACCEPTED, CORPUS, FORBIDDEN, scans
from tests.photos import encoded, held, jpeg, stands_upright

LIMITS = Limits(most_pixels=40_000_000)
"""The service's own: the largest honest photo takes a second of its five on a busy machine."""


@asynccontextmanager
async def inspectors(limits: Limits = LIMITS, processes: int = 1):
    pool = Inspectors(processes, limits, Metrics())
    try:
        yield pool
    finally:
        await pool.close()


def test_a_hostile_corpus_does_no_harm(run):
    """Each photo has its verdict, the process that answers outlives them all, and its memory stays where it was."""
    corpus = {name: photo for name, photo in CORPUS.items() if photo[0] is not scans}  # those use up all their time

    async def inspect_all():
        async with inspectors() as pool:
            found = {name: await pool.inspect(make()) for name, (make, _) in corpus.items()}
            process = pool._idle[0]._running
            assert process is not None
            return found, psutil.Process(process.pid).memory_info().rss, pool._metrics

    found, memory, metrics = run(inspect_all())
    assert {name: inspection.verdict for name, inspection in found.items()} == {
        name: verdict for name, (_, verdict) in corpus.items()
    }
    assert memory < 100 << 20
    for name, inspection in found.items():
        assert (inspection.clean != b"") == (inspection.verdict is ACCEPTED), name
    value = metrics.registry.get_sample_value
    accepted = sum(verdict is ACCEPTED for _, verdict in corpus.values())
    assert value("registration_photo_inspections_total", {"outcome": "accepted"}) == accepted
    assert value("registration_photo_inspections_total", {"outcome": "failed"}) == 0


def test_a_clean_copy_is_a_picture_and_nothing_else(run):
    """RGB, whole, no mark of any kind, nothing behind its end; large ones are smaller."""
    originals = {name: make() for name, (make, verdict) in CORPUS.items() if verdict is ACCEPTED}

    async def inspect_all():
        async with inspectors() as pool:
            return {name: (await pool.inspect(original)).clean for name, original in originals.items()}

    for name, clean in run(inspect_all()).items():
        assert clean.endswith(b"\xff\xd9"), name
        assert not [mark for mark in FORBIDDEN if mark in clean], name
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(originals[name])) as before:
            size = before.size
        with Image.open(io.BytesIO(clean)) as image:
            image.load()
            assert (image.format, image.mode) == ("JPEG", "RGB"), name
            assert max(image.size) <= LONGEST_SIDE and (image.size == size) == (max(size) <= LONGEST_SIDE), name
            assert image.width / image.height == pytest.approx(size[0] / size[1], rel=0.01), name
            assert not image.getexif() and not image.info.get("icc_profile"), name


def test_the_marks_that_are_looked_for_are_there():
    """Negative control: each of them stands in an original of the corpus."""
    originals = [make() for make, verdict in CORPUS.values() if verdict is ACCEPTED]
    assert [mark for mark in FORBIDDEN if not any(mark in original for original in originals)] == []


@pytest.mark.parametrize("mark", range(1, 9))
def test_every_way_of_holding_a_camera_ends_upright(run, mark):
    """The orientation mark says how the camera was held; the clean copy needs none."""
    photo = held(mark)
    assert not stands_upright(photo)

    async def inspect():
        async with inspectors() as pool:
            return (await pool.inspect(photo)).clean

    assert stands_upright(run(inspect()))


def test_colors_survive(run):
    """16 bits of gray are not cut off at 255, what is transparent is white, large pictures are halved."""

    async def pixels(photo):
        async with inspectors() as pool:
            return Image.open(io.BytesIO((await pool.inspect(photo)).clean))

    gray = run(pixels(encoded(Image.new("I;16", (30, 30), 40_000), "PNG"))).getpixel((5, 5))
    assert all(abs(value - 40_000 / 256) < 4 for value in gray)
    assert run(pixels(encoded(Image.new("RGBA", (30, 30)), "PNG"))).getpixel((5, 5)) == (255, 255, 255)
    assert run(pixels(encoded(Image.new("RGB", (4000, 3000), "red")))).size == (2000, 1500)
    assert run(pixels(encoded(Image.new("RGB", (3100, 100), "red"), "PNG"))).size == (1550, 50)


def test_a_killed_inspector_fails_one_photo_and_is_replaced(run):
    """Whoever kills it - the system, short of memory, or an operator -, the photo is not refused for it."""

    async def scene():
        async with inspectors() as pool:
            await pool.inspect(jpeg())
            process = pool._idle[0]._running
            assert process is not None
            os.kill(process.pid, signal.SIGKILL)
            with pytest.raises(InspectionFailed):
                await pool.inspect(jpeg())
            return await pool.inspect(jpeg()), process.poll()

    inspection, code = run(scene())
    assert inspection.verdict is ACCEPTED
    assert code == -signal.SIGKILL


def test_no_more_at_once_than_there_are_inspectors(run):
    """Photos wait for an inspector; nothing is left of the processes afterwards."""

    async def scene():
        async with inspectors(processes=2) as pool:
            assert [pool.free(busy) for busy in (0, 3, 4, 5)] == [4, 1, 0, 0]
            inspecting = [asyncio.create_task(pool.inspect(jpeg(800, 600))) for _ in range(6)]
            most = 0.0
            while not all(task.done() for task in inspecting):
                most = max(most, pool._metrics.registry.get_sample_value("registration_photo_inspectors_busy"))
                await asyncio.sleep(0)
            assert [task.result().verdict for task in inspecting] == [ACCEPTED] * 6
            return most, [process._running.pid for process in pool._idle]

    most, pids = run(scene())
    assert most == 2.0
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_an_inspector_is_told_no_secret(run, monkeypatch):
    """Neither the key nor the address of the database is in the environment of a process that meets strange bytes."""
    monkeypatch.setenv("REGISTRATION_SECRET_KEY", "11" * 32)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere")

    async def environment():
        async with inspectors() as pool:
            await pool.inspect(jpeg())
            return psutil.Process(pool._idle[0]._running.pid).environ()

    assert run(environment()).keys().isdisjoint({"REGISTRATION_SECRET_KEY", "DATABASE_URL"})
