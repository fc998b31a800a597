"""The waiting room: polls of the board, checks of tickets, and joins, beside what any service must do for them.

The board is asked of the web role as it is served, doorkeeper included, and of a bare Starlette route that returns the
same bytes; both by the same client, in turns, per CPU second of the server's process. Joins are compared with one
INSERT each: at the store with the same tasks and connections, and over HTTP with a bare route that does nothing else.
"""

import os
from collections.abc import Iterator
from urllib.request import urlopen

import psutil

from loadtests.harness.errors import HarnessError
from loadtests.harness.processes import Child, once, python
from tests.benchmarks.rows import Row, paired
from tests.benchmarks.stack import READY_WITHIN, Stack, say, stack
from tests.benchmarks.waiting_room_client import crowd

RUNS = int(os.environ.get("BENCH_RUNS", "7"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "2"))
"""Less of both to try the benchmark itself; five runs at least."""
NO_PARTNERS = "http://127.0.0.1:9"
"""Nobody is written to."""
WATCHERS = 8
"""Connections that ask for the board: enough to keep one server busy."""


def rows() -> Iterator[Row]:
    with stack() as server:
        web = _web(server)
        with urlopen(f"{web.url}/board") as answer:
            board = answer.read().decode()
        floor = _floor(server, board)
        yield _board(web, floor, board.encode())


def _web(server: Stack) -> Child:
    """The web role alone, its door on."""
    settings = {**server.settings("room", server.database("room"), NO_PARTNERS), "REGISTRATION_OVERLOAD_LIMIT": "on"}
    once("migrate", python("-m", "service", "migrate"), settings=settings, logs=server.folder, within=READY_WITHIN)
    return server.start("web", python("-m", "service", "web", "--lifeline"), settings)


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
