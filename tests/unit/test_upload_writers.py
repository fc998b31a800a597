"""Writers of one upload that take over from each other, wake up late, or die: acknowledged bytes never change."""

import sys
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from service.domain.uploads import file_to_write


@dataclass
class Row:
    committed: int = 0
    epoch: int = 0
    stored_epoch: int = 0
    ended_epoch: int = 0


@dataclass
class Writer:
    """What a request remembers of the row; `written` is on disk but not acknowledged yet."""

    epoch: int
    committed: int
    stored_epoch: int
    ended_epoch: int
    file: int = 0
    written: bytes = b""
    done: bool = False


@dataclass
class Disk:
    files: dict[int, bytearray] = field(default_factory=dict)

    def write(self, file: int, offset: int, data: bytes) -> None:
        content = self.files.setdefault(file, bytearray())
        content[len(content) :] = bytes(max(0, offset - len(content)))
        content[offset : offset + len(data)] = data


class Writers(RuleBasedStateMachine):
    """Any interleaving of the steps of `service.actions.uploads`, as several processes can produce it."""

    def __init__(self) -> None:
        super().__init__()
        self.row = Row()
        self.disk = Disk()
        self.acknowledged = b""
        self.writers: list[Writer] = []
        self.contents = count(1)
        self.copies = 0
        self.all_in_order = True

    def with_a_piece(self) -> list[Writer]:
        return [writer for writer in self.writers if writer.written]

    def without_a_piece(self) -> list[Writer]:
        return [writer for writer in self.writers if not writer.done and not writer.written]

    @rule()
    def take_over(self) -> None:
        row = self.row
        self.all_in_order &= row.ended_epoch == row.epoch
        row.epoch += 1
        self.writers.append(Writer(row.epoch, row.committed, row.stored_epoch, row.ended_epoch))

    @precondition(lambda self: self.without_a_piece())
    @rule(choice=st.integers(0, 9), size=st.integers(1, 3))
    def write(self, choice: int, size: int) -> None:
        """A piece reaches the disk, perhaps long after somebody else took over."""
        writers = self.without_a_piece()
        writer = writers[choice % len(writers)]
        writer.file = file_to_write(
            writer.epoch, writer.committed, stored_epoch=writer.stored_epoch, ended_epoch=writer.ended_epoch
        )
        there = self.disk.files.get(writer.stored_epoch, b"")
        if len(there) < writer.committed:  # who took over has removed it
            writer.done = True
            return
        if writer.committed and writer.file != writer.stored_epoch:
            self.disk.files[writer.file] = bytearray(there[: writer.committed])
            self.copies += 1
        writer.written = bytes([next(self.contents) % 256]) * size
        self.disk.write(writer.file, writer.committed, writer.written)

    @precondition(lambda self: self.with_a_piece())
    @rule(choice=st.integers(0, 9), ends=st.booleans())
    def commit(self, choice: int, ends: bool) -> None:
        writers = self.with_a_piece()
        writer = writers[choice % len(writers)]
        row = self.row
        if (row.epoch, row.committed) != (writer.epoch, writer.committed):
            writer.done, writer.written = True, b""  # fenced
            return
        self.acknowledged += writer.written
        if row.committed and row.stored_epoch != writer.file:
            del self.disk.files[row.stored_epoch]
        row.committed += len(writer.written)
        row.stored_epoch = writer.file
        row.ended_epoch = writer.epoch if ends else row.ended_epoch
        writer.committed, writer.stored_epoch, writer.ended_epoch = row.committed, row.stored_epoch, row.ended_epoch
        writer.done, writer.written = ends, b""

    @invariant()
    def acknowledged_bytes_are_there(self) -> None:
        if self.row.committed:
            assert bytes(self.disk.files[self.row.stored_epoch][: self.row.committed]) == self.acknowledged

    @invariant()
    def orderly_chunks_are_not_copied(self) -> None:
        """Chunk after chunk, each ended before the next begins, costs no copy of those before it."""
        assert not (self.all_in_order and self.copies)


Writers.TestCase.settings = settings(max_examples=200, stateful_step_count=25)
TestWriters = Writers.TestCase


@pytest.mark.parametrize(
    "wrong",
    [
        lambda epoch, committed, stored_epoch, ended_epoch: stored_epoch if committed else epoch,
        lambda epoch, committed, stored_epoch, ended_epoch: stored_epoch if committed and ended_epoch else epoch,
        lambda epoch, committed, stored_epoch, ended_epoch: epoch,
    ],
    ids=["one file for all", "one file once anybody has ended", "a file for each"],
)
def test_wrong_rules_are_found_out(wrong, monkeypatch):
    """Negative control: with another rule bytes change, or chunks are copied for nothing."""
    monkeypatch.setattr(sys.modules[__name__], "file_to_write", wrong)
    always_the_same = settings(Writers.TestCase.settings, derandomize=True, database=None, phases=[Phase.generate])
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Writers, settings=always_the_same)
