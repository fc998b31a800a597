"""What a benchmark measures, as processes: one database server, the partners, and service after service on it.

The harness's children with their lifelines; figures of the partners and the gate are set so that nothing but the
service's own work takes time.
"""

import asyncio
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from loadtests.harness.cpu import CpuSampler
from loadtests.harness.http_json import ask
from loadtests.harness.processes import ROOT, Child, once, python

READY_WITHIN = 150.0
STOP_GRACE = 20.0
CONNECTIONS = "6"
"""Of each process: two services and the floor share the embedded server's 60."""
NO_LIMIT = "1000000"
INSTANT = {"rate_per_s": 1e6, "delay_median_s": 0.0, "delay_sigma": 0.0, "loss": 0.0}
PARTNERS = {
    "email": INSTANT,
    "sms": INSTANT,
    "civil_registry": {
        "rate_per_s": 1e6, "latency_median_s": 0.0, "latency_p99_s": 0.0, "error_ratio": 0.0, "allowance": [],
    },
}  # fmt: skip


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Service:
    """A running service, with a database and partners of its own."""

    database: str
    web: Child
    partners: Child


@contextmanager
def stack() -> Iterator["Stack"]:
    """Database and partners, ready; nothing of it is left afterwards, its folder included."""
    folder = ROOT / ".launchnight" / f"bench-{secrets.token_hex(4)}"
    folder.mkdir(parents=True)
    with ExitStack() as children:
        children.callback(shutil.rmtree, folder, ignore_errors=True)
        yield Stack(folder, children)


class Stack:
    def __init__(self, folder: Path, children: ExitStack) -> None:
        self.folder = folder
        self._children = children
        self._secret = secrets.token_hex(32)
        say("starting the database")
        data = str(folder / "database")
        database = self.start("database", python("-m", "service", "database", "--data", data, "--lifeline"))
        self._server_url, self._tcp_url = (str(database.ready[name]) for name in ("local_url", "url"))
        self._database_cpu = CpuSampler()
        self._database_cpu.watch("database", [int(database.ready["pid"])])

    def start(self, role: str, command: list[str], settings: dict[str, str] | None = None) -> Child:
        """A child that is ready. Raises HarnessError."""
        child = Child(role, command, settings=settings or {}, logs=self.folder)
        self._children.callback(child.stop, grace=STOP_GRACE)
        child.wait_ready(READY_WITHIN)
        return child

    def database(self, name: str) -> str:
        """The URL of a fresh database on the one server."""
        asyncio.run(self._create(name))
        return urlunsplit(urlsplit(self._server_url)._replace(path=f"/{name}"))

    def slowed(self, database: str, delay_s: float) -> str:
        """The address of the same database by a fault proxy that holds up each of its answers."""
        parts = urlsplit(self._tcp_url)
        to = f"{parts.hostname}:{parts.port}"
        command = python("-m", "loadtests.faults", "--listen", "127.0.0.1:0", "--to", to, "--lifeline")
        proxy = self.start("faults", command)
        control = f"http://127.0.0.1:{proxy.ready['control_port']}"
        ask("POST", f"{control}/toxics", {"kind": "latency", "direction": "downstream", "delay_s": delay_s})
        user = parts.netloc.rpartition("@")[0]
        host = f"{user}@127.0.0.1:{proxy.ready['port']}"
        return urlunsplit(parts._replace(netloc=host, path=urlsplit(database).path))

    def service(self, name: str) -> Service:
        """A whole service, on a database of its own.

        Its partners are its own too: keys of two databases' queues are the same, so partners would not tell them apart.
        """
        say(f"starting the service on the database {name}")
        database = self.database(name)
        partners = self.start(f"partners-{name}", python("-m", "scenarios.partners", "--lifeline"))
        ask("PATCH", f"{partners.url}/settings", PARTNERS)
        # The room's rate follows how the service bears it, which is what is measured here.
        settings = {**self.settings(name, database, partners.url), "REGISTRATION_WAITING_ROOM": "off"}
        migrate = python("-m", "service", "migrate")
        once(f"migrate-{name}", migrate, settings=settings, logs=self.folder, within=READY_WITHIN)
        web, *_ = [
            self.start(f"{role}-{name}", python("-m", "service", role, "--lifeline"), settings)
            for role in ("web", "worker", "gatekeeper")
        ]
        return Service(database, web, partners)

    def database_cpu(self) -> float:
        """CPU seconds of the database server, its backends included."""
        self._database_cpu.sample()
        return self._database_cpu.seconds["database"]

    def settings(self, name: str, database: str, partners_url: str) -> dict[str, str]:
        """Of the processes of one service."""
        photos = self.folder / f"photos-{name}"
        photos.mkdir(exist_ok=True)
        return {
            "DATABASE_URL": database,
            "REGISTRATION_SECRET_KEY": self._secret,
            "REGISTRATION_PORT": "0",
            "REGISTRATION_PHOTO_DIR": str(photos),
            "REGISTRATION_PARTNERS_URL": partners_url,
            "REGISTRATION_DATABASE_CONNECTIONS": CONNECTIONS,
            "REGISTRATION_GATE_RATE": NO_LIMIT,
            "REGISTRATION_EMAIL_RATE": NO_LIMIT,
            "REGISTRATION_SMS_RATE": NO_LIMIT,
            "REGISTRATION_CIVIL_REGISTRY_RATE": NO_LIMIT,
            "REGISTRATION_SYNTHETIC_PEOPLE": "on",
            # A closed loop asks for all there is, which the door exists to refuse. It costs 3 us a request.
            "REGISTRATION_OVERLOAD_LIMIT": "off",
        }

    async def _create(self, name: str) -> None:
        connection = await asyncpg.connect(self._server_url)
        try:
            await connection.execute(f"create database {name}")
        finally:
            await connection.close()
