"""The server's HTTP protocol, with an end to what comes before a body.

The parser gathers a request line and headers for as long as they come: a single connection could fill the memory.
"""

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_BYTES = 64 * 1024
"""Of a head after its first read. The longest honest one is the metadata of an upload, 8 KB, and what proxies add."""


class ShortHeads(HttpToolsProtocol):
    """Answers 400 to a longer head, and closes the connection. What is read of a body is handed on without a copy."""

    _open = False
    _heads = 0
    _bytes = 0

    def on_message_begin(self) -> None:
        self._open = True
        self._heads += 1
        self._bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._open = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        head = self._heads if self._open else None
        super().data_received(data)
        if self._open and head == self._heads:  # all of it was a middle of one head
            self._bytes += len(data)
            if self._bytes > MOST_BYTES and not self.transport.is_closing():
                self.send_400_response("The request line and the headers are too long.")

    def on_body(self, body: bytes) -> None:
        """One read at a time is the usual: whoever waits for it takes it before the next."""
        cycle = self.cycle
        if cycle.response_complete:
            return
        if cycle.body:
            cycle.body = bytearray(cycle.body)
            cycle.body += body
        else:
            cycle.body = body  # type: ignore[assignment]
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()
