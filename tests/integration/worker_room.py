"""A real worker between a real database and the simulated partners, and people who ask for codes and checks."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
from aiohttp import web

from scenarios.capacities import Gateway, Registry
from scenarios.identity_numbers import family_card_of
from scenarios.partners.app import Partners
from scenarios.partners.settings import Figures
from service.app import open_ports
from service.applicant_ports import Account, CodeRequest, Identity
from service.domain.codes import Channel
from service.domain.identity import IdentityStatus
from service.domain.queues import JobEnd
from service.metrics import Metrics
from service.ports import Ports
from service.queue_ports import Job
from service.queues.lane import Handler
from service.queues.worker import HANDLERS, run_worker
from service.room_ports import Join
from service.settings import Settings, load
from service.storage.queue import PostgresQueue
from tests.integration.queue_room import one

FAST = Gateway(rate_per_s=1000.0, delay_median_s=0.0, delay_sigma=0.0, loss=0.0)
HELPFUL = Registry(rate_per_s=1000.0, latency_median_s=0.0, latency_p99_s=0.0, error_ratio=0.0)
PATIENCE = 30.0
BORN = date(1994, 8, 17)


@asynccontextmanager
async def running_worker(
    ports: Ports, settings: Settings, metrics: Metrics, handlers: Mapping[str, Handler] = HANDLERS
) -> AsyncIterator[None]:
    """A worker that runs meanwhile, and has ended by itself afterwards."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(run_worker(ports, settings, metrics, stop, handlers))
        try:
            yield
        finally:
            stop.set()


@dataclass
class Room:
    ports: Ports
    connection: asyncpg.Connection
    """Apart from those that the service uses."""
    partners: Partners
    metrics: Metrics
    settings: Settings

    def worker(self, **handlers: Handler) -> AbstractAsyncContextManager[None]:
        """A worker that runs meanwhile; handlers: others than the usual ones, by queue."""
        return running_worker(self.ports, self.settings, self.metrics, {**HANDLERS, **handlers})

    async def account(self, number: int, *, email: bool = True) -> UUID:
        account_id = uuid4()
        address = f"p{number:09d}@people.example" if email else None
        async with self.ports.begin() as tx:
            [ticket] = await tx.room.join([Join(None, b"")])
            account = Account(account_id, "Ann", f"+6280{number:09d}", address, None, None)
            await tx.accounts.add(account, ticket_number=ticket.number)
        return account_id

    async def ask_code(self, account_id: UUID | None, channel: Channel = Channel.SMS) -> UUID:
        now, request_id = self.ports.clock.now(), uuid4()
        async with self.ports.begin() as tx:
            await tx.codes.add(CodeRequest(request_id, account_id, channel, 0, 1, now, None, 0, None, now, bytes(32)))
        await self.send_code(request_id, channel)
        return request_id

    async def send_code(self, request_id: UUID, channel: Channel = Channel.SMS) -> None:
        queue = "email" if channel == Channel.EMAIL else "sms"
        async with self.ports.begin() as tx:
            payload = {"code_request": str(request_id)}
            assert await tx.queue.enqueue(queue, str(uuid4()), payload, limit=10_000, expires_in=300.0)

    async def ask_check(self, account_id: UUID, number: int = 0, *, right: bool = True) -> None:
        """A check of person `number`; not `right`: with another family's card."""
        nik = f"337299570894{number + 1:04d}"
        card = family_card_of(nik if right else nik[::-1])
        async with self.ports.begin() as tx:
            await tx.identities.put(Identity(account_id, nik, card, BORN, IdentityStatus.PENDING, 1, uuid4()))
            payload = {"account_id": str(account_id), "version": 1}
            assert await tx.queue.enqueue("identity", str(uuid4()), payload, limit=10_000)

    async def identity_status(self, account_id: UUID) -> int:
        async with self.ports.begin() as tx:
            identity = await tx.identities.find(account_id)
        assert identity is not None
        return identity.status

    async def handled(self, handler: Handler, job: Job) -> JobEnd:
        async def turn() -> None:
            """At once."""

        return (await handler(self.ports, job, turn)).end

    async def claim(self, queue: str) -> Job:
        """The one job that is ready, as a worker would get it."""
        async with self.ports.begin() as tx:
            (job,) = (await tx.queue.claim(queue, most=10, rate_per_s=-1.0, lease_s=60.0)).jobs
        return job

    def inbox(self, number: int, channel: Channel = Channel.SMS) -> list[str]:
        address = f"+6280{number:09d}" if channel == Channel.SMS else f"p{number:09d}@people.example"
        return [message.text for message in self.partners.deliveries.inbox(address)]

    def stage(self, name: str) -> int:
        return int(self.metrics.registry.get_sample_value("registration_stage_total", {"stage": name}) or 0)

    def ended(self, queue: str, outcome: str) -> int:
        labels = {"queue": queue, "outcome": outcome}
        return int(self.metrics.registry.get_sample_value("registration_queue_jobs_total", labels) or 0)

    async def depth(self) -> int:
        return sum(level.depth for level in await PostgresQueue(self.connection).levels())

    async def empty(self) -> None:
        """Wait until no job is left."""
        await until(self._is_empty)

    async def _is_empty(self) -> bool:
        return await self.depth() == 0


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not await condition():
        assert time.monotonic() < deadline, "it did not come to that"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def service_room(
    database_url: str, folder: Path, *, sms: Gateway = FAST, registry: Registry = HELPFUL, **settings: str
) -> AsyncIterator[Room]:
    """settings: as in the table, without the prefix."""
    partners = Partners(Figures(registry, FAST, sms, sms), opens_at=time.time(), seed=1)
    runner = web.AppRunner(partners.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        variables = {
            "DATABASE_URL": database_url,
            "REGISTRATION_SECRET_KEY": "07" * 32,
            "REGISTRATION_PARTNERS_URL": f"http://127.0.0.1:{runner.addresses[0][1]}",
            "REGISTRATION_PHOTO_DIR": str(folder),
        }
        parsed = load(variables | {f"REGISTRATION_{name}": value for name, value in settings.items()})
        metrics = Metrics()
        async with open_ports(parsed, metrics) as ports, one(database_url) as connection:
            yield Room(ports, connection, partners, metrics, parsed)
    finally:
        await runner.cleanup()
