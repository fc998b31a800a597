"""Faults that are planted in the oracle, one rule each: whoever compares must find them."""

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest.mock import patch

from tests.simpy_oracle import applicant, door, queues, room, servers

Plants = dict[str, Callable[[], AbstractContextManager[object]]]
"""What is changed in the oracle, by what it means."""

PLANTS: Plants = {
    "a call leaves a millisecond later": lambda: patch.object(queues, "CALL_DELAY_MS", 201),
    "a quota is remembered by parts of 1/21": lambda: patch.object(queues, "WINDOW_PARTS", 21),
    "the frontier moves every other second": lambda: patch.object(room, "BEAT_US", 2_000_000),
    "nobody is barred from a free place": lambda: patch.object(door.Door, "_is_barred", lambda *_: False),
    "the newest is served first": lambda: patch.object(servers.Station, "take_next", staticmethod(deque.pop)),
}
UNPROTECTED: Plants = {"a browser waits a second longer": lambda: patch.object(applicant, "PATIENCE_US", 26_000_000)}
"""Of the night without protection, where people wait in vain."""
