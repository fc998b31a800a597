"""What the limits of an inspection are for."""

from dataclasses import replace

import pytest

from service.metrics import Metrics
from service.photo_ports import Inspection, InspectionFailed
from service.storage.inspectors import Inspectors, Limits
from tests.hostile_photos import ACCEPTED, TOO_MANY_PIXELS, UNREADABLE, bomb, scans

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
    assert run(inspected(replace(LIMITS, memory_bytes=0), bomb())).verdict is ACCEPTED


def test_without_its_limit_of_time_a_bomb_holds_an_inspector(run):
    """Negative control: the process is killed at the deadline, and the photo would be tried again and again."""
    assert run(inspected(LIMITS, scans())).verdict is UNREADABLE
    with pytest.raises(InspectionFailed):
        run(inspected(replace(LIMITS, cpu=0, deadline=3.0), scans()))
