"""Leading the gate: twenty looks a second that grant admissions, and one move of the frontier a second.

Only the leader has a clock, its monotonic one; the gate's clock in the database is the time that leaders have watched.
Whoever does not lead looks now and then: a leader that has not ticked for TAKEOVER is replaced, and its ticks count no
more.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from service.actions.claims import LEASE_MS
from service.domain import gate as rules
from service.domain import promises, waiting_room
from service.domain.gate import Reached
from service.domain.waiting_room import Show
from service.ports import Ports
from service.room_ports import Gate, Pending, Room, Takeover

TAKEOVER = 3.0
"""Seconds without a tick, then another replica leads: sixty missed ticks. Nobody is let in meanwhile."""
LEAST_CROWD = 100
"""Early comers, from whom on the share of them who are there says something."""
SECOND_MS, MINUTE_MS = int(rules.SECOND * 1000), int(rules.MINUTE * 1000)

Clock = Callable[[], float]
"""Seconds of a clock that never jumps."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the leader last saw. inside: who came in within the last LEASE. share: of the invited who come."""

    room: Room
    pending: Pending
    inside: int
    share: float


class AdmissionsLost(Exception):
    """The database knows of fewer admissions than it had told of; the next look goes by what it knows."""


class Leader:
    """What the leader remembers; a new one begins where the rows tell."""

    def __init__(self, holder: UUID, start: Takeover, now: float, *, hard_rate_per_s: float, cap: int = 0) -> None:
        """cap: people inside at most, as long as no operator says otherwise; 0: any number."""
        self.holder = holder
        self.rate_per_s = 0.0
        """At which credit grows: the first beat sets it."""
        self.hard_rate_per_s = hard_rate_per_s
        self.cap = self._cap = cap
        self.chosen_per_s: float | None = None
        """The slow loop's choice; None: as much as may come in."""
        self.known = self.granted = start.admitted
        self._began, self._origin_ms = now, start.at_ms
        self._reached = Reached(start.reached)
        self._credit, self._spent, self._credited_at = 0.0, 0, now
        self.untold: tuple[int, int] | None = None
        self.version = 0
        """Of what operators want, as the last tick told it."""
        self._line = _Line(now)
        self.note(start.admitted, now)

    def gate_ms(self, now: float) -> float:
        return self._origin_ms + (now - self._began) * 1000.0

    def note(self, admitted: int, now: float) -> None:
        """So many had come in, it was told at `now`."""
        self._spent += admitted - self.known
        self.known = admitted
        at_ms = math.ceil(self.gate_ms(now))
        if self._reached.add(at_ms, admitted):
            self.untold = (at_ms, admitted)

    def ceiling(self, now: float) -> int:
        """How many may have come in before the next tick, if this one is sent at `now`."""
        self._credit = rules.credit_after(self._credit, self._spent, now - self._credited_at, self.rate_per_s)
        self._spent, self._credited_at = 0, now
        second, minute, lease = (self._before(now, length) for length in (SECOND_MS, MINUTE_MS, LEASE_MS))
        return rules.ceiling(self.known, self._credit, second, minute, self.hard_rate_per_s, lease, self.cap)

    def inside(self, now: float) -> int:
        """Who came in within the last LEASE: their passes may live."""
        return self.known - self._before(now, LEASE_MS)

    def _before(self, now: float, length_ms: int) -> int:
        return self._reached.before(math.floor(self.gate_ms(now)) - length_ms)

    async def tick(self, ports: Ports, clock: Clock) -> bool:
        """Grant what may come in now, and let in who waits for it. False: another one leads."""
        now = clock()
        at_ms, untold = math.floor(self.gate_ms(now)), self.untold
        keep_from_ms = at_ms - LEASE_MS - MINUTE_MS
        async with ports.begin() as tx:
            gate = await tx.gate.tick(
                self.holder, at_ms=at_ms, ceiling=self.ceiling(now), reached=untold, keep_from_ms=keep_from_ms
            )
            if gate is None:
                return False
            if gate.admitted < self.known:
                self._undo(gate.admitted)
                raise AdmissionsLost  # what is granted above the lost count is undone with this look
            admitted, free = gate.admitted, gate.granted - gate.admitted
            if free > 0:
                admitted = await tx.gate.admit(
                    at_ms=at_ms, admitted=admitted, free=free, life_s=rules.PASS_LIFE, lease_ms=LEASE_MS
                )
        if self.untold is untold:
            self.untold = None
        self.granted, self.version = gate.granted, gate.version
        self.note(admitted, clock())
        self._reached.forget(keep_from_ms)
        return True

    def _undo(self, admitted: int) -> None:
        """The database has lost admissions in a crash, of which nobody was told: no window is measured by them."""
        self.known, self.untold = admitted, None
        self._reached.undo(admitted)

    async def beat(self, ports: Ports, clock: Clock) -> Figures | None:
        """Move the frontier, and say in which state the room is. None: another one leads."""
        now = clock()
        async with ports.begin() as tx:
            room = await tx.room.hold()  # before the gate, as operators' orders do: neither waits for the other's locks
            pending = await tx.gate.stand(self.holder)
            if pending is None:
                return None
            inside = self.inside(now)
            opened = room.opens_at is None or room.opened_at is not None
            self.hard_rate_per_s = _or(room.hard_rate_per_s, ports.policy.gate_rate_per_s)
            self.cap = self._cap if room.inside_limit is None else room.inside_limit
            chosen = _or(room.fixed_rate_per_s, _or(self.chosen_per_s, self.hard_rate_per_s))
            rate = min(max(chosen, 0.0), self.hard_rate_per_s)
            queued = room.queue_all or rate <= 0.0  # a rate of nobody is a pause, and is called so
            state = waiting_room.state_of(room.wanted, queued, opened, 0 < self.cap <= inside)
            self.rate_per_s = rate if state in ("open", "full") else 0.0
            frontier = self._line.move(room, pending, self.rate_per_s if state == "open" else 0.0, now)
            await tx.room.move(frontier=frontier, rate_per_s=self.rate_per_s, state=state, reason=room.message)
            moved = await tx.room.read()
        return Figures(moved, pending, inside, self._line.share)


