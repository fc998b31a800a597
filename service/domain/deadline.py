"""Until when the asker of the present request waits: work that nobody waits for is not begun."""

from contextvars import ContextVar
from math import inf

ASKER_WAITS_UNTIL: ContextVar[float] = ContextVar("asker_waits_until", default=inf)
"""Of the monotonic clock; set by the web boundary for the task of one request, read where its work would begin."""
