"""Children of the harness: ready lines, lifelines, logs, CPU of their trees."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from loadtests.harness import pins
from loadtests.harness.cpu import CpuSampler
from loadtests.harness.errors import NotReady, Refusal
from loadtests.harness.machine import Machine, core_seconds
from loadtests.harness.processes import Child, environment, once, python
from loadtests.harness.programs import Programs, unexpected
from tests.children import child_process

READY = "import json, sys; print(json.dumps({'ready': True, 'host': '127.0.0.1', 'port': 7}), flush=True); "
UNTIL_EOF = "sys.stdin.read()"
ChildOf = Callable[..., Child]


@pytest.fixture
def child_of(tmp_path: Path) -> Iterator[ChildOf]:
    """Starts children of the harness; none outlives its test."""
    children: list[Child] = []

    def start(code: str, role: str = "web") -> Child:
        children.append(Child(role, python("-c", code), settings={}, logs=tmp_path))
        return children[-1]

    yield start
    for each in children:
        each.stop(grace=1)


def wait_for(condition: Callable[[], bool], within: float = 10) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_child_is_ready_when_it_says_so_and_ends_with_its_lifeline(child_of: ChildOf) -> None:
    child = child_of(READY + "print('{\"done\": true}', flush=True); " + UNTIL_EOF)
    child.wait_ready(10)
    wait_for(lambda: child.heard("done") is not None)
    assert (child.url, child.code) == ("http://127.0.0.1:7", None)
    assert child.stop(grace=10) == 0
    assert child.stopped_by_us


def test_a_child_that_says_nothing_in_time_is_ended(child_of: ChildOf) -> None:
    child = child_of("import sys; " + UNTIL_EOF)
    with pytest.raises(NotReady, match=r"web did not come up within 0\.3 s; its log: .*web\.log"):
        child.wait_ready(0.3)
    assert child.code == -signal.SIGKILL


def test_what_a_child_refuses_is_refused_in_its_own_words(child_of: ChildOf) -> None:
    """Exit code 2 of a child (port in use, missing tool) becomes ours, with its last line."""
    child = child_of("import sys; print('port 80 is in use: give another', file=sys.stderr); sys.exit(2)")
    with pytest.raises(Refusal, match=r"^web: port 80 is in use: give another$"):
        child.wait_ready(10)


def test_a_child_that_crashes_before_it_is_ready_never_came_up(child_of: ChildOf) -> None:
    child = child_of("raise SystemExit('no idea')")
    with pytest.raises(NotReady, match=r"ended with code 1 before it was ready: no idea"):
        child.wait_ready(10)


def test_a_child_that_ignores_its_lifeline_is_killed(child_of: ChildOf) -> None:
    child = child_of("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY + "time.sleep(60)")
    child.wait_ready(10)
    child.let_go()
    child.interrupt()
    assert not child.ended_within(0.2)
    child.kill()
    assert child.code == -signal.SIGKILL


def test_a_child_killed_by_others_was_not_stopped_by_us(child_of: ChildOf) -> None:
    child = child_of(READY + UNTIL_EOF)
    child.wait_ready(10)
    os.kill(child.pid, signal.SIGKILL)
    wait_for(lambda: child.code is not None)
    assert child.stop(grace=5) == -signal.SIGKILL
    assert not child.stopped_by_us


def test_killing_the_parent_leaves_nothing(tmp_path: Path) -> None:
    """kill -9 of the harness: its children, and what their leash holds, end by themselves."""
    pids = tmp_path / "pids"
    parent_code = f"""
import pathlib, sys, time
from loadtests.harness.processes import Child, python
child = Child("web", python("-c", {READY + UNTIL_EOF!r}), settings={{}}, logs=pathlib.Path({str(tmp_path)!r}))
child.wait_ready(10)
leashed = Child("prometheus", python("-m", "loadtests.harness.leash", sys.executable, "-c",
    "import os, pathlib, time; pathlib.Path({str(pids)!r}).write_text(str(os.getpid())); time.sleep(600)"),
    settings={{}}, logs=pathlib.Path({str(tmp_path)!r}))
