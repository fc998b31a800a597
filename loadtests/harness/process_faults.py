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
"""Seconds after which a process that gave up while coming back is started once more, as supervisors do."""
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
    began: float
    tries: int = 1
    ended_at: float | None = None
    """When the last try was found to have given up."""


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
        if any(other.target == fault.target for other in self._hit):
            return None  # it has not come back from the fault before
        found = self._processes.of(fault.target)
        turn = self._turns.get(fault.target, 0)
        child = found[turn % len(found)]
        try:
            if fault.kind == "killed":
                proof = self._hands.kill(child.pid, tree=True)
                child.killed_by_fault = True
            else:
                proof = self._hands.stop(child.pid, tree=True)
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
            proof = self._hands.resume(child.pid)
        except (NotOurs, DidNotBite) as error:
            self._hit.pop(fault)
            raise HarnessError(str(error)) from None
        bit = (proof.cpu_while_stopped or 0.0) <= IDLE_CPU
        facts: Facts = {"role": child.role, "proof": proof.as_json(), "bit": bit}
        return facts if bit else {**facts, "text": f"it used {proof.cpu_while_stopped:g} s of CPU while stopped"}

    def _return(self, fault: Fault) -> Facts | None:
        """Bring a killed process back, as a supervisor would: however often it gives up, but not for ever."""
        role = self._hit[fault].role
        back = self._returns.get(fault)
        if back is None:
            self._returns[fault] = _Return(self._processes.start_again(role), self._clock())
            return None
        took = self._clock() - back.began
        if self._processes.is_back(back.child):
            self._came_back(back.child)
            return {"role": role, "back_after_s": round(took, 3), "tries": back.tries, "bit": True}
        if took > READY_WITHIN[kind_of(role)]:
            self._hit.pop(fault)
            raise HarnessError(f"{role} did not come back within {READY_WITHIN[kind_of(role)]:g} s: {back.child.log}")
        self._try_again(back)
        return None

    def _try_again(self, back: _Return) -> None:
        if back.child.code is None:
            return
        back.child.killed_by_fault = True  # that it gave up follows from the night's faults
        back.ended_at = self._clock() if back.ended_at is None else back.ended_at
        if self._clock() - back.ended_at >= TRY_AGAIN:
            back.child = self._processes.start_again(back.child.role)
            back.tries += 1
            back.ended_at = None
