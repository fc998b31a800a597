"""Two providers of one channel: messages move to the second in steps while the first answers badly.

The rule stands in service/domain/failover.py. While the circuit of one is open, its messages go to the other, as far as
that one bears more: a code does not wait for a step. The share decides how much the first gets when it comes back.
"""

import time
from collections.abc import Callable
from hashlib import sha256

from service.domain.breaker import CircuitState
from service.domain.errors import PartnerError
from service.domain.failover import JUDGED_CALLS, STEP_S, STEPS, judged, second_share, undiverted
from service.gateways.messages import MessageClient


class Providers:
    """Fulfils `ports.MessageGateway`."""

    def __init__(
        self,
        first: MessageClient,
        second: MessageClient,
        *,
        show: Callable[[float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """show: told the second provider's share of the messages when it changes."""
        self._first = first
        self._second = second
        self._show = show
        self._clock = clock
        self._diversion = undiverted(clock())
        self._judged_at = clock()
        self._calls = 0
        self._failures = 0

    def free(self, busy: int) -> int:
        """As the provider says that gets the most of the messages; the other's calls are not its own."""
        leads = self._share() < 1.0 and self._first.guard.state is CircuitState.CLOSED
        if leads or self._second.guard.state is CircuitState.OPEN:
            return self._first.free(max(0, busy - self._second.guard.in_flight))
        return self._second.free(max(0, busy - self._first.guard.in_flight))

    async def send(self, to: str, text: str, *, idempotency_key: str) -> None:
        """The same key goes to the same provider while the share stands.

        A call of unknown fate that is repeated at the other one brings the same code twice, which harms nobody.
        """
        if not self._goes_first(drawn(idempotency_key), self._share()):
            await self._second.send(to, text, idempotency_key=idempotency_key)
            return
        try:
            await self._first.send(to, text, idempotency_key=idempotency_key)
        except PartnerError as error:
            if not error.asked:  # the circuit let somebody else try
                await self._second.send(to, text, idempotency_key=idempotency_key)
                return
            # What the person's address or the quota is to blame for says nothing about the provider.
            self._note(failed=error.temporary and (error.unknown or error.retry_after_s is None))
            raise
        self._note(failed=False)

    def _goes_first(self, u: float, share: float) -> bool:
        state = self._first.guard.state
        if state is CircuitState.CLOSED:
            return u >= share or self._second.guard.state is CircuitState.OPEN
        return state is CircuitState.TRYING

    def _note(self, *, failed: bool) -> None:
        self._calls += 1
        self._failures += failed

    def _share(self) -> float:
        """Share of the second provider now; judged again when it is time."""
        now = self._clock()
        if now - self._judged_at >= STEP_S:
            self._judged_at = now
            trouble = self._first.guard.state is not CircuitState.CLOSED
            before = self._diversion.step
            self._diversion = judged(self._diversion, self._calls, self._failures, trouble, now)
            # Once all go to the second, no calls join these: a trial that failed would count for ever.
            if self._calls >= JUDGED_CALLS or self._diversion.step != before or before == STEPS:
                self._calls = self._failures = 0
            self._show(second_share(self._diversion.step))
        return second_share(self._diversion.step)


def drawn(key: str) -> float:
    """Uniform in [0, 1), the same for the same key."""
    return int.from_bytes(sha256(key.encode()).digest()[:6], "big") / 2.0**48
