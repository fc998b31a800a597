"""Processes and connections broken by a timeline: each fault bites, is over at its end, and says so."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from loadtests.faults.processes import ProcessFaults
from loadtests.harness.errors import HarnessError
from loadtests.harness.http_json import ask
from loadtests.harness.link_faults import LinkInjector
from loadtests.harness.process_faults import ProcessInjector
from loadtests.harness.processes import Child, python
from loadtests.harness.programs import unexpected
from scenarios.faults import LINK_KINDS, Fault
from tests.integration.fault_room import Room, fault_room, received

PROGRAM = "import json, sys; print(json.dumps({'ready': True}), flush=True); sys.stdin.read()"
GIVES_UP = "import sys; sys.exit(2)"


class Shop:
    """Two web processes that are started again as often as they are asked for. Fulfils Supervised."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.children = {role: self._start(role, PROGRAM) for role in ("web", "web-2")}
        self.started = list(self.children.values())
        self.next_programs: list[str] = []
        """What is started instead, first to last."""

    def _start(self, role: str, program: str) -> Child:
        return Child(role, python("-c", program), settings={}, logs=self._folder)

    def of(self, kind: str) -> list[Child]:
        return [child for role, child in self.children.items() if role.startswith(kind)]

    def start_again(self, role: str) -> Child:
        self.children[role] = self._start(role, self.next_programs.pop(0) if self.next_programs else PROGRAM)
        self.started.append(self.children[role])
        return self.children[role]

    def is_back(self, child: Child) -> bool:
        return bool(child.ready)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    try:
        for child in shop.started:
            child.wait_ready(30)
        yield shop
    finally:
        for child in shop.started:
            child.kill()


@pytest.fixture
def hands() -> Iterator[ProcessFaults]:
    with ProcessFaults() as hands:
        yield hands


def fault(kind: str, target: str = "web", start: float = 0.0) -> Fault:
    return Fault(kind, target, start, start + 1.0)


