"""The slow loop at work: it reads what every replica tells of the stages, and tells the gate's leader the rate."""

from dataclasses import dataclass

from service.actions.figures import totals
from service.actions.gatekeeper import Leader
from service.domain.admission import stands_still
from service.domain.presence import Live
from service.domain.slow_loop import Chosen, Seen, SlowLoop, first_rate_per_s
from service.ports import Ports
from service.room_ports import Room


@dataclass(slots=True)
class Standstill:
    """Sees when live people wait and nobody comes in, whatever the reason: also while the database says nothing."""

    since: float
    waiting: int = 0
    rate_per_s: float = 0.0
    _admitted: int = -1

    def seconds(self, admitted: int, now: float) -> float:
        """For how long it has stood still; 0 while it does not. admitted: the count, as far as it is known."""
        if admitted != self._admitted or not self.waiting or self.rate_per_s <= 0.0:
            self._admitted, self.since = admitted, now
        idle = now - self.since
        return idle if stands_still(self.waiting, idle, self.rate_per_s) else 0.0


@dataclass(slots=True)
class Pacer:
    """Of one leader. planned_per_s: what the stages are known to keep up with, None: the whole limit."""

    ports: Ports
    leader: Leader
    planned_per_s: float | None = None
    live: int = 0
    """People in line who are still there."""
    _loop: SlowLoop | None = None
    _known: int = 0
    _at: float = 0.0
    _binding: str = ""

    async def look(self, room: Room, now: float) -> Chosen | None:
        """Choose the rate anew. None: it was the first look, from which the rate goes on as it was.

        While the figures cannot be read, or nobody tells of the stages, the rate is held. Raises what the database says
        when it cannot tell, or keep, which stage binds.
        """
        most = self.leader.hard_rate_per_s
        if self._loop is None:
            await self._begin(room, now)
            return None
        used_per_s = (self.leader.known - self._known) / max(now - self._at, 1e-9)
        self._known, self._at = self.leader.known, now
        chosen = self._loop.look(now, await self._seen(room), used_per_s, most)
        if room.fixed_rate_per_s is not None:
            self._loop.follow(min(room.fixed_rate_per_s, most))
        self.leader.chosen_per_s = chosen.rate_per_s
        if chosen.binding != self._binding:
            async with self.ports.begin(single=True) as tx:
                await tx.operations.bind(chosen.binding)
            self._binding = chosen.binding
        return chosen

    async def _begin(self, room: Room, now: float) -> None:
        """A rate that a stage bounds goes on under a new leader; else as planned."""
        async with self.ports.begin(single=True) as tx:
            self._binding = await tx.operations.binding()
        start = first_rate_per_s(self.leader.hard_rate_per_s, self.planned_per_s, self._binding, room.rate_per_s)
        self._loop = SlowLoop(start, now, self._binding)
        self._known, self._at = self.leader.known, now
        self.leader.chosen_per_s = start

    async def _seen(self, room: Room) -> Seen | None:
        try:
            async with self.ports.begin() as tx:
                found = await totals(tx)
                levels = await tx.queue.levels()
                live = await tx.presence.live()
        except Exception:  # whatever it was: nothing was seen
            return None
        count = None if live is None else Live(live[0])
        self.live = 0 if count is None else count.between(int(room.frontier) + 1, count.top)
        closes_in = (self.ports.policy.wave_closes_at - self.ports.clock.now()).total_seconds()
        return Seen(found, {level.queue: float(level.depth) for level in levels}, closes_in)
