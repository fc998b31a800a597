"""The pool of processes that inspect photos (`photo_inspector`): bounded, and each can be killed at any moment.

Talking to a process is done in threads: the event loop touches no photo.
"""

import asyncio
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from service.domain.photos import PhotoVerdict
from service.metrics import Metrics
from service.photo_ports import Inspection, InspectionFailed
from service.storage.photo_inspector import DIED, read_frame, write_frame

DEADLINE = 30.0
"""Seconds by the clock on the wall; a process that is let run needs five at most. Whoever takes longer hangs, or the
machine does: the photo is tried again."""
MEMORY_BYTES = 256 << 20
"""Address space of one inspection: 40 megapixels of PNG (160 MB), or 24 of those with transparency, and what Python and
Pillow take."""
CPU_SECONDS = 5
"""A photo of 12 megapixels takes 0.08, the worst honest one of 40 megapixels 0.8."""
KILLED_BY_PHOTO = frozenset({"SIGXCPU", "SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "exit"})
"""Deaths that the bytes brought about. SIGKILL comes from outside: the system was short of memory, or an operator."""

_ROOT = Path(__file__).parents[2]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one inspection; 0: none."""

    most_pixels: int
    memory_bytes: int = MEMORY_BYTES
    cpu: int = CPU_SECONDS
    deadline: float = DEADLINE


class Inspectors:
    """Fulfils `photo_ports.PhotoInspector`. Processes start when they are first needed; `close` ends them."""

    def __init__(self, processes: int, limits: Limits, metrics: Metrics) -> None:
        self._processes = processes
        self._limits = limits
        self._metrics = metrics
        self._turns = asyncio.Semaphore(processes)
        self._idle: list[_Process] = [_Process(limits) for _ in range(processes)]
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="inspectors")
        metrics.photo_inspectors_limit.set(processes)

    def free(self, busy: int) -> int:
        """One photo beside each that is inspected: its bytes are read meanwhile."""
        return max(0, 2 * self._processes - busy)

    async def inspect(self, photo: bytes) -> Inspection:
        async with self._turns:
            process = self._idle.pop()
            self._metrics.photo_inspectors_busy.inc()
            try:
                with self._metrics.photo_inspection_seconds.time():
                    answer = await self._ask(process, photo)
            finally:
                self._metrics.photo_inspectors_busy.dec()
                self._idle.append(process)
        inspection = _inspection(answer)
        outcome = "failed" if inspection is None else inspection.verdict.name.lower()
        self._metrics.photo_inspections.labels(outcome).inc()
        if inspection is None:
            raise InspectionFailed
        return inspection

    async def _ask(self, process: "_Process", photo: bytes) -> bytes | None:
        """The answer of a process. None: it was killed, by us at the deadline or by somebody."""
        asking = asyncio.get_running_loop().run_in_executor(self._threads, process.ask, photo)
        try:
            await asyncio.wait([asking], timeout=self._limits.deadline)
            if not asking.done():
                log.warning("photo inspector killed at its deadline")
        finally:
            if not asking.done():
                process.kill()  # its pipe ends, and with it the waiting of the thread
                await asyncio.wait([asking])
        return asking.result()

    async def close(self) -> None:
        """End all processes; nobody asks any more."""
        for process in self._idle:
            await asyncio.to_thread(process.end)
        self._threads.shutdown()


class _Process:
    """One inspector process, started when it is asked and there is none. One thread at a time asks it."""

    def __init__(self, limits: Limits) -> None:
        figures = (limits.memory_bytes, limits.cpu, limits.most_pixels)
        self._command = [sys.executable, "-m", "service.storage.photo_inspector", *map(str, figures)]
        self._running: subprocess.Popen[bytes] | None = None

    def ask(self, photo: bytes) -> bytes | None:
        """The answer. None: the process is gone; the next question starts another one."""
        if self._running is None:
            self._running = self._start()
        photos, answers = self._running.stdin, self._running.stdout
        assert photos is not None and answers is not None
        try:
            write_frame(photos, photo)
            answer = read_frame(answers)
        except OSError:
            answer = None
        if answer is None:
            self.end()
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        # Nothing of ours goes along: neither the key nor the address of the database. A group of its own, so that it
        # and what it forked are killed together, and no Ctrl-C of the terminal ends it before its photo.
        environment = {"PATH": os.defpath, "PYTHONPATH": str(_ROOT), "PYTHONWARNINGS": "ignore"}
        pipe = subprocess.PIPE
        return subprocess.Popen(self._command, stdin=pipe, stdout=pipe, env=environment, start_new_session=True)

    def kill(self) -> None:
        """At once, with what it forked; whoever asks it gets no answer."""
        if self._running is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._running.pid, signal.SIGKILL)

    def end(self) -> None:
        """Kill it and leave nothing of it."""
        self.kill()
        if self._running is not None:
            with suppress(OSError), self._running:  # closes the pipes and waits
                pass
            self._running = None


def _inspection(answer: bytes | None) -> Inspection | None:
    """What an answer says. None: nothing about the photo."""
    if not answer:
        return None
    if answer[0] != DIED:
        return Inspection(PhotoVerdict(answer[0]), answer[1:])
    died_of = answer[1:].decode()
    log.warning("photo inspector died", error=died_of)
    return Inspection(PhotoVerdict.UNREADABLE, b"") if died_of in KILLED_BY_PHOTO else None
