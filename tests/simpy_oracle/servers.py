"""Stations: c servers and one line, first come first served. Servers work on for those who have left."""

from collections import deque
from dataclasses import dataclass
from heapq import heapify, heapreplace

import simpy

from tests.simpy_oracle.instants import SERVERS, Appointment, Process


class Job:
    """Something that one server does. after: until that is done, whoever holds the job does nothing else."""

    __slots__ = ("after", "done", "done_us", "station", "until_us", "work_us")

    def __init__(self, station: "Station", work_us: int, until_us: int, after: "Job | None") -> None:
        self.station = station
        self.work_us = work_us
        self.until_us = until_us
        self.after = after
        self.done = station.env.event()
        self.done_us = -1
        """Known from when a server has begun with it, or somebody has counted the line through."""

    def ends_us(self, at_us: int) -> int:
        """When a server is through with it that turns to it at `at_us`."""
        ready_us = 0
        if self.after is not None:
            if self.after.done_us < 0:
                self.after.station.count_through()
            ready_us = self.after.done_us
        self.done_us = max(max(at_us, ready_us) + self.work_us, self.until_us)
        return self.done_us


@dataclass(frozen=True)
class Interlude:
    """What each server does once when it has come so far in the line: it works, or is away."""

    work_us: int = 0
    until_us: int = 0

    def ends_us(self, at_us: int) -> int:
        return max(at_us + self.work_us, self.until_us)


class Server:
    __slots__ = ("called", "free_us", "job", "passed")

    def __init__(self) -> None:
        self.free_us = 0
        """When it will have done what it has begun."""
        self.job: Job | None = None
        """Held, and not begun."""
        self.passed = 0
        """Interludes that it is through with, or at."""
        self.called: simpy.Event | None = None
        """What it waits for while it is idle."""


class Station:
    def __init__(self, env: simpy.Environment, servers: int) -> None:
        self.env = env
        self.servers = [Server() for _ in range(servers)]
        self._interludes: list[Interlude] = []
        self._lines: list[deque[Job]] = [deque()]
        """What came before the first interlude, between two, after the last."""
        self._idle: list[Server] = []
        for server in self.servers:
            env.process(self._serve(server))

    def add(self, work_us: int, after: Job | None = None, until_us: int = 0) -> Job:
        """A job gets in line."""
        job = Job(self, work_us, until_us, after)
        self._lines[-1].append(job)
        if self._idle:
            self._call(self._idle.pop())
        return job

    def everybody(self, interlude: Interlude) -> None:
        """All servers do this once, behind what is in line now."""
        self._interludes.append(interlude)
        self._lines.append(deque())
        while self._idle:
            self._call(self._idle.pop())

    def take_away(self, servers: int, until_us: int) -> None:
        """So many servers do nothing until then; behind what is in line now."""
        if servers >= len(self.servers):
            self.everybody(Interlude(until_us=until_us))
            return
        for _ in range(servers):
            self.add(0, until_us=until_us)

    def wait_us(self) -> int:
        """How long who comes now would wait for a server."""
        if self._idle:
            return 0
        return min(self.count_through()) - int(self.env.now)

    def count_through(self) -> list[int]:
        """When each server will have done all that is in line now; what is in line learns when it will be done."""
        now = int(self.env.now)
        free = []
        for server in self.servers:
            at = max(server.free_us, now)
            if server.job is not None:
                at = server.job.ends_us(at)
            free.append((server.passed, at))
        for place in range(min(passed for passed, _ in free), len(self._lines)):
            free = [
                (place, self._interludes[passed].ends_us(at)) if passed < place else (passed, at)
                for passed, at in free
            ]  # fmt: skip
            if self._lines[place]:
                instants = [at for _, at in free]
                heapify(instants)
                for job in self._lines[place]:
                    heapreplace(instants, job.ends_us(instants[0]))
                free = [(place, at) for at in instants]
        return [at for _, at in free]

    @staticmethod
    def take_next(line: deque[Job]) -> Job:
        """Whose turn it is."""
        return line.popleft()

    def _serve(self, server: Server) -> Process:
        while True:
            line = self._lines[server.passed]
            if line:
                server.job = job = self.take_next(line)
                if job.after is not None:
                    yield job.after.done
                server.job = None
                server.free_us = job.ends_us(int(self.env.now))
                yield Appointment(self.env, server.free_us, SERVERS)
                job.done.succeed()
            elif server.passed < len(self._interludes):
                interlude = self._interludes[server.passed]
                server.passed += 1
                server.free_us = interlude.ends_us(int(self.env.now))
                yield Appointment(self.env, server.free_us, SERVERS)
            else:
                self._idle.append(server)
                server.called = self.env.event()
                yield server.called

    def _call(self, server: Server) -> None:
        assert server.called is not None
        server.called.succeed()
