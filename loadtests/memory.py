"""Keeps Python's search for garbage short while a crowd plays: with 200,000 people alive a full one takes a second.

What the crowd keeps has no cycles, so counting references frees it. The searches among young objects go on, for what
makes cycles after all, such as a traceback; what survives two of them is not looked at again.
"""

import gc

_YOUNG = 2_000
"""Objects made, less those freed, from one search to the next."""
_OFTEN = 10
"""Every so many searches the survivors of the last ones are looked at once more, which takes 2 ms."""
_NEVER = 1_000_000_000


def settle() -> None:
    """All that is there now stays until the end; from now on only what is young is searched."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _OFTEN, _NEVER)
