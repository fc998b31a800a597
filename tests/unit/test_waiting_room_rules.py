"""The line's rules: no burst, no step back, order kept."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain import signatures
from service.domain import waiting_room as rules

rates = st.floats(0.0, 2000.0)
frontiers = st.floats(0.0, 1e7)
numbers = st.integers(1, 10_000_000)


shares = st.floats(0.0, 1.0)
waiting = st.integers(0, 100_000)


@given(frontiers, numbers, st.floats(0.0, 10.0), rates, waiting, shares)
def test_the_frontier_only_moves_on(frontier, last_place, elapsed, rate, pending, share):
    """Never back; never beyond the last place by more than one second of rate; no step while many wait there."""
    moved = rules.frontier_after(frontier, last_place, elapsed, rate, pending, share)
    assert moved >= frontier
    assert moved <= max(frontier, last_place + rate)
    if pending >= rate * (1.0 + elapsed / rules.PULL) + rules.LEAST_PENDING:
        assert moved == frontier


@given(frontiers, numbers, st.floats(0.0, 2.0), st.floats(2.0, 2000.0), shares)
def test_the_frontier_invites_what_the_rate_and_the_share_ask_for(frontier, last_place, elapsed, rate, share):
    """With as many waiting at the gate as shall wait there, the invited who come are those whom the rate lets in."""
    moved = rules.frontier_after(frontier, 20_000_000, elapsed, rate, round(rate), share)
    coming = (moved - frontier) * max(share, rules.LEAST_SHOW)
    assert abs(coming - elapsed * rate) <= rules.PULL * 0.5 + 1e-3


@given(rates, st.integers(1, 3600))
def test_an_empty_line_saves_up_nothing(rate, seconds):
    """After hours without anybody, the people of one second are invited at once, and no more."""
    frontier = 0.0
    for _ in range(seconds):
        frontier = rules.frontier_after(frontier, 0, 1.0, rate, 0, 1.0)
    assert frontier <= rate


def test_the_share_who_come_is_learned_within_half_a_minute():
    """All came, then four in ten: nearer than a twentieth after 30 s; while nobody is invited nothing is learned."""
    show = rules.Show(0.0, 0.0, 0.0)
    for _ in range(60):
        show = rules.show_after(show, 100.0, 100.0, 1.0)
    assert rules.show_share(show, 100.0) == 1.0
    for _ in range(30):
        show = rules.show_after(show, 250.0, 100.0, 1.0)
    assert abs(rules.show_share(show, 100.0) - 0.4) < 0.05
    assert rules.show_after(show, 0.0, 1000.0, 1.0) == show


@given(st.floats(0.0, 1e6), st.floats(0.0, 1e6), rates)
def test_the_share_who_come_is_bounded(invited, came, rate):
    show = rules.show_after(rules.Show(0.0, 0.0, 0.0), invited, came, 1.0)
    assert rules.LEAST_SHOW <= rules.show_share(show, rate) <= 1.0


@given(numbers, numbers, frontiers)
def test_the_order_of_tickets_is_kept(one, other, frontier):
    """Whoever stands further back is never invited before, and has at least as many people ahead."""
    first, second = sorted((one, other))
    assert rules.may_claim(first, frontier) or not rules.may_claim(second, frontier)
    assert rules.people_ahead(first, frontier) <= rules.people_ahead(second, frontier)


@given(numbers, frontiers)
def test_nobody_is_ahead_of_the_invited_and_the_next(number, frontier):
    """0 people ahead exactly when the ticket is invited or the next one in line."""
    assert (rules.people_ahead(number, frontier) == 0) == (number - frontier <= 1)


def test_people_ahead_against_counting():
    """Frontier 2.5: tickets 1 and 2 are in, 3 is next, so ticket 10 waits for 3 to 9."""
    assert [rules.people_ahead(number, 2.5) for number in (1, 2, 3, 4, 10)] == [0, 0, 0, 1, 7]


@given(st.integers(0, 2_000_000), rates)
def test_polls_are_spread_and_bounded(ahead, rate):
    """2 to 60 s; the range that is shown holds the line's own pace and a second or two of beats."""
    interval = rules.poll_interval_s(ahead, rate)
    assert 2.0 <= interval <= 60.0
    wait = rules.expected_wait_s(ahead, rate)
    assert rules.wait_low_s(ahead, rate) <= min(wait + 1.7, rules.NEVER_S)
    assert rules.wait_high_s(ahead, rate) >= min(wait + 2.0, rules.NEVER_S)
    assert rules.wait_low_s(ahead, rate) <= rules.wait_high_s(ahead, rate)


def test_a_crowd_that_came_together_asks_apart():
    """1,000 neighbors with the same interval: no hundredth of the spread holds more than twice its share."""
    moments = [rules.jittered_poll_s(number, 10.0) for number in range(5000, 6000)]
    assert min(moments) >= 8.5 and max(moments) <= 11.5
    shares = [0] * 100
    for moment in moments:
        shares[min(int((moment - 8.5) / 0.03), 99)] += 1
    assert max(shares) <= 20


KEY, OTHER_KEY = b"k" * 32, b"o" * 32


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=3))
def test_signed_values_are_read_back(fields):
    value = signatures.sign(KEY, *fields)
    assert signatures.read(KEY, value, len(fields)) == tuple(fields)
    assert signatures.read(OTHER_KEY, value, len(fields)) is None
    assert signatures.read(KEY, value, len(fields) + 1) is None


@given(st.integers(0, 10**9), st.data())
def test_a_changed_value_is_refused(number, data):
    """Any other letter anywhere, any letter left out or added."""
    value = signatures.sign(KEY, 1, number)
    place = data.draw(st.integers(0, len(value) - 1))
    letter = data.draw(st.sampled_from("0123456789abcXYZ-_.=+ \u0661"))
    for changed in (value[:place] + letter + value[place + 1 :], value[:place] + value[place + 1 :], value + letter):
        assert changed == value or signatures.read(KEY, changed, 2) is None


@given(st.text(max_size=200))
def test_any_text_is_refused_without_an_error(text):
    assert signatures.read(KEY, text, 2) is None
