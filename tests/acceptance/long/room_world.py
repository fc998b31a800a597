"""The service's waiting room under a virtual clock: web replicas, gatekeepers, one database, and the time between them.

The gatekeeper and the claims are the service's own actions; what stands here is the world around them: messages that
take their time, processes that are killed or stopped and woken, wall clocks that are set. An action waits only for
messages, so it is run step by step: what it awaits is a number of seconds.
"""

import heapq
import random
from collections.abc import Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from service.actions.claims import claim_together
from service.actions.gatekeeper import Candidate, Leader
from service.domain import gate, waiting_room
from service.ports import Begin, Ports
from service.room_ports import ClaimAnswer, Claimant
from tests.acceptance.long.room_tables import EPOCH, Faults, GateTables, RoomTable

BATCH = 64
LOOK = 0.5
"""Seconds between two looks of a gatekeeper that does not lead."""


class Pause:
    """Awaited by an action: so many seconds pass."""

    __slots__ = ("_seconds",)

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __await__(self) -> Generator[float, None, None]:
        yield self._seconds


@dataclass(frozen=True)
class Messages:
    """How long a message to the database, or back, takes: seconds."""

    usual: float = 0.008
    slow_share: float = 0.002
    slow: float = 0.4

    def draw(self, draw: random.Random) -> float:
        if draw.random() < self.slow_share:
            return draw.random() * self.slow
        return draw.random() * 2.0 * self.usual


class Process:
    """Something that runs until it is killed; stopped, it goes on when it is woken."""

    def __init__(self) -> None:
        self.alive = True
        self.asleep_until = 0.0


class Replica(Process):
    """A web process: claims of one moment go in one transaction, one of which is under way at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: list[int] = []
        self.busy = False


class Keeper(Process):
    """A gatekeeper process."""

    def __init__(self, candidate: Candidate) -> None:
        super().__init__()
        self.candidate = candidate


class _Transaction:
    """`async with begin() as tx`: the message there, what the transaction does, the message back."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.gate = world.gate
        self.room = world.room

    async def __aenter__(self) -> "_Transaction":
        await Pause(self._world.messages.draw(self._world.draw))
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self._world.over()
            await Pause(self._world.messages.draw(self._world.draw))


class World:
    def __init__(
        self,
        hard_rate_per_s: float,
        draw: random.Random,
        *,
        replicas: int = 3,
        keepers: int = 2,
        messages: Messages | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.now = 0.0
        self.rate = hard_rate_per_s
        self.draw = draw
        self.messages = messages or Messages()
        self.faults = faults or Faults()
        self.wall_ahead = 0.0
        self.gate = GateTables(self.wall, self.faults)
        self.room = RoomTable(self.gate)
        self.place_of: Callable[[int], int] = lambda number: number
        self.admissions: list[tuple[float, int]] = []
        """When, and which ticket."""
        self.answered: Callable[[int, bool, float], None] = lambda number, inside, retry: None
        self.watch: Callable[[list[int]], None] = lambda let_in: None
        """Told of each transaction: who came in by it, in order."""
        self.leaders = 0
        self._judged = 0
        self._replicas = [Replica() for _ in range(replicas)]
        self._keepers: list[Keeper] = []
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = 0
        policy = SimpleNamespace(gate_rate_per_s=hard_rate_per_s)
        begin = lambda **how: _Transaction(self)  # noqa: E731
        self._begin = cast(Begin, begin)
        self._ports = cast(Ports, SimpleNamespace(begin=begin, policy=policy))
        self.gate.were_let_in = self._let_in
        for _ in range(keepers):
            self._start_keeper()

    # time

    def at(self, moment: float, what: Callable[..., None], *arguments: Any) -> None:
        self._order += 1
        heapq.heappush(self._events, (moment, self._order, what, arguments))

    def after(self, seconds: float, what: Callable[..., None], *arguments: Any) -> None:
        self.at(self.now + seconds, what, *arguments)

    def run(self, until: float) -> None:
        events = self._events
        while events and events[0][0] < until:
            self.now, _, what, arguments = heapq.heappop(events)
            what(*arguments)
        self.now = until

    def wall(self) -> float:
        return self.now + self.wall_ahead

    def _clock(self) -> float:
        """Of a process: monotonic, unless that is what is missing."""
        return self.wall() if self.faults.wall_clock else self.now

    def _act(self, process: Process, action: Coroutine[Any, Any, Any], then: Callable[[Any], None]) -> None:
        """Run an action of a process; `then` gets what it returns, unless the process dies before."""
        if not process.alive:
            action.close()
            return
        if process.asleep_until > self.now:
            self.at(process.asleep_until, self._act, process, action, then)
            return
        try:
            seconds = action.send(None)
        except StopIteration as ended:
            then(ended.value)
        else:
            self.after(seconds, self._act, process, action, then)

    # gatekeepers

    def _start_keeper(self) -> None:
        keeper = Keeper(Candidate(UUID(int=self.draw.getrandbits(128))))
        self._keepers.append(keeper)
        self._act(keeper, self._keep(keeper.candidate), lambda _: None)

    async def _keep(self, candidate: Candidate) -> None:
        """As `service.gatekeeping` does it."""
        while True:
            leader = await candidate.look(self._ports, self._clock)
            if leader is None:
                await Pause(LOOK)
                continue
            self.leaders += 1
            await self._lead(leader)
            candidate.leader = None

    async def _lead(self, leader: Leader) -> None:
        due = beat_due = self.now
        while True:
            if self.now >= beat_due:
                beat_due = max(beat_due + waiting_room.BEAT, self.now)
                if await leader.beat(self._ports, self._clock) is None:
                    return
            if not await leader.tick(self._ports, self._clock):
                return
            due = max(due + gate.TICK, self.now)
            await Pause(due - self.now)

    def leading(self) -> Keeper | None:
        return next((one for one in self._keepers if one.alive and one.candidate.holder == self.gate.holder), None)

    def kill_leader(self) -> None:
        """And start another gatekeeper a second later."""
        keeper = self.leading()
        if keeper is not None:
            keeper.alive = False
            self._keepers.remove(keeper)
            self.after(1.0, self._start_keeper)

    def stop_leader(self, seconds: float) -> None:
        """It is woken then, and knows nothing of it."""
        keeper = self.leading()
        if keeper is not None:
            keeper.asleep_until = self.now + seconds

    # claims

    def claim(self, number: int) -> None:
        """The holder of the ticket claims at some replica; `answered` is called when the answer is there."""
        replica = self.draw.choice(self._replicas)
        replica.queue.append(number)
        if not replica.busy:
            replica.busy = True
            self._work(replica)

    def _work(self, replica: Replica) -> None:
        batch, replica.queue = replica.queue[:BATCH], replica.queue[BATCH:]
        claimants = [Claimant(number, self.place_of(number), EPOCH) for number in batch]

        def told(answers: Sequence[ClaimAnswer]) -> None:
            for number, answer in zip(batch, answers, strict=True):
                self.answered(number, answer.found is not None, answer.retry_s if answer.retry_s >= 0 else 2.0)
            if replica.queue:
                self._work(replica)
            else:
                replica.busy = False

        self._act(replica, claim_together(self._begin, claimants), told)

    def _let_in(self, numbers: list[int]) -> None:
        for number in numbers:
            self.admissions.append((self.now, number))

    def over(self) -> None:
        """A transaction has done what it does."""
        let_in = [number for _, number in self.admissions[self._judged :]]
        self._judged = len(self.admissions)
        self.watch(let_in)