class _Line:
    """The frontier's way, and what share of the invited come."""

    def __init__(self, now: float) -> None:
        self._show = Show(0.0, 0.0, 0.0, 1.0)
        self._at = now - waiting_room.BEAT
        self._invited = self._claimed = -1

    @property
    def share(self) -> float:
        return self._show.share

    def move(self, room: Room, pending: Pending, rate_per_s: float, now: float) -> float:
        """The new frontier."""
        elapsed, self._at = min(now - self._at, waiting_room.MOST_STANDSTILL), now
        invited = min(int(room.frontier), room.last_ticket)
        if self._invited >= 0 and elapsed > 0.0:
            came = (pending.claimed - self._claimed) / elapsed
            asked = (invited - self._invited) / elapsed
            if not room.is_drawn:
                # Those who come early come by lot: how many of them are there holds for every part of the line.
                self._show = Show(0.0, 0.0, 0.0, _live_share(room))
            elif not _just_opened(room):
                self._show = waiting_room.show_after(self._show, asked, came, elapsed, rate_per_s)
        self._invited, self._claimed = invited, pending.claimed
        return waiting_room.frontier_after(
            room.frontier, room.last_ticket, elapsed, rate_per_s, pending.pending, self._show.share
        )


def _live_share(room: Room) -> float:
    came = room.last_ticket - room.base
    return min(max(room.live_count / came, waiting_room.LEAST_SHOW), 1.0) if came >= LEAST_CROWD else 1.0


def _just_opened(room: Room) -> bool:
    """Early comers ask at their own second of the first minute: who did not come yet is not absent."""
    return room.opened_at is not None and (room.moved_at - room.opened_at).total_seconds() < promises.SPREAD


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


@dataclass(slots=True)
class Candidate:
    """A replica that may come to lead."""

    holder: UUID
    leader: Leader | None = None
    _seen: Gate | None = field(default=None)
    _since: float = 0.0

    async def look(self, ports: Ports, clock: Clock, *, cap: int = 0) -> Leader | None:
        """Lead, if nobody does. The leader, when it is this replica."""
        now = clock()
        async with ports.begin() as tx:
            seen = await tx.gate.look()
            if self._seen is None or (seen.holder, seen.at_ms) != (self._seen.holder, self._seen.at_ms):
                self._seen, self._since = seen, now
            if seen.holder is not None and now - self._since < TAKEOVER:
                return None
            start = await tx.gate.lead(self.holder, seen)
        if start is not None:
            hard = ports.policy.gate_rate_per_s
            self.leader = Leader(self.holder, start, clock(), hard_rate_per_s=hard, cap=cap)
        return self.leader

    async def resign(self, ports: Ports) -> None:
        """Lead no more, so that another one need not wait to see it."""
        if self.leader is not None:
            self.leader = None
            async with ports.begin() as tx:
                await tx.gate.resign(self.holder)
