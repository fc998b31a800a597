"""The listener of the operators' API, beside the gatekeeper: every replica of it may serve."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from service.metrics import Metrics
from service.ports import Ports
from service.settings import Settings
from service.web.operators import operator_app

GRACE = 2
"""Seconds for orders that are under way when the process ends: each is one transaction."""


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the process decides when to stop


async def serve_operators(
    ports: Ports, settings: Settings, metrics: Metrics, stop: asyncio.Event, listener: socket.socket
) -> None:
    """Answer operators until `stop` is set."""
    server = _Server(
        uvicorn.Config(
            operator_app(
                ports,
                settings.operator_token,
                settings.operator_proxy,
                lambda reason: metrics.sign_ins_refused.labels(reason).inc(),
            ),
            loop="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=GRACE,
        )
    )

    async def watch() -> None:
        await stop.wait()
        server.should_exit = True

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        await server.serve(sockets=[listener])