print(child.pid, leashed.pid, flush=True)
time.sleep(600)
"""
    command = [sys.executable, "-c", parent_code]
    with child_process(command, stdout=subprocess.PIPE, env=environment({})) as parent:
        assert parent.stdout is not None
        children = [int(pid) for pid in parent.stdout.readline().split()]
        wait_for(lambda: pids.exists() and pids.read_text() != "")
        everyone = [*children, int(pids.read_text())]
        assert len(everyone) == 3 and not any(gone(pid) for pid in everyone)
    wait_for(lambda: all(gone(pid) for pid in everyone))


def test_the_leash_tells_how_its_command_ended(tmp_path: Path) -> None:
    leash = [sys.executable, "-m", "loadtests.harness.leash"]
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    for command, code in (
        ([sys.executable, "-c", "raise SystemExit(9)"], 9),
        ([sys.executable, "-c", killed], -signal.SIGKILL),
        (["no-such-tool-here"], 127),
    ):
        with (
            (tmp_path / "log").open("wb") as log,
            child_process([*leash, *command], stdin=subprocess.PIPE, stderr=log, env=environment({})) as done,
        ):
            assert done.wait(20) == code


def test_a_command_run_once_gives_its_output_or_its_fault(tmp_path: Path) -> None:
    def run(code: str, within: float = 20) -> bytes:
        return once("ledger", python("-c", code), settings={"FACT": "7"}, logs=tmp_path, within=within)

    assert run("import os; print(os.environ['FACT'])") == b"7\n"
    with pytest.raises(Refusal, match="ledger: give another"):
        run("import sys; print('give another', file=sys.stderr); sys.exit(2)")
    with pytest.raises(NotReady, match=r"did not finish within 0\.2 s"):
        run("import time; time.sleep(60)", within=0.2)


def test_a_log_that_is_not_kept_is_not_named(tmp_path: Path) -> None:
    def fault(code: str, *, names_log: bool, within: float = 20) -> str:
        with pytest.raises(NotReady) as raised:
            once("ledger", python("-c", code), settings={}, logs=tmp_path, within=within, names_log=names_log)
        return str(raised.value)

    assert "ledger.log" in fault("raise SystemExit('no')", names_log=True)
    assert fault("raise SystemExit('no')", names_log=False) == "ledger ended with code 1 before it was ready: no"
    assert "ledger.log" not in fault("import time; time.sleep(60)", names_log=False, within=0.2)


def test_settings_from_outside_never_reach_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rehearsal is what its record says: the night's settings, not those of the shell it was started from."""
    monkeypatch.setenv("REGISTRATION_GATE_RATE", "1")
    settings = environment({"REGISTRATION_WAVE_ID": "1"})
    assert "REGISTRATION_GATE_RATE" not in settings
    assert settings["REGISTRATION_WAVE_ID"] == "1"


