"""Faults of processes: kill, stop and continue one that the caller started, or its whole tree, with proof that it bit.

The proof is read back from the system: a killed process is gone or a zombie, a stopped one is stopped and used no CPU
until it went on. Who names a process that is not its own is refused before any signal is sent.
"""

import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import psutil

BITES_WITHIN = 5.0
"""Seconds from the signal to its effect. A process in uninterruptible sleep takes the longest: a slow disk."""
LOOK_EVERY = 0.002

GONE = "gone"
DEAD = (GONE, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
STOPPED = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)

GUARD = 'while read -r pid; do pids="$pids $pid"; done; kill -CONT $pids'
"""A stopped process cannot see that its lifeline has closed. This one sees it instead, and lets it go on to its end."""


class NotOurs(Exception):
    """The process may not be touched; says why."""


class DidNotBite(Exception):
    """The signal was sent and showed no effect in time."""


@dataclass(frozen=True)
class Change:
    """What became of one process: its states before and after, as /proc tells them."""

    pid: int
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Proof:
    """That a fault bit."""

    fault: str
    at: float
    """Unix seconds when the first signal was sent."""
    took: float
    """Seconds until the last process was seen in its new state."""
    processes: tuple[Change, ...]
    stopped_for: float | None = None
    """Seconds between stop and continue."""
    cpu_while_stopped: float | None = None
    """CPU seconds that they used meanwhile: 0 when the stop held."""

    def as_json(self) -> dict[str, Any]:
        """For an event log; seconds say so in their names, and what does not apply is left out."""
        seconds = {"took": "took_s", "stopped_for": "stopped_for_s", "cpu_while_stopped": "cpu_while_stopped_s"}
        facts = dataclasses.asdict(self)
        return {seconds.get(name, name): value for name, value in facts.items() if value is not None}


@dataclass(frozen=True)
class _Found:
    """A process as it was before the fault."""

    process: psutil.Process
    name: str
    state: str


@dataclass(frozen=True)
class _Stop:
    """Processes that are stopped now."""

    processes: tuple[psutil.Process, ...]
    since: float
    cpu: float


