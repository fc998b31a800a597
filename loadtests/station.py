"""A worker's side of a run: takes a share, agrees on the plan, plays it, hands in the ledger.

Messages, each about one run: crowd_plan (master: settings and share), crowd_ready (worker: hash of the plan it
computed), crowd_go (master: all hashes agree, this is the opening), crowd_cut (master: end it), crowd_ledger (worker:
people and receipts), crowd_fault (worker: cannot play, and why). A process without workers sends them to itself.
"""

import gc
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event

from loadtests import photos, swarm_metrics
from loadtests.clock import Clock
from loadtests.connections import Connections
from loadtests.crowd import Crowd, Share
from loadtests.deliveries import listen
from loadtests.run_settings import RunSettings
from scenarios.arrivals import Plan
from scenarios.uploaders import Uploader

_log = logging.getLogger(__name__)

Send = Callable[[str, dict[str, Any]], None]


class Station:
    """One worker process's part in the run that its master leads."""

    def __init__(self, send: Send, stats: Any, has_master: bool) -> None:
        """send: a message to the master; stats: Locust's RequestStats; has_master: another process leads."""
        self._send = send
        self._stats = stats
        self._has_master = has_master
        self._settings: RunSettings | None = None
        self._plan: Plan | None = None
        self._residue, self._modulus = 0, 1
        self._photos: tuple[bytes, ...] = ()
        self._opening: dict[str, Any] = {}
        self._go = Event()
        self._crowd: Crowd | None = None
        self._handed_in = True
        self._cpu = 0.0
        """CPU seconds of playing; while it plays, minus those at its start."""
        self._server: Any = None

    @property
    def live(self) -> int:
        """Applicants on their way now."""
        return len(self._crowd.live) if self._crowd is not None else 0

    # ------------------------------------------------------------ messages of the master

    def plan(self, data: dict[str, Any]) -> None:
        """crowd_plan: compute the plan, make ready, answer with its hash."""
        self._go.clear()
        self._crowd = None
        self._handed_in = False
        self._residue, self._modulus = data["residue"], data["modulus"]
        try:
            self._settings = RunSettings.of_message(data["settings"])
            self._plan = self._settings.plan()
            self._photos = photos.corpus(self._settings.night.population.photos, Path(self._settings.photo_dir))
            self._serve_metrics(self._settings.metrics_port)
        except (OSError, ValueError) as fault:
            self._send("crowd_fault", {"residue": self._residue, "fault": str(fault)})
            return
        self._send("crowd_ready", {"residue": self._residue, "hash": self._plan.hash})

    def go(self, data: dict[str, Any]) -> None:
        """crowd_go: the opening is fixed."""
        self._opening = data
        self._go.set()

    def cut(self) -> None:
        """crowd_cut, or the test is being stopped: end the run for everybody and hand in what there is."""
        if self._crowd is not None:
            self._crowd.cut()
        self._hand_in()

    # ------------------------------------------------------------ the crowd user's task

    def play(self) -> None:
        """Play this process's share once the master says go; returns when all of it has ended."""
        self._go.wait()
        if self._handed_in or self._crowd is not None or self._settings is None or self._plan is None:
            return  # a second crowd user, or a run that ended before it began
        settings = self._settings
        clock = Clock(self._opening["opens_at"])
        due = self._plan.stripe(self._residue, self._modulus)
        last = float(self._plan.due[-1]) if self._plan.planned else 0.0
        share = Share(
            night=settings.night,
            seed=settings.seed,
            pace=settings.pace,
            due=due,
            residue=self._residue,
            modulus=self._modulus,
            last_arrival=last,
            drain=settings.drain_s,
            run=self._opening["run"],
            uploader=Uploader[settings.uploader.upper()],
        )
        try:
            connections = Connections(settings.host)
        except (OSError, ValueError) as fault:
            self._send("crowd_fault", {"residue": self._residue, "fault": f"--host {settings.host}: {fault}"})
            return
        self._crowd = crowd = Crowd(share, clock, connections, self._photos, self._stats)
        listener = None
        if settings.partners_url:
            listener = gevent.spawn(listen, settings.partners_url, self._residue, self._modulus, crowd.delivered)
        # What lives until the end need not be looked through again and again: a full collection stops the clock.
        gc.collect()
        gc.freeze()
        self._cpu = -time.process_time()
        try:
            crowd.play()
        finally:
            self._cpu += time.process_time()
            if listener is not None:
                listener.kill()
            connections.close()
        self._hand_in()

    # ------------------------------------------------------------ own

    def _hand_in(self) -> None:
        if self._handed_in or self._crowd is None:
            return
        self._handed_in = True
        crowd = self._crowd
        ledger = {
            "residue": self._residue,
            "people": crowd.roster.pack(),
            "receipts": crowd.receipts.pack(),
            "defect": crowd.defect,
            "cpu_s": self._cpu if self._cpu >= 0.0 else self._cpu + time.process_time(),
        }
        self._send("crowd_ledger", ledger)

    def _serve_metrics(self, port: int) -> None:
        if port and self._server is None:
            own = port + 1 + self._residue if self._has_master else port
            try:
                self._server = swarm_metrics.serve(self._exposition, own)
            except OSError as fault:
                reason = os.strerror(fault.errno or 0)
                raise OSError(f"--swarm-metrics-port: {own} cannot be used ({reason}); name another") from None

    def _exposition(self) -> str:
        return self._crowd.metrics.exposition() if self._crowd is not None else ""
