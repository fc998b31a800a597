"""Timers of a night in virtual time: a wheel of buckets over flat arrays.

A timer is a node: a number from 0, of an applicant, of a server's slot, of a replica's processors. Each has one time at
most, in whole microseconds. Setting, moving and canceling cost the same however many timers there are, and they come
due in the order of (time, node): ties are decided the same way everywhere, compiled or not.

A bucket is 2**shift microseconds wide. Bucket b hangs in slot b mod slots as a doubly linked list in no order; a timer
further away than the wheel reaches hangs there all the same and is passed over once a round. A bucket that is opened
is sorted by (time, node); what is set for it afterwards, for now or earlier, goes to a small heap beside it. A timer
that is canceled there leaves its entry behind, which is known for stale by its time.

With millions of nodes each new one is a wait for memory. So while a bucket is played the list of the next is walked
already, a step with each timer (`ahead`), and its nodes are asked for (`wanted`): nothing but time depends on that.

    while True:
        node = earliest(wheel, until)  # until: the next arrival, which is not in the wheel
        if node < 0: ...               # nothing comes due before that
        now = pop(wheel)

Cost: 16 bytes a node, 4 a slot, and what of the lists of a bucket's entries was ever used.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.simulation.compiled import inlined, shared, whole
from scenarios.simulation.prefetch import wanted

NONE = -1
"""No node; no time."""
NEVER = 1 << 62
"""Later than anything."""
SHIFT = 16
"""66 ms: with two million people buckets of 16 ms cost 9 % more, for want of the cache, of 131 ms 3 %, for sorting."""
SLOTS = 1 << 18
"""So many buckets are 4 h 46 min."""

_NODE_BITS = 31
_NODES = (1 << _NODE_BITS) - 1
_GROUP = 10
"""Slots are counted in groups of 2**10, so that hours in which nothing happens are passed over at once."""

# Columns of `Wheel.state`.
_BUCKET, _PLAYED, _SORTED, _HEAPED, _LINKED, _AHEAD = range(6)

_FEW = 48
"""So many entries are sorted by putting each in its place."""
_MOST_BOXES = 12
"""More are spread over at most 2**12 boxes before."""

_SEEN = -2
"""Marks a node during a sweep."""


class Wheel(NamedTuple):
    """All timers of a run. Only the functions of this module write to it."""

    at: NDArray[np.int64]
    """By node: when its timer comes due; NONE while it has none."""
    following: NDArray[np.int32]
    preceding: NDArray[np.int32]
    """By node: its neighbors in the list of its slot."""
    heads: NDArray[np.int32]
    """By slot: the first node of its list."""
    groups: NDArray[np.int32]
    """By group of slots: the timers in it."""
    entries: NDArray[np.int64]
    """Of the bucket that is played, ascending: time since the bucket's start, then node, in one number."""
    spare: NDArray[np.int64]
    boxes: NDArray[np.int32]
    """What they are sorted with."""
    heap: NDArray[np.int64]
    """Entries that came when it was open already."""
    state: NDArray[np.int64]
    """The bucket that is played; how many of its entries were, how many it has, how many are in the heap; timers in
    lists; the node of the next bucket that was looked at ahead."""
    shift: int


def make_wheel(nodes: int, shift: int = SHIFT, slots: int = SLOTS) -> Wheel:
    """A wheel for the nodes 0 to `nodes` - 1, without any timer; virtual time begins at 0.

    slots: a power of two, at least 1024; shift: up to 30. Raises ValueError for anything else.
    """
    if not 0 < nodes <= _NODES or not 0 <= shift <= 30 or slots < 1 << _GROUP or slots & (slots - 1):
        raise ValueError(f"no wheel has {nodes} nodes and {slots} slots of 2**{shift} microseconds")
    # A timer's fields are used together: they lie side by side, in one line of the processor's cache. Two at least:
    # a column of one row is contiguous, and kernels would be compiled once more for that.
    timers = np.zeros(max(nodes, 2), np.dtype([("at", np.int64), ("following", np.int32), ("preceding", np.int32)]))
    timers["at"] = NONE
    return Wheel(
        at=timers["at"],
        following=timers["following"],
        preceding=timers["preceding"],
        heads=np.full(slots, NONE, np.int32),
        groups=np.zeros(slots >> _GROUP, np.int32),
        entries=np.empty(nodes, np.int64),
        spare=np.empty(nodes, np.int64),
        boxes=np.empty(1 << _MOST_BOXES, np.int32),
        heap=np.empty(2 * nodes + 2, np.int64),
        state=np.array([0, 0, 0, 0, 0, NONE], np.int64),
        shift=shift,
    )


