"""The server's HTTP protocol: an end to what comes before a body, bytes without copies, whole answers in one write.

uvicorn's parser gathers a request line and headers for as long as they come: a single connection could fill the memory.
Its answers come in two messages through every layer, and it looks at each of their headers by itself.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from service.web.http import WHOLE

MOST_BYTES = 64 * 1024
"""Of a head after its first read, and of what follows a body. The longest honest head is the metadata of an upload,
8 KB, and what proxies add."""
_EXTENSIONS: Mapping[str, Mapping[str, Any]] = {WHOLE: {}}
_UNSAFE = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n")


class _Cycle(RequestResponseCycle):
    """One request and its answer."""

    async def send(self, message: Any) -> None:
        """As usual, or the whole answer in the first message: see `service.web.http.send_whole`."""
        if WHOLE not in message:
            await super().send(message)
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if self.response_started:
            raise RuntimeError("an answer has begun already")
        self._answer(message["status"], [*self.default_headers, *message["headers"]], message[WHOLE])

    def _answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        head = b"".join([STATUS_LINE[status], *[b"%b: %b\r\n" % header for header in headers]])
        if head.count(b"\r\n") != len(headers) + 1 or _UNSAFE.search(head):
            raise RuntimeError("a header of the answer holds what none may")
        if not self.keep_alive:
            head += b"connection: close\r\n"
        self.waiting_for_100_continue = False
        self.response_started = self.response_complete = True
        self.transport.write(b"%b\r\n%b" % (head, b"" if self.scope["method"] == "HEAD" else body))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


class ShortHeads(HttpToolsProtocol):
    """Answers 400 to a longer head, and closes the connection. What is read of a body is handed on without a copy."""

    _open = False
    _steps = 0
    """How often the parser has got on: a head begun or complete, bytes of a body."""
    _is_deaf = False
    """What comes is not looked at any more."""
    _bytes = 0
    """Read since then: a middle of one head, or of the fields behind a body in chunks."""

    def on_message_begin(self) -> None:
        self._open = True
        self._steps += 1
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field behind the body is nobody's: it would join the headers after they were judged."""
        if self._open:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """As uvicorn's for one that speaks no WebSocket, has no limit of its own and stands at the root."""
        self._open = False
        self._steps += 1
        scope: Any = self.scope
        version, url = self.parser.get_http_version(), httptools.parse_url(self.url)
        if version != "1.1":
            scope["http_version"] = version
        path = url.path.decode("ascii")
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        scope["extensions"] = _EXTENSIONS
        before = self.cycle
        self.cycle = _Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:  # sent before the answer to the last one: its turn comes
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _unsupported_upgrade_warning(self) -> None:
        """We speak nothing else, but the parser takes what comes next for the other protocol, and then for a request.

        That is the body of this one, which a proxy has passed on: an answer more than were asked for would reach
        somebody else. So this request is the last, and its body unread.
        """
        self._is_deaf = True
        self.cycle.keep_alive = False

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        steps = self._steps
        super().data_received(data)
        if steps != self._steps:
            self._bytes = 0
            return
        self._bytes += len(data)
        if self._bytes > MOST_BYTES and not self.transport.is_closing():
            self.send_400_response("The request line and the headers are too long.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Notes it in the scope of a request without its answer: the work for it is for nobody."""
        if self.cycle is not None and not self.cycle.response_complete:
            scope: Any = self.cycle.scope
            scope["left"] = True
        super().connection_lost(exc)

    def on_body(self, body: bytes) -> None:
        """One read at a time is the usual: whoever waits for it takes it before the next."""
        self._steps += 1
        cycle: Any = self.cycle
        if cycle.response_complete:
            return
        if not cycle.body:
            cycle.body = body
        elif isinstance(cycle.body, bytearray):
            cycle.body += body
        else:  # once for all that comes in small chunks
            cycle.body = bytearray(cycle.body) + body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()
