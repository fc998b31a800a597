"""The composition root: the only place that builds adapters, applications and roles."""

import asyncio
import gc
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp

from service.actions.claims import claims_on
from service.actions.joins import joins_on
from service.actions.upload_rows import beginnings_on, finishes_on
from service.actions.upload_writers import Writers
from service.clock import WallClock
from service.domain.errors import DatabaseUnavailable, MethodNotAllowed, NotFound
from service.domain.policy import Policy
from service.gatekeeping import count_presence, keep_counts, run_gatekeeper, watch_complaints
from service.memory import keep_freed_memory
from service.metrics import Metrics
from service.opening import run_opening
from service.operating import serve_operators
from service.partners import open_partners
from service.ports import Begin, Ports
from service.queues.finishing import finishing_on
from service.queues.worker import run_worker
from service.settings import Settings, switches
from service.storage.inspectors import Inspectors, Limits
from service.storage.migrate import migrate as apply_migrations
from service.storage.photo_stores import open_photo_store
from service.storage.pool import Database
from service.storage.starting import wait_for_database
from service.storage.transaction import begin_on
from service.storage.upload_releases import hear_releases
from service.storage.vault import KeyVault
from service.wave_ports import Wave
from service.web import files, one_shot
from service.web.ahead import RenderedAhead
from service.web.api import operations
from service.web.board import BoardCopy
from service.web.census import keep_census
from service.web.figures import tell_figures
from service.web.heads import ShortHeads
from service.web.middleware import Application, Boundary
from service.web.operation import route
from service.web.overload import Doorkeeper, new_door, new_watchdog
from service.web.pages.site import full_house, memory_cookies
from service.web.pages.site import routes as page_routes
from service.web.problems import Problem

WIDE_OPEN = 1e9
"""People a second at a gate that is switched off: everybody, in whatever second they come."""
INSPECTIONS_PER_S = 20.0
"""Of one inspector: a picture of 12 megapixels takes 80 ms, one of the usual size 20."""

log = structlog.get_logger(__name__)


def policy_of(settings: Settings) -> Policy:
    bounded = settings.bounded_queues
    return Policy(
        email_queue_limit=settings.email_queue_limit if bounded else -1,
        sms_queue_limit=settings.sms_queue_limit if bounded else -1,
        identity_queue_limit=settings.identity_queue_limit if bounded else -1,
        photo_queue_limit=settings.photo_queue_limit if bounded else -1,
        photo_rate_per_s=settings.photo_inspectors * INSPECTIONS_PER_S,
        announcement_queue_limit=settings.announcement_queue_limit if bounded else -1,
        payout_queue_limit=settings.payout_queue_limit if bounded else -1,
        payout_rate_per_s=settings.payout_rate,
        drop_abandoned_work=settings.drop_abandoned_work,
        email_rate_per_s=settings.email_rate,
        sms_rate_per_s=settings.sms_rate,
        identity_rate_per_s=settings.civil_registry_rate,
        upload_lifetime_s=settings.upload_lifetime,
        gate_rate_per_s=settings.gate_rate if settings.waiting_room else WIDE_OPEN,
        gate_planned_per_s=settings.gate_planned_rate,
        inside_limit=settings.inside_limit,
        waiting_room=settings.waiting_room,
        wave_id=settings.wave_id,
        wave_closes_at=settings.wave_closes_at,
        age_on=settings.age_on,
        complaint_promise_s=settings.complaint_promise,
        synthetic_people=settings.synthetic_people,
    )


