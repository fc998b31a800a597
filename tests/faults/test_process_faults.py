"""Kill, stop and continue real processes: what is ours only, with proof, and nothing stays stopped."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from loadtests.faults.processes import DidNotBite, NotOurs, ProcessFaults
from tests.children import child_process
from tests.patience import TRIES

ROOT = Path(__file__).parents[2]
COUNTS = "import time, sys\nwhile True:\n    print(1, flush=True)\n    time.sleep(0.005)"
"""Says something every 5 ms: whether it runs can be heard."""
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {COUNTS!r}])"


class Talker:
    """A child process (or a tree of two) that can be heard."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.lines = 0
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    def heard(self) -> None:
        """Return when it has said something new."""
        lines = self.lines
        wait_for(lambda: self.lines > lines)

    def end(self) -> None:
        with suppress(psutil.NoSuchProcess):  # its code was collected already
            for below in psutil.Process(self.pid).children(recursive=True):
                below.kill()
        self.process.kill()
        self._listener.join()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as said:
            for _ in said:
                self.lines += 1


def wait_for(condition: Callable[[], bool], within: float = 10) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


@pytest.fixture
def faults() -> Iterator[ProcessFaults]:
    with ProcessFaults() as faults:
        yield faults


@contextmanager
def talking(code: str) -> Iterator[Talker]:
    with child_process([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        talker = Talker(process)
        try:
            talker.heard()
            yield talker
        finally:
            talker.end()


@pytest.fixture
def talker() -> Iterator[Talker]:
    with talking(COUNTS) as talker:
        yield talker


@pytest.fixture
def tree() -> Iterator[Talker]:
    with talking(PARENT) as tree:
        yield tree


def test_a_killed_process_has_ended_and_its_code_is_still_its_parents(faults: ProcessFaults, talker: Talker) -> None:
    proof = faults.kill(talker.pid)
    assert [change.after for change in proof.processes] == [psutil.STATUS_ZOMBIE]
    assert proof.processes[0].before in (psutil.STATUS_SLEEPING, psutil.STATUS_RUNNING)
    assert talker.process.wait(5) == -signal.SIGKILL
    with pytest.raises(NotOurs, match="there is no process"):
        faults.kill(talker.pid)


def test_a_stopped_process_does_nothing_until_it_goes_on(faults: ProcessFaults, talker: Talker) -> None:
    proof = faults.stop(talker.pid)
    assert [change.after for change in proof.processes] == [psutil.STATUS_STOPPED]
    # What it said before may still be in the pipe; once that is read, nothing follows for 20 of its steps.
    wait_for(lambda: settled(talker))
    with pytest.raises(NotOurs, match="is stopped already"):
        faults.stop(talker.pid)
    ended = faults.resume(talker.pid)
    assert ended.processes[0].before == psutil.STATUS_STOPPED
    assert ended.cpu_while_stopped == 0.0
    assert ended.stopped_for is not None and ended.stopped_for >= 0.1
    talker.heard()
    assert set(ended.as_json()) == {"fault", "at", "took_s", "processes", "stopped_for_s", "cpu_while_stopped_s"}


def settled(talker: Talker) -> bool:
    before, end = talker.lines, time.monotonic() + 0.1
    while talker.lines == before and time.monotonic() < end:
        time.sleep(0.005)
    return talker.lines == before


def test_without_the_stop_the_talker_is_heard_all_the_time(talker: Talker) -> None:
    """Negative control of the measurement above: silence of 0.1 s is no accident."""
    assert not all(settled(talker) for _ in range(TRIES))


def test_a_tree_is_stopped_continued_and_killed_whole(faults: ProcessFaults, tree: Talker) -> None:
    below = psutil.Process(tree.pid).children()[0]
    proof = faults.stop(tree.pid, tree=True)
    assert {change.pid for change in proof.processes} == {tree.pid, below.pid}
    assert {change.after for change in proof.processes} == {psutil.STATUS_STOPPED}
    faults.resume(tree.pid)
    tree.heard()
    killed = faults.kill(tree.pid, tree=True)
    assert {change.pid for change in killed.processes} == {tree.pid, below.pid}
    wait_for(lambda: not below.is_running() or below.status() == psutil.STATUS_ZOMBIE)


def test_without_the_tree_its_child_lives_on(faults: ProcessFaults, tree: Talker) -> None:
    """Negative control: killing the parent alone leaves its child, which is then nobody's."""
    below = psutil.Process(tree.pid).children()[0]
    faults.kill(tree.pid)
    tree.heard()
    with pytest.raises(NotOurs, match="was not started by this one"):
        faults.kill(below.pid)
    proof = faults.kill(below.pid, outside=True)
    assert proof.processes[0].after in ("gone", psutil.STATUS_ZOMBIE)


def test_only_ours_are_touched(faults: ProcessFaults) -> None:
    """Process 1, a group, ourselves, the one above us, and nobody: refused, and nothing is sent."""
    for pid, why in (
        (1, "must be a process id above 1"),
        (0, "above 1"),
        (-os.getpgrp(), "above 1"),
        (True, "above 1"),
        (os.getpid(), "this one or one above it"),
        (os.getppid(), "above"),
        (2**22 + 1, "there is no process"),
    ):
        for act in (faults.kill, faults.stop):
            with pytest.raises(NotOurs, match=why):
                act(pid, outside=True)
    with pytest.raises(NotOurs, match="was not stopped here"):
        faults.resume(os.getppid())


def test_a_thread_is_no_process(faults: ProcessFaults) -> None:
    """A signal to a thread's id would reach its process: here the tests themselves."""
    go = threading.Event()
    thread = threading.Thread(target=go.wait)
    thread.start()
    try:
        assert thread.native_id is not None
        with pytest.raises(NotOurs, match="there is no process"):
            faults.kill(thread.native_id, outside=True)
    finally:
        go.set()
        thread.join()


def test_outside_means_started_after_us(talker: Talker) -> None:
    """`outside` does not open the way to what ran before: here another process asks for our child."""
    code = f"from loadtests.faults.processes import ProcessFaults; ProcessFaults().kill({talker.pid}, outside=True)"
    asked = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, cwd=ROOT, check=False)
    assert f"NotOurs: process {talker.pid} was there before this one was started" in asked.stderr.decode()
    talker.heard()


def test_what_is_still_stopped_goes_on_at_the_end(talker: Talker) -> None:
    with ProcessFaults() as faults:
        faults.stop(talker.pid)
    talker.heard()


def test_what_is_stopped_goes_on_when_its_keeper_is_killed() -> None:
    """kill -9 of the harness while its child is stopped: the child goes on, sees its lifeline closed, and ends."""
    code = """
import subprocess, sys, time
from loadtests.faults.processes import ProcessFaults
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
ProcessFaults().stop(child.pid)
print(child.pid, flush=True)
time.sleep(600)
"""
    with child_process([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT) as keeper:
        assert keeper.stdout is not None
        stopped = psutil.Process(int(keeper.stdout.readline()))
        assert stopped.status() == psutil.STATUS_STOPPED
    wait_for(lambda: not stopped.is_running() or stopped.status() == psutil.STATUS_ZOMBIE)


def test_a_stop_that_does_not_show_is_told_and_undone(
    faults: ProcessFaults, talker: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the state that /proc tells is never the one that is waited for."""
    monkeypatch.setattr("loadtests.faults.processes.BITES_WITHIN", 0.05)
    monkeypatch.setattr("loadtests.faults.processes.STOPPED", ())
    with pytest.raises(DidNotBite, match=r"is still stopped after 0\.05 s"):
        faults.stop(talker.pid)
    talker.heard()
