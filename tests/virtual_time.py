"""An event loop whose clock jumps: seconds of waiting take none, and a busy machine changes nothing."""

import asyncio
import selectors
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class _Jumping(selectors.SelectSelector):
    """Where others would wait for the next timer, it moves the clock there."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0 if timeout is not None else None)
        if not found and timeout:
            self.now += timeout
        return found


@contextmanager
def virtual_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Runs coroutines in virtual time, which `time.monotonic` tells too; for code that waits for nothing outside."""
    selector = _Jumping()
    loop = asyncio.SelectorEventLoop(selector)
    monkeypatch.setattr("time.monotonic", lambda: selector.now)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        yield runner.run
