"""The partners over HTTP: routes, answers and metrics. Every decision is made beside this module, without I/O.

`docs/partners.md` describes the wire for those who call it.
"""

import asyncio
import dataclasses
import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.http_exceptions import PayloadEncodingError

from scenarios.json_bodies import Refused, json_object
from scenarios.partners import exposition, requests
from scenarios.partners.civil_registry import CivilRegistry
from scenarios.partners.deliveries import Deliveries, Subscriber
from scenarios.partners.gateway import ANNOUNCEMENT, ARRIVES_AS, EMAIL, SMS, MessageGateway
from scenarios.partners.ledger import GatewayLedger, PayoutLedger, RegistryLedger, Traffic
from scenarios.partners.metrics import metrics_page
from scenarios.partners.misconduct import LONGEST_HANG, Act, Conduct
from scenarios.partners.payout import PayoutAnswer, PayoutPartners
from scenarios.partners.requests import Account, Message
from scenarios.partners.settings import Figures, changed

LARGEST_BODY = 64 * 1024
"""Bytes; a message of the longest text is a tenth of it."""
HEARTBEAT = 5.0
"""Seconds of silence after which a standing connection gets an empty line, so that its reader knows that it lives."""

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Partners:
    """The partners of one night, and the routes that lead to them."""

    def __init__(self, figures: Figures, opens_at: float, seed: int, heartbeat: float = HEARTBEAT) -> None:
        """opens_at: unix seconds of the opening, from which the allowance's windows are counted."""
        self.figures = figures
        self.opens_at = opens_at
        self.registry = CivilRegistry(figures.civil_registry, seed)
        self.gateways = {
            EMAIL: MessageGateway(EMAIL, figures.email, seed),
            SMS: MessageGateway(SMS, figures.sms, seed),
            ANNOUNCEMENT: MessageGateway(ANNOUNCEMENT, figures.announcement, seed),
        }
        self.payouts = PayoutPartners(figures.payout, seed)
        self.deliveries = Deliveries()
        self.conduct = Conduct(seed)
        self._heartbeat = heartbeat

    def application(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[_errors_as_json])
        app.add_routes(
            [
                web.post("/civil-registry/checks", self.post_check),
                web.post("/email/messages", self.post_email),
                web.post("/sms/messages", self.post_sms),
                web.post("/announcement/messages", self.post_announcement),
                web.post("/payout/checks", self.post_payout_check),
                web.post("/payout/payments", self.post_payment),
                web.get("/payout/statement", self.get_statement),
                web.get("/wallets/{method}/{account}", self.get_wallet),
                web.get("/inbox/{address}", self.get_inbox),
                web.get("/deliveries", self.get_deliveries),
                web.get("/ledger", self.get_ledger),
                web.get("/settings", self.get_settings),
                web.patch("/settings", self.patch_settings),
                web.get("/misconduct", self.get_misconduct),
                web.put("/misconduct", self.put_misconduct),
                web.get("/clock", self.get_clock),
                web.put("/clock", self.put_clock),
                web.get("/health", self.get_health),
                web.get("/metrics", self.get_metrics),
            ]
        )
        app.on_shutdown.append(self._end_deliveries)
        return app

    # What the service asks

    async def post_check(self, request: web.Request) -> web.StreamResponse:
        traffic = self.registry.ledger.traffic
        key, check = await _read(request, traffic, requests.check)
        act = self.conduct.act("civil_registry", key)
        if act in (Act.ERROR, Act.HANG):
            return await self._unserved(traffic, act)
        answer = self.registry.ask(check, key, time.monotonic(), self.since_opening())
        if answer.latency > 0:
            await asyncio.sleep(answer.latency)
        if answer.status == 429:
            return _busy(answer.error, answer.retry_after)
        if answer.status != 200:
            return _json({"error": answer.error}, status=answer.status)
        match = answer.match != (act is Act.SWAP)
        return await self._answer(request, "civil_registry", key, act, {"match": match}, 200)

    async def post_email(self, request: web.Request) -> web.StreamResponse:
        return await self._send(request, self.gateways[EMAIL], requests.email_message)

    async def post_sms(self, request: web.Request) -> web.StreamResponse:
        return await self._send(request, self.gateways[SMS], requests.sms_message)

    async def post_announcement(self, request: web.Request) -> web.StreamResponse:
        return await self._send(request, self.gateways[ANNOUNCEMENT], requests.sms_message)

    async def post_payout_check(self, request: web.Request) -> web.StreamResponse:
        return await self._ask_payout(request, requests.payout_account, self.payouts.check)

    async def post_payment(self, request: web.Request) -> web.StreamResponse:
        return await self._ask_payout(request, requests.payment, self.payouts.pay)

    async def _ask_payout(
        self,
        request: web.Request,
        parse: Callable[[dict[str, Any]], T],
        decide: Callable[[T, str, float], PayoutAnswer],
    ) -> web.StreamResponse:
        traffic = self.payouts.ledger.traffic
        key, asked = await _read(request, traffic, parse)
        act = self.conduct.act("payout", key)
        if act in (Act.ERROR, Act.HANG):
            return await self._unserved(traffic, act)
        answer = decide(asked, key, time.monotonic())
        if answer.status == 429:
            return _busy(answer.error, answer.retry_after)
        if answer.status != 200:
            return _json({"error": answer.error}, status=answer.status)
        value = {"id": answer.id} if answer.id else {"outcome": answer.outcome}
        return await self._answer(request, "payout", key, act, value, 200)

    async def _send(
        self, request: web.Request, gateway: MessageGateway, parse: Callable[[dict[str, Any]], Message]
    ) -> web.StreamResponse:
        ledger = gateway.ledger
        key, message = await _read(request, ledger.traffic, parse)
        act = self.conduct.act(gateway.channel, key)
        if act in (Act.ERROR, Act.HANG):
            return await self._unserved(ledger.traffic, act)
        acceptance = gateway.send(message, key, time.monotonic())
        if not acceptance.id:
            return _busy("throughput_exceeded", acceptance.retry_after)
        if acceptance.delay is not None:
            channel = ARRIVES_AS[gateway.channel]
            self.deliveries.schedule(channel, message, acceptance.delay, ledger.count_delivered)
            if act is Act.TWICE:
                self.deliveries.schedule(channel, message, acceptance.delay, lambda: None)
        return await self._answer(request, gateway.channel, key, act, {"id": acceptance.id}, 202)

    async def _unserved(self, traffic: Traffic, act: Act | None) -> web.Response:
        """The end of a call for which nothing is done."""
        traffic.unserved += 1
        if act is Act.HANG:
            await asyncio.sleep(LONGEST_HANG)
        return _json({"error": "out-of-order"}, status=500)

    async def _answer(
        self, request: web.Request, partner: str, key: str, act: Act | None, value: object, status: int
    ) -> web.StreamResponse:
        """What was done is told, as well or as badly as `act` says; the key names the call that is answered."""
        await asyncio.sleep(self.conduct.of[partner].late_s)
        if act is Act.CUT and request.transport is not None:
            request.transport.abort()
        response = _json(value, status, {"Idempotency-Key": f"not-{key}" if act is Act.SWAP else key})
        if act is Act.GARBLE:
            response.body = json.dumps(value).encode()[:-3]
        return response

    # What people read

    async def get_inbox(self, request: web.Request) -> web.Response:
        messages = self.deliveries.inbox(request.match_info["address"])
        return _json({"messages": [dataclasses.asdict(each) for each in messages]})

    async def get_wallet(self, request: web.Request) -> web.Response:
        account = Account(request.match_info["method"], request.match_info["account"])
        return _json({"received": self.payouts.received(account)})

    async def get_deliveries(self, request: web.Request) -> web.StreamResponse:
        subscriber = Subscriber(*requests.share(request.query))
        response = web.StreamResponse(headers={"Content-Type": "application/jsonl", "Cache-Control": "no-store"})
        self.deliveries.subscribers.add(subscriber)  # before the head is sent: who has read it misses nothing
        try:
            await response.prepare(request)
            while lines := await subscriber.lines(self._heartbeat):
                await response.write(lines)
        except ConnectionError:
            pass  # the reader left; what it missed is in the inboxes
        finally:
            self.deliveries.subscribers.discard(subscriber)
        return response

    async def _end_deliveries(self, app: web.Application) -> None:
        self.deliveries.close()

    # What the harness reads and turns

    async def get_ledger(self, request: web.Request) -> web.Response:
        return _json({partner: ledger.as_json() for partner, ledger in self.ledgers().items()})

    async def get_statement(self, request: web.Request) -> web.Response:
        return web.Response(text=self.payouts.statement(), content_type="text/csv")

    async def get_settings(self, request: web.Request) -> web.Response:
        return _json(self.figures.as_json())

    async def patch_settings(self, request: web.Request) -> web.Response:
        self.figures = changed(self.figures, json_object(await request.read()))
        self.registry.change(self.figures.civil_registry)
        self.gateways[EMAIL].change(self.figures.email)
        self.gateways[SMS].change(self.figures.sms)
        self.gateways[ANNOUNCEMENT].change(self.figures.announcement)
        self.payouts.change(self.figures.payout)
        return _json(self.figures.as_json())

    async def get_misconduct(self, request: web.Request) -> web.Response:
        return _json({partner: dataclasses.asdict(each) for partner, each in self.conduct.of.items()})

    async def put_misconduct(self, request: web.Request) -> web.Response:
        self.conduct.change(json_object(await request.read()))
        return await self.get_misconduct(request)

    async def get_clock(self, request: web.Request) -> web.Response:
        return _json({"opens_at": self.opens_at, "since_opening_s": round(self.since_opening(), 3)})

    async def put_clock(self, request: web.Request) -> web.Response:
        self.opens_at = requests.opening(json_object(await request.read()))
        return await self.get_clock(request)

    async def get_health(self, request: web.Request) -> web.Response:
        return _json({"status": "ok"})

    async def get_metrics(self, request: web.Request) -> web.Response:
        page = metrics_page(
            ledgers=self.ledgers(),
            figures=self.figures,
            allowance_left=self.registry.allowance.left(self.since_opening()),
            delivery_connections=len(self.deliveries.subscribers),
        )
        return web.Response(body=page.encode(), headers={"Content-Type": exposition.CONTENT_TYPE})

    def since_opening(self) -> float:
        """Seconds since the doors opened; negative before."""
        return time.time() - self.opens_at

    def ledgers(self) -> dict[str, RegistryLedger | GatewayLedger | PayoutLedger]:
        gateways = {name: each.ledger for name, each in self.gateways.items()}
        return {"civil_registry": self.registry.ledger, **gateways, "payout": self.payouts.ledger}


async def _read(request: web.Request, traffic: Traffic, parse: Callable[[dict[str, Any]], T]) -> tuple[str, T]:
    """The request's key and content, counted as asked. Raises Refused, counted as invalid too."""
    try:
        body = await request.read()
        return requests.idempotency_key(request.headers), parse(json_object(body))
    except Exception:
        traffic.invalid += 1
        raise
    finally:
        traffic.count(time.monotonic())


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever a caller sends, the answer is JSON and blames the right side."""
    try:
        return await handler(request)
    except Refused as refused:
        faults = [dataclasses.asdict(fault) for fault in refused.faults]
        return _json({"error": refused.error, "errors": faults}, status=refused.status)
    except web.HTTPException as error:
        code = error.reason.lower().replace(" ", "-")
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return _json({"error": code, "errors": []}, status=error.status, headers=allow)
    except (PayloadEncodingError, web.RequestPayloadError):
        return _json({"error": "malformed-body", "errors": []}, status=400)


def _busy(error: str, wait: float) -> web.Response:
    return _json({"error": error}, status=429, headers={"Retry-After": str(max(1, math.ceil(wait)))})


def _json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    body = json.dumps(value).encode()
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")