@asynccontextmanager
async def open_ports(settings: Settings, metrics: Metrics) -> AsyncIterator[Ports]:
    """Every adapter, connected. Raises DatabaseUnavailable, or OSError when photos cannot be stored."""
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.database_url, connections=settings.database_connections)
        stack.push_async_callback(database.close)
        metrics.pool_size.set(database.limit)
        metrics.pool_used.set_function(lambda: database.used)
        metrics.database_spent = database.spent
        vault = KeyVault(settings.secret_key)
        photos = await stack.enter_async_context(open_photo_store(settings, metrics))
        inspectors = Inspectors(settings.photo_inspectors, Limits(settings.photo_max_pixels), metrics)
        stack.push_async_callback(inspectors.close)
        partners = await open_partners(stack, settings, metrics)

        @asynccontextmanager
        async def begin_apart() -> AsyncIterator[Begin]:
            apart = await Database.open(settings.database_url, connections=1, name="heartbeat")
            try:
                yield begin_on(apart, vault)
            finally:
                await apart.close()

        begin = begin_on(database, vault, keeps_answers=settings.idempotency)
        policy = policy_of(settings)
        yield Ports(
            begin=begin,
            begin_apart=begin_apart,
            finish=finishing_on(begin),
            claims=claims_on(begin),
            joins=joins_on(begin, named=settings.idempotency),
            beginnings=beginnings_on(begin),
            finishes=finishes_on(begin, limit=policy.photo_queue_limit),
            clock=WallClock(),
            vault=vault,
            photos=photos,
            inspector=inspectors,
            civil_registry=partners.civil_registry,
            email=partners.email,
            sms=partners.sms,
            announcer=partners.announcer,
            payouts=partners.payouts,
            policy=policy,
            promised=lambda outcome: metrics.promises.labels(outcome).inc(),
            reached=lambda stage: metrics.stages.labels(stage).inc(),
            repeated=lambda why, ok: metrics.transaction_repeats.labels(why, "begun" if ok else "refused").inc(),
            settled=lambda done: metrics.commits_unknown.labels("done" if done else "undone").inc(),
        )


def new_writers(metrics: Metrics) -> Writers:
    return Writers(lambda how: metrics.upload_takeovers.labels(how.value).inc())


