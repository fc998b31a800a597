"""How long a session lasts."""

from datetime import datetime, timedelta

AFTER_CLOSE = timedelta(hours=24)
LONGEST = timedelta(days=14)


def session_expires_at(now: datetime, wave_closes_at: datetime) -> datetime:
    """A day past the wave's close, so that nobody has to sign in again in the last hour; at most two weeks.

    At least a day from now, for those who sign in after the close.
    """
    return min(max(wave_closes_at, now) + AFTER_CLOSE, now + LONGEST)
