"""Pools serve, refuse and forget whom a list of people would, and count all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from scenarios.simulation.pools import (
    BUSY,
    BUSY_US,
    DROPPED,
    NOBODY,
    OFFERED,
    REFUSED,
    REFUSED_COUNT,
    SERVERS,
    STARTED,
    WAITING,
    WAITING_US,
    WAITS,
    account,
    allow,
    drop,
    make_pools,
    offer,
    release,
    staff,
    take,
    waits_since,
)

EPOCHS = np.zeros(100, np.int32)


def test_servers_first_then_the_line_then_nobody():
    pools = make_pools([2], [1])
    assert [offer(pools, 0, at, customer=10 + at, epoch=0) for at in range(4)] == [0, 1, WAITS, REFUSED]
    assert waits_since(pools, 0) == 2
    release(pools, 0, 9, 1)
    assert take(pools, 0, 9, False, EPOCHS, True) == (1, 12, 0, 2)
    assert pools.holder.tolist() == [10, 12]
    assert take(pools, 0, 9, False, EPOCHS, True) == (-1, NOBODY, 0, 0), "no server is free"
    assert waits_since(pools, 0) == -1


@pytest.mark.parametrize(("newest", "order"), [(False, [1, 2, 3, 4]), (True, [4, 3, 2, 1])])
def test_either_end_of_the_line(newest, order):
    """And around the end of the ring."""
    pools = make_pools([1], [4])
    offer(pools, 0, 0, 9, 0)
    for _ in range(3):  # the beginning of the ring moves on
        offer(pools, 0, 0, 9, 0)
        release(pools, 0, 0, 0)
        take(pools, 0, 0, False, EPOCHS, True)
    for customer in (1, 2, 3, 4):
        assert offer(pools, 0, customer, customer, 0) == WAITS
    found = []
    for _ in order:
        release(pools, 0, 5, 0)
        found.append(take(pools, 0, 5, newest, EPOCHS, True).customer)
    assert found == order


def test_work_for_somebody_who_left_is_done_or_dropped():
    """Which is a choice; the place in line stays taken either way until the turn comes."""
    epochs = np.zeros(3, np.int32)
    for drops, wanted in ((True, (0, 2, 0, 2)), (False, (0, 1, 0, 1))):
        pools = make_pools([1], [2])
        for customer in range(3):
            offer(pools, 0, customer, customer, 0)
        epochs[1] = 1
        assert pools.figures[0, WAITING] == 2
        release(pools, 0, 5, 0)
        assert take(pools, 0, 5, False, epochs, drops) == wanted
        assert pools.figures[0, DROPPED] == drops


def test_servers_come_and_go_while_people_are_served():
    pools = make_pools([1, 1], [5, 0], most_servers=[3, 1])
    for customer in range(5):
        offer(pools, 0, 0, customer, 0)
    staff(pools, 0, 10, 3)
    assert [take(pools, 0, 10, False, EPOCHS, True).customer for _ in range(3)] == [1, 2, NOBODY]
    staff(pools, 0, 20, 1)
    release(pools, 0, 20, 0)
    assert take(pools, 0, 20, False, EPOCHS, True).slot == -1, "two are still served, one may be"
    staff(pools, 0, 20, 99)
    assert pools.figures[0, SERVERS] == 3, "no more than the pool was made for"
    assert offer(pools, 1, 20, 50, 0) == 3, "slots of the second pool come after those of the first"
    allow(pools, 0, 2)
    assert offer(pools, 0, 21, 6, 0) == REFUSED
    allow(pools, 0, 99)
    assert [offer(pools, 0, 21, 7, 0) for _ in range(4)] == [WAITS, WAITS, WAITS, REFUSED]
    assert drop(pools, 0, 22, newest=True).customer == 7
    assert drop(pools, 0, 22, newest=False).customer == 3
    assert drop(pools, 1, 22, newest=False).customer == NOBODY


ACTS = some.lists(some.tuples(some.integers(0, 4), some.integers(0, 9), some.integers(0, 5)), max_size=60)


@given(acts=ACTS, newest=some.booleans(), drops=some.booleans())
def test_any_sequence_is_that_of_a_list(acts, newest, drops):
    """And everybody who was offered is counted once, and the sums are those of a look at each microsecond."""
    pools, epochs = make_pools([2], [3], [4]), np.zeros(10, np.int32)
    line: list[tuple[int, int, int]] = []
    served: dict[int, int] = {}
    servers, places, now, waited, busy = 2, 3, 0, 0, 0
    for act, customer, number in acts:
        waited, busy, now = waited + number * len(line), busy + number * len(served), now + number
        if act <= 1:
            slot = offer(pools, 0, now, customer, int(epochs[customer]))
            if not line and len(served) < servers:
                assert slot not in served
                served[slot] = customer
            elif len(line) < places:
                assert slot == WAITS
                line.append((customer, int(epochs[customer]), now))
            else:
                assert slot == REFUSED
        elif act == 2 and served:
            slot = sorted(served)[number % len(served)]
            del served[slot]
            release(pools, 0, now, slot)
        elif act == 3:
            epochs[customer] += 1
        elif act == 4:
            servers, places = min(number, 4), min(customer, 3)
            staff(pools, 0, now, servers)
            allow(pools, 0, places)
        while (job := take(pools, 0, now, newest, epochs, drops)).slot >= 0:
            wanted = line.pop(-1 if newest else 0)
            while drops and wanted[1] != epochs[wanted[0]]:
                wanted = line.pop(-1 if newest else 0)
            assert job[1:] == wanted
            served[job.slot] = job.customer
        while drops and line and len(served) < servers:
            assert epochs[line[0][0]] != line.pop(0)[1], "who is left of the line while a server is free had left"
    account(pools, 0, now)
    figures = pools.figures[0]
    assert figures[OFFERED] == figures[[STARTED, REFUSED_COUNT, DROPPED, WAITING]].sum()
    assert (figures[WAITING_US], figures[BUSY_US]) == (waited, busy)
    assert figures[BUSY] == len(served)
    assert {slot: int(pools.holder[slot]) for slot in served} == served


@pytest.mark.parametrize("wrong", [([1], [1, 2]), ([-1], [0]), ([2], [1], [1])])
def test_impossible_pools_are_refused(wrong):
    with pytest.raises(ValueError, match="pool"):
        make_pools(*wrong)
