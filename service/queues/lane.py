"""One queue's lane: look for work, claim what the quota allows, handle it side by side, settle what failed."""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable

import structlog

from service.domain.adaptive import retry_turn
from service.domain.deadline import CALL_LEAVES_BY, TurnMissed
from service.domain.errors import LaunchnightError, PartnerError
from service.domain.queues import GUARD_S, SUB_WINDOW_S, JobEnd, jittered_s, retry_delay_s
from service.domain.stage_figures import Count, memory_of_jobs
from service.metrics import Metrics
from service.ports import Partner, Ports
from service.queue_ports import Claim, ClockReading, Job, JobResult, Turn
from service.queues.clock import ClockWatch
from service.queues.heartbeat import Heartbeat
from service.queues.place import Place
from service.queues.policy import TICK, QueuePolicy

Handler = Callable[[Ports, Job, Turn], Awaitable[JobResult]]

CALL_DELAY = 0.2
"""Seconds between a claim and its calls. What comes before a call takes now 5 ms, now 150; a delay that is always the
same keeps calls as far apart at the partner as their quotas were taken. Nobody feels it: a message takes seconds."""
IDLE = (0.05, 0.25)
"""Seconds between looks at an empty queue, drawn anew each time so that workers do not march in step."""
LONGEST_WAIT = 10.0
"""Seconds; after that a lane looks again whatever it was told."""
LONGEST_BLIND = 2.0
"""Seconds between looks while the database fails us: how late a lane notices that it is back. A look is cheap."""
LATE_KEEPS = 0.5
IN_TIME_ADDS = 0.25
"""How many jobs a claim may bring: half of one of which a call missed its turn, and more for each call that did not.
What comes before a call takes longer the more do it at once; on a machine that is too busy whole claims missed their
turn, went back in line and came again, for ever."""
LONG_REFUSAL = 5.0
"""Seconds; a partner that sends us away for longer is not asked about the next job either."""
SWEPT_AT_ONCE = 1000
BACK_IN_LINE = frozenset({"retried", "late"})
"""Outcomes after which a job still waits."""
SETTLING = 5
"""Tries to write down what became of a job: a database that restarts within some ten seconds costs no lease's time."""

log = structlog.get_logger(__name__)


class ClockJumped(Exception):
    """The database's clock was set: what it says of the quota is worth nothing until that was used up anew."""


