"""GET of uploads: what a browser is told of bytes that a stranger sent, and which of them are asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.web.files_get import range_of


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-9", (0, 10)),
        ("bytes=3-", (3, 10)),
        ("bytes=3-99", (3, 10)),
        ("bytes=-4", (6, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes = 2 - 4", (2, 5)),
        ("bytes=10-", None),
        ("bytes=-0", None),
        ("bytes=5-3", None),
        ("bytes=0-1,3-4", None),
        ("bytes=-", None),
        ("items=0-1", None),
        ("", None),
    ],
)
def test_range_of_ten_bytes(text, wanted):
    """RFC 9110, section 14.1.2; what is not understood or has no byte counts as not asked."""
    assert range_of(text, 10) == wanted


@given(st.integers(0, 30), st.text("bytes=-, 0123456789", max_size=20))
def test_a_range_lies_in_the_file(size, text):
    wanted = range_of(text, size)
    if wanted is not None:
        start, end = wanted
        assert 0 <= start < end <= size
