"""What the civil registry lets one institution ask in all: an allowance by the time since the opening.

The windows and what they hold are the night's (`scenarios.capacities.Registry.windows`, at the rehearsal's speed); here
they are used up. Times are seconds since the doors opened, negative before.
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

    def window(self, since_opening: float) -> Window | None:
        """The window that this second lies in; None = no allowance holds then."""
        for window in self._windows:
            if window.start_s <= since_opening < window.end_s:
                return window
        return None

    def left(self, since_opening: float) -> int | None:
        """Checks that may still be asked in this window; None = without limit."""
        window = self.window(since_opening)
        return None if window is None else max(0, window.count - self._used.get(window.start_s, 0))

    def take(self, since_opening: float) -> bool:
        """Use one check; False when this window's allowance is used up."""
        window = self.window(since_opening)
        if window is None:
            return True
        used = self._used.get(window.start_s, 0)
        if used >= window.count:
            return False
        self._used[window.start_s] = used + 1
        return True

    def until_next(self, since_opening: float) -> float:
        """Seconds until the present window ends; 0 when there is none."""
        window = self.window(since_opening)
        return 0.0 if window is None else window.end_s - since_opening
