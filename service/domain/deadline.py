"""Until when work is of use: work that nobody waits for is not begun, and a call that missed its turn is not made."""

from contextvars import ContextVar
from math import inf

ASKER_WAITS_UNTIL: ContextVar[float] = ContextVar("asker_waits_until", default=inf)
"""Of the monotonic clock; set by the web boundary for the task of one request, read where its work would begin."""
CALL_LEAVES_BY: ContextVar[float] = ContextVar("call_leaves_by", default=inf)
"""Of the monotonic clock; set when a job's turn comes, read where the first byte of its call would leave."""


class TurnMissed(Exception):
    """The call would leave too late after its quota was taken: by then the quota is the next one's. A process that was
    stopped for a while must not wake up with a burst."""
