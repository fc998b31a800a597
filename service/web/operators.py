"""The operators' API, on a listener of the gatekeeper's own (docs/operators.md).

People sign in with `POST /sessions`, programs send the token of the settings; either as a bearer. An order,
`POST /orders/VERB`, has a name under which it is done once (`Idempotency-Key`). What only two may decide is proposed
by its order, and done by `POST /proposals/ID/confirmation` of somebody else.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from urllib.parse import parse_qs
from uuid import UUID

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service.actions import operations, staff, staff_orders
from service.actions.operations import Order
from service.actions.staff import Actor
from service.domain.errors import FieldFault, InternalError, InvalidFields, LaunchnightError, NotFound
from service.ports import Ports
from service.web.decoding import BodyDecoder
from service.web.http import ClientGone, read_json, send_json
from service.web.idempotency import encode, key_of
from service.web.middleware import report
from service.web.problems import Problem, send_problem
from service.web.staff import Desk, demand_name
from service.web.staff_orders import BODIES, FURTHER_BODIES, arguments_of, read_instant

Answer = Callable[[Scope, Receive, Actor], Awaitable[object]]
Open = Callable[[Scope, Receive], Awaitable[object]]


def operator_app(
    ports: Ports, token: str, proxy: str = "", refused: Callable[[str], None] = lambda reason: None
) -> Starlette:
    """Only whoever has a session, or knows the token, is answered. proxy, refused: of `Desk`."""
    begin, clock = ports.begin, ports.clock
    desk = Desk(ports, token, proxy, refused)
    decoders = {verb: BodyDecoder(body, {}) for verb, body in {**BODIES, **FURTHER_BODIES}.items()}

    async def sign_in(scope: Scope, receive: Receive) -> object:
        return asdict(await desk.sign_in(scope, receive))

    async def sign_out(_: Scope, __: Receive, actor: Actor) -> object:
        await staff.sign_out(begin, clock, actor)
        return {"signed_in": False}

    async def status(_: Scope, __: Receive, ___: Actor) -> object:
        return await operations.status(begin)

    async def events(_: Scope, __: Receive, ___: Actor) -> object:
        return {"events": await operations.events(begin)}

    async def preview(scope: Scope, _: Receive, __: Actor) -> object:
        opens_at = read_instant(_asked(scope).get("opens_at", ""), "opens_at")
        return await operations.preview(begin, clock, opens_at, ports.policy.gate_rate_per_s)

    async def queues(_: Scope, __: Receive, ___: Actor) -> object:
        return {"queues": await staff_orders.queues(begin)}

    async def waves(_: Scope, __: Receive, ___: Actor) -> object:
        return {"waves": await staff_orders.waves(begin, clock)}

    async def proposals(_: Scope, __: Receive, ___: Actor) -> object:
        return {"proposals": await staff_orders.proposals(begin, clock)}

    async def sessions(_: Scope, __: Receive, ___: Actor) -> object:
        return {"sessions": await staff_orders.sessions(begin, clock)}

    async def audit(scope: Scope, _: Receive, __: Actor) -> object:
        before = _asked(scope).get("before")
        return {"audit": await staff_orders.audit(begin, before=None if before is None else _number(before))}

    async def order(scope: Scope, receive: Receive, actor: Actor) -> object:
        headers, verb = dict(scope["headers"]), scope["path_params"]["verb"]
        if verb not in decoders:
            raise NotFound
        demand_name(actor)
        request = key_of(headers).decode("ascii")
        body = arguments_of(decoders[verb](await read_json(receive, headers)))
        done = await staff_orders.give(begin, ports.vault, clock, actor, Order(actor.who, verb, body, request))
        return asdict(done)

    async def confirm(scope: Scope, _: Receive, actor: Actor) -> object:
        try:
            proposal_id = UUID(scope["path_params"]["id"])
        except ValueError:
            raise NotFound from None
        return asdict(await staff_orders.confirm(begin, clock, actor, proposal_id))

    def known(answer: Answer, look: str = "") -> ASGIApp:
        """look: a verb of the table of roles that the asker's role must allow; an order is asked by its own."""

        async def answer_known(scope: Scope, receive: Receive) -> object:
            actor = await desk.actor(dict(scope["headers"]))
            if look:
                await staff_orders.allow(begin, actor, look)
            return await answer(scope, receive, actor)

        return _Guarded(answer_known)

    looks: dict[str, tuple[str, Answer]] = {
        "/status": ("status", status),
        "/events": ("events", events),
        "/preview": ("preview", preview),
        "/queues": ("queues", queues),
        "/waves": ("waves", waves),
        "/proposals": ("proposals", proposals),
        "/audit": ("audit", audit),
        "/sessions": ("staff-sessions", sessions),
    }
    return Starlette(
        routes=[
            *(Route(path, known(answer, verb), methods=["GET"]) for path, (verb, answer) in looks.items()),
            Route("/sessions", _Guarded(sign_in), methods=["POST"]),
            Route("/sessions/current", known(sign_out), methods=["DELETE"]),
            Route("/orders/{verb}", known(order), methods=["POST"]),
            Route("/proposals/{id}/confirmation", known(confirm), methods=["POST"]),
        ],
        exception_handlers={HTTPException: _nowhere},  # type: ignore[dict-item]
    )


def _asked(scope: Scope) -> dict[str, str]:
    """The query string; of a name given twice the first one."""
    return {name: values[0] for name, values in parse_qs(scope["query_string"].decode("ascii", "replace")).items()}


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise InvalidFields([FieldFault("before", "wrong-format", "The id of a line.")])
    return int(text)


def _nowhere(_: object, __: Exception) -> ASGIApp:
    return Problem(NotFound())


class _Guarded:
    """Answers with JSON, or with the problem."""

    def __init__(self, answer: Open) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
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
