"""One operation of the API: what it takes, answers and refuses, and the ASGI endpoint that serves it.

The table of operations is the routing table and the source of `/openapi.json`.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from service.actions.once import Once, answered_once
from service.domain.errors import LaunchnightError, NotFound
from service.ports import Ports, StoredAnswer
from service.web.authentication import session_of
from service.web.decoding import BodyDecoder, Check
from service.web.http import ClientGone, Rendered, read_json, send_empty, send_json, send_rendered
from service.web.idempotency import encode, once_of

_MOST_DIGITS = 10


def bounded_number(text: str, low: int, high: int) -> int:
    """A number as a path names it. Raises NotFound when it is none, or outside its bounds."""
    if len(text) > _MOST_DIGITS or not (text.isascii() and text.isdecimal()) or not low <= int(text) <= high:
        raise NotFound
    return int(text)


class NoBody(msgspec.Struct, forbid_unknown_fields=True):
    """An empty JSON object."""


@dataclass(slots=True)
class Call:
    """One request as a handler sees it. `once`, `session` and `body` are there when the operation has them."""

    operation: "Operation"
    headers: dict[bytes, bytes]
    path: Mapping[str, str]
    body: Any = None
    session: bytes = b""
    _once: Once | None = None

    def number(self, name: str) -> int:
        """A number of the path. Raises NotFound when it is none, or outside its bounds."""
        return bounded_number(self.path[name], *self.operation.numbers[name])

    def word(self, name: str) -> str:
        """A word of the path. Raises NotFound when it has another form."""
        if not re.fullmatch(self.operation.words[name], self.path[name]):
            raise NotFound
        return self.path[name]

    @property
    def once(self) -> Once:
        assert self._once is not None, "the operation is not marked once=True"
        return self._once


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    method: str
    path: str
    summary: str
    handler: Callable[[Call], Awaitable[object]]
    """Returns a value of type `answer`, a Rendered one, or a StoredAnswer if `once`."""
    answer: type | None = None
    status: int = 200
    body: type[msgspec.Struct] | None = None
    checks: Mapping[str, Check] = field(default_factory=dict)
    session: bool = False
    once: bool = False
    encode: Callable[[object], bytes] = encode
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further request headers and what they mean."""
    numbers: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Numbers in the path with their bounds; anything else is not found."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Words in the path with the pattern of each; anything else is not found."""
    errors: tuple[type[LaunchnightError], ...] = ()
    """Refusals of its own, beside those that body, session and key bring."""


class Endpoint:
    """Serves one operation; refusals are raised, the middleware answers them."""

    def __init__(self, operation: Operation, ports: Ports) -> None:
        self.operation = operation
        self._ports = ports
        self._decode = None if operation.body is None else BodyDecoder(operation.body, operation.checks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = self.operation
        headers = dict(scope["headers"])
        call = Call(operation, headers, scope["path_params"])
        if operation.session:
            call.session = session_of(headers)
        if self._decode is not None:
            try:
                raw = await read_json(receive, headers)
            except ClientGone:
                return
            call.body = self._decode(raw)
        answer = await (self._serve_once(call, scope) if operation.once else operation.handler(call))
        if isinstance(answer, StoredAnswer):
            await send_json(send, answer.status, answer.body)
        elif isinstance(answer, Rendered):
            await send_rendered(send, answer)
        elif answer is None:
            await send_empty(send)
        else:
            await send_json(send, operation.status, operation.encode(answer))

    async def _serve_once(self, call: Call, scope: Scope) -> StoredAnswer:
        operation = self.operation
        call._once = once_of(
            call.headers,
            route=operation.path,
            path=scope["path"],
            body=call.body,
            status=operation.status,
            encode_answer=operation.encode,
        )

        async def perform() -> StoredAnswer:
            answer = await operation.handler(call)
            assert isinstance(answer, StoredAnswer), f"{operation.path} keeps its answer"
            return answer

        return await answered_once(self._ports, call.once, perform)


def route(operation: Operation, ports: Ports) -> Route:
    return Route(operation.path, Endpoint(operation, ports), methods=[operation.method])
