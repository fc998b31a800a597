"""Any order of requests for one upload, in three replicas, with late, deaf and cut ones: what was told stays true.

Each request sends bytes of its own, so whatever is stored tells who sent it. The actions, the database and the store
are the real ones.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from service.actions import upload_writers
from service.domain import uploads as rules
from service.domain.errors import LaunchnightError, UploadOffsetMismatch, UploadTaken
from service.domain.photos import SIGNATURES
from service.domain.uploads import Checksum, Part, Slot, UploadChecksumMismatch
from service.storage import uploads as rows
from service.storage.photos import LocalPhotoStore
from service.storage.sql import queries
from tests.integration.upload_desk import Body, DeafBody, Desk, upload_desk
from tests.s3_server import bucket_store

REPLICAS = 3
LENGTH = 40
replicas = st.integers(0, REPLICAS - 1)
sizes = st.integers(1, 12)


@dataclass
class Sending:
    """A request that is open: `start` is the offset it continues, `data` all that it sends or will send."""

    replica: int
    start: int
    data: bytes
    body: Body
    task: "asyncio.Task[Any]"
    given: int
    promised: list[tuple[int, bytes]] = field(default_factory=list)


class Uploading(RuleBasedStateMachine):
    """`promises`: bytes that were acknowledged, with their offsets; `told`: the greatest offset that was told."""

    runner: asyncio.Runner
    desk: Desk

    def __init__(self) -> None:
        super().__init__()
        self.desks: list[Desk] = []
        self.draw = random.Random(20200411)
        self.open: list[Sending] = []
        self.promises: list[tuple[int, bytes]] = []
        self.told = 0
        self.finished = False
        self.upload_id = ""

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    @precondition(lambda self: not self.upload_id)
    @rule(known=st.booleans(), photo=st.booleans())
    def begin(self, known: bool, photo: bool) -> None:
        """known: its length is; photo: it is one of an applicant, and nobody's file else."""
        owner = self.run(self.desk.signed_in()) if photo else self.desk
        self.desks = [owner.another() for _ in range(REPLICAS)]
        self.upload_id = self.run(owner.begin(LENGTH if known else None, Slot.SELFIE if photo else None))

    begun = precondition(lambda self: self.upload_id)

    @begun
    @rule(replica=replicas)
    def ask(self, replica: int) -> None:
        self.run(self._ask(self.desks[replica]))

    async def _ask(self, desk: Desk) -> int:
        """The offset from which to go on; it never falls."""
        upload = await desk.status(self.upload_id)
        assert upload.committed >= self.told
        self.told = upload.committed
        return upload.committed

    @begun
    @rule(replica=replicas, size=st.integers(0, 12), pieces=st.integers(1, 3), late=st.booleans(), whole=st.booleans())
    def send(self, replica: int, size: int, pieces: int, late: bool, whole: bool) -> None:
        """Ask, then continue from there: whatever happened before, the offset that was told is accepted.

        late: another open request wakes up in between; whole: nothing is cut off, and the length is told.
        """
        self.run(self._send(self.desks[replica], size, pieces, late, whole))

    async def _send(self, desk: Desk, size: int, pieces: int, late: bool, whole: bool) -> None:
        start = await self._ask(desk)
        if late:
            for sending in self.open:
                await self._wake(sending, 3, ends=False)
        data = self._bytes(start, size)
        body = Body(*_cut(data, pieces), complete=whole)
        seen = 0

        def acknowledged(count: int) -> None:
            nonlocal seen
            self._promise(start + seen, data[seen : seen + count])
            seen += count

        upload = await desk.send(
            self.upload_id, start, body, length=LENGTH if whole else None, acknowledged=acknowledged
        )
        assert (upload.committed, seen) == (start + len(data), len(data))
        self._end(upload)

    @begun
    @rule(replica=replicas, size=sizes, right=st.booleans(), whole=st.booleans())
    def send_checked(self, replica: int, size: int, right: bool, whole: bool) -> None:
        """With a checksum all counts or nothing."""
        self.run(self._send_checked(self.desks[replica], size, right, whole))

    async def _send_checked(self, desk: Desk, size: int, right: bool, whole: bool) -> None:
        start = await self._ask(desk)
        data = self._bytes(start, size)
        digest = sha256(data if right else data + b"?").digest()
        body = Body(*_cut(data, 2), complete=whole)
        sending = desk.send(self.upload_id, start, body, checksum=Checksum("sha256", digest))
        if whole and not right:
            with pytest.raises(UploadChecksumMismatch):
                await sending
        else:
            upload = await sending
            assert upload.committed == (start + len(data) if whole else start)
            self._promise(start, data if whole else b"")
            self._end(upload)
        assert await self._ask(desk) == (start + len(data) if whole and right else start)

    @begun
    @rule(replica=replicas, size=sizes, deaf=st.booleans())
    def hang(self, replica: int, size: int, deaf: bool) -> None:
        """A request whose phone falls silent after some bytes. deaf: it does not hear that it shall end."""
        self.run(self._hang(replica, size, deaf))

    async def _hang(self, replica: int, size: int, deaf: bool) -> None:
        start = await self._ask(self.desks[replica])
        data = self._bytes(start, LENGTH)
        body = (DeafBody if deaf else Body)(open_end=True)
        sending = Sending(replica, start, data, body, None, 0)  # type: ignore[arg-type]

        def acknowledged(count: int) -> None:
            seen = sum(len(promised) for _, promised in sending.promised)
            promise = (start + seen, data[seen : seen + count])
            sending.promised.append(promise)
            self._promise(*promise)

        sending.task = asyncio.create_task(
            self.desks[replica].send(self.upload_id, start, body, acknowledged=acknowledged)
        )
        self.open.append(sending)
        await self._wake(sending, size, ends=False)

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 9), size=sizes, ends=st.booleans())
    def wake(self, which: int, size: int, ends: bool) -> None:
        """An open request goes on, perhaps long after somebody took over."""
        self.run(self._wake(self.open[which % len(self.open)], size, ends))

    async def _wake(self, sending: Sending, size: int, ends: bool) -> None:
        more = sending.data[sending.given : sending.given + size]
        sending.given += len(more)
        sending.body.give(*_cut(more, 2), ends=ends or sending.given == len(sending.data))
        async with asyncio.timeout(30):
            while not sending.task.done() and not sending.body.waits:  # noqa: ASYNC110 - the other task goes on
                await asyncio.sleep(0)
        if sending.task.done() and sending in self.open:
            self.open.remove(sending)
            try:
                self._end(await sending.task)
            except (UploadTaken, UploadOffsetMismatch):
                pass

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 9))
    def cut(self, which: int) -> None:
        """The process gives a request up in the middle of anything."""
        sending = self.open.pop(which % len(self.open))
        sending.task.cancel()
        self.run(asyncio.wait([sending.task]))

    def _bytes(self, start: int, size: int) -> bytes:
        """Of nobody else, and of a photo as far as its first bytes tell."""
        data = self.draw.randbytes(min(size, LENGTH - start))
        return (SIGNATURES[0] + data)[: len(data)] if start == 0 else data

    def _promise(self, offset: int, data: bytes) -> None:
        self.promises.append((offset, data))

    def _end(self, upload: Any) -> None:
        self.told = max(self.told, upload.committed)
        self.finished |= upload.finished_at is not None

    @invariant()
    def what_was_told_is_true(self) -> None:
        if not self.upload_id:
            return
        stored = self.run(self.desk.stored(self.upload_id))
        assert len(stored) >= self.told
        for offset, data in self.promises:
            assert stored[offset : offset + len(data)] == data
        row = self.run(self.desk.row(self.upload_id))
        assert not self.finished or row["finished_at"] is not None
        assert (row["finished_at"] is not None) == (row["length"] == row["committed"])
        waiting = self.run(self._inspections())
        assert waiting == (row["slot"] is not None and row["finished_at"] is not None)

    async def _inspections(self) -> int:
        async with self.desk.database.connection() as connection:
            return int(await connection.fetchval("select count(*) from job where dedupe = $1", self.upload_id))

    def teardown(self) -> None:
        """Whatever has happened, somebody who goes on finishes the upload."""
        try:
            if self.upload_id:
                self.run(self._send(self.desks[0], LENGTH, 2, True, True))
                assert self.run(self.desk.row(self.upload_id))["finished_at"] is not None
                self.what_was_told_is_true()
        finally:
            for sending in self.open:
                sending.task.cancel()
            self.run(asyncio.wait([sending.task for sending in self.open]) if self.open else asyncio.sleep(0))


