"""Ctrl-C and its relatives: the first asks the rehearsal to end in order, the second to end at once."""

import signal
import threading
from types import FrameType
from typing import Any, Self

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Raised in the main thread by a signal; not an Exception, so that no boundary takes it for a fault."""


class Signals:
    """Listens while it is entered. `gentle`: a first signal only sets `asked`; otherwise it raises Interrupted."""

    def __init__(self) -> None:
        self.gentle = False
        self._asked = threading.Event()
        self._before: dict[int, Any] = {}

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep, less when a signal comes; True when one has come."""
        return self._asked.wait(seconds)

    def __enter__(self) -> Self:
        for number in NUMBERS:
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        again = self.asked
        self._asked.set()
        if again or not self.gentle:
            raise Interrupted
