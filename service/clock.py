"""The clock on the wall."""

from datetime import UTC, datetime


class WallClock:
    """Fulfils `ports.Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)
