"""What the civil registry lets one institution ask in all: an allowance on the night's clock.

The windows and what they hold are the night's (`scenarios.capacities.Registry.windows`); here they are used up.
Outside every window nothing but the rate limits.
"""

from collections.abc import Sequence

from scenarios.capacities import Window


class Allowance:
    def __init__(self, windows: Sequence[Window]) -> None:
        self._used: dict[float, int] = {}  # by the start of the window
        self.change(windows)

    def change(self, windows: Sequence[Window]) -> None:
        """Other windows from now on; what was used in one that starts at the same instant stays used."""
        self._windows = tuple(windows)

    def window(self, night_s: float) -> Window | None:
        """The window that this second of the night lies in; None = no allowance holds then."""
        for window in self._windows:
            if window.start_s <= night_s < window.end_s:
                return window
        return None

    def left(self, night_s: float) -> int | None:
        """Checks that may still be asked in this window; None = without limit."""
        window = self.window(night_s)
        return None if window is None else max(0, window.count - self._used.get(window.start_s, 0))

    def take(self, night_s: float) -> bool:
        """Use one check; False when this window's allowance is used up."""
        window = self.window(night_s)
        if window is None:
            return True
        used = self._used.get(window.start_s, 0)
        if used >= window.count:
            return False
        self._used[window.start_s] = used + 1
        return True

    def until_next(self, night_s: float) -> float:
        """Seconds of the night until the present window ends; 0 when there is none."""
        window = self.window(night_s)
        return 0.0 if window is None else window.end_s - night_s
