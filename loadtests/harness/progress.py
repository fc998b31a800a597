"""How the night goes, on standard error: a live display on a terminal, plain lines elsewhere, nothing when quiet."""

import sys
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from loadtests.harness.samples import Source
from scenarios.fates import Fate

LINE_EVERY = 10.0
"""Seconds between plain lines: a log of a quarter hour stays under a hundred."""

QUEUES = ("email", "sms", "identity", "photo")
FATES = tuple(fate.name.lower() for fate in Fate)
OUTCOMES = ("ok", "refused", "busy", "error", "timeout", "transport")

SHOWN = (
    "swarm_arrivals_total", "swarm_live_applicants", "swarm_fates_total", "swarm_requests_total",
    "registration_queue_depth", "registration_waiting_room_last_ticket", "registration_waiting_room_frontier",
)  # fmt: skip
"""Metrics that the display is made from."""


@dataclass(frozen=True)
class Snapshot:
    """The state of a rehearsal at one moment; counts are people or requests."""

    t: float
    """Real seconds since the doors opened, negative before."""
    planned: int = 0
    arrived: int = 0
    live: int = 0
    fates: dict[str, int] = field(default_factory=dict)
    requests_per_s: float = 0.0
    errors_per_s: float = 0.0
    in_line: int = 0
    queues: dict[str, int] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The snapshot in words, most important first."""
        fates = ", ".join(f"{self.fates.get(name, 0):,} {name}" for name in FATES)
        queues = ", ".join(f"{name} {self.queues.get(name, 0):,}" for name in QUEUES)
        return [
            f"{_clock(self.t)}  arrived {self.arrived:,}/{self.planned:,}, {self.live:,} live: {fates}",
            f"{self.requests_per_s:,.0f} requests/s, {self.errors_per_s:,.1f} errors/s; "
            f"{self.in_line:,} in line; queues: {queues}",
        ]


class Reader:
    """Makes snapshots from the latest samples; rates are taken between two of them."""

    def __init__(self, source: Source, planned: int) -> None:
        self._source = source
        self._planned = planned
        self._before: tuple[float, float, float] | None = None

    def read(self, t: float) -> Snapshot:
        total = self._source.total
        requests = total("swarm_requests_total")
        errors = sum(total("swarm_requests_total", outcome=name) for name in ("error", "timeout", "transport"))
        requests_per_s = errors_per_s = 0.0
        if self._before is not None and t > self._before[0]:
            span = t - self._before[0]
            requests_per_s, errors_per_s = (requests - self._before[1]) / span, (errors - self._before[2]) / span
        self._before = (t, requests, errors)
        return Snapshot(
            t=t,
            planned=self._planned,
            arrived=int(total("swarm_arrivals_total")),
            live=int(total("swarm_live_applicants")),
            fates={name: int(total("swarm_fates_total", fate=name)) for name in FATES},
            requests_per_s=requests_per_s,
            errors_per_s=errors_per_s,
            in_line=max(
                0,
                int(total("registration_waiting_room_last_ticket")) - int(total("registration_waiting_room_frontier")),
            ),
            queues={name: int(total("registration_queue_depth", queue=name)) for name in QUEUES},
        )


class Display(Protocol):
    """Where a rehearsal says how it goes."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def say(self, text: str) -> None: ...
    def show(self, snapshot: Snapshot) -> None: ...


class Quiet:
    """Says nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...
    def say(self, text: str) -> None: ...
    def show(self, snapshot: Snapshot) -> None: ...


class Lines(Quiet):
    """Plain lines, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._said_at = float("-inf")

    def say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def show(self, snapshot: Snapshot) -> None:
        if time.monotonic() - self._said_at >= LINE_EVERY:
            self._said_at = time.monotonic()
            self.say("; ".join(snapshot.lines()))


class Screen(Quiet):
    """A bar and two lines that renew themselves; what is said scrolls above."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(BarColumn(bar_width=40), TextColumn("{task.percentage:>3.0f} % arrived"), console=console)
        self._task = self._bar.add_task("arrived", total=None)
        # Drawn when there is something new: a refresh by timer would cost the measured machine ten times as much.
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False)

    def show(self, snapshot: Snapshot) -> None:
        self._bar.update(self._task, total=snapshot.planned, completed=snapshot.arrived)
        self._live.update(Group(self._bar, *(Text(line) for line in snapshot.lines())), refresh=True)


def display_for(*, quiet: bool, stream: TextIO | None = None) -> Display:
    """The display that suits standard error (or `stream`)."""
    stream = sys.stderr if stream is None else stream
    if quiet:
        return Quiet()
    console = Console(file=stream)
    return Screen(console) if console.is_terminal else Lines(stream)


def _clock(t: float) -> str:
    minutes, seconds = divmod(int(abs(t)), 60)
    return f"{'-' if t < 0 else '+'}{minutes:02d}:{seconds:02d}"
