"""What the progress says, and where."""

import io
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from loadtests import verdict_view
from loadtests.harness.progress import Lines, Quiet, Reader, Screen, Snapshot, display_for
from scenarios.record import SamplesWriter

VALUES: dict[tuple[str, str], float] = {
    ("swarm_arrivals_total", ""): 120,
    ("swarm_live_applicants", ""): 80,
    ("swarm_fates_total", "joined"): 30,
    ("swarm_requests_total", ""): 1000,
    ("swarm_requests_total", "timeout"): 4,
    ("registration_queue_depth", "identity"): 1234,
    ("registration_waiting_room_last_ticket", ""): 100,
    ("registration_waiting_room_frontier", ""): 75,
}


class Source:
    """Latest samples out of a table."""

    def __init__(self) -> None:
        self.values = dict(VALUES)

    def watch(self, targets: Any) -> None: ...
    def finish(self, writer: SamplesWriter, opens_at: float) -> None: ...

    def total(self, name: str, **labels: str) -> float:
        (label,) = labels.values() or ("",)
        return self.values.get((name, label), 0.0)

    def latest(self, name: str) -> list[tuple[dict[str, str], float]]:
        return [({"label": label}, value) for (of, label), value in self.values.items() if of == name]


def test_a_snapshot_says_who_is_where() -> None:
    first, second = Snapshot(t=0), Snapshot(t=0)
    source = Source()
    reader = Reader(source, planned=500)
    first = reader.read(10)
    source.values["swarm_requests_total", ""] = 1060
    second = reader.read(12)
    assert first.requests_per_s == 0 and second.requests_per_s == 30
    assert second.lines() == [
        "+00:12  arrived 120/500, 80 live: 30 joined, 0 refused, 0 abandoned, 0 failed, 0 cut",
        "30 requests/s, 0.0 errors/s; 25 in line; queues: email 0, sms 0, identity 1,234, photo 0",
    ]


def test_before_the_opening_the_clock_counts_down() -> None:
    assert Snapshot(t=-1.5).lines()[0].startswith("-00:01")


def test_elsewhere_than_on_a_terminal_there_are_plain_lines_and_not_too_many() -> None:
    stream = io.StringIO()
    display = display_for(quiet=False, stream=stream)
    assert isinstance(display, Lines)
    with display:
        display.say("the doors are open")
        for second in range(20):
            display.show(Snapshot(t=second))
    assert stream.getvalue().splitlines()[0] == "the doors are open"
    assert len(stream.getvalue().splitlines()) == 2
    assert "\x1b" not in stream.getvalue()


def test_on_a_terminal_the_display_renews_itself() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with Screen(console) as display:
        display.show(Snapshot(t=1, planned=10, arrived=5))
    assert isinstance(console.file, io.StringIO)
    assert "50 % arrived" in console.file.getvalue()


def test_quiet_is_quiet() -> None:
    stream = io.StringIO()
    assert isinstance(display_for(quiet=True, stream=stream), Quiet)


VERDICT: dict[str, Any] = {
    "run": "r1",
    "planned": 3,
    "plan_hash": "ab",
    "seed": 1,
    "factors": {"people": "1/100", "speed": 1.0, "pace": 20.0},
    "fates": {"joined": 2, "refused": 0, "abandoned": 0, "failed": 1, "cut": 0},
    "lateness_ms": {"p50": 0.1, "p99": 1.0, "max": 2.0},
    "generator": [{"id": "cpu", "invalid": True, "cause": "worker 1 was full", "advice": "add workers", "figure": 1.0}],
    "ledgers": {
        "joins": {
            "client": 2, "database": 2, "partners": None, "unknown": 0, "difference": 0, "lost": 0, "doubled": 0,
        }
    },
    "cpu_s": {"web": 1.25},
    "answer": [
        {"what": "It holds", "text": "12/s", "interval": "11 to 13", "value": 12.0, "manner": "measured",
         "confidence": "sure"},
    ],
    "verdict": {
        "outcome": "missed",
        "exit_code": 3,
        "sentence": "At least one objective is missed.",
        "remarks": ["the gate stands still"],
        "findings": [{"code": 3, "text": "too slow"}],
        "objectives": [
            {"id": "a", "text": "Quick", "bound": 1, "value": 2, "met": False, "detail": "2 s", "loosened": None},
            {"id": "b", "text": "Kept", "bound": 0, "value": 0, "met": True, "detail": "none", "loosened": None},
        ],
    },
}  # fmt: skip


def test_the_document_has_exactly_the_promised_keys() -> None:
    document = verdict_view.document(VERDICT, Path("runs/r1/report.html"))
    assert list(document) == [
        "planned", "plan_hash", "seed", "factors", "fates", "lateness_ms", "generator", "answer", "ledgers", "verdict",
        "report", "cpu_s",
    ]  # fmt: skip
    assert list(document["ledgers"]["joins"]) == ["client", "database", "partners", "unknown", "difference"]
    assert list(document["verdict"]) == ["outcome", "exit_code", "objectives"]
    assert json.loads(json.dumps(document)) == document


def test_the_table_says_what_was_missed_and_where_the_report_is() -> None:
    console = Console(file=io.StringIO(), width=80)
    long = Path("/a" * 60) / "report.html"
    verdict_view.show(VERDICT, long, console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "missed: At least one objective is missed." in text
    assert "It holds 12/s (11 to 13)" in " ".join(text.split())
    assert "note: the gate stands still" in text
    assert "Quick" in text and "2 joined" in text and "joins 0" in text and "web 1.2" in text
    assert text.splitlines()[-1] == str(long)