@inlined
def arm(wheel: Wheel, node: int, at: int) -> None:
    """`node` comes due at `at`, whatever was set before. at: 0 or later, not before the last time that was popped."""
    if wheel.at[node] != NONE:
        cancel(wheel, node)
    wheel.at[node] = at
    bucket = at >> wheel.shift
    if bucket <= wheel.state[_BUCKET]:
        _push(wheel, node, at)
        return
    slot = bucket & (len(wheel.heads) - 1)
    head = whole(wheel.heads[slot])
    wheel.following[node] = head
    wheel.preceding[node] = NONE
    if head >= 0:
        wheel.preceding[head] = node
    wheel.heads[slot] = node
    wheel.groups[slot >> _GROUP] += 1
    wheel.state[_LINKED] += 1


@shared
def cancel(wheel: Wheel, node: int) -> None:
    """`node` does not come due; nothing happens where it had no timer."""
    at = int(wheel.at[node])
    if at == NONE:
        return
    wheel.at[node] = NONE
    bucket = at >> wheel.shift
    if bucket <= wheel.state[_BUCKET]:
        return  # its entry in the heap is stale now
    slot = bucket & (len(wheel.heads) - 1)
    before, after = whole(wheel.preceding[node]), whole(wheel.following[node])
    if before >= 0:
        wheel.following[before] = after
    else:
        wheel.heads[slot] = after
    if after >= 0:
        wheel.preceding[after] = before
    wheel.groups[slot >> _GROUP] -= 1
    wheel.state[_LINKED] -= 1


@inlined
def earliest(wheel: Wheel, until: int) -> int:
    """The node that comes due first, if that is at `until` or before; else NONE. Its timer stays.

    Until it is `pop`ped or `arm`ed anew, wheel.at[node] says when. until: not before the last time that was popped.
    """
    state = wheel.state
    while True:
        entry = _least(wheel)
        if entry != NEVER:
            return entry & _NODES if (int(state[_BUCKET]) << wheel.shift) + (entry >> _NODE_BITS) <= until else NONE
        if state[_LINKED] == 0 or not _turned(wheel, until >> wheel.shift):
            return NONE


@inlined
def _least(wheel: Wheel) -> int:
    """The first entry of the bucket that is played, once those that are stale have been thrown away; NEVER: none."""
    state, entries, heap = wheel.state, wheel.entries, wheel.heap
    while state[_PLAYED] < state[_SORTED] and _is_stale(wheel, int(entries[state[_PLAYED]])):
        state[_PLAYED] += 1
    while state[_HEAPED] > 0 and _is_stale(wheel, int(heap[0])):
        _drop_top(wheel)
    if _is_heap_first(wheel):
        return int(heap[0])
    return int(entries[state[_PLAYED]]) if state[_PLAYED] < state[_SORTED] else NEVER


@inlined
def _is_stale(wheel: Wheel, entry: int) -> bool:
    return bool(wheel.at[entry & _NODES] != (int(wheel.state[_BUCKET]) << wheel.shift) + (entry >> _NODE_BITS))


@inlined
def _is_heap_first(wheel: Wheel) -> bool:
    state = wheel.state
    if state[_HEAPED] == 0:
        return False
    return bool(state[_PLAYED] == state[_SORTED] or wheel.heap[0] < wheel.entries[state[_PLAYED]])


@inlined
def pop(wheel: Wheel) -> int:
    """Takes the timer of the node that `earliest` just gave, and says when it came due."""
    if _is_heap_first(wheel):
        node = int(wheel.heap[0]) & _NODES
        _drop_top(wheel)
    else:
        node = int(wheel.entries[wheel.state[_PLAYED]]) & _NODES
        wheel.state[_PLAYED] += 1
    at = int(wheel.at[node])
    wheel.at[node] = NONE
    return at


@inlined
def ahead(wheel: Wheel) -> int:
    """A node that probably comes due in the next bucket, another with each call; NONE: no more is known of it."""
    node = int(wheel.state[_AHEAD])
    if node >= 0:
        following = whole(wheel.following[node])
        wheel.state[_AHEAD] = following
        if following >= 0:
            wanted(wheel.at, following)
    return node


