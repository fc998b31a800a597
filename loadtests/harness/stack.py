"""What a rehearsal plays against: a stack of its own on loopback, started here, or one that runs already.

Both answer the same questions (`Stack`). This module starts its own: database, partners, the service's processes and,
when asked for, nginx before several of the web role.
"""

import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from loadtests.faults.processes import ProcessFaults
from loadtests.harness import proxy, tried_settings
from loadtests.harness.errors import HarnessError, Refusal
from loadtests.harness.faults import Injector
from loadtests.harness.http_json import ask
from loadtests.harness.link_faults import LinkInjector
from loadtests.harness.order import Order
from loadtests.harness.process_faults import ProcessInjector
from loadtests.harness.processes import LOOPBACK, Child, once, python
from loadtests.harness.programs import SERVICE_KINDS, Programs
from loadtests.harness.run_folder import RunFolder
from loadtests.harness.samples import Target
from loadtests.harness.swarm import night_options
from scenarios.capacities import PAYOUTS, ROUTE_OF_MANY, PartnerSet
from scenarios.faults import LINKS, PROCESSES

APPLICANTS, DATABASE = LINKS

MIGRATE_WITHIN = 60.0
LEDGER_WITHIN = 120.0

LEAST_RATE_PER_S = 1e-9
"""The service wants positive rates; a partner with none refuses whatever is asked."""
WEB_CONNECTIONS = 32
"""Of the 60 that the embedded server gives, for all web processes together; alone one takes its default of 16."""


class Stack(Protocol):
    """The service under rehearsal with its partners and its database."""

    url: str
    """Where applicants go; known once it has started, like the partners' address."""
    partners_url: str

    def start(self) -> None:
        """Come up, or be found ready. Raises Refusal or NotReady; of a Refusal nothing is kept."""

    def open(self, opens_at: float) -> None:
        """The doors open at `opens_at`, unix seconds."""

    def targets(self) -> list[Target]:
        """Metrics endpoints of processes that ran before the rehearsal: no child of ours tells of them."""

    def stop(self, *, grace: float) -> None:
        """End whatever of it could still write, where it is ours to end."""

    def gone(self) -> str:
        """Why it no longer serves although no child of ours has died; empty while it does."""

    def partners_ledger(self) -> dict[str, Any]:
        """What the partners saw since the start. Raises HarnessError."""

    def database_ledger(self) -> dict[str, Any] | None:
        """What was written to the database since the start; None when nobody can read it. Raises HarnessError."""

    def injectors(self, hands: ProcessFaults, came_back: Callable[[Child], None]) -> dict[str, Injector]:
        """By target, who brings about faults of its processes and connections.

        hands: does it to processes; came_back: hears of each that was started again.
        """

    def document(self) -> dict[str, Any]:
        """What run.json says of it, its address and what is odd about it."""


