"""Who is lost: by silence, by Locust's word, by the end of a process; and who is only busy."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from loadtests.attendance import ABSENT, BUSY, PREPARING, SILENCE, Attendance, Identity
from tests.children import child_process


class Hall:
    """Workers 0 and 1, looked at twice a second by a clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 50.0
        self.known = {0, 1}
        self.attendance = Attendance([0, 1], self.now)

    def after(self, seconds: float, *speaking: int) -> list[int]:
        """Who is lost when so much time has passed in which these spoke."""
        lost: list[int] = []
        for _ in range(int(seconds / 0.5)):
            self.now += 0.5
            for worker in speaking:
                self.attendance.heard(worker, self.now)
            lost = self.attendance.lost(self.known, self.now)
        return lost


@pytest.fixture
def sleeper() -> Iterator[psutil.Process]:
    with child_process([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield psutil.Process(process.pid)


def identity(process: psutil.Process, place: str | None = None) -> Identity:
    return Identity(Identity.own().place if place is None else place, process.pid, process.create_time())


def test_whoever_is_elsewhere_is_lost_after_a_silence():
    hall = Hall()
    assert hall.after(SILENCE, 0) == []
    assert hall.after(0.5, 0) == [1]
    assert hall.attendance.silent(1, hall.now) == SILENCE + 0.5
    hall.attendance.dismiss(1)
    assert hall.after(1.0, 0) == []


def test_whom_locust_misses_is_lost_at_once():
    hall = Hall()
    hall.known = {0}
    assert hall.after(0.5, 0, 1) == [1]


def test_the_absence_of_the_master_is_nobodys_silence():
    hall = Hall()
    hall.now += 60.0
    assert hall.attendance.lost(hall.known, hall.now) == []
    assert hall.after(SILENCE) == []
    assert hall.after(0.5) == [0, 1]
    assert ABSENT < SILENCE


def test_a_running_process_is_busy_and_gets_more_time(sleeper: psutil.Process) -> None:
    hall = Hall()
    hall.attendance.introduce(1, identity(sleeper), hall.now)
    hall.known = {0}
    assert hall.after(BUSY, 0) == []
    assert hall.after(0.5, 0) == [1]


def test_a_process_on_another_machine_is_not_looked_at(sleeper: psutil.Process) -> None:
    """Whatever has its number here; nor is one that began at another time."""
    hall = Hall()
    hall.attendance.introduce(0, identity(sleeper, "elsewhere"), hall.now)
    hall.attendance.introduce(1, identity(sleeper)._replace(began=1.0), hall.now)
    assert hall.after(SILENCE + 0.5) == [0, 1]
    hall.attendance.kill(0)
    hall.attendance.kill(1)
    assert sleeper.status() != psutil.STATUS_ZOMBIE


def test_a_stopped_process_is_lost_and_then_killed(sleeper: psutil.Process) -> None:
    """It must not wake up and go on with people whom others play by now."""
    hall = Hall()
    hall.attendance.introduce(1, identity(sleeper), hall.now)
    sleeper.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, sleeper.pid, os.WSTOPPED | os.WNOWAIT)
    assert hall.after(SILENCE, 0) == []
    assert hall.after(0.5, 0) == [1]
    hall.attendance.kill(1)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert sleeper.status() == psutil.STATUS_ZOMBIE


def test_who_makes_ready_may_be_deaf_for_long_but_must_not_end(sleeper: psutil.Process) -> None:
    hall = Hall()
    hall.attendance.introduce(1, identity(sleeper), hall.now)
    hall.known = set()
    while hall.now < 50.0 + PREPARING:
        hall.now += 0.5
        assert hall.attendance.lost(hall.known, hall.now, preparing=True) == []
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert hall.attendance.lost(hall.known, hall.now, preparing=True) == [1]
    assert hall.attendance.lost(hall.known, hall.now + 0.5, preparing=True) == [0, 1]


def test_a_process_that_has_ended_is_lost_at_once(sleeper: psutil.Process) -> None:
    """Also while nobody has asked how it ended."""
    hall = Hall()
    hall.attendance.introduce(1, identity(sleeper), hall.now)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert hall.after(0.5, 0, 1) == [1]
