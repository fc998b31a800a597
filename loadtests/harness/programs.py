"""The children of one rehearsal: launched, awaited, watched and ended here, whatever they are."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

from loadtests.harness.processes import LOOPBACK, Child
from loadtests.harness.samples import Target

READY_WITHIN = {"database": 150.0, "partners": 40.0, "web": 40.0, "worker": 40.0, "gatekeeper": 40.0, "swarm": 60.0}
READY_WITHIN |= {"faults": 40.0, "proxy": 20.0}
"""Seconds to the ready line. On two idle cores each needs under 5; the database may replay its log."""
SERVICE_KINDS = ("web", "worker", "gatekeeper")
Held = Callable[[str], AbstractContextManager[None]]
"""By kind: a program that is started inside runs where its kind is to run (loadtests.harness.pins)."""


def kind_of(role: str) -> str:
    """What a child is, whatever its number: the second web process has the role web-2."""
    return role.partition("-")[0]


class Programs:
    """Every child of one rehearsal."""

    def __init__(self, logs: Path, held: Held = lambda _kind: nullcontext()) -> None:
        self._logs = logs
        self.held = held
        self.children: dict[str, Child] = {}
        """By role; of a program started again the newer."""
        self.all: list[Child] = []

    def launch(self, role: str, command: Sequence[str], settings: Mapping[str, str] | None = None) -> None:
        """Start a program, not yet ready."""
        with self.held(kind_of(role)):
            child = Child(role, command, settings=settings or {}, logs=self._logs)
        self.adopt(child)

    def adopt(self, child: Child) -> None:
        """From now on the child is one of ours, and is ended with the others."""
        self.children[child.role] = child
        self.all.append(child)

    def await_ready(self, roles: Sequence[str]) -> None:
        """Raises Refusal or NotReady as `Child.wait_ready` does."""
        for role in roles:
            self.children[role].wait_ready(READY_WITHIN[kind_of(role)])

    def of(self, *kinds: str) -> list[Child]:
        """The children of these kinds, as they are now."""
        return [child for role, child in self.children.items() if kind_of(role) in kinds]

    def targets(self) -> list[Target]:
        """Metrics endpoints of everything that is ready and has one."""
        return [
            Target(kind_of(child.role), child.ready["host"] or LOOPBACK, int(child.ready["metrics_port"]))
            for child in self.children.values()
            if child.ready.get("metrics_port")
        ]

    def stop(self, children: Sequence[Child], *, grace: float) -> None:
        """End these programs, all told at once, each given `grace` seconds."""
        for child in children:
            child.let_go()
        for child in children:
            child.stop(grace=grace)

    def kill_all(self) -> None:
        """End everything at once."""
        with ExitStack() as each:  # one that cannot be killed does not spare the others
            for child in self.all:
                each.callback(child.kill)

    def dead(self) -> list[Child]:
        """Programs that ended although nobody told them to."""
        return [child for child in self.all if child.code is not None and not _meant_to(child)]


def unexpected(child: Child) -> bool:
    """Of an ended program: whether nobody told it to end, or it is of the service and did not end in order."""
    disorderly = kind_of(child.role) in SERVICE_KINDS and not child.ended_in_order
    return not _meant_to(child) or (disorderly and not child.killed_by_fault)


def _meant_to(child: Child) -> bool:
    """End: we told it to, or the night's timeline did away with it."""
    return child.stopped_by_us or child.killed_by_fault
