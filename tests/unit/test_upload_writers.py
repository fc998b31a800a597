"""Writers of one upload that take over from each other, wake up late, or die: acknowledged bytes never change."""

import sys
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from service.domain.uploads import Part, Pieces, part_to_write, piece_bytes, spans


@dataclass
class Row:
    committed: int = 0
    epoch: int = 0
    parts: list[Part] = field(default_factory=list)


@dataclass
class Writer:
    """What a request remembers of the row, and what it has stored since."""

    epoch: int
    committed: int
    parts: list[Part]
    stored: int
    data: bytes = b""
    done: bool = False


@dataclass
class Store:
    """Bytes by part; `grows` as of `photo_ports.PhotoStore`."""

    grows: bool
    parts: dict[tuple[int, int], bytearray] = field(default_factory=dict)

    def write(self, part: Part, offset: int, data: bytes) -> None:
        """A file of each writer that begins where it began, or an object of each piece, put as a whole."""
        key = (part.writer, -1 if self.grows else part.start)
        content = self.parts.setdefault(key, bytearray()) if self.grows else bytearray()
        self.parts[key] = content
        position = offset - part.start
        content[len(content) :] = bytes(max(0, position - len(content)))
        content[position : position + len(data)] = data

    def read(self, parts: list[Part], size: int) -> bytes:
        found = b""
        for part, length in spans(parts, size):
            found += self.parts[(part.writer, -1 if self.grows else part.start)][:length]
        return found


class Writers(RuleBasedStateMachine):
    """Any interleaving of the steps of `service.actions.upload_storing`, as several processes can produce it."""

    grows = True

    def __init__(self) -> None:
        super().__init__()
        self.row = Row()
        self.store = Store(self.grows)
        self.acknowledged = b""
        self.writers: list[Writer] = []
        self.contents = count(1)

    def alive(self) -> list[Writer]:
        return [writer for writer in self.writers if not writer.done]

    @rule()
    def take_over(self) -> None:
        self.row.epoch += 1
        committed = self.row.committed
        self.writers.append(Writer(self.row.epoch, committed, list(self.row.parts), committed))

    @precondition(lambda self: self.alive())
    @rule(choice=st.integers(0, 9), size=st.integers(1, 3))
    def write(self, choice: int, size: int) -> None:
        """A piece becomes durable, perhaps long after somebody else took over."""
        writer = self.alive()[choice % len(self.alive())]
        part = part_to_write(writer.parts, writer.epoch, writer.stored, grows=self.store.grows)
        data = bytes([next(self.contents) % 256]) * size
        self.store.write(part, writer.stored, data)
        if part not in writer.parts:
            writer.parts.append(part)
        writer.data += data
        writer.stored += size

    @precondition(lambda self: self.alive())
    @rule(choice=st.integers(0, 9), ends=st.booleans(), keeps_back=st.integers(0, 1))
    def commit(self, choice: int, ends: bool, keeps_back: int) -> None:
        """keeps_back: bytes that are not acknowledged although they are durable, as when the queue is full."""
        writer = self.alive()[choice % len(self.alive())]
        row = self.row
        writer.done = ends or (row.epoch, row.committed) != (writer.epoch, writer.committed) or keeps_back > 0
        if (row.epoch, row.committed) != (writer.epoch, writer.committed) or not writer.data:
            return
        row.committed = writer.committed = writer.stored - keeps_back
        row.parts = [part for part in writer.parts if part.start < row.committed]
        self.acknowledged += writer.data[: len(writer.data) - keeps_back]
        writer.data = b""

    @invariant()
    def acknowledged_bytes_are_there(self) -> None:
        assert self.store.read(self.row.parts, self.row.committed) == self.acknowledged


class ObjectWriters(Writers):
    grows = False


right = part_to_write
Writers.TestCase.settings = settings(max_examples=200, stateful_step_count=25)
ObjectWriters.TestCase.settings = settings(max_examples=100, stateful_step_count=25)
TestWriters = Writers.TestCase
TestObjectWriters = ObjectWriters.TestCase


@pytest.mark.parametrize(
    ("machine", "wrong"),
    [
        (Writers, lambda parts, writer, offset, grows: parts[-1] if parts else Part(writer, offset)),
        (ObjectWriters, lambda parts, writer, offset, grows: right(parts, writer, offset, grows=True)),
        (Writers, lambda parts, writer, offset, grows: Part(writer, offset)),
    ],
    ids=["one part for all", "objects that grow", "files that do not"],
)
def test_wrong_rules_are_found_out(machine, wrong, monkeypatch):
    """Negative control: with another rule acknowledged bytes change or are not found."""
    monkeypatch.setattr(sys.modules[__name__], "part_to_write", wrong)
    always_the_same = settings(Writers.TestCase.settings, derandomize=True, database=None, phases=[Phase.generate])
    with pytest.raises((AssertionError, KeyError)):
        run_state_machine_as_test(machine, settings=always_the_same)


def test_a_part_counts_up_to_the_next_one():
    """What it holds beyond was never acknowledged; one that begins at the end holds nothing."""
    parts = [Part(1, 0), Part(3, 10), Part(4, 10), Part(7, 25)]
    assert spans(parts, 30) == [(Part(1, 0), 10), (Part(4, 10), 15), (Part(7, 25), 5)]
    assert spans(parts, 25) == [(Part(1, 0), 10), (Part(4, 10), 15)]
    assert spans([], 0) == []


@pytest.mark.parametrize(
    ("open_uploads", "size"), [(0, 1 << 20), (64, 1 << 20), (256, 256 << 10), (1024, 64 << 10), (9000, 64 << 10)]
)
def test_pieces_get_smaller_when_many_write(open_uploads, size):
    """All together they hold 64 MiB, unless they are so many that each would have to be written in crumbs."""
    assert piece_bytes(Pieces(1 << 20, 5.0), open_uploads) == size
