"""What a draw says about a join, in the words of the database and of people."""

from enum import IntEnum


class Outcome(IntEnum):
    CHOSEN = 1
    WAITING = 2
    """Moves up when somebody before withdraws; may join the next wave meanwhile."""
    WITHDRAWN = 3


WORDS = {Outcome.CHOSEN: "chosen", Outcome.WAITING: "waiting", Outcome.WITHDRAWN: "withdrawn"}
AWAITED, LEFT_OUT = "awaited", "left_out"
"""Before the announcement, and of a join that was not in the list."""