class Lane:
    def __init__(
        self,
        ports: Ports,
        policy: QueuePolicy,
        handler: Handler,
        partner: Partner,
        metrics: Metrics,
        heartbeat: Heartbeat,
    ) -> None:
        self._ports = ports
        self._policy = policy
        self._handler = handler
        self._partner = partner
        self._metrics = metrics
        self._heartbeat = heartbeat
        self._busy = 0
        self._ended = 0
        self._failures = 0
        self._idle = False
        self._rate = policy.rate_per_s
        self._claimed_at = 0.0
        self._most = float(policy.concurrency)
        self._clock = ClockWatch()
        self._quota_known = False
        self._place = Place()
        self._refused_until = 0.0
        self._retries_booked = 0.0

    @property
    def queue(self) -> str:
        return self._policy.queue

    @property
    def rate_per_s(self) -> float:
        """The quota that held at the last claim; negative: none."""
        return self._rate

    def count(self) -> Count:
        """What this lane has in hand, and the jobs that ended in it."""
        most, memory = self._policy.concurrency, memory_of_jobs(self._rate)
        return Count(self._busy, most, self._ended, backlog=not self._idle, memory=memory)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set and what was claimed is settled."""
        async with asyncio.TaskGroup() as handling:
            while not stop.is_set():
                await pause(stop, await self._look(handling))

    async def _look(self, handling: asyncio.TaskGroup) -> float:
        """Claim once; seconds until the next look."""
        policy = self._policy
        now = time.monotonic()
        if now < self._refused_until:
            return min(self._refused_until - now, LONGEST_WAIT)
        room = min(policy.concurrency - self._busy, self._partner.free(self._busy))
        most = min(policy.batch(now - self._claimed_at, self._rate), room, int(self._most))
        if most <= 0:
            return TICK
        try:
            claim = await self._claim(most)
        except ClockJumped:
            return 0.0
        except Exception as error:  # whatever the database says, the lane outlives it
            self._failures += 1
            report("claim failed", policy.queue, error)
            return TICK + retry_delay_s(self._failures, self._ports.chance(), 0.2, LONGEST_BLIND)
        self._failures = 0
        self._claimed_at = now
        self._rate = claim.rate_per_s
        for job in claim.jobs:
            self._busy += 1
            handling.create_task(self._handle(job, claim))
        self._idle = len(claim.jobs) < most and claim.wait <= 0
        if self._idle:
            self._place.lost()
        elif claim.oldest is not None:
            self._place.found(claim.oldest)
        if claim.wait > 0:
            return min(max(claim.wait, SUB_WINDOW_S), LONGEST_WAIT)
        if not self._idle:
            return max(0.0, now + TICK - time.monotonic())
        least, longest = IDLE
        return least + (longest - least) * self._ports.chance()

    async def _claim(self, most: int) -> Claim:
        policy = self._policy
        if self._idle:  # most looks find nothing: make those cheap
            async with self._ports.begin(single=True) as tx:
                found, clock = await tx.queue.ready(policy.queue)
                self._compare(clock)
                if not found:
                    return Claim([], 0.0, self._rate, clock)
        async with self._ports.begin() as tx:
            claim = await tx.queue.claim(
                policy.queue,
                most=most,
                rate_per_s=policy.rate_per_s,
                lease_s=policy.lease,
                clock_known=self._quota_known and self._clock.known,
                since=self._place.since(time.monotonic()),
            )
            self._compare(claim.clock)  # a jump rolls back what was claimed by a wrong clock
        self._quota_known = True  # by a claim that holds: a look at the clock alone has reckoned nothing anew
        return claim

    def _compare(self, clock: ClockReading) -> None:
        """Raises ClockJumped."""
        jump = self._clock.jump_s(clock)
        if jump != 0.0:
            self._quota_known = False
            self._place.lost()
            self._metrics.clock_jumps.labels(self.queue).inc()
            log.warning("the database's clock jumped", queue=self.queue, seconds=round(jump, 3))
            raise ClockJumped

    async def _handle(self, job: Job, claim: Claim) -> None:
        async def turn() -> None:
            await asyncio.sleep(claim.clock.answered_at + CALL_DELAY - time.monotonic())
            # The quota was taken between asking and the answer: no call leaves earlier after it than CALL_DELAY, and
            # none later than the guard allows for.
            if claim.rate_per_s >= 0:
                leaves_by = claim.clock.asked_at + CALL_DELAY + GUARD_S
                CALL_LEAVES_BY.set(leaves_by)
                if time.monotonic() > leaves_by:
                    raise TurnMissed
                self._most = min(self._most + IN_TIME_ADDS, self._policy.concurrency)

        self._heartbeat.hold(job, self._policy)
        try:
            result = await self._handler(self._ports, job, turn)
        except PartnerError as error:
            await self._settle(job, error)
        except TurnMissed as missed:
            self._most = max(1.0, min(self._most, len(claim.jobs) * LATE_KEEPS))
            await self._settle(job, missed)
        except Exception as error:  # a job that cannot be handled is tried again, then kept; the lane goes on
            report("job failed", job.queue, error)
            await self._settle(job, error)
        else:
            if result.end is not JobEnd.LOST:
                self._count_outcome(result.end.value)
            if result.end is JobEnd.DONE and job.queue in ("email", "sms"):
                waited = (result.at - job.created_at).total_seconds()
                bound = "yes" if job.quota_bound else "no"
                self._metrics.code_handover_seconds.labels(job.queue, bound).observe(max(0.0, waited))
        finally:
            self._heartbeat.let_go(job)
            self._busy -= 1

    async def _settle(self, job: Job, error: Exception) -> None:
        """Retry the job, or bury it; if even that fails, its lease runs out and `sweep` finds it."""
        wait = self._retry_wait(error)
        for attempt in range(1, SETTLING + 1):
            try:
                outcome = await self._retry_or_bury(job, error, wait)
            except Exception as failure:
                report("job not settled", job.queue, failure)
                await asyncio.sleep(retry_delay_s(attempt, self._ports.chance(), 1.0, 8.0))
            else:
                if outcome is not None:
                    self._count_outcome(outcome)
                return

    def _retry_wait(self, error: Exception) -> float:
        """Seconds until the retry's turn: the budget of retries, kept here and nowhere else.

        A partner that was left alone, or that says when to come back, costs no budget: it has done nothing.
        """
        if isinstance(error, TurnMissed):
            return 0.0
        if isinstance(error, PartnerError) and (not error.asked or error.retry_after_s is not None):
            return 0.0
        wait, self._retries_booked = retry_turn(self._retries_booked, time.monotonic(), self._policy.retries_per_s)
        if wait > 0:
            self._metrics.retries_postponed.labels(self.queue).inc()
        return wait

    async def _retry_or_bury(self, job: Job, error: Exception, wait: float) -> str | None:
        """What became of the job; None when its lease was lost. wait: seconds before the retry's own delay."""
        policy, chance = self._policy, self._ports.chance
        name = type(error).__name__
        delay = wait + retry_delay_s(job.attempts, chance(), policy.base_delay, policy.longest_delay)
        answered = quota_bound = False
        buried = job.attempts >= policy.attempts
        if isinstance(error, TurnMissed):  # nobody was asked: no try, and the name was not used
            async with self._ports.begin(single=True) as tx:
                held = await tx.queue.retry(job, delay=None, error=name, answered=None, counts=False)
            self._place.lost()  # it waits near where it waited, which may lie behind us
            return "late" if held else None
        if isinstance(error, PartnerError) and not error.asked:  # the same, and it comes back soon
            delay = retry_delay_s(1, chance(), policy.base_delay, policy.longest_delay)
            async with self._ports.begin(single=True) as tx:
                held = await tx.queue.retry(job, delay=delay, error=error.reason, answered=None, counts=False)
            return "retried" if held else None
        if isinstance(error, PartnerError):
            name = error.reason or name
            answered = not error.unknown
            # A partner that says when to come back has done nothing; its quota is not the job's fault.
            quota_bound = answered and error.temporary and error.retry_after_s is not None
            buried = not error.temporary or (buried and not quota_bound)
            if error.retry_after_s is not None:
                delay = max(delay, error.retry_after_s + jittered_s(policy.base_delay, chance()))
                if quota_bound and error.retry_after_s > LONG_REFUSAL:
                    self._refused_until = time.monotonic() + error.retry_after_s
        async with self._ports.begin(single=True) as tx:
            if buried:
                return "dead" if await tx.queue.bury(job, error=name, answered=answered) else None
            held = await tx.queue.retry(
                job, delay=delay, error=name, answered=answered, quota_bound=quota_bound, counts=not quota_bound
            )
            return "retried" if held else None

    def _count_outcome(self, outcome: str, jobs: int = 1) -> None:
        self._metrics.queue_jobs.labels(self._policy.queue, outcome).inc(jobs)
        if outcome not in BACK_IN_LINE:
            self._ended += jobs

    async def sweep(self) -> None:
        """Remove what nobody waits for; settle jobs whose holder has fallen silent."""
        policy = self._policy
        async with self._ports.begin(single=True) as tx:
            expired = await tx.queue.expire(policy.queue, most=SWEPT_AT_ONCE)
        self._count_outcome("expired", expired)
        async with self._ports.begin(single=True) as tx:
            orphans = await tx.queue.reap(policy.queue, most=policy.concurrency, lease_s=policy.lease)
        for job in orphans:
            await self._settle(job, TimeoutError())


def report(event: str, queue: str, error: Exception) -> None:
    """Log what failed: refusals of ours by their code, anything else with the place; never its message."""
    if isinstance(error, LaunchnightError):
        log.warning(event, queue=queue, code=error.code)
        return
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    log.error(event, queue=queue, error=type(error).__name__, where=where)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait `seconds`, or until `stop` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
