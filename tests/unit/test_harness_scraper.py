"""What the scraper records of a target's answers."""

from typing import Any

from loadtests.harness.samples import Target
from loadtests.harness.scraper import Recorder

TARGET = Target("web", "127.0.0.1", 9000)
OPENS_AT = 100.0


class Collected:
    """Stands where a SamplesWriter does and keeps what it is given."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, str, dict[str, str], float]] = []

    def add(self, t: float, name: str, labels: Any, value: float) -> None:
        self.rows.append((t, name, dict(labels), value))

    def of(self, name: str) -> list[tuple[float, float]]:
        return [(t, value) for t, own, _, value in self.rows if own == name]


def recorded(*scrapes: tuple[float, str | None]) -> Collected:
    recorder = Recorder(TARGET)
    for at, text in scrapes:
        if text is None:
            recorder.miss(at)
        else:
            recorder.take(text, at)
    collected = Collected()
    recorder.add_to(collected, OPENS_AT)  # type: ignore[arg-type]
    return collected


def test_a_series_that_stands_still_keeps_its_edges() -> None:
    """The last moment of an old value and the first of a new one are both there, so no rate is smeared."""
    collected = recorded(
        (100, "registration_a 1"), (102, "registration_a 1"), (104, "registration_a 1"), (106, "registration_a 5")
    )
    assert collected.of("registration_a") == [(0, 1), (4, 1), (6, 5)]


def test_a_series_at_rest_is_held_to_the_last_scrape() -> None:
    assert recorded((100, "swarm_a 1"), (102, "swarm_a 1"), (104, "swarm_a 1")).of("swarm_a") == [(0, 1), (4, 1)]


def test_a_value_that_returns_is_seen() -> None:
    """Lines are compared with the scrape before, not with all that ever were."""
    collected = recorded((100, "swarm_a 1"), (102, "swarm_a 2"), (104, "swarm_a 1"))
    assert collected.of("swarm_a") == [
        (0, 1),
        (2, 2),
        (4, 1),
    ]


def test_a_missed_scrape_marks_the_target_down_and_invents_no_sample() -> None:
    collected = recorded((100, "swarm_a 1"), (102, None), (104, "swarm_a 3"))
    assert collected.of("up") == [(0, 1), (2, 0), (4, 1)]
    assert collected.of("swarm_a") == [(0, 1), (4, 3)]


def test_series_carry_role_and_address() -> None:
    (row,) = [row for row in recorded((100, 'partner_a{b="c"} 1')).rows if row[1] == "partner_a"]
    assert row[2] == {"b": "c", "job": "web", "instance": "127.0.0.1:9000"}


def test_series_of_the_runtime_are_left_out() -> None:
    """Only our own prefixes are recorded; comments are not samples."""
    collected = recorded((100, "# HELP x y\npython_info 1\nprocess_cpu_seconds_total 2\nregistration_a 1\n"))
    assert {row[1] for row in collected.rows} == {"registration_a", "up"}