def _cut(data: bytes, pieces: int) -> list[bytes]:
    size = max(1, -(-len(data) // pieces))
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.fixture
def store(request, tmp_path):
    """A folder, or a bucket where a test asks for it."""
    if getattr(request, "param", "folder") == "bucket":
        yield bucket_store(request.getfixturevalue("s3"))
    else:
        folder = LocalPhotoStore(tmp_path)
        yield folder
        folder.close()


@pytest.fixture
def machine(module_database_url, store, monkeypatch):
    """`Uploading` on storage of this module. A deaf request is waited for only a moment."""
    monkeypatch.setattr(upload_writers, "LET_GO_LIMIT", 0.01)
    with asyncio.Runner() as runner:
        stack = upload_desk(module_database_url, store)
        desk = runner.run(stack.__aenter__())
        yield type("Uploading", (Uploading,), {"runner": runner, "desk": desk})
        runner.run(stack.__aexit__(None, None, None))


def play(machine: type[Uploading], examples: int) -> None:
    always_the_same = settings(
        max_examples=examples,
        stateful_step_count=14,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=always_the_same)


@pytest.mark.parametrize(("store", "examples"), [("folder", 25), ("bucket", 5)], indirect=["store"])
def test_what_was_told_stays_true(machine, examples):
    play(machine, examples)


def commits_with(epoch: str, committed: str) -> Callable[[str], Mapping[str, str]]:
    """`queries`, with other conditions in the two compare-and-sets."""
    sql = dict(queries("uploads"))
    for name, mine, right, reached in (("commit", "", "$2", "$3"), ("finish", "u.", "a.epoch", "a.committed")):
        fence = f"{mine}epoch = {right} and {mine}committed = {reached}"
        assert fence in sql[name]
        wrong = f"{epoch.format(mine, right)} and {committed.format(mine, reached)}"
        sql[name] = sql[name].replace(fence, wrong)
    return lambda noun: sql


BROKEN = {
    "no epoch": (rows, "queries", commits_with("{0}epoch >= {1}", "{0}committed = {1}")),
    "no fence": (rows, "queries", commits_with("{0}epoch >= {1}", "{1}::bigint >= 0")),
    "one file for all": (rules, "part_to_write", lambda parts, writer, offset, grows: Part(1, 0)),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_protections_are_found_out(machine, what, monkeypatch):
    """Negative control: the same requests without one of the protections."""
    monkeypatch.setattr(*BROKEN[what])
    with pytest.raises((AssertionError, LaunchnightError)):
        play(machine, 200)
