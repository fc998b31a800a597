"""The upload server alone, for whoever wants only this: files of any kind from anybody, no accounts, no queues.

What the service does with uploads it does too: the same rules, statements and stores.
"""

import asyncio
import socket
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from service.actions.upload_writers import Writers
from service.app import migrate, new_writers, open_ports, problem_of_starlette, serve
from service.metrics import Metrics
from service.ports import Ports
from service.settings import Settings
from service.storage.starting import wait_for_database
from service.web import files
from service.web.cors import Cors
from service.web.files import Terms
from service.web.middleware import Boundary


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
        await serve(build_upload_app(ports, metrics, writers, terms), writers, settings, stop, listener, ready)


def build_upload_app(ports: Ports, metrics: Metrics, writers: Writers, terms: Terms) -> Starlette:
    app = Starlette(
        routes=files.routes(ports, metrics, writers, terms),
        middleware=[Middleware(Cors), Middleware(Boundary, metrics=metrics)],
        exception_handlers={HTTPException: problem_of_starlette},  # type: ignore[dict-item]
    )
    app.router.redirect_slashes = False
    return app
