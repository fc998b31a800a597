"""Faults of the processes that a rehearsal started: killed and started again, or stopped for a while.

The proof is what the system says of each process: gone, or stopped and without CPU until it went on.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from loadtests.faults.processes import DidNotBite, NotOurs, ProcessFaults
from loadtests.harness.errors import HarnessError
from loadtests.harness.faults import Facts
from loadtests.harness.processes import Child
from loadtests.harness.programs import READY_WITHIN, kind_of
from scenarios.faults import Fault

TRY_AGAIN = 1.0
"""Seconds between two starts of a process that gives up while coming back: supervisors have such a limit too."""
IDLE_CPU = 0.02
"""Seconds of CPU that a stopped tree may show: two ticks of the clock that counts them."""


class Supervised(Protocol):
    """Processes that someone starts again."""

    def of(self, kind: str) -> list[Child]:
        """The processes of this kind as they are now, always in the same order."""

    def start_again(self, role: str) -> Child:
        """Start a process that is gone as it was before, at the same addresses; it is not ready yet."""

    def is_back(self, child: Child) -> bool:
        """Whether it can be used."""


@dataclass
class _Return:
    """A killed process on its way back."""

    child: Child
    """The one that was killed, then the last that was started."""
    began: float
    tries: int = 0
    next_try: float = 0.0


class ProcessInjector:
    """Fulfils loadtests.harness.faults.Injector. Of several processes of a kind each is hit in turn."""

    def __init__(
        self,
        processes: Supervised,
        hands: ProcessFaults,
        came_back: Callable[[Child], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """hands: kills and stops; its owner closes it. came_back: hears of each process that was started again."""
        self._processes = processes
        self._hands = hands
        self._came_back = came_back
        self._clock = clock
        self._hit: dict[Fault, Child] = {}
        self._returns: dict[Fault, _Return] = {}
        self._turns: dict[str, int] = {}

    def begin(self, fault: Fault) -> Facts | None:
        found = self._processes.of(fault.target)
        turn = self._turns.get(fault.target, 0)
        child = found[turn % len(found)]
        if child.role in [other.role for other in self._hit.values()]:
            return None  # it has not come back from the fault before
        try:
            if fault.kind == "killed":
                proof = self._hands.kill(_root(child), tree=True)
                child.killed_by_fault = True
            else:
                proof = self._hands.stop(_root(child), tree=True)
        except (NotOurs, DidNotBite) as error:
            raise HarnessError(str(error)) from None
        self._turns[fault.target] = turn + 1
        self._hit[fault] = child
        return {"role": child.role, "proof": proof.as_json()}

    def end(self, fault: Fault) -> Facts | None:
        facts = self._return(fault) if fault.kind == "killed" else self._continue(fault)
        if facts is not None:
            self._hit.pop(fault)
        return facts

    def _continue(self, fault: Fault) -> Facts:
        child = self._hit[fault]
        try:
            proof = self._hands.resume(_root(child))
        except (NotOurs, DidNotBite) as error:
            self._hit.pop(fault)
            raise HarnessError(str(error)) from None
        bit = (proof.cpu_while_stopped or 0.0) <= IDLE_CPU
        facts: Facts = {"role": child.role, "proof": proof.as_json(), "bit": bit}
        return facts if bit else {**facts, "text": f"it used {proof.cpu_while_stopped:g} s of CPU while stopped"}

    def _return(self, fault: Fault) -> Facts | None:
        """Bring a killed process back, as a supervisor would: however often it gives up, but not for ever."""
        role, now = self._hit[fault].role, self._clock()
        back = self._returns.setdefault(fault, _Return(self._hit[fault], now))
        if back.tries and self._processes.is_back(back.child):
            back.child.killed_by_fault = False
            self._came_back(back.child)
            return {"role": role, "back_after_s": round(now - back.began, 3), "tries": back.tries, "bit": True}
        if now - back.began > READY_WITHIN[kind_of(role)]:
            back.child.killed_by_fault = False
            self._hit.pop(fault)
            raise HarnessError(f"{role} did not come back within {READY_WITHIN[kind_of(role)]:g} s: {back.child.log}")
        if back.child.code is not None and now >= back.next_try:
            back.child = self._processes.start_again(role)
            back.child.killed_by_fault = True  # should it give up on its way back, that is still the fault's doing
            back.tries, back.next_try = back.tries + 1, now + TRY_AGAIN
        return None


def _root(child: Child) -> int:
    """The process whose tree does the work: of a database the server, not who started it and must collect it."""
    return child.roots[-1]
