"""The upload server alone, for whoever wants only this: files of any kind from anybody, no accounts, no queues.

What the service does with uploads it does too: the same rules, statements and stores.
"""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from service.actions.upload_writers import Writers
from service.app import migrate, new_writers, open_ports, problem_of_starlette, serve
from service.domain.overload import Progress
from service.metrics import Metrics
from service.ports import Ports
from service.queues.sweeping import run_sweeper
from service.settings import Settings
from service.storage.starting import wait_for_database
from service.web import files
from service.web.cors import Cors
from service.web.files import Terms
from service.web.middleware import Application, Boundary
from service.web.overload import Doorkeeper, new_door, new_watchdog
from service.web.progress import Asked


async def run_uploads(
    terms: Terms,
    settings: Settings,
    metrics: Metrics,
    stop: asyncio.Event,
    listener: socket.socket | None,
    ready: Callable[[], None],
) -> None:
    """Serve until `stop` is set. Several of them on one database and one store are replicas of each other."""
    assert listener is not None
    await wait_for_database(settings.database_url, stop)
    if stop.is_set():
        return
    await migrate(settings)
    async with open_ports(settings, metrics) as ports:
        writers = new_writers(metrics)
        app = build_upload_app(ports, metrics, writers, terms, overload_limit=settings.overload_limit)
        async with asyncio.TaskGroup() as group:
            group.create_task(run_sweeper(ports, metrics, stop))
            await serve(app, writers, settings, stop, listener, ready)


def build_upload_app(
    ports: Ports, metrics: Metrics, writers: Writers, terms: Terms, *, overload_limit: bool = False
) -> Starlette:
    door = new_door(metrics)
    watchdog = new_watchdog(door, metrics)
    middleware = [Middleware(Cors), Middleware(Boundary, metrics=metrics, sort=lambda path: "upload")]
    if overload_limit:
        sort = partial(asked, terms.base)
        middleware.append(Middleware(Doorkeeper, door, metrics, None, _nobody, random.Random().random, sort))
    middleware.append(files.uploads(ports, metrics, writers, terms))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        watchdog.start()
        try:
            yield
        finally:
            watchdog.stop()

    app = Application(
        middleware=middleware,
        exception_handlers={HTTPException: problem_of_starlette},  # type: ignore[dict-item]
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


def asked(base: str, method: str, path: str) -> Asked | None:
    """What has been begun goes before what is new. Downloads and questions are held up by the network alone."""
    if method in ("GET", "OPTIONS"):
        return None
    return Asked("upload", Progress.FINISHING if len(path) > len(base) else Progress.CONTINUING)


def _nobody(headers: Mapping[bytes, bytes]) -> bytes:
    """Nobody is told apart: there are no accounts and no cookies."""
    return b""
