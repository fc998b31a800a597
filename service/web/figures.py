"""What a web replica does, written down once a second for the gatekeeper and for whoever adds replicas up."""

import asyncio
import time
from collections.abc import Mapping

import structlog

from service.actions.figures import Replica
from service.domain.slow_loop import LINES, full
from service.domain.stage_figures import MEMORY_OF_PHOTOS, SHORT_MEMORY, Count
from service.metrics import Metrics
from service.ports import Ports

BEAT = 1.0
"""Seconds between two writings; what is older than five counts no more."""

ANSWERING = {"steps": "step", "assessment": "answer"}
"""Stage of the gate's slow loop -> class of routes."""
LATE = "1.0"
"""Seconds: an edge of the histograms, and the objective."""

log = structlog.get_logger(__name__)


async def tell_figures(ports: Ports, metrics: Metrics, stop: asyncio.Event) -> None:
    """Write once a second what this web replica does, until `stop` is set."""
    replica = Replica(lambda: counts(metrics), time.monotonic())
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


def counts(metrics: Metrics) -> Mapping[str, Count]:
    """Answers (refused: 503), connections of the database, people by the stage that they completed, and what the gate's
    rate is chosen by: steps and answers of the test that were answered, refused or late, photos under way, and steps
    refused for a queue that is full, which are told of the queue and not of the steps."""
    answers = metrics.of(metrics.http_requests, "status_class")
    refused = answers.pop("503")
    (used,), (size,) = (metrics.of(each).values() for each in (metrics.pool_used, metrics.pool_size))
    people = metrics.of(metrics.stages, "stage")
    (sending,) = metrics.of(metrics.uploads_open).values()
    answered = metrics.of(metrics.http_seconds, "route_class", "_count")
    soon = metrics.of(metrics.http_seconds, "route_class", "_bucket", le=LATE)
    busy = metrics.of(metrics.http_requests, "route_class", "_total", status_class="503")
    turned_away = metrics.of(metrics.queue_jobs, "queue", "_total", outcome="refused")
    full_for = metrics.of(metrics.http_queue_full, "route_class", "_total")
    return {
        "answers": Count(done=sum(answers.values()), refused=refused),
        "database": Count(used=used, most=size),
        "photo_intake": Count(
            used=sending, done=people["photos_uploaded"], refused=busy["upload"], memory=MEMORY_OF_PHOTOS
        ),
        **{stage: Count(done=done) for stage, done in people.items()},
        **{
            stage: Count(done=answered[kind] - busy[kind], refused=busy[kind] - full_for[kind], memory=SHORT_MEMORY)
            for stage, kind in ANSWERING.items()
        },
        **{
            f"{stage}_late": Count(done=answered[kind] - soon[kind], memory=SHORT_MEMORY)
            for stage, kind in ANSWERING.items()
        },
        **{full(queue): Count(refused=turned_away[queue], memory=SHORT_MEMORY) for queue in LINES},
    }
