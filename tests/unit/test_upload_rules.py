"""Rules of uploads: what a chunk may do, and what a finished photo completes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import uploads as rules
from service.domain.errors import PhotoTooLarge, UploadOffsetMismatch
from service.domain.uploads import Append


@given(
    offset=st.integers(0, 100),
    announced=st.none() | st.integers(0, 100),
    committed=st.integers(0, 50),
    rest=st.none() | st.integers(0, 50),
)
def test_chunk_continues_exactly_where_the_upload_ends(offset, announced, committed, rest):
    """Accepted if and only if it starts at the committed offset and stays inside the length, if that was told."""
    length = None if rest is None else committed + rest
    fits = offset == committed and (length is None or offset + (announced or 0) <= length)
    try:
        rules.check_append(Append(offset, announced), committed=committed, length=length)
    except UploadOffsetMismatch as error:
        assert offset != committed
        assert error.facts == {"expected": committed, "provided": offset}
    except PhotoTooLarge:
        assert offset == committed
        assert not fits
    else:
        assert fits


@pytest.mark.parametrize(
    ("slot", "filled", "complete"),
    [(1, set(), False), (2, {1}, True), (1, {2}, True), (2, {2}, False), (2, {1, 2}, False)],
)
def test_photos_are_complete_once(slot, filled, complete):
    """The stage is reached by the photo that fills the last slot, not by one that replaces another."""
    assert rules.completes_photos(slot, filled) is complete
