"""The waiting room: polls of the board, checks of tickets, and joins, beside what any service must do for them.

The board is asked of the web role as it is served, doorkeeper included, and of a bare Starlette route that returns the
same bytes; both by the same client, in turns, per CPU second of the server's process. Joins are compared with one
INSERT each: at the store with the same tasks and connections, and over HTTP with a bare route that does nothing else.
"""

import asyncio
import os
import re
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median
from urllib.request import urlopen

import asyncpg
import psutil

from loadtests.harness.errors import HarnessError
from loadtests.harness.processes import Child, once, python
from service.actions import tickets
from service.domain import tickets as rules
from service.domain.tickets import Shown
from service.room_ports import Room
from service.storage.vault import KeyVault
from tests.benchmarks.rows import Row, alone, paired
from tests.benchmarks.stack import READY_WITHIN, Stack, say, stack
from tests.benchmarks.waiting_room_client import crowd
from tests.benchmarks.waiting_room_joins import joins_per_second

RUNS = int(os.environ.get("BENCH_RUNS", "7"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "2"))
"""Less of both to try the benchmark itself; five runs at least."""
NO_PARTNERS = "http://127.0.0.1:9"
"""Nobody is written to."""
WATCHERS = 8
"""Connections that ask for the board: enough to keep one server busy."""
JOINERS = 32
"""Connections that join: several for each of the floor's connections to the database."""
NUMBER = re.compile(rb'"number": *(\d+)')


def rows() -> Iterator[Row]:
    yield _ticket_check()
    with stack() as server:
        web = _web(server, "board", door="on")
        with urlopen(f"{web.url}/board") as answer:
            board = answer.read()
        floor = _floor(server, board.decode())
        yield _board(web, floor, board)
        ours, single = joins_per_second(server.database("store"), RUNS, SECONDS)
        say(f"joins at the store: {median(ours):.0f}/s, by one INSERT each {median(single):.0f}/s")
        yield paired("room.joins_vs_single_insert", "joins/s", ours, single)
        yield from _joins_over_http(server, floor)


def _ticket_check() -> Row:
    """Signature, key, start, secret and revocation of one ticket, as each look at a place begins."""
    vault = KeyVault(os.urandom(32))
    room = Room(1, 0.0, 1.0, "open", "", 10_000, datetime.now(UTC), 0.0, revoked=frozenset(range(10_001, 10_101)))
    held = []
    for number in range(1, 10_001):
        secret = rules.secret_of(vault.key("ticket secrets"), b"%d" % number)
        held.append(Shown(tickets.sign_ticket(vault, room, number, rules.binding_of(secret)), secret))
    seconds = []
    for _ in range(RUNS + 1):
        began = time.process_time()
        for shown in held:
            tickets.read_ticket(vault, shown, room)
        seconds.append((time.process_time() - began) / len(held))
    return alone("room.ticket_check", "us", [each * 1e6 for each in seconds[1:]])


def _web(server: Stack, name: str, *, door: str) -> Child:
    """The web role alone, on a database of its own."""
    settings = {**server.settings(name, server.database(name), NO_PARTNERS), "REGISTRATION_OVERLOAD_LIMIT": door}
    migrate = python("-m", "service", "migrate")
    once(f"migrate-{name}", migrate, settings=settings, logs=server.folder, within=READY_WITHIN)
    return server.start(f"web-{name}", python("-m", "service", "web", "--lifeline"), settings)


def _floor(server: Stack, board: str) -> Child:
    database = server.database("floor")
    command = python("-m", "tests.benchmarks.waiting_room_floor", "--database", database, "--board", board)
    return server.start("floor", [*command, "--lifeline"])


def _board(web: Child, floor: Child, board: bytes) -> Row:
    ours, bare = [], []
    for run in range(RUNS + 1):
        pair = _polls_per_cpu_second(web, board), _polls_per_cpu_second(floor, board)
        if run:  # the first warms both up
            ours.append(pair[0])
            bare.append(pair[1])
            say(f"board {run} of {RUNS}: {pair[0]:.0f} polls a CPU second, a bare route {pair[1]:.0f}")
    return paired("room.board_polls_vs_floor", "polls/CPU s", ours, bare)


def _polls_per_cpu_second(server: Child, board: bytes) -> float:
    process = psutil.Process(server.pid)
    answers = 0

    def read(status: int, body: bytes, _: float) -> None:
        nonlocal answers
        if status != 200 or len(body) != len(board):
            raise HarnessError(f"the board answered {status}: {body[:200]!r}")
        answers += 1

    before = process.cpu_times()
    crowd(server.url, SECONDS, WATCHERS, lambda host: b"GET /board HTTP/1.1\r\nHost: %s\r\n\r\n" % host.encode(), read)
    after = process.cpu_times()
    used: float = after.user + after.system - before.user - before.system
    return answers / used


def _joins_over_http(server: Stack, floor: Child) -> Iterator[Row]:
    """Off the door: a closed loop asks for all there is, which the door exists to refuse."""
    web = _web(server, "joins", door="off")
    ours, bare, slowest, told = [], [], [], set[int]()
    answers = 0
    for run in range(RUNS + 1):
        seconds = list[float]()
        rate, drawn = _joins_per_second(web, seconds)
        answers += len(drawn)
        told |= drawn
        single, _ = _joins_per_second(floor, [])
        if run:
            ours.append(rate)
            bare.append(single)
            slowest.append(sorted(seconds)[int(0.99 * len(seconds))])
            say(f"joins {run} of {RUNS}: {rate:.0f}/s, p99 {slowest[-1] * 1e3:.0f} ms; one INSERT each {single:.0f}/s")
    kept = asyncio.run(_numbers(str(web.settings["DATABASE_URL"])))
    yield paired("room.joins_http_vs_single_insert", "joins/s", ours, bare)
    yield alone("room.joins_http_p99", "s", slowest)
    yield alone("room.joins_lost_acknowledgements", "joins", [answers - len(told) + len(told - kept)])


def _joins_per_second(server: Child, seconds: list[float]) -> tuple[float, set[int]]:
    """Joins a second of JOINERS, one after the other each, and the numbers they were told; adds how long each took."""
    numbers = list[int]()

    def make(host: str) -> bytes:
        key = secrets.token_hex(8)
        head = f"POST /tickets HTTP/1.1\r\nHost: {host}\r\nIdempotency-Key: {key}\r\nContent-Type: application/json"
        return f"{head}\r\nContent-Length: 2\r\n\r\n{{}}".encode()

    def read(status: int, body: bytes, took: float) -> None:
        if status != 201:
            raise HarnessError(f"a join was answered {status}: {body[:200]!r}")
        found = NUMBER.search(body)
        assert found
        numbers.append(int(found[1]))
        seconds.append(took)

    took = crowd(server.url, SECONDS, JOINERS, make, read)
    told = set(numbers)
    if len(told) != len(numbers):
        raise HarnessError(f"{server.url}: a number was given twice")
    return len(numbers) / took, told


async def _numbers(url: str) -> set[int]:
    connection = await asyncpg.connect(url)
    try:
        return {row["number"] for row in await connection.fetch("select number from ticket")}
    finally:
        await connection.close()
