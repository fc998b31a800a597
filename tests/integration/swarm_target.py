"""A service for the swarm to aim at: speaks the public contract, keeps nothing but counts, delivers codes by itself.

Faults are asked for by flags, so that a test can watch what applicants make of them:
    --errors SHARE   this share of requests is answered 500
    --mute           no code is ever delivered
    --busy N         the first N requests for a code are answered 503 with Retry-After 1
    --cut SHARE      this share of photos is cut off after half of the bytes were taken
    --hang           identity data are taken, but never answered
    --outage S RATE RETRY_AFTER
                     for S seconds all is refused, then all beyond RATE a second; refusals name RETRY_AFTER seconds
"""

import argparse
import asyncio
import json
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from scenarios.population import number_of
from tests.integration.outage_gate import OutageGate


class Target:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.counts: Counter[str] = Counter()
        self.answers: dict[str, Any] = {}
        self.uploads: dict[str, list[int]] = {}
        self.codes: dict[str, tuple[str, str]] = {}
        self.streams: dict[tuple[str, int], asyncio.Queue[bytes]] = {}
        self.luck = random.Random(1)

    def app(self) -> Starlette:
        def json_route(path: str, method: str, name: str, make: Any, status: int = 200) -> Route:
            async def endpoint(request: Request) -> Response:
                if self.luck.random() < self.options.errors:
                    self.counts["errors"] += 1
                    return Response(status_code=500)
                body = await request.body()
                key = request.headers.get("idempotency-key")
                if method == "POST" and key is None:
                    return _problem(400, "idempotency-key-missing")
                if key is not None and key in self.answers:
                    return JSONResponse(self.answers[key], status)
                made = make(request, json.loads(body) if body else {})
                if isinstance(made, Response):
                    return made
                self.counts[name] += 1
                if self.options.hang and name == "identity":
                    await asyncio.sleep(3600)
                if key is not None:
                    self.answers[key] = made
                return Response(status_code=204) if made is None else JSONResponse(made, status)

            return Route(path, endpoint, methods=[method])

        place = {
            "state": "waiting",
            "number": 1,
            "ahead": 3,
            "wait_s": [0.1, 0.5],
            "poll_after_s": 0.2,
            "place_token": "t",
        }

        def ticket(*_: object) -> dict[str, object]:
            return {"ticket": "T", "secret": "S", "number": 1, "place": place}

        me = {"wave": {"id": 7}, "identity": {"status": "match"}}
        return Starlette(
            routes=[
                json_route("/tickets", "POST", "tickets", ticket, 201),
                json_route("/place", "GET", "place", lambda *_: {**place, "state": "invited"}),
                json_route(
                    "/claims", "POST", "claims", lambda *_: {"pass": "P", "expires_at": "2026-01-01T00:00:00Z"}, 201
                ),
                json_route("/accounts", "POST", "accounts", lambda *_: {"account_id": self._id("account")}, 201),
                json_route("/codes", "POST", "codes", self._code, 202),
                json_route("/sessions", "POST", "sessions", self._session, 201),
                json_route("/identity", "PUT", "identity", self._identity, 202),
                json_route("/profile/{step}", "PUT", "profile", lambda *_: None),
                json_route("/phone/verification", "POST", "phone", self._phone),
                json_route("/assessment", "POST", "assessment", lambda *_: {"items": [], "deadline_in_s": 1500}, 201),
                json_route("/assessment/answers/{n}", "PUT", "answers", lambda *_: None),
                json_route("/assessment/submission", "POST", "submission", lambda *_: {"answered": 18}),
                json_route("/me", "GET", "me", lambda *_: me),
                json_route("/waves/7/join", "POST", "joins", lambda *_: {"join_id": self._id("join")}, 201),
                Route("/files/", self._create, methods=["POST"]),
                Route("/files/{id}", self._file, methods=["HEAD", "PATCH"]),
                Route("/deliveries", self._deliveries),
                Route("/counts", lambda _: JSONResponse(self.counts)),
            ]
        )

    def _id(self, kind: str) -> str:
        return f"{kind}-{self.luck.getrandbits(64):x}"

    def _code(self, _: Request, body: dict[str, Any]) -> Any:
        if self.counts["busy"] < self.options.busy:
            self.counts["busy"] += 1
            return _problem(503, "queue-full", {"Retry-After": "1"})
        request_id = body.get("code_request") or self._id("code")
        code = f"{self.luck.randrange(1_000_000):06}"
        self.codes[request_id] = (body["address"], code)
        channel = "email" if "@" in body["address"] else "sms"
        message = {"to": body["address"], "channel": channel, "text": f"Kode Anda {code}.", "delivered_at": 0}
        for (residues, modulus), queue in self.streams.items():
            if str(number_of(body["address"]) % modulus) in residues.split(",") and not self.options.mute:
                queue.put_nowait(json.dumps(message).encode() + b"\n")
        return {"code_request": request_id, "channel": channel, "resend_after_s": 30}

    def _accepted(self, body: dict[str, Any]) -> bool:
        return bool(self.codes.get(body["code_request"], ("", ""))[1] == body["code"])

    def _session(self, _: Request, body: dict[str, Any]) -> Any:
        if not self._accepted(body):
            return _problem(422, "code-refused", reason="wrong")
        return {"token": "S", "account_id": "a", "expires_in_s": 1000}

    def _phone(self, _: Request, body: dict[str, Any]) -> Any:
        return {"phone_verified": True} if self._accepted(body) else _problem(422, "code-refused", reason="wrong")

    def _identity(self, *_: object) -> Any:
        return {"check_id": self._id("check"), "status": "pending", "corrections_left": 3}

    async def _create(self, request: Request) -> Response:
        upload = self._id("upload")
        self.uploads[upload] = [0, int(request.headers["upload-length"])]
        self.counts["uploads"] += 1
        return Response(status_code=201, headers={"Location": f"/files/{upload}"})

    async def _file(self, request: Request) -> Response:
        upload = self.uploads[request.path_params["id"]]
        if request.method == "PATCH":
            if int(request.headers["upload-offset"]) != upload[0]:
                return _problem(409, "upload-offset-mismatch")
            cut = self.luck.random() < self.options.cut and upload[0] == 0
            try:
                async for chunk in request.stream():
                    upload[0] += len(chunk)
                    self.counts["photos"] += bool(chunk) and upload[0] == upload[1]
                    if cut and upload[0] > upload[1] // 2:
                        self.counts["cuts"] += 1
                        return Response(status_code=500, headers={"Connection": "close"})
            except ClientDisconnect:
                return Response(status_code=500)
        return Response(status_code=204, headers={"Upload-Offset": str(upload[0])})

    async def _deliveries(self, request: Request) -> Response:
        key = request.query_params["residue"], int(request.query_params["modulus"])
        queue = self.streams[key] = asyncio.Queue()

        async def lines() -> AsyncIterator[bytes]:
            yield b"\n"
            while True:
                try:
                    yield await asyncio.wait_for(queue.get(), 5.0)
                except TimeoutError:
                    yield b"\n"

        return StreamingResponse(lines())


def _problem(status: int, code: str, headers: dict[str, str] | None = None, **members: object) -> Response:
    body = {"type": f"https://launchnight.example/problems/{code}", "status": status, **members}
    return JSONResponse(body, status, headers, "application/problem+json")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--errors", type=float, default=0.0)
    parser.add_argument("--mute", action="store_true")
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--hang", action="store_true")
    parser.add_argument("--cut", type=float, default=0.0)
    parser.add_argument("--outage", type=float, nargs=3)
    options = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0))
    print(json.dumps({"ready": True, "port": listener.getsockname()[1]}), flush=True)
    app: ASGIApp = Target(options).app()
    if options.outage:
        outage, rate_per_s, retry_after = options.outage
        app = OutageGate(app, outage, rate_per_s, int(retry_after))
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
