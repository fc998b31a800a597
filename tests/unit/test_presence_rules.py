"""Bitmaps of places against plain sets and plain counting."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain import presence
from service.domain.presence import BLOCK, MOST_SPAN, Bitmap, Live, Noted, united

places = st.integers(1, 20_000)
crowds = st.sets(places, max_size=60)


def noted(base: int, crowd: set[int]) -> Noted:
    found = Noted(base)
    for place in crowd:
        found.note(place)
    return found


@given(places, crowds)
def test_a_place_is_new_once(base, crowd):
    """From the base's block on; what lies before it was let in already and is not kept."""
    found = Noted(base)
    kept = {place for place in crowd if place >= presence.based(base)}
    assert {place for place in crowd if found.note(place)} == kept
    assert not any(found.note(place) for place in crowd)
    assert Live(found.bitmap()).count == len(kept)


@given(st.lists(st.tuples(places, crowds), max_size=5), places, st.tuples(places, places))
def test_live_people_are_counted_as_a_set_would(replicas, base, ends):
    """Bitmaps of several replicas with different bases, united and counted between any two places."""
    first, end = sorted(ends)
    live = Live(united([noted(start, crowd).bitmap() for start, crowd in replicas], base))
    everybody = {place for start, crowd in replicas for place in crowd if place >= presence.based(start)}
    everybody = {place for place in everybody if place >= presence.based(base)}
    assert live.count == len(everybody)
    top = max(everybody, default=presence.based(base) - 1) + 1
    assert live.between(first, end) == sum(first <= place < end for place in {*everybody, *range(top, end)})
    assert live.between(end, first) == 0


def test_two_million_places_take_a_quarter_of_a_megabyte():
    """And no more than MOST_SPAN are ever kept, whatever number somebody has."""
    found = Noted(1_000_000)
    assert found.note(2_999_999) and not found.note(1_000_000 + MOST_SPAN + BLOCK)
    base, bits = found.bitmap()
    assert base <= 1_000_000 and len(bits) <= 2_000_000 // 8 + 2 * BLOCK // 8


def test_the_whole_crowd_of_that_night_is_counted():
    """2 million places of which every third is live: exact at every place that is asked for."""
    whole = Bitmap(0, (0b001001001001001001001001).to_bytes(3, "little") * (2_000_000 // 24))
    live = Live(whole)
    for place in (1, 2, 3, 4, 1_023, 1_024, 1_025, 999_999, 1_999_900):
        assert live.between(0, place) == -(-place // 3)


def test_newcomers_count_before_the_next_count():
    """Who came after the count stands ahead of those who came still later."""
    live = Live(noted(0, {5, 7}).bitmap())
    assert (live.top, live.between(0, 8), live.between(0, 20), live.between(10, 20)) == (8, 2, 14, 10)
