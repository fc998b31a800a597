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
    show = rules.Show(0.0, 0.0, 0.0, 1.0)
    for _ in range(60):
        show = rules.show_after(show, 100.0, 100.0, 1.0, 100.0)
    assert show.share == 1.0
    for _ in range(30):
        show = rules.show_after(show, 250.0, 100.0, 1.0, 100.0)
    assert abs(show.share - 0.4) < 0.05
    assert rules.show_after(show, 0.0, 1000.0, 1.0, 100.0) == show


def test_slow_people_are_not_taken_for_absent_ones():
    """The first invited press the button after ten seconds: until then not even twice as many are invited."""
    show = rules.Show(0.0, 0.0, 0.0, 1.0)
    for _ in range(10):
        show = rules.show_after(show, 100.0, 0.0, 1.0, 100.0)
    assert show.share > 0.5


@given(st.floats(0.0, 1e6), st.floats(0.0, 1e6), st.floats(0.0, 60.0), rates, st.floats(0.05, 1.0))
def test_the_share_who_come_is_bounded(invited, came, elapsed, rate, before):
    """5 % to all, and no steeper fall than 5 % of itself."""
    share = rules.show_after(rules.Show(0.0, 0.0, 0.0, before), invited, came, elapsed, rate).share
    assert rules.LEAST_SHOW <= share <= 1.0
    assert share >= before * 0.95 - 1e-9


@given(numbers, numbers, frontiers)
def test_the_order_of_tickets_is_kept(one, other, frontier):
    """Whoever stands further back is never invited before."""
    first, second = sorted((one, other))
    assert rules.may_claim(first, frontier) or not rules.may_claim(second, frontier)


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
