"""The draw for the grants: the same for everybody who recomputes it, and moved by nothing that people can do."""

import secrets
from collections import Counter
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain import grants, merkle
from service.domain.grants import PRIORITY, PROVINCE, TICKET, Quotas, line_of

SEED = sha256(b"a seed").digest()
LINE = st.builds(line_of, st.binary(min_size=16, max_size=16), st.sampled_from([31, 52, 91]), priority=st.booleans())
LISTS = st.lists(LINE, max_size=40, unique_by=lambda line: line[TICKET])
QUOTAS = st.builds(
    Quotas, st.integers(0, 30), st.dictionaries(st.sampled_from([52, 91]), st.integers(0, 8), max_size=2)
)


@given(st.lists(st.binary(max_size=20), max_size=70))
def test_each_line_is_proved_and_no_other(lines: list[bytes]) -> None:
    levels = merkle.levels_of(lines)
    root = merkle.root_of(lines)
    for index, line in enumerate(lines):
        proof = merkle.proof_of(levels, index)
        assert merkle.is_proved(line, index, len(lines), proof, root)
        assert not merkle.is_proved(line + b"x", index, len(lines), proof, root)
        assert not merkle.is_proved(line, index, len(lines), [*proof, root], root)
        assert not merkle.is_proved(line, index + 1, len(lines), proof, root) or line in lines[index + 1 :]


def test_the_tree_is_that_of_rfc_6962() -> None:
    """Known roots of the transparency log's test data, over its first leaves."""
    leaves = [b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31"]
    assert merkle.root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.root_of(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.root_of(leaves[:3]).hex() == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
    assert merkle.root_of(leaves).hex() == "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"


def test_a_node_cannot_pass_for_a_line() -> None:
    """Without the prefixes a list of two digests would have the root of the four lines below them."""
    lines = [b"a", b"b", b"c", b"d"]
    pair = [b"".join(merkle.levels_of(lines)[0][i : i + 2]) for i in (0, 2)]
    assert merkle.root_of(pair) != merkle.root_of(lines)


@given(LISTS, QUOTAS)
def test_seats_and_quotas_hold_and_nobody_who_fits_is_left_out(lines: list[bytes], quotas: Quotas) -> None:
    result = grants.chosen(grants.drawn(lines, SEED), quotas)
    of_province = Counter(int(line[PROVINCE]) for line in result.winners)
    assert len(result.winners) <= quotas.seats
    assert all(of_province[province] <= most for province, most in quotas.provinces.items())
    assert sorted(result.winners + result.waiting) == sorted(lines)
    if len(result.winners) < quotas.seats:
        assert all(
            of_province[int(line[PROVINCE])] == quotas.provinces.get(int(line[PROVINCE])) for line in result.waiting
        )


@given(LISTS, QUOTAS, st.data())
def test_a_withdrawal_moves_up_one_and_nobody_else(lines: list[bytes], quotas: Quotas, data: st.DataObject) -> None:
    order = grants.drawn(lines, SEED)
    before = grants.chosen(order, quotas)
    if not before.winners:
        return
    gone = data.draw(st.sampled_from(before.winners))
    after = grants.chosen(order, quotas, {gone[TICKET]})
    kept = [one for one in before.winners if one != gone]
    assert [one for one in after.winners if one in kept] == kept
    assert len(after.winners) - len(kept) in (0, 1)


@given(LISTS, st.randoms(use_true_random=False))
def test_the_order_of_joining_does_not_matter(lines: list[bytes], luck: Random) -> None:
    shuffled = list(lines)
    luck.shuffle(shuffled)
    assert grants.drawn(shuffled, SEED) == grants.drawn(lines, SEED)


@given(LISTS)
def test_the_priority_list_comes_first(lines: list[bytes]) -> None:
    flags = [line[PRIORITY] for line in grants.drawn(lines, SEED)]
    assert flags == sorted(flags, reverse=True)


def test_another_list_beacon_or_throw_of_dice_gives_another_seed() -> None:
    commitment = sha256(b"list").digest()
    seeds = {
        grants.seed_of(commitment, "beacon", "123"),
        grants.seed_of(sha256(b"other").digest(), "beacon", "123"),
        grants.seed_of(commitment, "beacon2", "123"),
        grants.seed_of(commitment, "beacon", "124"),
        grants.seed_of(commitment, "beacon1", "23"),
    }
    assert len(seeds) == 5
    with pytest.raises(ValueError, match="a line each"):
        grants.seed_of(commitment, "beacon\n123", "4")


@settings(deadline=None)
@given(st.integers(0, 10))
def test_everybody_has_the_same_chance(number: int) -> None:
    """A thousand draws of a hundred tickets for ten seats: chi-square over the tickets at the 0.1 % point (149)."""
    lines = [line_of(sha256(f"{number} {i}".encode()).digest()[:16], 31, priority=False) for i in range(100)]
    won: Counter[bytes] = Counter()
    for draw in range(1000):
        won.update(grants.drawn(lines, sha256(f"{number} draw {draw}".encode()).digest())[:10])
    assert sum((won[line] - 100) ** 2 / (100 * 0.9) for line in lines) < 149


def test_joining_again_rolls_no_better_number() -> None:
    """New York's schools, 2022: who cancelled and applied again until the number was good. No ticket has a number
    before the freeze, and afterwards the list is closed: another ticket is another root, so another seed for all."""
    lines = sorted(line_of(secrets.token_bytes(16), 31, priority=False) for _ in range(50))
    again = sorted([*lines[1:], line_of(secrets.token_bytes(16), 31, priority=False)])
    assert merkle.root_of(again) != merkle.root_of(lines)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("00", "line 2 is not"),
        ("0" * 31 + "2 31 2", "line 2 is not"),
        ("0" * 31 + "2  31 1", "line 2 is not"),
        ("0" * 31 + "1 31 1", "stands twice"),
        ("A" * 32 + " 31 1", "line 2 is not"),
        ("f" * 32 + " 31 1\n", "line 2 is not"),
        ("f" * 32 + " 31 1", ""),
    ],
)
def test_a_list_is_sorted_and_whole(line: str, fault: str) -> None:
    found = list(grants.faults_of_list([b"0" * 31 + b"1 31 0", line.encode()]))
    assert [fault in one for one in found] == [True] * bool(fault)


