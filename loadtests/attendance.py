"""Which workers of a run are lost: their process has ended, Locust misses them, or they have been silent too long.

A process on this machine that can run and is silent is busy, not lost; it gets more time. The master's own absence is
no silence: while it did not look, what the workers said lay unread.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import psutil

SILENCE = 3.0
"""Seconds without a word of a worker that speaks once a second."""
BUSY = 10.0
"""Seconds for one whose process is known to be running: an overloaded worker that is given up only loads the others."""
PREPARING = 120.0
"""Seconds for one that makes ready: computing the plan and drawing the photos leaves it deaf for a while."""
LOOK_EVERY = 0.25
"""Seconds between two looks."""
ABSENT = 1.0
"""A pause between two looks above this is an absence of the master."""


class Identity(NamedTuple):
    """Where a process runs, and its number there."""

    place: str
    """The same in all processes that see each other's numbers."""
    pid: int
    began: float

    @classmethod
    def own(cls) -> Identity:
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            place = f"{boot} {Path('/proc/self/ns/pid').readlink()}"
        except OSError:  # no Linux: nobody's process is looked at
            place = ""
        return cls(place, os.getpid(), psutil.Process().create_time())


class _Seat:
    """A worker, as far as it is known."""

    def __init__(self, now: float) -> None:
        self.heard_at = now
        self.process: psutil.Process | None = None


class Attendance:
    """Who is there. Times are of one monotonic clock."""

    def __init__(self, workers: Collection[int], now: float) -> None:
        self._seats = {worker: _Seat(now) for worker in workers}
        self._looked_at = now
        self._place = Identity.own().place

    def introduce(self, worker: int, identity: Identity, now: float) -> None:
        """The worker has said which process it is."""
        self.heard(worker, now)
        if identity.place and identity.place == self._place:
            try:
                process = psutil.Process(identity.pid)
                if process.create_time() == identity.began:
                    self._seats[worker].process = process
            except psutil.Error:
                return

    def heard(self, worker: int, now: float) -> None:
        self._seats[worker].heard_at = now

    def lost(self, known: Collection[int], now: float, *, preparing: bool = False) -> list[int]:
        """Those who are not there any more; known: whom Locust still counts among its workers.

        preparing: they do not speak once a second yet, and only the end of a process tells at once.
        """
        if now - self._looked_at > ABSENT:
            for seat in self._seats.values():
                seat.heard_at += now - self._looked_at
        self._looked_at = now
        if preparing:
            return [number for number, seat in self._seats.items() if _has_ended(seat, now, PREPARING)]
        return [number for number, seat in self._seats.items() if _is_lost(seat, number in known, now)]

    def silent(self, worker: int, now: float) -> float:
        """Seconds since the worker was last heard of."""
        return now - self._seats[worker].heard_at

    def dismiss(self, worker: int) -> None:
        """Look after it no more."""
        self._seats.pop(worker, None)

    def kill(self, worker: int) -> None:
        """End the process of a lost worker, if it is on this machine: its people must do nothing more."""
        process = self._seats[worker].process
        if process is not None:
            try:
                process.kill()  # checks that the number has not passed to another process
            except psutil.Error:
                return


def _has_ended(seat: _Seat, now: float, patience: float) -> bool:
    return _state(seat.process) == "gone" or now - seat.heard_at > patience


def _is_lost(seat: _Seat, is_known: bool, now: float) -> bool:
    if _has_ended(seat, now, BUSY):
        return True
    return _state(seat.process) != "running" and (now - seat.heard_at > SILENCE or not is_known)


def _state(process: psutil.Process | None) -> str:
    """running, stopped, gone, or elsewhere."""
    if process is None:
        return "elsewhere"
    try:
        status = process.status() if process.is_running() else psutil.STATUS_DEAD
    except psutil.Error:
        return "gone"
    if status in (psutil.STATUS_DEAD, psutil.STATUS_ZOMBIE):
        return "gone"
    return "stopped" if status in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP) else "running"
