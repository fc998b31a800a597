"""Processes that play trials beside each other, and the folder that remembers what each came to."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any

from scenarios.simulation.figures import NotSimulated
from scenarios.simulation.planning.order import Order
from scenarios.simulation.planning.trials import Trial

Reply = dict[str, Any]
WORKER = "scenarios.simulation.planning.worker"


class WorkerLost(RuntimeError):
    """A process that played ended by itself."""


class Memory:
    """What trials came to, in a file that is only added to; so a plan that was interrupted goes on where it was."""

    def __init__(self, folder: Path, order: Order) -> None:
        """Make the folder, and read what is known of this very order. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"runs-{order.digest[:12]}.jsonl"
        self._known: dict[str, Reply] = {}
        text = self.path.read_bytes() if self.path.exists() else b""
        whole = text[: text.rfind(b"\n") + 1]
        if whole != text:  # its writer was killed in the middle of a line
            self.path.write_bytes(whole)
        for line in whole.splitlines():
            told = json.loads(line)
            self._known[told["trial"]] = told["reply"]

    def get(self, trial: Trial) -> Reply | None:
        return self._known.get(trial.key)

    def put(self, trial: Trial, reply: Reply) -> None:
        """Raises OSError."""
        self._known[trial.key] = reply
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"trial": trial.key, "reply": reply}) + "\n")


class Crew:
    """So many workers. They end with this process, whatever ends it: nobody writes to their input any more."""

    def __init__(self, order: Order, count: int) -> None:
        self._order = order
        self._processes: list[subprocess.Popen[str]] = []
        self._idle: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()
        self._threads = ThreadPoolExecutor(count)
        self.count = count

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        for process in self._processes:
            process.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for process in self._processes:
            process.communicate()

    def play(self, trials: Sequence[Trial], done: Callable[[Trial, Reply], None]) -> None:
        """Play them all; `done` is told of each as it ends. Raises NotSimulated, WorkerLost."""
        if trials and not self._processes:
            self._start()
        running: dict[Future[Reply], Trial] = {self._threads.submit(self._ask, trial): trial for trial in trials}
        for future in as_completed(running):
            done(running[future], future.result())

    def _start(self) -> None:
        told = json.dumps(self._order.to_dict()) + "\n"
        for _ in range(self.count):
            # Of their own session: an interrupt at the terminal is the parent's to answer.
            process = subprocess.Popen(
                [sys.executable, "-m", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                start_new_session=True,
            )  # fmt: skip
            self._processes.append(process)
            self._write(process, told)
            self._idle.put(process)

    def _ask(self, trial: Trial) -> Reply:
        process = self._idle.get()
        try:
            self._write(process, json.dumps(trial.to_dict()) + "\n")
            assert process.stdout is not None
            line = process.stdout.readline()
        finally:
            self._idle.put(process)
        if not line:
            raise WorkerLost(
                f"a process that played a night ended with {process.wait()}; where memory is short take fewer "
                f"--processes"
            )
        reply: Reply = json.loads(line)
        if "not_simulated" in reply:
            raise NotSimulated(reply["not_simulated"])
        return reply

    def _write(self, process: "subprocess.Popen[str]", text: str) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write(text)
            process.stdin.flush()
        except BrokenPipeError:
            raise WorkerLost(f"a process that plays nights ended with {process.wait()}") from None
