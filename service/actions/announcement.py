"""Telling everybody what the draw came to: writing messages down, sending them, and what anybody may look at.

Writing goes down the places of a wave in the order of the draw, some at a time: messages, their jobs and how far it has
come are one transaction, so a process that is killed leaves nothing half told. A message is written down once for an
outcome of a join, and sent under one name until the gateway has answered: nobody gets the same one twice.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from service.domain.announcement import (
    PLACE_WORDS,
    Place,
    WaveState,
    Window,
    announcement_message,
    wave_state,
    window,
)
from service.domain.errors import NotFound, PartnerError, QueueFull
from service.domain.queues import JobEnd, fed_to
from service.money_ports import MessageCounts, WaveStanding
from service.ports import Begin, Clock, Ports
from service.queue_ports import Job, JobResult, Turn

QUEUE = "announcement"
AT_ONCE = 50
"""Messages of one transaction: it holds a counter of the queue, and whoever ends a job there waits for it."""
WINDOW_SHUT = "sms-window-shut"
"""Why a message did not leave: its wave's dates do not allow it."""
LOOK_AGAIN = 60.0
"""Seconds after which a queue whose messages are too early looks at the dates again."""


async def write_some(ports: Ports) -> int:
    """Write down the next messages of an announcement that may go on; how many places it came past.

    0: nothing is left, or there is no room until some have left. Raises QueueFull when the room was taken in this
    moment; then nothing is written.
    """
    now, limit = ports.clock.now(), fed_to(ports.policy.announcement_queue_limit)
    async with ports.begin() as tx:
        announcement = await tx.announcements.open(now)
        if announcement is None:
            return 0
        (depth,) = [level.depth for level in await tx.queue.levels() if level.queue == QUEUE]
        most = AT_ONCE if limit < 0 else min(AT_ONCE, limit - depth)
        if most <= 0:
            return 0
        places = await tx.announcements.write_next(announcement, most=most)
        for each in places:
            if not each.fresh:
                continue
            payload = {"join": str(each.join_id), "outcome": int(each.outcome)}
            if not await tx.queue.enqueue(QUEUE, f"{each.join_id}-{each.outcome:d}", payload, limit=limit):
                raise QueueFull(queue=QUEUE)
        told_to = places[-1].rank if places else announcement.told_to
        await tx.announcements.advance(announcement.wave.id, told_to, None if places else now)
    return len(places)


async def announce(ports: Ports, job: Job, turn: Turn) -> JobResult:
    """Send the message of a job; done when the gateway has accepted it. Raises PartnerError.

    Dropped when it was sent, or is not true any more. After the last moment it is kept as a dead letter.
    """
    join_id, outcome = UUID(str(job.payload["join"])), Place(int(str(job.payload["outcome"])))
    now = ports.clock.now()
    async with ports.begin(single=True) as tx:
        message = await tx.announcements.message(join_id, outcome)
    if message is None or message.sent_at is not None or message.outcome is not outcome:
        held = await ports.finish(job)
        return JobResult(JobEnd.DROPPED if held else JobEnd.LOST, now)
    _check_window(message.wave, now)
    await turn()
    text = announcement_message(outcome, message.wave.id)
    await ports.announcer.send(message.phone, text, idempotency_key=job.idempotency_key)
    accepted_at = ports.clock.now()
    async with ports.begin() as tx:
        if not await tx.queue.finish(job):  # whoever holds it now asks under the same name, and stores the answer
            return JobResult(JobEnd.LOST, accepted_at)
        await tx.announcements.sent(join_id, outcome, accepted_at)
    if outcome is Place.CHOSEN:
        ports.reached("notified")
    return JobResult(JobEnd.DONE, accepted_at)


def _check_window(wave: WaveStanding, now: datetime) -> None:
    """Raises PartnerError when messages of the wave may not leave now: the dates were changed since it was written."""
    match window(wave.sms_from, wave.sms_until, now):
        case Window.EARLY:
            until = LOOK_AGAIN if wave.sms_from is None else (wave.sms_from - now).total_seconds()
            wait = min(until, LOOK_AGAIN)
            raise PartnerError("too early", temporary=True, reason=WINDOW_SHUT, retry_after_s=wait)
        case Window.OVER:
            raise PartnerError("too late", temporary=False, reason=WINDOW_SHUT)


@dataclass(frozen=True, slots=True)
class Result:
    """What anybody may know of a wave. place and rank: of one ticket, once the wave is announced."""

    wave: int
    state: str
    opens_at: datetime
    closes_at: datetime
    announce_at: datetime | None
    sms_from: datetime | None
    sms_until: datetime | None
    seats: int
    ticket: UUID | None = None
    place: str | None = None
    rank: int | None = None


async def read_wave(ports: Ports, wave_id: int) -> WaveStanding:
    """Raises NotFound."""
    async with ports.begin(single=True) as tx:
        wave = await tx.announcements.wave(wave_id)
    if wave is None:
        raise NotFound("There is no such wave.")
    return wave


def result_of(wave: WaveStanding, now: datetime) -> Result:
    """What everybody gets."""
    state = wave_state(wave.opens_at, wave.closes_at, wave.announce_at, wave.published_at, now)
    return Result(
        wave=wave.id,
        state=state,
        opens_at=wave.opens_at,
        closes_at=wave.closes_at,
        announce_at=wave.announce_at,
        sms_from=wave.sms_from,
        sms_until=wave.sms_until,
        seats=wave.seats,
    )


async def result_of_ticket(ports: Ports, wave: WaveStanding, ticket: UUID) -> Result:
    """What the holder of a ticket gets: before the announcement what everybody gets, without a look at the database.

    Raises NotFound when the ticket was not drawn.
    """
    common = result_of(wave, ports.clock.now())
    if common.state != WaveState.ANNOUNCED:
        return common
    async with ports.begin(single=True) as tx:
        found = await tx.announcements.place(wave.id, ticket)
    if found is None:
        raise NotFound("No ticket of this number was in the draw of this wave.")
    place, rank = found
    return replace(common, ticket=ticket, place=PLACE_WORDS[place], rank=rank)


@dataclass(frozen=True, slots=True)
class Progress:
    """How an announcement goes on. state: off, paused, waiting (for its dates or the draw), running or finished."""

    wave: WaveStanding
    state: str
    told_to: int
    counts: tuple[MessageCounts, ...]


async def progress(begin: Begin, clock: Clock, wave_id: int) -> Progress | None:
    """None: there is no such wave."""
    async with begin() as tx:
        wave = await tx.announcements.wave(wave_id)
        announcement = await tx.announcements.find(wave_id)
        counts = await tx.announcements.counts(wave_id)
    if wave is None:
        return None
    state = "off"
    if announcement is not None:
        shut = window(wave.sms_from, wave.sms_until, clock.now()) is not Window.OPEN
        state = "waiting" if shut or wave.published_at is None else "running"
        state = "paused" if announcement.paused else "finished" if announcement.finished_at else state
    return Progress(wave, state, 0 if announcement is None else announcement.told_to, tuple(counts))
