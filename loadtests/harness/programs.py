"""The programs of a rehearsal: what each is started with, in which order, and how it is ended."""

import os
import secrets
import socket
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from loadtests.harness.errors import NotReady
from loadtests.harness.order import Order
from loadtests.harness.processes import ROOT, Child, once, python
from loadtests.harness.run_folder import RunFolder
from loadtests.harness.samples import Target
from scenarios.capacities import PartnerSet

READY_WITHIN = {"database": 150.0, "partners": 40.0, "web": 40.0, "worker": 40.0, "gatekeeper": 40.0, "swarm": 60.0}
"""Seconds to the ready line. On two idle cores each needs under 5; the database may replay its log."""
MIGRATE_WITHIN = 60.0
LEDGER_WITHIN = 120.0
SERVICE_ROLES = ("web", "worker", "gatekeeper")

LOOPBACK = "127.0.0.1"
NO_GATE_PER_S = 1e9
"""A rate that admits everybody at once."""
LEAST_RATE_PER_S = 1e-9
"""The service wants positive rates; a partner with none refuses whatever is asked."""


class Programs:
    """Every child of one rehearsal."""

    def __init__(self, order: Order, folder: RunFolder, partners: PartnerSet, queue_limits: dict[str, int]) -> None:
        """partners, queue_limits: scaled, per real second."""
        self._order = order
        self._folder = folder
        self._partners = partners
        self._queue_limits = queue_limits
        self._secret = secrets.token_hex(32)
        self._database_url = os.environ.get("DATABASE_URL", "")
        self.children: dict[str, Child] = {}
        """By role; of a program started again the newer."""
        self.all: list[Child] = []

    @property
    def embedded(self) -> bool:
        """The database is ours; else it is the server that DATABASE_URL names."""
        return not os.environ.get("DATABASE_URL")

    # Starting

    def start_ground(self) -> None:
        """Database and partners, at the same time."""
        ground = ["partners", *(["database"] if self.embedded else [])]
        for role in ground:
            self.launch(role)
        self._await(ground)

    def start_database(self) -> None:
        """The embedded server alone, again if it has died."""
        self.launch("database")
        self._await(["database"])

    def start_service(self) -> None:
        for role in SERVICE_ROLES:
            self.launch(role)
        self._await(SERVICE_ROLES)

    def launch_swarm(self) -> list[Target]:
        """Launch the swarm, not yet ready; returns where its metrics will be."""
        port = _free_ports(self._order.workers + 2)  # master, its workers, and where they find it
        self.launch("swarm", metrics_port=port)
        workers = self._order.workers
        ports = [port] if workers == 1 else [port + 1 + i for i in range(workers)]
        return [Target("swarm", LOOPBACK, one) for one in ports]

    def await_swarm(self) -> float:
        """When the doors open (unix): the swarm says it when all its workers are ready, about 2 s before."""
        self._await(["swarm"])
        return float(self.children["swarm"].ready["opens_at"])

    def launch(self, role: str, *, metrics_port: int = 0) -> None:
        if role == "database":
            command = self._database()
        elif role == "partners":
            command = self._partner_command()
        elif role == "swarm":
            command = self._swarm(metrics_port)
        else:
            command = python("-m", "service", role, "--lifeline")
        settings = self.settings(time.time()) if role in SERVICE_ROLES else {}
        self.adopt(Child(role, command, settings=settings, logs=self._folder.logs))

    def adopt(self, child: Child) -> None:
        """From now on the child is one of ours, and is ended with the others."""
        self.children[child.role] = child
        self.all.append(child)

    def _await(self, roles: "list[str] | tuple[str, ...]") -> None:
        for role in roles:
            self.children[role].wait_ready(READY_WITHIN[role])
            if role == "database":
                self._database_url = str(self.children[role].ready["url"])

    def targets(self) -> list[Target]:
        """Metrics endpoints of everything that is ready and has one."""
        return [
            Target(child.role, child.ready["host"] or LOOPBACK, int(child.ready["metrics_port"]))
            for child in self.children.values()
            if child.ready.get("metrics_port")
        ]

    # Running once

    def migrate(self, opens_at: float) -> None:
        """Make the schema and write the wave with its doors at `opens_at`; doing it again only moves the doors."""
        self._once("migrate", [], MIGRATE_WITHIN, opens_at)

    def ledger(self) -> bytes:
        """What the database holds, as JSON."""
        return self._once("ledger", ["--json"], LEDGER_WITHIN, 0.0)

    def _once(self, verb: str, arguments: list[str], within: float, opens_at: float) -> bytes:
        command = python("-m", "service", verb, *arguments)
        return once(verb, command, settings=self.settings(opens_at), logs=self._folder.logs, within=within)

    # What each is started with

    def settings(self, opens_at: float) -> dict[str, str]:
        """Settings of the service: the night's capacities per real second."""
        night, partners, limits = self._order.night, self._partners, self._queue_limits
        opens = datetime.fromtimestamp(opens_at, UTC)
        length = (night.closes_at - night.opens_at).total_seconds() / self._order.factors.speed
        gate = partners.gate_per_s
        return {
            "DATABASE_URL": self._database_url,
            "REGISTRATION_SECRET_KEY": self._secret,
            "REGISTRATION_HOST": LOOPBACK,
            "REGISTRATION_PORT": "0",
            "REGISTRATION_METRICS_HOST": LOOPBACK,
            "REGISTRATION_METRICS_PORT": "0",
            "REGISTRATION_PHOTO_DIR": str(self._folder.photos),
            "REGISTRATION_PARTNERS_URL": self.children["partners"].url,
            "REGISTRATION_CIVIL_REGISTRY_RATE": _rate(partners.civil_registry.rate_per_s),
            "REGISTRATION_EMAIL_RATE": _rate(partners.email.rate_per_s),
            "REGISTRATION_SMS_RATE": _rate(partners.sms.rate_per_s),
            "REGISTRATION_IDENTITY_QUEUE_LIMIT": str(limits["identity"]),
            "REGISTRATION_EMAIL_QUEUE_LIMIT": str(limits["email"]),
            "REGISTRATION_SMS_QUEUE_LIMIT": str(limits["sms"]),
            "REGISTRATION_GATE_RATE": _rate(NO_GATE_PER_S if gate < 0 else gate),
            "REGISTRATION_WAVE_OPENS_AT": opens.isoformat(),
            "REGISTRATION_WAVE_CLOSES_AT": (opens + timedelta(seconds=length)).isoformat(),
            "REGISTRATION_AGE_ON": night.opens_at.date().isoformat(),
            "REGISTRATION_SYNTHETIC_PEOPLE": "on",
        }

    def _database(self) -> list[str]:
        return python("-m", "service", "database", "--data", str(self._folder.work / "database"), "--lifeline")

    def _partner_command(self) -> list[str]:
        return python("-m", "scenarios.partners", *self._night_options(), "--port", "0", "--lifeline")

    def _swarm(self, metrics_port: int) -> list[str]:
        order = self._order
        return python(
            "-m", "locust", "-f", str(ROOT / "loadtests" / "locustfile.py"),
            "--headless", "--only-summary", "--lifeline",
            "--host", self.children["web"].url,
            *self._night_options(),
            "--reading", order.reading,
            "--pace", repr(order.factors.pace),
            "--minutes", repr(order.minutes),
            "--drain-minutes", repr(order.drain_minutes),
            "--partners-url", self.children["partners"].url,
            "--record", str(self._folder.path),
            "--opens-at", "0",
            "--photo-dir", str(order.work / "photos"),
            "--swarm-metrics-port", str(metrics_port),
            *self._several_workers(metrics_port + order.workers + 1),
        )  # fmt: skip

    def _several_workers(self, port: int) -> list[str]:
        """Locust's master on a port of its own: another rehearsal may run on this machine."""
        if self._order.workers == 1:
            return []
        return ["--processes", str(self._order.workers), "--master-bind-port", str(port), "--master-port", str(port)]

    def _night_options(self) -> list[str]:
        order = self._order
        return [
            "--night", order.night_name,
            "--set", order.set_name,
            "--people", str(order.factors.people),
            "--speed", repr(order.factors.speed),
            "--seed", str(order.seed),
        ]  # fmt: skip

    # Ending

    def stop(self, roles: "list[str] | tuple[str, ...]", *, grace: float) -> None:
        """End these programs, all told at once, each given `grace` seconds."""
        present = [self.children[role] for role in roles if role in self.children]
        for child in present:
            child.let_go()
        for child in present:
            child.stop(grace=grace)

    def kill_all(self) -> None:
        """End everything at once."""
        with ExitStack() as each:  # one that cannot be killed does not spare the others
            for child in self.all:
                each.callback(child.kill)

    def dead(self) -> list[Child]:
        """Programs that ended although nobody told them to."""
        return [child for child in self.all if child.code is not None and not child.stopped_by_us]


def unexpected(child: Child) -> bool:
    """Of an ended program: whether nobody told it to end, or it is of the service and did not end in order."""
    return not child.stopped_by_us or (child.role in SERVICE_ROLES and not child.ended_in_order)


def _rate(rate_per_s: float) -> str:
    return repr(max(rate_per_s, LEAST_RATE_PER_S))


def _free_ports(count: int) -> int:
    """The first of `count` free ports in a row. Raises NotReady when there is no such row."""
    for _ in range(100):
        with ExitStack() as held:
            first = held.enter_context(socket.socket())
            first.bind((LOOPBACK, 0))
            port: int = first.getsockname()[1]
            try:
                for following in range(port + 1, port + count):
                    held.enter_context(socket.socket()).bind((LOOPBACK, following))
            except (OSError, OverflowError):
                continue
            return port
    raise NotReady(f"no {count} free ports in a row for the swarm's metrics: end other programs and try again")
