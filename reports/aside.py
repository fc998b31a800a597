"""Something reckoned beside the rest, by a copy of this process on another core."""

import multiprocessing
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Aside(Generic[T]):
    """What `reckon` gives, reckoned by a forked process from now on; by this one, if that process cannot.

    The copy shares all memory with this process, so nothing large is sent to it; what it gives must be fit for pickle.
    Only for commands: a process with threads of its own should not fork.
    """

    def __init__(self, reckon: Callable[[], T]) -> None:
        self._reckon = reckon
        context = multiprocessing.get_context("fork")
        self._heard, told = context.Pipe(duplex=False)
        self._child = context.Process(target=lambda: told.send(reckon()), daemon=True)
        self._child.start()
        told.close()  # or the end of the copy would not be heard

    def result(self) -> T:
        try:
            found: T = self._heard.recv()
        except EOFError:
            found = self._reckon()
        self._child.join()
        return found
