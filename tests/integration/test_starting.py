"""A process that starts waits for its database where that may help, and says so at once where it will not.

That it waits for a server that is full is shown in tests/faults/test_database_trouble.py.
"""

import asyncio
import socket
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from service.domain.errors import DatabaseUnavailable
from service.storage import starting
from service.storage.starting import wait_for_database


def nobody() -> str:
    """An address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"postgresql://app:secret@127.0.0.1:{taken.getsockname()[1]}/none"


def test_a_database_that_answers_is_not_waited_for(run, empty_database_url):
    run(wait_for_database(empty_database_url, asyncio.Event()))


@pytest.mark.parametrize("wrong", ["password", "name"])
def test_a_wrong_address_is_told_at_once(run, empty_database_url, monkeypatch, wrong):
    """Also where a server would be waited for without end."""
    monkeypatch.setattr(starting, "REFUSED_FOR", 1e9)
    parts = urlsplit(empty_database_url)
    with_password = parts._replace(netloc=f"app:swordfish@{parts.netloc.rpartition('@')[2]}")
    url = urlunsplit(with_password if wrong == "password" else parts._replace(path="/there_is_none"))
    with pytest.raises(DatabaseUnavailable):
        run(wait_for_database(url, asyncio.Event()))


def test_where_nobody_listens_a_restart_is_waited_for_and_no_longer(run, monkeypatch):
    monkeypatch.setattr(starting, "REFUSED_FOR", 0.3)
    tries = []
    connect = asyncpg.connect

    async def counted(*args, **more):
        tries.append(args)
        return await connect(*args, **more)

    monkeypatch.setattr(asyncpg, "connect", counted)
    with pytest.raises(DatabaseUnavailable):
        run(wait_for_database(nobody(), asyncio.Event()))
    assert len(tries) > 1


@pytest.mark.parametrize(
    "error", [asyncpg.AdminShutdownError, asyncpg.CrashShutdownError, asyncpg.ConnectionDoesNotExistError]
)
def test_a_server_that_says_it_stops_is_waited_for_no_longer_than_a_restart(error):
    assert starting._passes(error("terminating connection"), may_be_refused=True)
    assert not starting._passes(error("terminating connection"), may_be_refused=False)


def test_whoever_is_told_to_stop_waits_no_more(run, monkeypatch):
    monkeypatch.setattr(starting, "REFUSED_FOR", 1e9)

    async def scenario():
        stop = asyncio.Event()
        waiting = asyncio.create_task(wait_for_database(nobody(), stop))
        await asyncio.sleep(0)
        assert not waiting.done()
        stop.set()
        async with asyncio.timeout(20):
            await waiting

    run(scenario())