@shared
def _turned(wheel: Wheel, last: int) -> bool:
    """Opens the next bucket in which something comes due, up to bucket `last`; False: there is none."""
    bucket = int(wheel.state[_BUCKET])
    while bucket < last:
        bucket += 1
        slot = bucket & (len(wheel.heads) - 1)
        if wheel.groups[slot >> _GROUP] == 0:
            bucket = min(bucket | ((1 << _GROUP) - 1), last)
        elif wheel.heads[slot] >= 0:
            wheel.state[_BUCKET] = bucket
            if _opened(wheel, slot, bucket):
                wheel.state[_AHEAD] = wheel.heads[(bucket + 1) & (len(wheel.heads) - 1)]
                return True
    wheel.state[_BUCKET] = bucket
    return False


@shared
def _opened(wheel: Wheel, slot: int, bucket: int) -> bool:
    """Takes what comes due in `bucket` out of its slot, and sorts it; False: all of it comes due in later rounds."""
    node, kept, moved = whole(wheel.heads[slot]), NONE, 0
    start = bucket << wheel.shift
    while node >= 0:
        after = whole(wheel.following[node])
        at = int(wheel.at[node])
        if at >> wheel.shift == bucket:
            wheel.spare[moved] = ((at - start) << _NODE_BITS) | node
            moved += 1
        else:
            wheel.following[node] = kept
            wheel.preceding[node] = NONE
            if kept >= 0:
                wheel.preceding[kept] = node
            kept = node
        node = after
    wheel.heads[slot] = kept
    wheel.groups[slot >> _GROUP] -= moved
    wheel.state[_LINKED] -= moved
    _sort(wheel, moved)
    wheel.state[_PLAYED] = 0
    wheel.state[_SORTED] = moved
    return moved > 0


@shared
def _sort(wheel: Wheel, size: int) -> None:
    """Puts so many entries from `spare` into `entries` in ascending order."""
    entries, spare = wheel.entries, wheel.spare
    from_here = spare
    if size > _FEW:
        _spread(wheel, size)
        from_here = entries
    for place in range(size):
        entry, hole = from_here[place], place
        while hole > 0 and entries[hole - 1] > entry:
            entries[hole] = entries[hole - 1]
            hole -= 1
        entries[hole] = entry


@shared
def _spread(wheel: Wheel, size: int) -> None:
    """Puts them there by boxes of time, as many as there are entries, so that hardly any is far from its place."""
    entries, spare, boxes = wheel.entries, wheel.spare, wheel.boxes
    bits = 0
    while (1 << bits) < size and bits < _MOST_BOXES and bits < wheel.shift:
        bits += 1
    down = _NODE_BITS + wheel.shift - bits
    for box in range(1 << bits):
        boxes[box] = 0
    for place in range(size):
        boxes[spare[place] >> down] += 1
    begin = 0
    for box in range(1 << bits):
        begin, boxes[box] = begin + boxes[box], begin
    for place in range(size):
        box = spare[place] >> down
        entries[boxes[box]] = spare[place]
        boxes[box] += 1


@inlined
def _push(wheel: Wheel, node: int, at: int) -> None:
    state = wheel.state
    if state[_HEAPED] == len(wheel.heap):
        _sweep(wheel)
    size = int(state[_HEAPED])
    _rise(wheel.heap, size, ((at - (int(state[_BUCKET]) << wheel.shift)) << _NODE_BITS) | node)
    state[_HEAPED] = size + 1


@shared
def _rise(heap: NDArray[np.int64], place: int, entry: int) -> None:
    """Puts `entry` into a heap of `place` entries."""
    while place > 0:
        above = (place - 1) >> 1
        if heap[above] <= entry:
            break
        heap[place] = heap[above]
        place = above
    heap[place] = entry


@shared
def _drop_top(wheel: Wheel) -> None:
    heap = wheel.heap
    size = int(wheel.state[_HEAPED]) - 1
    wheel.state[_HEAPED] = size
    entry = int(heap[size])
    place = 0
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        if below + 1 < size and heap[below + 1] < heap[below]:
            below += 1
        if heap[below] >= entry:
            break
        heap[place] = heap[below]
        place = below
    heap[place] = entry


@shared
def _sweep(wheel: Wheel) -> None:
    """Throws stale entries out of a full heap, and doubles: at most one of a node is left, so half of it is free."""
    heap, state = wheel.heap, wheel.state
    start = int(state[_BUCKET]) << wheel.shift
    kept = 0
    for place in range(int(state[_HEAPED])):
        entry = int(heap[place])
        node = entry & _NODES
        if wheel.at[node] == start + (entry >> _NODE_BITS) and wheel.preceding[node] != _SEEN:
            wheel.preceding[node] = _SEEN  # what is in the heap has no neighbors
            _rise(heap, kept, entry)
            kept += 1
    for place in range(kept):
        wheel.preceding[int(heap[place]) & _NODES] = NONE
    state[_HEAPED] = kept
