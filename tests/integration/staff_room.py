"""The operators' listener in process, and people of the staff who sign in there."""

from base64 import b32decode
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
from starlette.types import ASGIApp

from service.actions import staff
from service.actions.staff import Papers, at_the_shell
from service.domain import totp
from service.domain.staff import Cost, Role
from service.web.operators import operator_app
from tests.integration.registration_room import Registration, new_key, registration

TOKEN = "t" * 40
CHEAP = Cost(2**4, 8, 1)
"""A hash that nobody would keep, and no test waits for."""
SHELL = at_the_shell("Root")


@dataclass
class House:
    """The running service, its operators' listener, and a clock that jumps."""

    service: Registration
    app: ASGIApp
    http: httpx.AsyncClient
    refused: Counter[str]
    """Sign-ins, by reason."""

    async def add(self, name: str, role: Role = Role.OPERATOR) -> "Colleague":
        ports = self.service.ports
        papers = await staff.add(ports.begin, ports.vault, SHELL, name, role, CHEAP)
        assert papers is not None, f"there is a {name}"
        return Colleague(self, papers)

    def pass_time(self, seconds: float) -> None:
        self.service.clock.ahead += timedelta(seconds=seconds)

    async def audit(self) -> list[dict[str, Any]]:
        """Every line, the oldest first."""
        async with self.service.ports.begin() as tx:
            lines = await tx.staff.audit(before=None, most=1000)
        return [{"who": each.who, "verb": each.verb, "outcome": each.outcome, **each.detail} for each in lines][::-1]

    def caller(self, address: str, headers: Mapping[str, str] = MappingProxyType({})) -> httpx.AsyncClient:
        """Somebody who comes from there."""
        transport = httpx.ASGITransport(app=self.app, client=(address, 40000))
        return httpx.AsyncClient(transport=transport, base_url="http://gate", headers=headers)

    @property
    def program(self) -> "Program":
        return Program(self, {"Authorization": f"Bearer {TOKEN}", "Operator": "autoscaler"})


@dataclass
class Program:
    """Whoever sends these headers."""

    house: House
    headers: dict[str, str]

    async def order(self, verb: str, body: Any = None, key: str = "") -> httpx.Response:
        sent = {**self.headers, "Idempotency-Key": key or new_key()}
        return await self.house.http.post(f"/orders/{verb}", json={} if body is None else body, headers=sent)

    async def get(self, path: str) -> httpx.Response:
        return await self.house.http.get(path, headers=self.headers)

    async def confirm(self, proposal: str) -> httpx.Response:
        return await self.house.http.post(f"/proposals/{proposal}/confirmation", headers=self.headers)


class Colleague(Program):
    """Somebody with an authenticator app."""

    def __init__(self, house: House, papers: Papers) -> None:
        super().__init__(house, {})
        self.papers = papers

    def code(self) -> str:
        """What the app shows now."""
        now = self.house.service.clock.now().timestamp()
        return totp.code_at(b32decode(self.papers.secret), totp.step_of(now))

    async def try_to_sign_in(self, caller: httpx.AsyncClient | None = None, /, **typed: Any) -> httpx.Response:
        """typed: fields of the form that are not as they should be."""
        given = {"name": self.papers.name, "password": self.papers.password, "code": self.code(), **typed}
        return await (caller or self.house.http).post("/sessions", json=given)

    async def sign_in(self) -> "Colleague":
        answer = await self.try_to_sign_in()
        assert answer.status_code == 200, answer.text
        self.headers = {"Authorization": f"Bearer {answer.json()['token']}"}
        return self

    async def sign_out(self) -> httpx.Response:
        return await self.house.http.delete("/sessions/current", headers=self.headers)


@asynccontextmanager
async def house(database_url: str, folder: Path, *, proxy: str = "") -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(registration(database_url, folder, working=False))
        refused: Counter[str] = Counter()
        app = operator_app(service.ports, TOKEN, proxy, lambda reason: refused.update([reason]))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gate")
        yield House(service, app, await stack.enter_async_context(client), refused)
