"""Where in its queue a lane last found work, so that it need not begin at the front each time.

Jobs that are done stay in the index until no transaction can see them any more. While somebody holds an old snapshot,
a claim from the front would step over all that was done since, more with each claim.
"""

from datetime import datetime, timedelta

OVERLAP = timedelta(seconds=1)
"""A job bears the time at which its transaction began; so much later it may be committed and still be seen at once."""
FROM_THE_FRONT = 10.0
"""Seconds between looks at the whole queue: the longest that a job waits whose transaction took longer. No statement of
ours may. One claim in two hundred, so that 99 of 100 are quick."""


class Place:
    def __init__(self) -> None:
        self._since: datetime | None = None
        self._from_front_at = -FROM_THE_FRONT

    def since(self, now: float) -> datetime | None:
        """From when on jobs are to be looked at; None: from the front. now: seconds of a clock that never jumps."""
        if now - self._from_front_at >= FROM_THE_FRONT:
            self._since = None
        if self._since is None:
            self._from_front_at = now
        return self._since

    def found(self, oldest: datetime) -> None:
        """The first job of a claim after which more wait was ready since then."""
        self._since = oldest - OVERLAP

    def lost(self) -> None:
        """Look from the front next: nothing more waits, or the clock was set."""
        self._since = None
