"""When and how a phone's line breaks: without memory, as often as the profile says, in the shares that are assumed."""

from collections import Counter

import pytest

from loadtests.lines import Line
from scenarios.networks import HALF_OPEN_SHARE, KILLED_SHARE, Cut, cut_after_s, cut_kind

DRAWS = 20_000


def test_cuts_come_as_often_as_the_profile_says():
    """Once a minute: a minute of sending until the first on average, and 1 - 1/e of the lines within it."""
    moments = [cut_after_s(1, number, 1, 1.0) for number in range(DRAWS)]
    assert sum(moments) / DRAWS == pytest.approx(60.0, rel=0.03)
    assert sum(moment < 60.0 for moment in moments) / DRAWS == pytest.approx(0.632, abs=0.012)
    assert cut_after_s(1, 7, 1, 4.0) == pytest.approx(cut_after_s(1, 7, 1, 1.0) / 4.0)
    assert cut_after_s(1, 7, 1, 0.0) == -1.0


def test_each_request_draws_anew():
    assert len({cut_after_s(1, 7, send, 1.0) for send in range(100)}) == 100


def test_lines_break_in_the_shares_that_are_assumed():
    kinds = Counter(cut_kind(1, number, 1) for number in range(DRAWS))
    assert kinds[Cut.HALF_OPEN] / DRAWS == pytest.approx(HALF_OPEN_SHARE, abs=0.012)
    assert kinds[Cut.KILLED] / DRAWS == pytest.approx(KILLED_SHARE, abs=0.012)
    assert kinds[Cut.RESET] == DRAWS - kinds[Cut.HALF_OPEN] - kinds[Cut.KILLED]


def test_only_what_is_sent_before_the_answer_can_be_cut():
    """10 s of bytes and a round trip: a cut in the eleventh second still loses the answer, a later one nothing."""
    line = Line(1000.0, 1.0, 10.9, Cut.RESET + 0)
    assert line.breaks_within(10_000)
    assert not line._replace(cut_s=11.1).breaks_within(10_000)
    assert not line._replace(cut_s=-1.0).breaks_within(10_000)
    assert not Line(cut_s=1.0).breaks_within(10_000)


def test_a_faster_clock_changes_no_outcome():
    line = Line(1000.0, 1.0, 5.0, Cut.HALF_OPEN + 0)
    faster = line.faster(10.0)
    assert faster.bytes_per_s * faster.cut_s == line.bytes_per_s * line.cut_s
    assert faster.bytes_per_s * faster.round_trip_s == line.bytes_per_s * line.round_trip_s
    assert not line._replace(cut_s=-1.0).faster(10.0).breaks_within(10**9)
