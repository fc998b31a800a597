"""A bad line between us and a partner: the fault proxy in between, real clients and a real simulated partner."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from loadtests.harness.processes import Child, python
from scenarios.partners.app import Partners
from scenarios.partners.settings import Figures
from service.domain.breaker import CircuitState
from service.domain.errors import PartnerError
from tests.conftest import Run
from tests.contract.test_gateways import ANN, REGISTRY, SMS, Room, clients, served
from tests.patience import least

RATE = 60.0
PATIENCE = 20.0


class Line:
    """The proxy, its partner, and messages that are sent until they are accepted."""

    def __init__(self, child: Child, partners: Partners, room: Room) -> None:
        self._child = child
        self._partners = partners
        self.room = room
        self.open: list[str] = []
        self.accepted = 0

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        def asked() -> Any:
            control = HTTPConnection("127.0.0.1", self._child.ready["control_port"], timeout=5.0)
            try:
                control.request(method, path, None if body is None else json.dumps(body).encode())
                return json.loads(control.getresponse().read())
            finally:
                control.close()

        return await asyncio.to_thread(asked)

    def ledger(self) -> dict[str, int]:
        return dict(self._partners.gateways["sms"].ledger.as_json())

    async def push(self, seconds: float, until: CircuitState | None = None) -> float:
        """Send what is open, RATE a second as far as the guard allows; seconds until the circuit is as in `until`."""
        started = due = time.monotonic()
        async with asyncio.TaskGroup() as group:
            while (passed := time.monotonic() - started) < seconds:
                guard = self.room.sms.guard
                if guard.state is until:
                    return passed
                if self.open and time.monotonic() >= due and self.room.sms.free(guard.in_flight) > 0:
                    group.create_task(self._send(self.open.pop(0)))
                    due = max(due + 1 / RATE, time.monotonic() - 0.1)
                elif not self.open and guard.in_flight == 0:
                    return passed
                await asyncio.sleep(0.005)
        return seconds

    async def _send(self, key: str) -> None:
        try:
            await self.room.sms.send(ANN, "Kode 123456", idempotency_key=key)
        except PartnerError:
            self.open.append(key)  # the queue repeats a call of unknown fate under its name
        else:
            self.accepted += 1


@asynccontextmanager
async def bad_line(folder: Path) -> AsyncIterator[Line]:
    partners = Partners(Figures(REGISTRY, SMS, SMS), opens_at=0.0, seed=1)
    async with served(partners.application()) as url:
        to = url.removeprefix("http://")
        command = python("-m", "loadtests.faults", "--listen", "127.0.0.1:0", "--to", to, "--lifeline")
        child = Child("faults", command, settings={}, logs=folder)
        try:
            await asyncio.to_thread(child.wait_ready, PATIENCE)
            async with clients(f"http://127.0.0.1:{child.ready['port']}", timeout=2.2) as room:
                yield Line(child, partners, room)
        finally:
            await asyncio.to_thread(child.stop, grace=5.0)


@pytest.mark.parametrize(
    "toxic",
    [{"kind": "black_hole", "direction": "downstream"}, {"kind": "reset", "direction": "downstream"}],
    ids=lambda toxic: toxic["kind"],
)
def test_a_broken_line_is_known_in_two_seconds_and_nothing_is_sent_twice(
    run: Run, tmp_path: Path, toxic: dict[str, str]
) -> None:
    """A black hole, or a reset instead of each answer: the circuit opens within 2 s. When the line is whole
    again every message is accepted, and the gateway has sent each once, whatever it had done before the answer was
    lost."""

    async def scenario() -> float:
        """Seconds until the circuit was open."""
        async with bad_line(tmp_path) as line:
            line.open = [f"sms-{number}" for number in range(20)]
            assert await line.push(PATIENCE) < PATIENCE
            loose = await line.ask("POST", "/toxics", toxic)
            line.open = [f"sms-{number}" for number in range(20, 60)]
            found_out = await line.push(PATIENCE, CircuitState.OPEN)
            opened = line.room.metrics.registry.get_sample_value(
                "registration_partner_circuit_openings_total", {"partner": "sms"}
            )
            assert opened == 1
            assert any((await line.ask("DELETE", f"/toxics/{loose['id']}"))["bit"].values())
            assert await line.push(PATIENCE) < PATIENCE
            assert line.accepted == line.ledger()["distinct"] == 60
            return found_out

    assert least(lambda: run(scenario()), 2.0) <= 2.0
