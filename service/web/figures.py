"""What a web replica does, written down once a second for the gatekeeper and for whoever adds replicas up."""

import asyncio
import time
from collections.abc import Mapping

import structlog

from service.actions.figures import Count, Replica
from service.metrics import Metrics
from service.ports import Ports

BEAT = 1.0
"""Seconds between two writings; what is older than five counts no more."""

log = structlog.get_logger(__name__)


async def tell_figures(ports: Ports, metrics: Metrics, stop: asyncio.Event) -> None:
    """Write once a second what this web replica does, until `stop` is set."""
    replica = Replica(lambda: _counts(metrics), time.monotonic())
    while not stop.is_set():
        try:
            async with asyncio.timeout(BEAT):
                await stop.wait()
        except TimeoutError:
            pass
        try:
            async with ports.begin(single=True) as tx:
                await replica.write(tx, time.monotonic())
        except Exception as error:  # whatever the database says: older figures end by themselves
            log.warning("figures not written", code=getattr(error, "code", type(error).__name__))


def _counts(metrics: Metrics) -> Mapping[str, Count]:
    """Answers (refused: 503), connections of the database, and people by the stage that they completed."""
    answers = metrics.of(metrics.http_requests, "status_class")
    refused = answers.pop("503")
    (used,), (size,) = (metrics.of(each).values() for each in (metrics.pool_used, metrics.pool_size))
    people = metrics.of(metrics.stages, "stage")
    return {
        "answers": Count(done=sum(answers.values()), refused=refused),
        "database": Count(used=used, most=size),
        **{stage: Count(done=done) for stage, done in people.items()},
    }
