"""Fixtures for everybody: an event loop for one test, one PostgreSQL for the session, a fresh database for one test."""

import asyncio
import faulthandler
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.s3_server import S3Server

REPOSITORY = Path(__file__).resolve().parents[1]
Run = Callable[[Coroutine[Any, Any, Any]], Any]

_numbers = count(1)
_STDERR = pytest.StashKey[int]()

# A loaded machine must fail no test: neither an example nor its making is timed.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_STDERR] = os.dup(2)  # the real one: while a test runs, 2 is captured


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    """After a failure pytest no longer watches for a hung test, but what clears up after it may hang as well."""
    seconds = float(node.config.getini("faulthandler_timeout"))
    faulthandler.dump_traceback_later(seconds, exit=True, file=node.config.stash[_STDERR])


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs coroutines of one test on one event loop."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A PostgreSQL for the session: TEST_DATABASE_URL (its user may create databases), or an embedded one."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    from service.storage import embedded
    from service.storage.embedded_folders import EmbeddedDatabaseError

    folder = REPOSITORY / ".launchnight" / "tests"
    for left in folder.glob("*"):  # of sessions that were killed
        with suppress(EmbeddedDatabaseError):
            if not _alive(int(left.name)):
                embedded.discard(left)
    data = folder / str(os.getpid())
    server = embedded.start(data)
    try:
        yield server.url
    finally:
        server.stop()
        embedded.discard(data)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _on_server(url: str, *statements: str) -> None:
    import asyncpg

    async def execute() -> None:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(execute())


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """The name of a migrated database to copy from."""
    from service.storage.migrate import migrate_url

    name = f"template_{os.getpid()}"
    _on_server(server_url, f"drop database if exists {name}", f"create database {name}")
    asyncio.run(migrate_url(_named(server_url, name)))
    yield name
    _on_server(server_url, f"drop database {name} with (force)")


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """A fresh, migrated database of this test alone."""
    yield from _fresh_database(server_url, template)


@pytest.fixture(scope="module")
def module_database_url(server_url: str, template: str) -> Iterator[str]:
    """A fresh, migrated database of the tests of one module, where a stack takes seconds to start."""
    yield from _fresh_database(server_url, template)


def _fresh_database(server_url: str, template: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    _on_server(server_url, f"create database {name} template {template}")
    yield _named(server_url, name)
    _on_server(server_url, f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[S3Server]":
    """A real S3 server for the session, with a bucket; each test takes a prefix of its own."""
    from tests.s3_server import s3_server

    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A fresh database without any table."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    _on_server(server_url, f"create database {name}")
    yield _named(server_url, name)
    _on_server(server_url, f"drop database {name} with (force)")