class ProcessFaults:
    """Use it as a context: at its end every process that is still stopped goes on."""

    def __init__(self) -> None:
        self._me = psutil.Process()
        self._stops: dict[int, _Stop] = {}
        self._guard: subprocess.Popen[bytes] | None = None

    def kill(self, pid: int, *, tree: bool = False, outside: bool = False) -> Proof:
        """`kill -9`. tree: its descendants too, stopped first so that none of them starts another meanwhile.

        outside: it stands outside our own tree, as a server that made itself a daemon; it must have been started after
        us. The caller still has to collect its child's exit code. Raises NotOurs, or DidNotBite.
        """
        root = self._ours(pid, outside)
        at, began = time.time(), time.monotonic()
        found = self._frozen(root, tree=True) if tree else [_found(root)]
        for each in found:
            _signal(each.process, signal.SIGKILL)
        changes = _wait(found, lambda state: state in DEAD)
        self._forget_the_dead()
        return Proof("kill", at, time.monotonic() - began, changes)

    def stop(self, pid: int, *, tree: bool = False, outside: bool = False) -> Proof:
        """SIGSTOP: it holds its sockets and locks and does nothing. Arguments and errors as for `kill`.

        Should we be killed meanwhile, a guard lets it go on.
        """
        root = self._ours(pid, outside)
        self._forget_the_dead()
        held = {process for stop in self._stops.values() for process in stop.processes}
        if root in held:
            raise NotOurs(f"process {pid} is stopped already")
        at, began = time.time(), time.monotonic()
        found = [each for each in self._frozen(root, tree) if each.process not in held]
        changes = _wait(found, lambda state: state in STOPPED)
        processes = tuple(each.process for each in found)
        self._stops[pid] = _Stop(processes, time.monotonic(), _cpu(processes))
        if changes[0].after in DEAD:
            self.resume(pid)
            raise DidNotBite(f"process {pid} ended before it was stopped")
        return Proof("stop", at, time.monotonic() - began, changes)

    def resume(self, pid: int) -> Proof:
        """SIGCONT to all that `stop(pid)` stopped. Raises NotOurs when it did not, or DidNotBite."""
        stop = self._stops.pop(pid, None)
        if stop is None:
            raise NotOurs(f"process {pid} was not stopped here")
        at, now = time.time(), time.monotonic()
        used = _cpu(stop.processes) - stop.cpu
        before = [_found(process) for process in stop.processes]
        for process in stop.processes:
            _signal(process, signal.SIGCONT)
        changes = _wait(before, lambda state: state not in STOPPED)
        return Proof("continue", at, time.monotonic() - now, changes, now - stop.since, round(used, 2))

    def close(self) -> None:
        """Let everything go on that is still stopped."""
        for pid in list(self._stops):
            self.resume(pid)
        if self._guard is not None:
            self._guard.communicate()
            self._guard = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ours(self, pid: int, outside: bool) -> psutil.Process:
        """The process, when it may be touched. Raises NotOurs."""
        if isinstance(pid, bool) or not isinstance(pid, int) or pid <= 1:
            raise NotOurs(f"{pid!r} is no process of ours: it must be a process id above 1")
        if pid == self._me.pid or pid in [parent.pid for parent in self._me.parents()]:
            raise NotOurs(f"process {pid} is this one or one above it: that would end us, not the test")
        if not psutil.pid_exists(pid):  # also of a thread's id, which signals would lead to its process
            raise NotOurs(f"there is no process {pid}")
        process = psutil.Process(pid)
        if _state(process) in DEAD:
            raise NotOurs(f"process {pid} has ended already")
        below = self._me.pid in [parent.pid for parent in process.parents()]
        if not below and not outside:
            raise NotOurs(f"process {pid} was not started by this one")
        if not below and process.create_time() < self._me.create_time():
            raise NotOurs(f"process {pid} was there before this one was started")
        return process

    def _frozen(self, root: psutil.Process, tree: bool) -> list[_Found]:
        """The process, or its tree, each stopped, the root first. Looks again until there is none new.

        Raises NotOurs or DidNotBite; then all of them go on.
        """
        found: dict[psutil.Process, _Found] = {}
        new = [root]
        try:
            while new:
                for process in new:
                    found[process] = _found(process)
                    self._guarded(process.pid)
                    _signal(process, signal.SIGSTOP)
                _wait([found[process] for process in new], lambda state: state in STOPPED)
                below = _children(root) if tree else []
                new = [process for process in below if process not in found and _state(process) not in DEAD]
        except (NotOurs, DidNotBite):
            for process in found:
                with suppress(NotOurs):
                    _signal(process, signal.SIGCONT)
            raise
        return list(found.values())

    def _forget_the_dead(self) -> None:
        for pid, stop in list(self._stops.items()):
            if all(_state(process) in DEAD for process in stop.processes):
                del self._stops[pid]

    def _guarded(self, pid: int) -> None:
        """Tell the guard whom to let go on when we are no more."""
        if self._guard is None:
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", GUARD],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
        assert self._guard.stdin is not None
        os.write(self._guard.stdin.fileno(), b"%d\n" % pid)


def _state(process: psutil.Process) -> str:
    try:
        return str(process.status()) if process.is_running() else GONE
    except psutil.NoSuchProcess:
        return GONE


def _children(root: psutil.Process) -> list[psutil.Process]:
    try:
        return list(root.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)  # psutil looks first whether the id has gone to another process
    except psutil.NoSuchProcess:
        pass  # its state will tell
    except psutil.AccessDenied:
        raise NotOurs(f"process {process.pid} belongs to another user") from None


def _wait(found: Sequence[_Found], reached: Callable[[str], bool]) -> tuple[Change, ...]:
    """Wait until each has reached its state, or has ended. Never collects an exit code: that is its parent's.

    Raises DidNotBite.
    """
    deadline = time.monotonic() + BITES_WITHIN
    changes = []
    for each in found:
        while not (reached(state := _state(each.process)) or state in DEAD):
            if time.monotonic() > deadline:
                raise DidNotBite(f"process {each.process.pid} is still {state} after {BITES_WITHIN:g} s")
            time.sleep(LOOK_EVERY)
        changes.append(Change(each.process.pid, each.name, each.state, state))
    return tuple(changes)


def _found(process: psutil.Process) -> _Found:
    try:
        name = str(process.name())
    except psutil.NoSuchProcess:
        name = ""
    return _Found(process, name, _state(process))


def _cpu(processes: Sequence[psutil.Process]) -> float:
    """CPU seconds used so far by those that still are."""
    used = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system
    return used
