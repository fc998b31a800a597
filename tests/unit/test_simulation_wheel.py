"""The wheel of timers gives what a heap of (time, node) gives, whatever is set, moved and canceled."""

import heapq
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from scenarios.simulation.compiled import ready
from scenarios.simulation.prefetch import wanted
from scenarios.simulation.wheel import NEVER, NONE, ahead, arm, cancel, earliest, make_wheel, pop

ARM, CANCEL, POP = range(3)


def turn(acts, nodes, delays, wheel, fired_at, fired):
    """Plays a script, then whatever is left; how many timers came due, which `fired` and `fired_at` list.

    ARM: `nodes` comes due `delays` after now. POP: everything that comes due within `delays` of now, at most `nodes`
    of it; then that time is now.
    """
    now, count = 0, 0
    for step in range(len(acts)):
        if acts[step] == ARM:
            arm(wheel, nodes[step], now + delays[step])
        elif acts[step] == CANCEL:
            cancel(wheel, nodes[step])
        else:
            until, most = now + delays[step], count + nodes[step]
            node = earliest(wheel, until)
            while node >= 0 and count < most:
                fired[count] = node
                now = pop(wheel)
                fired_at[count] = now
                count += 1
                node = earliest(wheel, until)
            if node < 0:
                now = until
    while earliest(wheel, NEVER) >= 0:
        fired[count] = earliest(wheel, NEVER)
        fired_at[count] = pop(wheel)
        count += 1
    return count


def expected(acts, nodes, delays):
    """The same with a heap, and a look at all timers: [(time, node)]."""
    due: dict[int, int] = {}
    heap: list[tuple[int, int]] = []
    fired: list[tuple[int, int]] = []
    now = 0
    for act, node, delay in zip(acts, nodes, delays, strict=True):
        if act == ARM:
            due[node] = now + delay
            heapq.heappush(heap, (now + delay, node))
        elif act == CANCEL:
            due.pop(node, None)
        else:
            until, most = now + delay, len(fired) + node
            while len(fired) < most and (first := top(heap, due)) is not None and first[0] <= until:
                fired.append(first)
                now = first[0]
                del due[first[1]]
            if (first := top(heap, due)) is None or first[0] > until:
                now = until
    while (first := top(heap, due)) is not None:
        fired.append(first)
        del due[first[1]]
    return fired


def top(heap, due):
    while heap and due.get(heap[0][1]) != heap[0][0]:
        heapq.heappop(heap)
    return heap[0] if heap else None


def played(acts, nodes, delays, wheel, plain):
    """As `expected`, by the wheel."""
    fired_at, fired = np.zeros(len(acts) + 1, np.int64), np.zeros(len(acts) + 1, np.int64)
    script = [np.array(each, np.int64) for each in (acts, nodes, delays)]
    count = ready(turn, plain)(script[0], script[1], script[2], wheel, fired_at, fired)
    return list(zip(fired_at[:count].tolist(), fired[:count].tolist(), strict=True))


STEPS = some.lists(
    some.tuples(
        some.sampled_from([ARM, ARM, CANCEL, POP]),
        some.integers(0, 3),
        some.one_of(some.integers(0, 3), some.integers(0, 60), some.sampled_from([1024, 2048, 4096, 8191, 20_000])),
    ),
    max_size=40,
)


@given(steps=STEPS, shift=some.integers(0, 4))
def test_any_script_fires_what_a_heap_fires(steps, shift):
    """Uncompiled, so that hypothesis shows the shortest script that differs."""
    acts, nodes, delays = ([each[part] for each in steps] for part in range(3))
    wheel = make_wheel(4, shift, 1024)
    assert played(acts, nodes, delays, wheel, plain=True) == expected(acts, nodes, delays)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_long_scripts_fire_what_a_heap_fires(seed):
    """Compiled: 60,000 steps with ties, timers many rounds away, and timers that are moved within the bucket played."""
    rng, steps, nodes_count = np.random.default_rng(seed), 60_000, 400
    acts = rng.choice([ARM, CANCEL, POP], steps, p=[0.7, 0.1, 0.2])
    nodes = rng.integers(0, nodes_count, steps)
    kinds = [rng.integers(0, 8, steps), 10 * rng.integers(0, 50, steps), rng.integers(0, 16_000, steps)]
    kinds.append(rng.integers(100_000, 200_000, steps))
    delays = np.choose(rng.choice(4, steps, p=[0.4, 0.3, 0.29, 0.01]), kinds)
    delays[acts == POP] = rng.choice([0, 20, 400], int((acts == POP).sum()))
    nodes[acts == POP] = rng.choice([1, 5, 10_000], int((acts == POP).sum()))
    wheel = make_wheel(nodes_count, shift=4, slots=1024)
    found = played(acts, nodes, delays, wheel, plain=False)
    wanted = expected(acts.tolist(), nodes.tolist(), delays.tolist())
    assert found == wanted
    at_once = Counter(time for time, _ in wanted)
    assert max(at_once.values()) > 3, "there were ties"
    assert not (wheel.at != NONE).any(), "and nothing is left"
    assert not wheel.groups.any()


