"""The whole night in SimPy: everybody and everything that takes part, played from the opening to its end."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import simpy

from scenarios import offices
from scenarios.factors import queue_limits, scaled
from scenarios.simulation.figures import Setup, photo_bytes
from scenarios.uploaders import Uploader
from tests.simpy_oracle.applicant import Applicant
from tests.simpy_oracle.clock import Clock
from tests.simpy_oracle.door import Door
from tests.simpy_oracle.instants import LAST, US, Appointment, Bell
from tests.simpy_oracle.partners import Partners
from tests.simpy_oracle.queues import EMAIL, IDENTITY, SMS, Queue
from tests.simpy_oracle.room import WaitingRoom
from tests.simpy_oracle.service import Service

AFTER_CLOSE_S = 3600.0
"""The run ends so long after the close."""


class House:
    """due_us: when applicants 0, 1, ... are due, microseconds since the opening.

    Raises ValueError for what is not played: people who leave after some steps, a core shared by all.
    """

    def __init__(self, setup: Setup, due_us: Sequence[int], uploader: Uploader = Uploader.PATIENT) -> None:
        if setup.steps or setup.resources.shared_core:
            raise ValueError("the oracle plays whole journeys, and servers with cores of their own")
        self.setup = setup
        self.env = env = simpy.Environment(initial_time=0)
        partners, _ = scaled(setup.partners, setup.factors)
        gate_per_s = partners.gate_per_s if setup.resources.gate_per_s is None else setup.resources.gate_per_s
        self.photo_bytes = photo_bytes(setup.night.population.photos)
        self.door = Door(env, setup)
        self.room = WaitingRoom(env, setup, gate_per_s, self.door.web)
        self.partners = Partners(env, setup, partners, self.door, self.room)
        limits, _ = queue_limits(setup.partners, setup.factors)
        self.queues = (
            Queue(env, setup, EMAIL, limits["email"], partners.email.rate_per_s, self.partners),
            Queue(env, setup, SMS, limits["sms"], partners.sms.rate_per_s, self.partners),
            Queue(env, setup, IDENTITY, limits["identity"], partners.civil_registry.rate_per_s, self.partners),
        )
        self.service = Service(env, setup, self.door, self.room, self.queues)
        self.clock = Clock(env, self._is_quiet, self.partners.next_change_us)
        for process in (self.partners.keep, self.room.keep, *(queue.work for queue in self.queues)):
            env.process(process(self.clock))
        env.process(self.door.keep_windows(self.clock))
        env.process(self.clock.run())
        self.arrived: list[Applicant] = []
        self.answers: Counter[tuple[int, int]] = Counter()
        """How many requests ended how: by Action and Result."""
        self._gone = 0
        self._everybody_gone = env.event()
        self.people = [
            Applicant(self, number, begins_us, uploader) for number, begins_us in enumerate(self._begun(due_us))
        ]  # fmt: skip

    def note_gone(self) -> None:
        self._gone += 1
        if self._gone == len(self.people):
            self._everybody_gone.succeed()

    def play(self) -> None:
        """To the end of the run; `end` of all `people` says what they came to."""
        last_us = round((self.setup.habits.closes_s + AFTER_CLOSE_S) * US)
        self.env.run(until=Bell(self.env, LAST, self._everybody_gone, Appointment(self.env, last_us, LAST)))
        for person in self.arrived:
            if not person.is_gone:
                person.cut()

    def _is_quiet(self) -> bool:
        """Whether nothing waits anywhere."""
        is_open = self.door.is_calm and self.door.is_open_to_all
        return is_open and self.room.is_empty and not any(queue.line for queue in self.queues)

    def _begun(self, due_us: Sequence[int]) -> list[int]:
        """When each begins: whoever is helped at a labor office waits there for the helper."""
        night, seed, pace = self.setup.night, self.setup.seed, self.setup.factors.pace
        begins = [int(due) for due in due_us]
        for number, wait_s in offices.waits(night, seed, np.array(begins) / 1e6, pace).items():
            begins[number] += round(wait_s * 1e6)
        return begins