def test_cpu_counts_the_whole_tree_and_keeps_what_ended_processes_used(child_of: ChildOf) -> None:
    """More than 0.2 s burnt by a grandchild that has ended, as by a backend of PostgreSQL."""
    burn = "import time\nwhile time.process_time() < 0.25: pass"
    child = child_of(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}]); " + READY + UNTIL_EOF)
    child.wait_ready(30)
    cpu = CpuSampler()
    cpu.watch("web", child.roots)
    cpu.sample()
    used = cpu.seconds["web"]
    assert 0.2 <= used < 5
    assert cpu.seconds["harness"] > 0
    child.stop(grace=10)
    cpu.sample()
    assert cpu.seconds["web"] == used


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="only Linux tells who waits for a core")
def test_a_loop_that_shares_its_core_waits_for_it(child_of: ChildOf) -> None:
    """Two burn 0.3 s each on one core: the first cannot have had it all the time."""
    core = min(os.sched_getaffinity(0))
    both = f"import os, time; os.sched_setaffinity(0, {{{core}}}); other = os.fork()\n"
    burn = "while time.process_time() < 0.3: pass\nif not other: os._exit(0)\nos.wait()\n"
    child = child_of(both + burn + READY + UNTIL_EOF)
    child.wait_ready(30)
    cpu = CpuSampler()
    cpu.watch("web", child.roots, "web-2")
    cpu.sample()
    loop = cpu.loops["web-2"]
    assert (loop.role, loop.allowed) == ("web", 1)
    assert loop.ran >= 0.29 and loop.waited >= 0.05
    assert cpu.core_waits["web"] >= loop.waited


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is no other core to be kept from")
def test_a_program_and_its_children_stay_on_the_cores_of_their_kind(tmp_path: Path) -> None:
    """What is named is held, with all it starts; what is not runs anywhere; and who started them is as before."""
    everywhere = os.sched_getaffinity(0)
    core = max(everywhere)
    programs = Programs(tmp_path, pins.read([f"web={core}"], []).holding)
    tell = "import json, os, sys\nchild = os.fork()\nif not child: sys.stdin.read(); os._exit(0)\n"
    tell += "ready = {'ready': True, 'host': '', 'port': 7, 'of_child': sorted(os.sched_getaffinity(child))}\n"
    tell += "print(json.dumps(ready), flush=True)\n" + UNTIL_EOF
    try:
        for role in ("web-2", "worker"):
            programs.launch(role, python("-c", tell))
        programs.await_ready(["web-2", "worker"])
        told = {role: set(child.ready["of_child"]) for role, child in programs.children.items()}
        assert told == {"web-2": {core}, "worker": everywhere}
        assert os.sched_getaffinity(programs.children["web-2"].pid) == {core}
        assert os.sched_getaffinity(0) == everywhere
    finally:
        programs.stop(programs.all, grace=1)


def test_the_machine_tells_what_its_cores_did() -> None:
    before = core_seconds()
    assert set(before) == os.sched_getaffinity(0)
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    assert sum(core_seconds().values()) >= sum(before.values()) + 0.2
    told = {metric.name: {sample.labels["core"]: sample.value for sample in metric.samples}
            for metric in Machine().collect() if "core" in metric.name}  # fmt: skip
    stolen, busy = told["rehearsal_core_stolen_seconds"], told["rehearsal_core_busy_seconds"]
    assert set(stolen) == set(busy) == {str(core) for core in before}
    assert all(0.0 <= stolen[core] <= busy[core] for core in busy)


def test_cpu_of_a_successor_is_added(child_of: ChildOf) -> None:
    """What a killed process had used, as it was last seen, and what the one started in its place uses."""
    burn = "import time\nwhile time.process_time() < 0.25: pass\n"  # the system counts in whole hundredths
    cpu = CpuSampler()
    used = []
    for _ in range(2):
        child = child_of(burn + READY + UNTIL_EOF)
        child.wait_ready(30)
        cpu.watch("web", child.roots)
        cpu.sample()
        used.append(cpu.seconds["web"])
        child.kill()
        cpu.sample()
        assert cpu.seconds["web"] == used[-1]
    assert used[0] >= 0.2 and used[1] >= used[0] + 0.2


@pytest.mark.parametrize(
    ("code", "role", "expected"),
    [
        (READY + UNTIL_EOF, "web", True),
        (READY + UNTIL_EOF + "; sys.exit(3)", "web", False),
        (READY + UNTIL_EOF + "; sys.exit(3)", "prometheus", True),
        ("import os, signal; " + READY + UNTIL_EOF + "; os.kill(os.getpid(), signal.SIGTERM)", "worker", True),
        ("import os, signal; " + READY + UNTIL_EOF + "; os.kill(os.getpid(), signal.SIGKILL)", "worker", False),
    ],
)
def test_a_program_of_the_service_must_end_in_order(code: str, role: str, expected: bool, child_of: ChildOf) -> None:
    child = child_of(code, role)
    child.wait_ready(10)
    child.stop(grace=10)
    assert child.stopped_by_us
    assert unexpected(child) is not expected
