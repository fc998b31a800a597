"""Where a lane goes on in its queue."""

from datetime import UTC, datetime

from service.queues.place import FROM_THE_FRONT, OVERLAP, Place

FOUND = datetime(2020, 4, 11, 12, tzinfo=UTC)


def test_a_lane_goes_on_where_it_was_and_looks_from_the_front_now_and_then() -> None:
    place = Place()
    assert place.since(100.0) is None
    place.found(FOUND)
    assert place.since(101.0) == place.since(100.0 + FROM_THE_FRONT - 0.1) == FOUND - OVERLAP
    assert place.since(100.0 + FROM_THE_FRONT) is None
    place.found(FOUND)
    assert place.since(100.1 + FROM_THE_FRONT) == FOUND - OVERLAP


def test_a_lane_that_lost_its_place_begins_at_the_front() -> None:
    place = Place()
    place.since(0.0)
    place.found(FOUND)
    place.lost()
    assert place.since(1.0) is None
