"""A case: one demand of the protocol on a server, in our words, and how it is tried."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from tests.uploads.conformance.speaker import Speaker
from tests.uploads.conformance.wire import Answer


class Deviation(Exception):
    """The server did something else. The text says what."""


class Level(Enum):
    MUST = "MUST"
    SHOULD = "SHOULD"


Check = Callable[[Speaker], None]


@dataclass(frozen=True)
class Case:
    section: "Section"
    level: Level
    check: Check
    slow: bool
    """It waits for a deadline of the server."""

    @property
    def name(self) -> str:
        return f"{self.section.key}-{self.check.__name__.replace('_', '-')}"

    @property
    def demand(self) -> str:
        return " ".join((self.check.__doc__ or "").split())


@dataclass(eq=False)
class Section:
    """A part of the protocol's text. `extension`: its token in Tus-Extension; None for the core, which is no choice."""

    key: str
    title: str
    extension: str | None = None
    cases: list[Case] = field(default_factory=list)

    def must(self, check: Check) -> Check:
        return self._add(Level.MUST, check)

    def should(self, check: Check) -> Check:
        return self._add(Level.SHOULD, check)

    def should_in_time(self, check: Check) -> Check:
        """A demand that takes the server's own deadline to see."""
        return self._add(Level.SHOULD, check, slow=True)

    def _add(self, level: Level, check: Check, *, slow: bool = False) -> Check:
        self.cases.append(Case(self, level, check, slow))
        return check

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Deviation(otherwise)


def expect_status(answer: Answer, *allowed: int) -> None:
    expect(answer.status in allowed, f"status {answer.status}")


def expect_refused(answer: Answer) -> None:
    """A refusal that blames the request."""
    expect(400 <= answer.status < 500, f"status {answer.status}")


def expect_header(answer: Answer, name: str, value: str) -> None:
    found = answer.headers.get(name.lower())
    expect(found == value, f"{name}: {found}" if found is not None else f"no {name}")


def expect_no_header(answer: Answer, name: str) -> None:
    found = answer.headers.get(name.lower())
    expect(found is None, f"{name}: {found}")
