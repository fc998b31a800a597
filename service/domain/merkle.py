"""A Merkle tree over lines of text: one digest commits to all, and a short proof shows that a line is among them.

The tree of RFC 6962: leaves and nodes are told apart by a prefix, so that no node can pass for a line; of an odd number
the last goes up as it is.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

LEAF, NODE = b"\x00", b"\x01"
EMPTY = sha256().digest()
"""The root over no line at all."""
_BLOCK = 2**12
"""Leaves; a power of two, so that no pair lies in two blocks."""


def leaf_of(line: bytes) -> bytes:
    return sha256(LEAF + line).digest()


def levels_of(lines: Iterable[bytes]) -> list[list[bytes]]:
    """The digests from the leaves up to the root; a level for each halving. 32 bytes and more for each line twice."""
    digest, leaf = sha256, LEAF  # two million times
    return _raised([digest(leaf + line).digest() for line in lines])


def _raised(lowest: list[bytes]) -> list[list[bytes]]:
    """A level and those above it."""
    digest, node = sha256, NODE
    levels = [lowest]
    while len(level := levels[-1]) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [digest(node + left + right).digest() for left, right in pairs]
        levels.append(above + level[len(level) & ~1 :])
    return levels


def root_of(lines: Sequence[bytes]) -> bytes:
    """Block by block, each within the processor's own memory: their roots are a level of the whole tree."""
    blocks = [levels_of(lines[at : at + _BLOCK])[-1][0] for at in range(0, len(lines), _BLOCK)]
    return _raised(blocks)[-1][0] if blocks else EMPTY


def proof_of(levels: Sequence[Sequence[bytes]], index: int) -> list[bytes]:
    """The siblings on the way from line `index` to the root; where there is none, nothing stands for it."""
    siblings = []
    for level in levels[:-1]:
        if index ^ 1 < len(level):
            siblings.append(level[index ^ 1])
        index //= 2
    return siblings


def is_proved(line: bytes, index: int, count: int, siblings: Sequence[bytes], root: bytes) -> bool:
    """Whether line `index` of `count` is what the root was made of."""
    if not 0 <= index < count:
        return False
    digest, rest = leaf_of(line), list(siblings)
    while count > 1:
        if index ^ 1 < count:
            if not rest:
                return False
            sibling = rest.pop(0)
            digest = sha256(NODE + (sibling + digest if index % 2 else digest + sibling)).digest()
        index, count = index // 2, (count + 1) // 2
    return not rest and digest == root
