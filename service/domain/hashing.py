"""64-bit hashing that gives the same digits in plain Python and compiled (DESIGN section 2, compiled rules).

64-bit values pass through `u64` at each entry, because Python's integers never wrap and numba's do.
"""

_MASK = 0xFFFFFFFFFFFFFFFF
GOLDEN = 0x9E3779B97F4A7C15
"""2**64 divided by the golden ratio, made odd: whole numbers times this are spread evenly over 64 bits."""
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB


def u64(x: int) -> int:
    """`x` modulo 2**64, so -1 is the largest value; numba has its own version, a cast (scenarios.simulation.rules)."""
    return int(x) & _MASK


def mixed(z: int) -> int:
    """The finalizer of splitmix64: a bijection of 64-bit integers in which each input bit flips half the output.

    z: of `u64`, or a sum of such: a signed one numba would not wrap, and another cast here costs a plain draw a third.
    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014 (constants of variant 13).
    """
    z &= _MASK  # numba wraps by itself; the masks are for plain Python
    z = ((z ^ (z >> 30)) * MIX_1) & _MASK
    z = ((z ^ (z >> 27)) * MIX_2) & _MASK
    return z ^ (z >> 31)