def until(settled: Callable[[], dict[str, Any] | None]) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while (facts := settled()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return facts


def test_a_killed_process_comes_back_and_nobody_calls_it_a_crash(shop: Shop, hands: ProcessFaults) -> None:
    back: list[Child] = []
    injector = ProcessInjector(shop, hands, back.append)
    killed, one = shop.children["web"], fault("killed")
    facts = injector.begin(one)
    assert facts is not None and facts["role"] == "web"
    assert [change["pid"] for change in facts["proof"]["processes"]] == [killed.pid]
    assert facts["proof"]["processes"][0]["after"] in ("zombie", "gone") and killed.code == -9
    assert killed.killed_by_fault and not unexpected(killed)
    ended = until(lambda: injector.end(one))
    assert (ended["bit"], ended["tries"], ended["back_after_s"] > 0) == (True, 1, True)
    assert back == [shop.children["web"]] and back[0].ready and back[0] is not killed
    os.kill(back[0].pid, signal.SIGKILL)  # the control: by somebody else, while its lifeline is still held
    assert back[0].ended_within(30) and unexpected(back[0])


def test_a_process_that_gives_up_on_its_way_back_is_started_again(shop: Shop, hands: ProcessFaults) -> None:
    """As by a supervisor, while its database is down for example; that it gave up is no crash either."""
    now = [0.0]
    injector = ProcessInjector(shop, hands, lambda _: None, clock=lambda: now[0])
    one = fault("killed")
    injector.begin(one)
    shop.next_programs = [GIVES_UP, GIVES_UP]

    def later() -> dict[str, Any] | None:
        if shop.children["web"].code is not None:  # only who has ended is waited for: a slow start takes no time here
            now[0] += 0.25
        return injector.end(one)

    assert until(later)["tries"] == 3
    assert [child.code for child in shop.started[2:]] == [2, 2, None]
    assert not any(unexpected(child) for child in shop.started[2:4])


def test_a_process_that_never_comes_back_is_a_fault_that_did_not_end(shop: Shop, hands: ProcessFaults) -> None:
    now = [0.0]
    injector = ProcessInjector(shop, hands, lambda _: None, clock=lambda: now[0])
    one = fault("killed")
    injector.begin(one)
    shop.next_programs = [GIVES_UP]
    assert injector.end(one) is None
    shop.children["web"].ended_within(30)
    now[0] = 60.0
    with pytest.raises(HarnessError, match=r"web did not come back within 40 s: .*web\.log"):
        injector.end(one)
    assert unexpected(shop.children["web"])


def test_processes_of_a_kind_are_hit_in_turn(shop: Shop, hands: ProcessFaults) -> None:
    """Each at its own time; one that has not come back from the fault before is waited for."""
    injector = ProcessInjector(shop, hands, lambda _: None)
    first, second, third = (fault("stopped", start=start) for start in (0.0, 2.0, 4.0))
    hit = [injector.begin(one) for one in (first, second)]
    assert [facts and facts["role"] for facts in hit] == ["web", "web-2"]
    assert injector.begin(third) is None
    stopped = [psutil.Process(child.pid).status() == psutil.STATUS_STOPPED for child in shop.started]
    assert stopped == [True, True]
    over = injector.end(first)
    assert over is not None and over["bit"] and over["proof"]["stopped_for_s"] > 0
    assert psutil.Process(shop.children["web"].pid).status() != psutil.STATUS_STOPPED
    begun = injector.begin(third)
    assert begun is not None and begun["role"] == "web"


def test_who_has_ended_before_cannot_be_broken(shop: Shop, hands: ProcessFaults) -> None:
    shop.children["web"].kill()
    injector = ProcessInjector(shop, hands, lambda _: None)
    for kind in ("killed", "stopped"):
        with pytest.raises(HarnessError, match=r"there is no process|has ended already"):
            injector.begin(fault(kind))
    assert not shop.children["web"].killed_by_fault


SPOILED: dict[str, dict[str, Any]] = {
    "latency": {"delay_s": 0.001, "jitter_s": 0.001},
    "bandwidth": {"rate_bytes_per_s": 1000.0},
    "slicer": {"size_bytes": 10, "variation_bytes": 2, "pause_s": 0.001},
    "slow_close": {"delay_s": 0.01},
    "reset": {"after_bytes": 5},
    "limit_data": {"after_bytes": 5},
    "half_close": {"after_bytes": 5},
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with fault_room(tmp_path_factory.mktemp("link")) as room:
        yield room


@pytest.fixture
def link(shared: Room) -> Iterator[Room]:
    yield shared
    shared.clear()


def injector_at(room: Room) -> LinkInjector:
    return LinkInjector({"database_link": f"http://127.0.0.1:{room.child.ready['control_port']}"}, ask)


@pytest.mark.parametrize("kind", LINK_KINDS)
def test_every_spoiling_of_a_link_is_understood_and_lifted(link: Room, kind: str) -> None:
    """And says that it touched nothing where nobody was connected; of a closed port it is known that it refuses."""
    injector = injector_at(link)
    one = Fault(kind, "database_link", 0, 1, toxicity=0.5 if kind != "down" else 1.0, **SPOILED.get(kind, {}))
    injector.begin(one)
    (held,) = link.ask("GET", "/toxics")[1]["toxics"]
    wanted = {"kind": kind, **SPOILED.get(kind, {}), **({} if kind == "down" else {"toxicity": 0.5})}
    assert wanted.items() <= held.items()
    over = injector.end(one)
    assert link.ask("GET", "/toxics")[1]["toxics"] == []
    assert over["counted"]["connections"] == 0
    assert (over["bit"], "text" in over) == ((True, False) if kind == "down" else (False, True))


def test_a_spoiled_link_counts_whom_it_hit(link: Room) -> None:
    injector = injector_at(link)
    client, server = link.pair()
    one = Fault("latency", "database_link", 0, 1, delay_s=0.01)
    injector.begin(one)
    server.sendall(b"answer")
    assert received(client, 6) == b"answer"
    over = injector.end(one)
    assert (over["bit"], over["counted"]["connections"], over["counted"]["bytes"]) == (True, 1, 6)
