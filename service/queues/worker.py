"""The worker role: a lane for each queue, once a second the levels and their sweep, the sweeper of uploads, and what
fills queues by itself."""

import asyncio
import math
import time
from collections.abc import Mapping, Sequence

from service.actions.announcement import announce
from service.actions.figures import Replica, totals
from service.actions.handover import hand_over_code
from service.actions.identity_checks import check_identity
from service.actions.paper_invitations import invite_person
from service.actions.payouts import work_payout
from service.actions.photo_inspection import inspect_photo
from service.domain.queues import drain_s
from service.domain.stage_figures import StageTotal
from service.metrics import Metrics
from service.ports import Partner, Ports
from service.queue_ports import QueueLevel
from service.queues.feeding import run_feeders
from service.queues.heartbeat import Heartbeat
from service.queues.lane import Handler, Lane, pause, report
from service.queues.policy import policies
from service.queues.sweeping import run_sweeper
from service.settings import Settings

HANDLERS: dict[str, Handler] = {
    "email": hand_over_code,
    "sms": hand_over_code,
    "identity": check_identity,
    "photo": inspect_photo,
    "announcement": announce,
    "payout": work_payout,
    "invitation": invite_person,
}
BEAT = 1.0
"""Seconds between two readings of the levels and two sweeps."""


async def run_worker(
    ports: Ports,
    settings: Settings,
    metrics: Metrics,
    stop: asyncio.Event,
    handlers: Mapping[str, Handler] = HANDLERS,
) -> None:
    """Drain the queues until `stop` is set, then finish what was claimed.

    Ends early only when it is cancelled: what was claimed then is taken over when its lease runs out.
    """
    table = policies(settings)
    for policy in table.values():
        metrics.queue_limit.labels(policy.queue).set(math.inf if policy.limit < 0 else policy.limit)
    partners: dict[str, Partner] = {
        "email": ports.email,
        "sms": ports.sms,
        "identity": ports.civil_registry,
        "photo": ports.inspector,
        "announcement": ports.announcer,
        "payout": ports.payouts,
        "invitation": ports.announcer,
    }
    heartbeat = Heartbeat(ports.begin_apart, metrics)
    lanes = [
        Lane(ports, policy, handlers[queue], partners[queue], metrics, heartbeat) for queue, policy in table.items()
    ]
    async with heartbeat.beating(), asyncio.TaskGroup() as group:
        for lane in lanes:
            group.create_task(lane.run(stop))
        group.create_task(_beat(ports, metrics, lanes, stop))
        group.create_task(run_sweeper(ports, metrics, stop))
        group.create_task(run_feeders(ports, stop))


async def _beat(ports: Ports, metrics: Metrics, lanes: list[Lane], stop: asyncio.Event) -> None:
    replica = Replica(lambda: {lane.queue: lane.count() for lane in lanes}, time.monotonic())
    while not stop.is_set():
        try:
            async with ports.begin() as tx:
                await replica.write(tx, time.monotonic())
                ended = await totals(tx)
                levels = await tx.queue.levels()
            _show(metrics, levels, lanes, ended)
            for lane in lanes:
                await lane.sweep()
        except Exception as error:  # the database is away; lanes and beat go on when it is back
            report("sweep failed", "all", error)
        await pause(stop, BEAT)


def _show(
    metrics: Metrics, levels: Sequence[QueueLevel], lanes: Sequence[Lane], ended: Mapping[str, StageTotal]
) -> None:
    rates = {lane.queue: lane.rate_per_s for lane in lanes}
    for level in levels:
        metrics.queue_depth.labels(level.queue).set(level.depth)
        metrics.queue_oldest.labels(level.queue).set(level.oldest_age)
        done = ended[level.queue].done_per_s if level.queue in ended else 0.0
        drain = drain_s(level.depth, done, rates.get(level.queue, -1.0))
        metrics.queue_drain.labels(level.queue).set(math.nan if drain < 0 else drain)
