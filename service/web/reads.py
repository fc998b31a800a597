"""Bytes of a long body go from the socket to where they are gathered, past the parser and its copies.

uvloop copies what it reads, the parser copies that, and whoever gathers a body copies it once more: of a photo that is
a megabyte of memory written on the loop's own core, after which everything else there has to be fetched anew.
"""

import asyncio
import fcntl
import sys
import termios
from typing import Any

from service.web.heads import Connection, Cycle

HEAD = 4 * 1024
"""Bytes of a read while no long body comes: nearly any honest head, and any body of our JSON. With four times as many,
what the parser had copied of the beginnings of slow bodies left holes in memory, 14 KB for each of them."""
_head = bytearray(HEAD)
_head_view = memoryview(_head)
"""Of all connections: what is read into it is handed on before anything else is read."""


class StraightReads(asyncio.BufferedProtocol):
    """A connection of the server. What comes fast, and has its length announced, is read past the parser."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """As uvicorn makes its protocols."""
        self._http = Connection(*arguments, **named)
        self.connection_made = self._http.connection_made  # type: ignore[method-assign, assignment]
        self.connection_lost = self._http.connection_lost  # type: ignore[method-assign]
        self.eof_received = self._http.eof_received  # type: ignore[method-assign]
        self.pause_writing = self._http.pause_writing  # type: ignore[method-assign]
        self.resume_writing = self._http.resume_writing  # type: ignore[method-assign]
        self._missing = 0
        """Bytes of the body that go past the parser."""

    def get_buffer(self, sizehint: int) -> memoryview:
        if not self._missing:
            return _head_view
        cycle: Cycle = self._http.cycle  # type: ignore[assignment]
        if cycle.response_complete:  # what is left of a body that was refused is read and forgotten
            return _head_view[: self._missing]
        return cycle.room(self._missing, max(1, _there(self._http.transport)))

    def buffer_updated(self, nbytes: int) -> None:
        if not self._missing:
            self._http.data_received(_head_view[:nbytes])  # type: ignore[arg-type]
            if nbytes == HEAD:  # more is there already
                self._missing = self._http.missing()
            return
        self._missing -= nbytes
        self._http.came_past(nbytes, ends=not self._missing)


def _there(transport: asyncio.Transport) -> int:
    """Bytes that can be read now."""
    found = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.FIONREAD, bytes(4))
    return int.from_bytes(found, sys.byteorder)
