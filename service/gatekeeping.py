"""The role `gatekeeper`: one process leads the gate, the others stand by."""

import asyncio
import time
from dataclasses import replace
from uuid import uuid4

import structlog

from service.actions import complaints, counts, presence
from service.actions.gatekeeper import Candidate, Figures, Leader
from service.actions.pacing import Pacer, Standstill
from service.domain.admission import EVERY
from service.domain.gate import TICK
from service.domain.slow_loop import WAITED_AT, Chosen
from service.domain.waiting_room import BEAT
from service.metrics import Metrics
from service.ports import Ports

LOOK = 0.5
"""Seconds between two looks of who stands by."""
COMPLAINTS_EVERY = 30.0
"""Seconds between two looks at the complaints: their promise is days."""

log = structlog.get_logger(__name__)


async def run_gatekeeper(ports: Ports, metrics: Metrics, stop: asyncio.Event) -> None:
    """Lead the gate, or stand by to lead it, until `stop` is set. Whatever the database says, the gate outlives it."""
    candidate = Candidate(uuid4())
    while not stop.is_set():
        try:
            # A connection of its own: a crowd that uses up the others must not slow the gate that would slow the crowd.
            async with ports.begin_apart() as begin:
                await _keep(candidate, replace(ports, begin=begin), metrics, stop)
        except Exception as error:
            log.warning("gate not kept", code=getattr(error, "code", type(error).__name__))
            await _wait(stop, LOOK)


async def count_presence(ports: Ports, stop: asyncio.Event) -> None:
    """Unite what the replicas saw of the line every few seconds, until `stop` is set: one process of all does."""
    while not stop.is_set():
        try:
            await presence.unite(ports.begin)
        except Exception as error:  # whatever the database says: the last count stays
            log.warning("presence not united", code=getattr(error, "code", type(error).__name__))
        await _wait(stop, presence.EVERY)


async def keep_counts(ports: Ports, metrics: Metrics, stop: asyncio.Event) -> None:
    """Count whoever came further every few seconds, until `stop` is set: one process of all does, batch by batch.

    It also forgets who complained in an hour that is over.
    """
    while not stop.is_set():
        pause = counts.EVERY
        try:
            counted = await counts.count(ports.begin)
        except Exception as error:  # whatever the database says: the sums stay, and tell how old they are
            log.warning("people not counted", code=getattr(error, "code", type(error).__name__))
        else:
            if counted is not None:
                metrics.counted.inc(counted.changes)
                if counted.as_of is None:
                    pause = 0.0
                else:
                    metrics.counts_as_of.set(counted.as_of.timestamp())
                    await _forget_callers(ports)
        await _wait(stop, pause)


async def watch_complaints(ports: Ports, metrics: Metrics, stop: asyncio.Event) -> None:
    """Show how many complaints wait for an answer, and how long, until `stop` is set."""
    metrics.complaints_promise.set(ports.policy.complaint_promise_s)
    while not stop.is_set():
        try:
            found = await complaints.open_complaints(ports)
        except Exception as error:  # whatever the database says: the last figures stay
            log.warning("complaints not counted", code=getattr(error, "code", type(error).__name__))
        else:
            for age, number in {"fresh": found.fresh, "due": found.due, "late": found.late}.items():
                metrics.complaints_open.labels(age).set(number)
            metrics.complaints_oldest.set(found.oldest_s)
        await _wait(stop, COMPLAINTS_EVERY)


async def _forget_callers(ports: Ports) -> None:
    try:
        await complaints.forget_callers(ports.begin, ports.clock)
    except Exception as error:  # whatever the database says: they are forgotten after the next count
        log.warning("callers not forgotten", code=getattr(error, "code", type(error).__name__))


async def _keep(candidate: Candidate, ports: Ports, metrics: Metrics, stop: asyncio.Event) -> None:
    while not stop.is_set():
        leader = await candidate.look(ports, time.monotonic, cap=ports.policy.inside_limit)
        if leader is None:
            await _wait(stop, LOOK)
            continue
        log.info("leads the gate")
        if not await _lead(leader, ports, metrics, stop):
            candidate.leader = None
            for gauge in (metrics.gate_pending, metrics.gate_inside, metrics.show_share):
                gauge.set(0.0)  # the others only rise: the leader's is the highest
            _show_stages(metrics, None)
            log.info("follows at the gate")
    await candidate.resign(ports)


async def _lead(leader: Leader, ports: Ports, metrics: Metrics, stop: asyncio.Event) -> bool:
    """Tick until `stop` is set. False: another one leads."""
    due = beat_due = look_due = time.monotonic()
    pacer = Pacer(ports, leader, ports.policy.gate_planned_per_s)
    standstill = Standstill(due)
    version = leader.version
    while not stop.is_set():
        try:
            if time.monotonic() >= beat_due or leader.version != version:  # an operator's order is not kept waiting
                beat_due, version = max(beat_due + BEAT, time.monotonic()), leader.version
                figures = await leader.beat(ports, time.monotonic)
                if figures is None:
                    return False
                _show(metrics, leader, figures)
                standstill.waiting = figures.pending.pending + pacer.live
                standstill.rate_per_s = figures.room.rate_per_s
                if ports.policy.waiting_room and time.monotonic() >= look_due:
                    look_due = max(look_due + EVERY, time.monotonic())
                    _show_stages(metrics, await pacer.look(figures.room, time.monotonic()))
            if not await leader.tick(ports, time.monotonic):
                return False
        except Exception as error:  # whatever became of it: nothing is known that was not told
            log.warning("gate not ticked", code=getattr(error, "code", type(error).__name__))
            await _wait(stop, LOOK)
        metrics.gate_standstill.set(standstill.seconds(leader.known, time.monotonic()))
        due = max(due + TICK, time.monotonic())
        await _wait(stop, due - time.monotonic())
    return True


def _show(metrics: Metrics, leader: Leader, figures: Figures) -> None:
    metrics.last_ticket.set(figures.room.last_ticket)
    metrics.frontier.set(figures.room.frontier)
    metrics.gate_rate.set(figures.room.rate_per_s)
    metrics.gate_admitted.set(figures.pending.admitted)
    metrics.gate_granted.set(max(leader.granted, figures.pending.admitted))
    metrics.gate_pending.set(figures.pending.pending)
    metrics.gate_inside.set(figures.inside)
    metrics.show_share.set(figures.share)


def _show_stages(metrics: Metrics, chosen: Chosen | None) -> None:
    """None: whoever leads shows them."""
    for stage in WAITED_AT:
        metrics.gate_strain.labels(stage).set(chosen.strains.get(stage, 0.0) if chosen else 0.0)
        metrics.gate_bound.labels(stage).set(chosen is not None and chosen.binding == stage)
    metrics.gate_blind.set(chosen is not None and chosen.blind)
    if chosen is None:
        metrics.gate_standstill.set(0.0)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(max(seconds, 0.0)):
            await stop.wait()
    except TimeoutError:
        pass
