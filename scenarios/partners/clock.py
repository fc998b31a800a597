"""The night's clock: seconds since the doors opened, running `speed` times as fast as the wall clock."""


class NightClock:
    def __init__(self, opens_at: float, speed: float = 1.0) -> None:
        """opens_at: unix seconds at which the night's second 0 is."""
        self.opens_at = opens_at
        self.speed = speed

    def night_seconds(self, unix: float) -> float:
        """Seconds of the night at this instant; negative before the opening."""
        return (unix - self.opens_at) * self.speed

    def real_seconds(self, night_seconds: float) -> float:
        """Real seconds that this long a part of the night lasts."""
        return night_seconds / self.speed