@pytest.mark.parametrize("put", [b" ", b"g", b"2", b"1", b"\n", b"A"])
def test_no_fault_of_a_line_is_overlooked_column_by_column(put: bytes) -> None:
    """Whatever stands at whatever place: the quick look over all lines says what a look at each line does."""
    good = grants.line_of(bytes(range(0x40, 0x50)), 31, priority=True)
    first, last = grants.line_of(bytes(16), 11, priority=False), grants.line_of(b"\xff" * 16, 92, priority=True)
    for place in range(len(good)):
        line = good[:place] + put + good[place + 1 :]
        faults = list(grants.faults_of_list([first, line, last]))
        assert bool(faults) == (not grants.LINE.fullmatch(line)), line


def test_millions_are_sorted_as_a_few_are() -> None:
    draw = Random(3)
    lines = [grants.line_of(draw.randbytes(16), 31, priority=False) for _ in range(2000)]
    assert grants.in_order(lines) == sorted(lines)
    assert grants.in_order([]) == []
    assert grants.in_order([b"", b"b", b"ba", b"a", b""]) == [b"", b"", b"a", b"b", b"ba"]


@pytest.mark.parametrize("count", [1, 4095, 4096, 4097, 9000, 3 * 4096 + 1])
def test_the_root_of_blocks_is_the_root_of_the_tree(count: int) -> None:
    lines = [b"%d" % number for number in range(count)]
    assert merkle.root_of(lines) == merkle.levels_of(lines)[-1][0]


def test_a_ticket_that_stands_twice_is_seen_where_two_blocks_meet() -> None:
    lines = [grants.line_of(number.to_bytes(16, "big"), 31, priority=False) for number in range(10_001)]
    assert list(grants.faults_of_list(lines)) == []
    lines.insert(10_000, lines[9_999])
    assert [fault.split(":")[0] for fault in grants.faults_of_list(lines)] == ["line 10001"]
