"""A whole service in processes of its own on a server of its own, made to be put in trouble.

What is done to it stands in `database_troubles.py`, who uses it meanwhile in `database_load.py`.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import asyncpg

from loadtests.faults.processes import ProcessFaults
from loadtests.harness.http_json import ask
from loadtests.harness.processes import Child, once, python
from service.storage import embedded

READY_WITHIN = 90.0
STOP_GRACE = 20.0
CONNECTIONS = 8
"""Of each process: with the operator's and those of the heartbeat about half of what the server takes."""
ROLES = ("web", "worker", "gatekeeper")
OURS = ("launchnight", "heartbeat")
"""Names under which the service connects."""
INSTANT = {"delay_median_s": 0.0, "delay_sigma": 0.0, "loss": 0.0}
PEOPLE = """
with tickets as (
    insert into ticket (number) select nextval('ticket_number') from generate_series(1, $2::int) returning number
)
insert into account (id, ticket_number, name, phone)
select gen_random_uuid(), number, 'Siti Aminah', '+6280' || lpad(($1::int + row_number() over ())::text, 9, '0')
from tickets
"""


class House:
    """Server, partners and the three roles. `faults` brings trouble to processes."""

    def __init__(self, folder: Path, faults: ProcessFaults) -> None:
        self.faults = faults
        self.children: dict[str, Child] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._data = folder / "database"
        self._people = 0
        self._operator: asyncpg.Connection | None = None
        self.server = embedded.start(self._data, say=lambda _: None)
        self._settings = {
            "DATABASE_URL": self.server.url,
            "REGISTRATION_SECRET_KEY": secrets.token_hex(32),
            "REGISTRATION_PORT": "0",
            "REGISTRATION_PHOTO_DIR": str(folder / "photos"),
            "REGISTRATION_DATABASE_CONNECTIONS": str(CONNECTIONS),
        }

    def start_all(self) -> None:
        """Partners, schema and the three roles. Raises HarnessError."""
        partners = self._start("partners", python("-m", "scenarios.partners", "--lifeline"))
        ask("PATCH", f"{partners.url}/settings", {"sms": INSTANT})
        self._settings["REGISTRATION_PARTNERS_URL"] = partners.url
        migrate = python("-m", "service", "migrate")
        once("migrate", migrate, settings=self._settings, logs=self._folder, within=READY_WITHIN)
        for role in ROLES:
            self._begin(role, python("-m", "service", role, "--lifeline"))
        for role in ROLES:
            self.children[role].wait_ready(READY_WITHIN)

    def start(self, role: str, name: str = "", module: str = "service") -> None:
        """A role that is ready; it answers where the one before it under this name did. module: what is run."""
        name = name or role
        before = self.children.get(name)
        port = "0" if before is None else str(before.ready["port"] or 0)
        self._settings["REGISTRATION_PORT"] = port
        self._start(name, python("-m", module, role, "--lifeline"))

    def dismiss(self, name: str, *, grace: float = STOP_GRACE) -> None:
        """End it, in order within the grace."""
        child = self.children.pop(name)
        if not grace:
            child.kill()
        child.stop(grace=grace)

    def _start(self, name: str, command: list[str]) -> Child:
        child = self._begin(name, command)
        child.wait_ready(READY_WITHIN)
        return child

    def _begin(self, name: str, command: list[str]) -> Child:
        child = self.children[name] = Child(name, command, settings=self._settings, logs=self._folder)
        return child

    def stop(self) -> None:
        for child in reversed(self.children.values()):
            child.stop(grace=STOP_GRACE)
        self.server.stop()
        embedded.discard(self._data)

    @property
    def url(self) -> str:
        return self.children["web"].url

    @property
    def partners(self) -> str:
        return self.children["partners"].url

    def ended(self) -> list[str]:
        """Roles whose process has ended."""
        return [role for role, child in self.children.items() if child.code is not None]

    def log(self, name: str) -> str:
        """What it has said on standard error; empty before it was started."""
        child = self.children.get(name)
        return child.log.read_text(errors="replace") if child is not None else ""

    # ------------------------------------------------------------ the server

    def kill_server(self) -> None:
        """`kill -9` of the postmaster; its backends notice within a moment."""
        self.faults.kill(self.server.pid)
        self.server.process.wait()
        self.server.stop()

    def start_server(self) -> None:
        """Where it was; it answers when this returns."""
        self.server = embedded.start(self._data, port=self.server.port, say=lambda _: None)

    async def operator(self) -> asyncpg.Connection:
        """A connection apart from those of the service; anew where the one before it was lost."""
        if self._operator is None or self._operator.is_closed():
            patient = {"statement_timeout": "0", "application_name": "operator"}
            self._operator = await asyncpg.connect(self.server.url, timeout=READY_WITHIN, server_settings=patient)
        return self._operator

    async def let_operator_go(self) -> None:
        if self._operator is not None:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._operator.close(timeout=5)
        self._operator = None

    async def backends(self, condition: str = "true") -> list[int]:
        """Process ids of the service's backends for which the condition over `pg_stat_activity` holds."""
        rows = await (await self.operator()).fetch(
            f"select pid from pg_stat_activity where application_name = any($1) and {condition} order by pid", OURS
        )
        return [row["pid"] for row in rows]

    # ------------------------------------------------------------ people

    async def invite(self, count: int) -> list[str]:
        """So many more accounts; their phone numbers."""
        await (await self.operator()).execute(PEOPLE, self._people, count)
        numbers = [f"+6280{number:09}" for number in range(self._people + 1, self._people + count + 1)]
        self._people += count
        return numbers

    def is_ready(self) -> bool:
        """What `GET /health/ready` says; False when it says nothing within a second."""
        connection = HTTPConnection("127.0.0.1", self.children["web"].ready["port"], timeout=1.0)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    """A service under way; nothing of it is left afterwards."""
    with ExitStack() as stack:
        faults = stack.enter_context(ProcessFaults())
        rooms = await asyncio.to_thread(House, folder, faults)
        stack.callback(rooms.stop)
        stack.callback(faults.close)  # what is stopped could not be ended
        await asyncio.to_thread(rooms.start_all)
        try:
            yield rooms
        finally:
            await rooms.let_operator_go()


async def until(condition: Callable[[], object], what: str, within: float = 30.0) -> None:
    """Wait for a condition that is looked at in a thread of its own."""
    deadline = time.monotonic() + within
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, f"waited {within:g} s in vain: {what}"
        await asyncio.sleep(0.02)
