"""The operators' API: the verbs of `launchnight waiting-room` over HTTP, on a listener of the gatekeeper's own.

`GET /status`, `GET /events`, `GET /preview?opens_at=INSTANT`, `POST /orders/VERB`. Everybody sends the token of the
settings as a bearer; an order also says who gives it (`Operator`), and a name under which it is done once
(`Idempotency-Key`).
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from urllib.parse import parse_qs

import msgspec
from msgspec import Meta, Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service.actions import operations
from service.actions.operations import LONGEST_NAME, MOST_MESSAGE, Order
from service.domain.errors import FieldFault, InternalError, InvalidFields, LaunchnightError, NotFound, NotSignedIn
from service.ports import Ports
from service.web.decoding import BodyDecoder
from service.web.http import ClientGone, read_json, send_json
from service.web.idempotency import encode, key_of
from service.web.middleware import report
from service.web.operation import NoBody
from service.web.problems import Problem, send_problem

Answer = Callable[[Scope, Receive], Awaitable[object]]
Message = Annotated[str, Meta(max_length=MOST_MESSAGE, pattern=r"^[^\x00-\x1f\x7f]*$")]
Rate = Annotated[float, Meta(ge=0.0, le=1e9)]
Instant = Annotated[datetime, Meta(tz=True)]


class Said(Struct, forbid_unknown_fields=True, omit_defaults=True):
    message: Message | None = None


class Told(Struct, forbid_unknown_fields=True):
    message: Message


class Rated(Struct, forbid_unknown_fields=True):
    """null: chosen by the gate (rate), that of the settings (limit)."""

    people_per_s: Rate | None


class Switched(Struct, forbid_unknown_fields=True):
    on: bool


class Ended(Struct, forbid_unknown_fields=True):
    ticket: Annotated[int, Meta(ge=1, le=2**62)]


class Scheduled(Struct, forbid_unknown_fields=True):
    """null: no hour of opening. anew: tickets drawn before are ended."""

    opens_at: Instant | None
    anew: bool = False


class Rotated(Struct, forbid_unknown_fields=True):
    forget: bool = False


BODIES: Mapping[str, type[Struct]] = {
    "open": NoBody,
    "pause": Said,
    "close": Said,
    "message": Told,
    "rate": Rated,
    "limit": Rated,
    "queue-all": Switched,
    "end-session": Ended,
    "schedule": Scheduled,
    "rotate-keys": Rotated,
}


def operator_app(ports: Ports, token: str) -> Starlette:
    """Only whoever knows the token is answered."""
    decoders = {verb: BodyDecoder(body, {}) for verb, body in BODIES.items()}

    async def show(_: Scope, __: Receive) -> object:
        return await operations.status(ports.begin)

    async def events(_: Scope, __: Receive) -> object:
        return {"events": await operations.events(ports.begin)}

    async def preview(scope: Scope, _: Receive) -> object:
        given = parse_qs(scope["query_string"].decode("ascii", "replace")).get("opens_at", [""])[0]
        try:
            opens_at = msgspec.convert(given.replace(" ", "+"), Instant)
        except msgspec.ValidationError:
            raise InvalidFields([FieldFault("opens_at", "wrong-format", "An instant with its zone.")]) from None
        return await operations.preview(ports.begin, ports.clock, opens_at, ports.policy.gate_rate_per_s)

    async def order(scope: Scope, receive: Receive) -> object:
        headers = dict(scope["headers"])
        verb = scope["path_params"]["verb"]
        if verb not in decoders:
            raise NotFound
        who = headers.get(b"operator", b"").decode("utf-8", "replace").strip()
        if not 0 < len(who) <= LONGEST_NAME or not who.isprintable():
            raise InvalidFields([FieldFault("Operator", "missing", "The header says who you are.")])
        request = key_of(headers).decode("ascii")
        body = msgspec.structs.asdict(decoders[verb](await read_json(receive, headers)))
        if verb in ("pause", "close") and body["message"] is None:
            del body["message"]  # the one that stands stays
        done = await operations.carry_out(ports.begin, ports.vault, ports.clock, Order(who, verb, body, request))
        return asdict(done)

    known = token.encode()

    def guarded(answer: Answer) -> ASGIApp:
        return _Guarded(answer, known)

    return Starlette(
        routes=[
            Route("/status", guarded(show), methods=["GET"]),
            Route("/events", guarded(events), methods=["GET"]),
            Route("/preview", guarded(preview), methods=["GET"]),
            Route("/orders/{verb}", guarded(order), methods=["POST"]),
        ],
        exception_handlers={HTTPException: _nowhere},  # type: ignore[dict-item]
    )


def _nowhere(_: object, __: Exception) -> ASGIApp:
    return Problem(NotFound())


class _Guarded:
    """Answers with JSON, or with the problem."""

    def __init__(self, answer: Answer, token: bytes) -> None:
        self._answer = answer
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            scheme, _, given = dict(scope["headers"]).get(b"authorization", b"").partition(b" ")
            if scheme.lower() != b"bearer" or not hmac.compare_digest(given.strip(), self._token):
                raise NotSignedIn("Send the header Authorization: Bearer TOKEN, that of REGISTRATION_OPERATOR_TOKEN.")
            body = encode(await self._answer(scope, receive))
        except ClientGone:
            return
        except LaunchnightError as error:
            await send_problem(error, send)
        except Exception as error:
            report(error, scope)
            await send_problem(InternalError(), send)
        else:
            await send_json(send, 200, body)