class OwnStack:
    """Started for the rehearsal and ended with it. Fulfils Stack and process_faults.Supervised."""

    def __init__(
        self, order: Order, folder: RunFolder, programs: Programs, partners: PartnerSet, queue_limits: Mapping[str, int]
    ) -> None:
        """partners, queue_limits: scaled, per real second."""
        self.url = self.partners_url = ""
        self._order = order
        self._folder = folder
        self._programs = programs
        self._partners = partners
        self._queue_limits = queue_limits
        self._secret = secrets.token_hex(32)
        self._database_url = os.environ.get("DATABASE_URL", "")
        self._links = [link for link in LINKS if link in {fault.target for fault in order.night.faults}]
        """Those that a fault befalls: a proxy costs each of their connections some CPU, so no others have one."""
        self._born: dict[str, Child] = {}
        """By role, what was started first: its addresses are kept."""
        self._web_roles = ["web", *(f"web-{number}" for number in range(2, order.replicas + 1))]

    @property
    def embedded(self) -> bool:
        """The database is ours; else it is the server that DATABASE_URL names."""
        return not os.environ.get("DATABASE_URL")

    def start(self) -> None:
        self._start_ground()
        self._migrate(time.time())
        if not self.embedded and json.loads(self.ledger())["accounts"]["ids"]:
            # Its people would be differences of this run.
            raise Refusal("the database of DATABASE_URL holds accounts already: name an empty one, or unset it")
        self._start_service()
        self.url = self._start_proxy() if self._order.proxy else self._programs.children["web"].url
        if APPLICANTS in self._links:
            self.url = self._start_link(APPLICANTS, self.url)
        self._born = dict(self._programs.children)

    def open(self, opens_at: float) -> None:
        ask("PUT", f"{self.partners_url}/clock", {"opens_at": opens_at})
        self._migrate(opens_at)

    def targets(self) -> list[Target]:
        return []

    def stop(self, *, grace: float) -> None:
        self._programs.stop(self._programs.of("proxy", *SERVICE_KINDS), grace=grace)

    def gone(self) -> str:
        return ""

    def partners_ledger(self) -> dict[str, Any]:
        ledger: dict[str, Any] = ask("GET", f"{self.partners_url}/ledger")
        return ledger

    def database_ledger(self) -> dict[str, Any] | None:
        if "database" in (child.role for child in self._programs.dead()):
            self._start_database()  # what was acknowledged must have survived
        try:
            ledger: dict[str, Any] = json.loads(self.ledger())
        except ValueError:
            raise HarnessError("it printed no JSON") from None
        return ledger

    def document(self) -> dict[str, Any]:
        return {
            "started": True,
            "replicas": self._order.replicas,
            "proxy": self._order.proxy or None,
            "target": self.url,
            "partners": self.partners_url,
            "ledger": True,
            "remarks": [],
            "settings": self._order.tried,
            **({"pins": pinned} if (pinned := self._order.pins.to_dict()) else {}),
        }

    # Breaking

    def injectors(self, hands: ProcessFaults, came_back: Callable[[Child], None]) -> dict[str, Injector]:
        processes = ProcessInjector(self, hands, came_back)
        links = LinkInjector({link: self._control(link) for link in self._links}, ask)
        return {**dict.fromkeys(PROCESSES, processes), **dict.fromkeys(self._links, links)}

    def of(self, kind: str) -> list[Child]:
        return self._programs.of(kind)

    def start_again(self, role: str) -> Child:
        born = self._born[role]
        if role == "database":
            self._launch_database(port=int(born.ready["port"]))
        elif role == "proxy":
            with self._programs.held("proxy"):
                again = proxy.launch_again(born)
            self._programs.adopt(again)
        else:
            addresses = {
                "REGISTRATION_PORT": str(born.ready["port"] or 0),
                "REGISTRATION_METRICS_PORT": str(born.ready["metrics_port"]),
            }
            self._programs.launch(role, born.command, {**born.settings, **addresses})
        return self._programs.children[role]

    def is_back(self, child: Child) -> bool:
        return proxy.listens(child) if child.role == "proxy" else bool(child.ready)

    # Starting

    def _start_ground(self) -> None:
        """Database and partners, at the same time."""
        self._programs.launch(
            "partners", python("-m", "scenarios.partners", *night_options(self._order), "--port", "0", "--lifeline")
        )
        if self.embedded:
            self._launch_database()
        self._programs.await_ready(["partners"])
        self.partners_url = self._programs.children["partners"].url
        if self.embedded:
            self._await_database()

    def _start_database(self) -> None:
        """The embedded server alone, again if it has died."""
        self._launch_database()
        self._await_database()

    def _launch_database(self, *, port: int = 0) -> None:
        """port: 0 takes a free one."""
        where = ["--data", str(self._folder.work / "database"), "--port", str(port)]
        self._programs.launch("database", python("-m", "service", "database", *where, "--lifeline"))

    def _await_database(self) -> None:
        self._programs.await_ready(["database"])
        self._database_url = str(self._programs.children["database"].ready["url"])

    def _start_service(self) -> None:
        settings = self.settings(time.time())
        if DATABASE in self._links:
            settings["DATABASE_URL"] = self._start_link(DATABASE, self._database_url)
        replica = settings
        if self._order.replicas > 1:
            connections = max(1, WEB_CONNECTIONS // self._order.replicas)
            replica = {"REGISTRATION_DATABASE_CONNECTIONS": str(min(16, connections)), **settings}
        for role in self._web_roles:
            self._programs.launch(role, service_command("web"), replica)
        for role in SERVICE_KINDS[1:]:
            self._programs.launch(role, service_command(role), settings)
        self._programs.await_ready([*self._web_roles, *SERVICE_KINDS[1:]])

    def _start_proxy(self) -> str:
        """nginx before the web processes; its address."""
        ports = [int(self._programs.children[role].ready["port"]) for role in self._web_roles]
        with self._programs.held("proxy"):
            child = proxy.launch(self._folder.work / "proxy", ports, logs=self._folder.logs)
        self._programs.adopt(child)
        proxy.await_answer(child)
        return child.url

    def _start_link(self, link: str, url: str) -> str:
        """Put a fault proxy before the server of `url`; the address that leads there through it."""
        parts = urlsplit(url)
        role = f"faults-{link}"
        to = ["--to", f"{parts.hostname}:{parts.port}", "--seed", str(self._order.seed)]
        self._programs.launch(role, python("-m", "loadtests.faults", "--listen", f"{LOOPBACK}:0", *to, "--lifeline"))
        self._programs.await_ready([role])
        user, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user}{at}{LOOPBACK}:{self._programs.children[role].ready['port']}").geturl()

    def _control(self, link: str) -> str:
        return f"http://{LOOPBACK}:{self._programs.children[f'faults-{link}'].ready['control_port']}"

    # Running once

    def _migrate(self, opens_at: float) -> None:
        """Make the schema and write the wave with its doors at `opens_at`; doing it again only moves the doors."""
        self._once("migrate", [], MIGRATE_WITHIN, opens_at)

    def ledger(self) -> bytes:
        """What the database holds, as JSON."""
        return self._once("ledger", ["--json"], LEDGER_WITHIN, 0.0)

    def _once(self, verb: str, arguments: list[str], within: float, opens_at: float) -> bytes:
        command = python("-m", "service", verb, *arguments)
        return once(verb, command, settings=self.settings(opens_at), logs=self._folder.logs, within=within)

    def settings(self, opens_at: float) -> dict[str, str]:
        """Settings of the service: the night's capacities per real second."""
        night, partners, limits = self._order.night, self._partners, self._queue_limits
        opens, speed = datetime.fromtimestamp(opens_at, UTC), self._order.factors.speed
        joins_open = opens + ((night.joins_open_at or night.opens_at) - night.opens_at) / speed
        gate = partners.gate_per_s
        return {
            "DATABASE_URL": self._database_url,
            "REGISTRATION_SECRET_KEY": self._secret,
            "REGISTRATION_HOST": LOOPBACK,
            "REGISTRATION_PORT": "0",
            "REGISTRATION_METRICS_HOST": LOOPBACK,
            "REGISTRATION_METRICS_PORT": "0",
            "REGISTRATION_PHOTO_DIR": str(self._folder.photos),
            "REGISTRATION_PARTNERS_URL": self.partners_url,
            "REGISTRATION_CIVIL_REGISTRY_RATE": _rate(partners.civil_registry.rate_per_s),
            "REGISTRATION_EMAIL_RATE": _rate(partners.email.rate_per_s),
            "REGISTRATION_SMS_RATE": _rate(partners.sms.rate_per_s),
            "REGISTRATION_ANNOUNCEMENT_RATE": _rate(ROUTE_OF_MANY.rate_per_s * self._order.factors.rate),
            "REGISTRATION_PAYOUT_RATE": _rate(PAYOUTS.rate_per_s * self._order.factors.rate),
            "REGISTRATION_IDENTITY_QUEUE_LIMIT": str(limits["identity"]),
            "REGISTRATION_EMAIL_QUEUE_LIMIT": str(limits["email"]),
            "REGISTRATION_SMS_QUEUE_LIMIT": str(limits["sms"]),
            "REGISTRATION_WAITING_ROOM": "off" if gate < 0 else "on",
            "REGISTRATION_GATE_RATE": _rate(gate),
            "REGISTRATION_WAVE_OPENS_AT": joins_open.isoformat(),
            "REGISTRATION_WAVE_CLOSES_AT": (opens + (night.closes_at - night.opens_at) / speed).isoformat(),
            "REGISTRATION_AGE_ON": night.opens_at.date().isoformat(),
            "REGISTRATION_SYNTHETIC_PEOPLE": "on",
            "REGISTRATION_RESUMABLE_UPLOADS": "off" if self._order.uploader == "one_shot" else "on",
            **tried_settings.as_variables(self._order.tried),
        }


def service_command(role: str) -> list[str]:
    """One process of the service."""
    return python("-m", "service", role, "--lifeline")


def _rate(rate_per_s: float) -> str:
    return repr(max(rate_per_s, LEAST_RATE_PER_S))