def build_app(
    ports: Ports, settings: Settings, metrics: Metrics, version: str = "0.1.0", writers: Writers | None = None
) -> Starlette:
    """The web application; its lifespan keeps the board's copy fresh and watches over the event loop."""
    writers = new_writers(metrics) if writers is None else writers
    board = BoardCopy()
    door = new_door(metrics)
    watchdog = new_watchdog(door, metrics)
    middleware = [
        Middleware(Boundary, metrics=metrics),
        Middleware(RenderedAhead, "/board", lambda: board.answer),
    ]
    if settings.overload_limit:
        person = memory_cookies(ports, settings).person
        page, chance = full_house(ports, board), random.Random().random
        middleware.append(Middleware(Doorkeeper, door, metrics, page, person, chance))
    whole_photos: list[Route] = []
    if settings.resumable_uploads:
        middleware.append(files.uploads(ports, metrics, writers, files.Terms(settings.photo_max_bytes)))
    else:
        whole_photos = one_shot.routes(ports, metrics, writers, most_bytes=settings.photo_max_bytes)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await board.refresh(ports)
        tasks = [asyncio.create_task(each) for each in (board.keep_fresh(ports), keep_census(ports, board, metrics))]
        watchdog.start()
        try:
            yield
        finally:
            watchdog.stop()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    app = Application(
        routes=[
            *whole_photos,
            *(route(operation, ports) for operation in operations(ports, board, version)),
            *page_routes(ports, board, metrics, writers, settings),
        ],
        middleware=middleware,
        exception_handlers={HTTPException: problem_of_starlette},  # type: ignore[dict-item]
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # one spelling of each path: nothing can be reached past its rules
    return app


def problem_of_starlette(_: Request, error: HTTPException) -> ASGIApp:
    """What the router refuses: unknown paths and methods."""
    if error.status_code == 405:
        allow = (error.headers or {}).get("Allow", "")
        return Problem(MethodNotAllowed(), [(b"allow", allow.encode())])
    return Problem(NotFound())


class _Server(uvicorn.Server):
    """Leaves signals to the process (one place decides when to stop) and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:  # the lifespan could not begin; uvicorn would end the process without a word
            raise DatabaseUnavailable("the web role could not read the waiting room") from None
        self.listening.set()


async def run_web(
    ports: Ports,
    settings: Settings,
    metrics: Metrics,
    stop: asyncio.Event,
    listener: socket.socket,
    ready: Callable[[], None],
) -> None:
    """Serve until `stop` is set, then let running requests end within the grace."""
    writers = new_writers(metrics)
    async with asyncio.TaskGroup() as group:
        group.create_task(tell_figures(ports, metrics, stop))
        await serve(build_app(ports, settings, metrics, writers=writers), writers, settings, stop, listener, ready)


async def serve(
    app: Starlette,
    writers: Writers,
    settings: Settings,
    stop: asyncio.Event,
    listener: socket.socket,
    ready: Callable[[], None],
) -> None:
    """Answer requests until `stop` is set, then let running ones end within the grace; uploads end at once.

    writers: those of `app`; other replicas can ask them to let go.
    """
    server = _Server(
        uvicorn.Config(
            app,
            http=ShortHeads,
            loop="none",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,  # nothing here depends on the caller's address, so nobody can forge it
            ws="none",
            backlog=4096,  # a stalled second at the peak must not turn into refused connections
            timeout_keep_alive=30,  # phones pause between two steps; a new connection costs more than an idle one
            timeout_graceful_shutdown=int(settings.stop_grace),
        )
    )

    async def watch() -> None:
        await server.listening.wait()
        gc.collect()
        gc.freeze()  # what start-up made stays: later collections need not look at it
        gc.set_threshold(20_000, 20, 20)
        keep_freed_memory()
        ready()
        await stop.wait()
        writers.stop()
        server.should_exit = True

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        ear = group.create_task(hear_releases(settings.database_url, writers.replica, writers.let_go))
        await server.serve(sockets=[listener])
        ear.cancel()


async def migrate(settings: Settings) -> Sequence[str]:
    """Bring the schema up to date and put the wave of the settings; the names of the files applied now.

    Raises MigrationError, DatabaseUnavailable.
    """
    database = await Database.open(settings.database_url, connections=1, name="migrate")
    try:
        async with database.connection() as connection:
            applied = await apply_migrations(connection)
        async with begin_on(database, KeyVault(settings.secret_key))(single=True) as tx:
            await tx.waves.put(Wave(settings.wave_id, settings.wave_opens_at, settings.wave_closes_at))
        return applied
    finally:
        await database.close()


async def run_roles(
    roles: frozenset[str],
    settings: Settings,
    metrics: Metrics,
    stop: asyncio.Event,
    listener: socket.socket | None,
    ready: Callable[[], None],
    *,
    operators: socket.socket | None = None,
) -> None:
    """Run the roles in this process until `stop` is set. `ready` is called when all of them are at work.

    operators: where the gatekeeper answers operators.
    """
    metrics.show_switches({name: getattr(settings, name) for name in switches()})
    await wait_for_database(settings.database_url, stop)
    if stop.is_set():
        return
    async with open_ports(settings, metrics) as ports:

        async def ending(work: Awaitable[None]) -> None:
            try:
                await work
            finally:
                stop.set()  # one role's end is everybody's

        async with asyncio.TaskGroup() as group:
            if "worker" in roles:
                group.create_task(ending(run_worker(ports, settings, metrics, stop)))
            if operators is not None:
                group.create_task(ending(serve_operators(ports, settings, metrics, stop, operators)))
            if "gatekeeper" in roles:
                group.create_task(ending(run_gatekeeper(ports, metrics, stop)))
                group.create_task(ending(run_opening(ports, stop)))
                group.create_task(ending(count_presence(ports, stop)))
                group.create_task(ending(keep_counts(ports, metrics, stop)))
                group.create_task(ending(watch_complaints(ports, metrics, stop)))
            if listener is not None:
                group.create_task(ending(run_web(ports, settings, metrics, stop, listener, ready)))
            else:
                ready()
