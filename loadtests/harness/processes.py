"""Child processes of a rehearsal: each on a lifeline, each ready only when it says so.

A child gets a pipe as standard input and ends when that closes, so nothing outlives the harness, however it dies. It
prints one JSON line `{"ready": true, ...}` on standard output when it can be used; its log goes to a file. Children
have a session of their own: Ctrl-C in the terminal reaches the harness alone, which then stops them in order.
"""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

from loadtests.harness.errors import HarnessError, NotReady, Refusal

ROOT = Path(__file__).resolve().parents[2]
"""Where the packages lie; children import the same code as the harness."""

LOOPBACK = "127.0.0.1"
PORTS_FROM = 10_000
USUALLY_GIVEN_OUT_FROM = 32_768

Message = dict[str, Any]


def python(*arguments: str) -> list[str]:
    """A command line for this interpreter."""
    return [sys.executable, *arguments]


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """What children inherit, plus `settings`. The service's settings come from the night alone, never from outside."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRATION_")}
    paths = [str(ROOT), *filter(None, [inherited.get("PYTHONPATH")])]
    return {**inherited, "PYTHONPATH": os.pathsep.join(paths), **settings}


class Child:
    """One child process. `ready` is its ready line, `told` the JSON lines it printed after that."""

    def __init__(self, role: str, command: Sequence[str], *, settings: Mapping[str, str], logs: Path) -> None:
        self.role = role
        self.command = command
        self.settings = settings
        self.log = logs / f"{role}.log"
        self.ready: Message = {}
        self.told: list[Message] = []
        self.stopped_by_us = False
        self.killed_by_fault = False
        """Its end is, or would be, the doing of the night's timeline."""
        self._heard = threading.Event()
        with self.log.open("ab") as errors:
            self._process = subprocess.Popen(
                command, stdin=PIPE, stdout=PIPE, stderr=errors, env=environment(settings), start_new_session=True
            )
        # A thread of its own: the pipe must never fill, and a grandchild may hold it open after the child's end.
        threading.Thread(target=self._listen, name=f"listen-{role}", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    @property
    def ended_in_order(self) -> bool:
        """It ended with 0, or of the SIGTERM that it was sent; not of a fault or of SIGKILL."""
        return self.code in (0, -signal.SIGTERM)

    @property
    def url(self) -> str:
        return f"http://{self.ready['host']}:{self.ready['port']}"

    @property
    def roots(self) -> list[int]:
        """Process ids whose trees do this role's work; a database server may stand outside the child's own tree."""
        return [self.pid, *([int(self.ready["pid"])] if self.ready.get("pid") else [])]

    def heard(self, key: str) -> Message | None:
        """The first message after the ready line that has `key`; None while there is none."""
        return next((message for message in self.told if key in message), None)

    def wait_ready(self, within: float) -> None:
        """Return when the child can be used.

        Raises Refusal with the child's own last line when it exits with 2 (port in use, missing tool, unwritable
        folder), NotReady when it exits otherwise or is not ready within `within` seconds.
        """
        deadline = time.monotonic() + within
        while not self._heard.wait(0.05):
            if self.code is not None:
                self._heard.wait(1)  # its last words may still be in the pipe
                break
            if time.monotonic() > deadline:
                self.kill()
                raise NotReady(f"{self.role} did not come up within {within:g} s; its log: {self.log}")
        if not self.ready:
            raise self.failure()

    def failure(self) -> HarnessError:
        """Why a child that has ended was of no use, in its own last words."""
        return _gave_up(self.role, self._process.wait(), self.log)

    def let_go(self) -> None:
        """Close the lifeline: the child finishes by itself."""
        self.stopped_by_us = self.stopped_by_us or self.code is None
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()

    def interrupt(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask by a signal, as a supervisor (SIGTERM) or Ctrl-C (SIGINT) would."""
        self.stopped_by_us = self.stopped_by_us or self.code is None
        self._process.send_signal(number)

    def stop(self, *, grace: float) -> int:
        """End the child by its lifeline, after `grace` s by SIGTERM, after 5 s more by SIGKILL. Returns its code."""
        self.let_go()
        if not self.ended_within(grace):
            self.interrupt()
            if not self.ended_within(5):
                self.kill()
        return self._process.wait()

    def kill(self) -> None:
        """End the child and its group at once."""
        self.stopped_by_us = self.stopped_by_us or self.code is None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self.let_go()  # not before: it might end by itself first

    def ended_within(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                message = _message(line)
                if self.ready:
                    self.told += [message] if message else []
                elif message.get("ready") is True:
                    self.ready = message
                    self._heard.set()
        self._heard.set()


def once(
    role: str,
    command: Sequence[str],
    *,
    settings: Mapping[str, str],
    logs: Path,
    within: float,
    names_log: bool = True,
) -> bytes:
    """Run a command to its end and return its standard output. Raises as `Child.wait_ready` does.

    names_log: whether what is raised names the log.
    """
    log = logs / f"{role}.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            command, stdin=DEVNULL, stdout=PIPE, stderr=errors, env=environment(settings), start_new_session=True
        )
    try:
        output, _ = process.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        named = f"; its log: {log}" if names_log else ""
        raise NotReady(f"{role} did not finish within {within:g} s{named}") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode:
        raise _gave_up(role, process.returncode, log, names_log=names_log)
    return output


def free_ports(count: int) -> int:
    """The first of `count` free ports in a row. Raises NotReady when there is no such row.

    They lie below those that the system gives to whoever connects: nobody gets one by chance before it is bound.
    """
    lowest, end = PORTS_FROM, _given_out_from()
    for _ in range(100):
        port = lowest + secrets.randbelow(end - lowest - count)  # others may look for some at the same time
        with contextlib.ExitStack() as held:
            try:
                for each in range(port, port + count):
                    held.enter_context(socket.socket()).bind((LOOPBACK, each))
            except OSError:
                continue
            return port
    raise NotReady(f"no {count} free ports in a row on {LOOPBACK}: end other programs and try again")


def _given_out_from() -> int:
    """The first port that the system gives to whoever asks for any."""
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):  # not Linux
        return USUALLY_GIVEN_OUT_FROM
    return first if first > PORTS_FROM + 1000 else USUALLY_GIVEN_OUT_FROM  # nothing is left below: then as usual


def _message(line: bytes) -> Message:
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _gave_up(role: str, code: int, log: Path, *, names_log: bool = True) -> HarnessError:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines else "it said nothing"
    if code == Refusal.exit_code:
        return Refusal(f"{role}: {last}")
    named = f" (its log: {log})" if names_log else ""
    return NotReady(f"{role} ended with code {code} before it was ready: {last}{named}")