def test_ties_come_due_in_the_order_of_nodes():
    """Set in any order, in the bucket that is played and in a later one."""
    for at in (5, 700_000):
        wheel = make_wheel(6)
        for node in (3, 0, 5, 1):
            arm(wheel, node, at)
        assert [(earliest(wheel, at), pop(wheel)) for _ in range(4)] == [(0, at), (1, at), (3, at), (5, at)]


def test_the_bucket_that_is_played_never_overflows():
    """A timer that is moved a thousand times within a bucket leaves entries behind; the heap has room for six."""
    wheel = make_wheel(2)
    for at in range(1000):
        arm(wheel, 0, 10_000 - at)
        arm(wheel, 1, 5_000)
    assert len(wheel.heap) == 6
    assert (earliest(wheel, NEVER), pop(wheel)) == (1, 5_000)
    assert (earliest(wheel, NEVER), pop(wheel)) == (0, 9_001)
    assert earliest(wheel, NEVER) == NONE


def test_a_look_ahead_changes_nothing():
    """Somebody who arrives after the wheel was asked for later timers may still set one for now."""
    wheel = make_wheel(3)
    arm(wheel, 0, 9_000_000)
    assert earliest(wheel, 3_000_000) == NONE
    arm(wheel, 1, 3_000_000)
    arm(wheel, 2, 4_000_000)
    assert [(earliest(wheel, NEVER), pop(wheel)) for _ in range(3)] == [(1, 3_000_000), (2, 4_000_000), (0, 9_000_000)]


def test_a_full_bucket_is_sorted():
    """Two thousand timers in each of three buckets, many at the same time: more than there are boxes to sort with."""
    rng = np.random.default_rng(4)
    times = rng.integers(0, 3 << 12, 6000) // 4 * 4
    times[:4100] = times[:4100] % (1 << 12) + (1 << 12)
    wheel = make_wheel(len(times), shift=12, slots=1024)
    script = np.full(len(times), ARM), np.arange(len(times)), times
    assert played(*script, wheel, plain=False) == sorted(zip(times.tolist(), range(len(times)), strict=True))


def test_the_next_bucket_is_looked_at_ahead():
    """Its timers, one with each call; those of other buckets never. What is set meanwhile comes out right."""
    wheel = make_wheel(9, shift=10, slots=1024)
    for node, at in enumerate((1100, 1200, 2050, 2060, 2070, 9000)):
        arm(wheel, node, at)
    assert ahead(wheel) == NONE
    assert (earliest(wheel, 1500), pop(wheel)) == (0, 1100)
    seen = [ahead(wheel)]
    arm(wheel, 6, 2080)  # whoever is set now is in the cache already
    cancel(wheel, 2)
    assert [*seen, ahead(wheel), ahead(wheel), ahead(wheel)] == [4, 3, NONE, NONE]
    left = []
    while earliest(wheel, NEVER) >= 0:
        left.append(earliest(wheel, NEVER))
        pop(wheel)
    assert left == [1, 3, 4, 6, 5]


def test_what_is_wanted_stays_as_it_is():
    """Rows of any size, the last one too, compiled and plain."""

    def kernel(rows, timers):
        for place in range(len(rows)):
            wanted(rows, place)
            wanted(timers, place)
        return rows[1].many + timers[2]

    rows = np.zeros(3, [("many", np.int64), ("rest", np.int8, 150)])
    rows["many"] = 7
    timers = rows["many"]
    before = rows.tobytes()
    assert ready(kernel, plain=False)(rows, timers) == 14
    assert ready(kernel, plain=True)(rows.view(np.recarray), timers) == 14
    assert rows.tobytes() == before


@pytest.mark.parametrize("wrong", [{"nodes": 0}, {"nodes": 5, "slots": 1000}, {"nodes": 5, "slots": 512}])
def test_impossible_wheels_are_refused(wrong):
    with pytest.raises(ValueError, match="no wheel has"):
        make_wheel(**wrong)
