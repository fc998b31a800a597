"""How a process of the night that serves others learns that it shall end."""

import asyncio
import os
import signal
import sys
import threading
from contextlib import suppress


def end_event(lifeline: bool) -> asyncio.Event:
    """Set when this process gets SIGTERM or SIGINT; lifeline: also when its standard input closes."""
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    if lifeline:
        threading.Thread(target=_await_end_of_input, args=(loop, end), daemon=True).start()
    return end


def _await_end_of_input(loop: asyncio.AbstractEventLoop, end: asyncio.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    with suppress(RuntimeError):  # the loop has ended already, by a signal
        loop.call_soon_threadsafe(end.set)
