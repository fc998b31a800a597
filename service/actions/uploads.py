"""Photos arrive in pieces, from phones that lose their connection: create, ask how far it got, continue.

Bytes are durable on disk before the row says so, and the row says so before the phone is told. No connection of the
database is held while bytes are awaited.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from service.actions.again import idempotent
from service.actions.once import Once
from service.actions.sessions import signed_in
from service.domain import photos
from service.domain import uploads as rules
from service.domain.errors import ChangedMeanwhile, NotFound, QueueFull, UploadTaken
from service.domain.queues import accepts, retry_after_s
from service.domain.uploads import Append, Creation, StorageFailed, TooManyUploads
from service.photo_ports import CommittedUpload, Upload
from service.ports import Ports, StoredAnswer, Transaction

PIECE_BYTES = 1 << 20  # acknowledged at once: a photo of the usual 250 KB costs one write, a raw one of 2.6 MB three
LET_GO_LIMIT = 0.5  # seconds; a writer that needs longer is stuck, and the epoch keeps it from committing

_TAKEN = "Another request continues this upload. Ask for its offset with HEAD."


class IncomingBytes(Protocol):
    """The body of a request."""

    async def take(self, most: int) -> bytes:
        """The next `most` bytes, fewer only at the end of the body; b"" when nothing is left.

        The end is the end for whatever reason: complete, cut off, too slow, or told to let go.
        """

    @property
    def exhausted(self) -> bool:
        """Nothing is left and nothing more will come."""

    def let_go(self) -> None:
        """Take no more bytes from the network."""


class Writers:
    """Who writes to which upload in this process: a reconnecting phone ends the request of its dead connection."""

    def __init__(self) -> None:
        self._turns: dict[str, tuple[IncomingBytes, asyncio.Event]] = {}

    def __len__(self) -> int:
        return len(self._turns)

    def holds(self, upload_id: str) -> bool:
        return upload_id in self._turns

    async def settle(self, upload_id: str) -> None:
        """Return when nobody in this process writes to the upload any more; what had arrived is stored by then."""
        while turn := self._turns.get(upload_id):
            incoming, ended = turn
            incoming.let_go()
            try:
                async with asyncio.timeout(LET_GO_LIMIT):
                    await ended.wait()
            except TimeoutError:
                return

    @asynccontextmanager
    async def turn(self, upload_id: str, incoming: IncomingBytes) -> AsyncIterator[None]:
        """Be the one who writes, until told by a newcomer to let go."""
        await self.settle(upload_id)
        mine = (incoming, asyncio.Event())
        self._turns[upload_id] = mine
        try:
            yield
        finally:
            if self._turns.get(upload_id) is mine:
                del self._turns[upload_id]
            mine[1].set()


@dataclass(frozen=True, slots=True)
class NewUpload:
    upload_id: str


async def create(ports: Ports, once: Once | None, session: bytes, creation: Creation) -> StoredAnswer | NewUpload:
    """Begin an upload. Raises NotSignedIn or TooManyUploads."""
    new = NewUpload(secrets.token_hex(16))
    async with ports.begin(single=once is None) as tx:
        account_id = await signed_in(tx, session)
        if once is not None:
            once.principal = account_id.bytes
        upload = Upload(new.upload_id, account_id, creation.slot, creation.length, creation.metadata)
        if not await tx.uploads.add(upload, most=rules.UPLOADS_PER_ACCOUNT):
            raise TooManyUploads(
                f"An account may begin {rules.UPLOADS_PER_ACCOUNT} uploads.", limit=rules.UPLOADS_PER_ACCOUNT
            )
        return new if once is None else await once.keep(tx, new)


async def status(ports: Ports, writers: Writers, session: bytes, upload_id: str) -> Upload:
    """The upload with a settled offset. Raises NotSignedIn or NotFound."""
    upload = await _find(ports, session, upload_id)
    if not writers.holds(upload_id):
        return upload
    await writers.settle(upload_id)
    return await _find(ports, session, upload_id)


async def append(
    ports: Ports,
    writers: Writers,
    session: bytes,
    upload_id: str,
    chunk: Append,
    incoming: IncomingBytes,
    acknowledged: Callable[[int], None],
) -> Upload:
    """Continue an upload with what arrives; whatever arrived before the body broke off is kept.

    acknowledged: told how many bytes became durable, each time some did.
    Raises NotSignedIn, NotFound, UploadOffsetMismatch, PhotoTooLarge or PhotoTypeUnsupported before a byte is stored;
    UploadTaken when another request continues meanwhile; QueueFull when every byte but the last is stored; StorageFull,
    StorageFailed, DatabaseBusy, DatabaseUnavailable at any time.
    """
    if writers.holds(upload_id):
        await _find(ports, session, upload_id)  # a stranger may not end the request of another
    async with writers.turn(upload_id, incoming):
        upload = await _take_over(ports, session, upload_id, chunk)
        head = await _head(ports, upload, incoming) if upload.committed == 0 else b""
        while data := head + await incoming.take(PIECE_BYTES - len(head)):
            head = b""
            rules.check_room(upload.committed + len(data), length=upload.length)
            upload = await _store(ports, upload, data, ends=incoming.exhausted)
            acknowledged(len(data))
        return upload


async def _head(ports: Ports, upload: Upload, incoming: IncomingBytes) -> bytes:
    """The first bytes of a photo; what can be none is forgotten. Raises PhotoTypeUnsupported, before more is read.

    When the body breaks off within them, they are stored as they are, and the inspection tells what they were.
    """
    head = await incoming.take(photos.SIGNATURE_BYTES)
    try:
        rules.check_type(head)
    except rules.PhotoTypeUnsupported:
        async with ports.begin(single=True) as tx:
            await tx.uploads.discard(upload.id, upload.account_id)
        raise
    return head


async def discard(ports: Ports, session: bytes, upload_id: str) -> None:
    """Forget an upload that its sender cannot continue, with its bytes; a finished one stays."""
    async with ports.begin(single=True) as tx:
        upload = await tx.uploads.discard(upload_id, await signed_in(tx, session))
    if upload is not None:
        for epoch in {upload.stored_epoch, upload.epoch}:  # the second: written, and not acknowledged
            await ports.photos.remove(upload.id, epoch)


@idempotent
async def _find(ports: Ports, session: bytes, upload_id: str) -> Upload:
    async with ports.begin(single=True) as tx:
        upload = await tx.uploads.find(upload_id, await signed_in(tx, session))
    if upload is None:
        raise NotFound("There is no such upload.")
    return upload


@idempotent
async def _take_over(ports: Ports, session: bytes, upload_id: str, chunk: Append) -> Upload:
    async with ports.begin(single=True) as tx:
        account_id = await signed_in(tx, session)
        end = chunk.offset + (chunk.announced or 0)
        upload = await tx.uploads.take_over(upload_id, account_id, offset=chunk.offset, end=end)
        if upload is not None:
            return upload
        upload = await tx.uploads.find(upload_id, account_id)
    if upload is None:
        raise NotFound("There is no such upload.")
    rules.check_append(chunk, committed=upload.committed, length=upload.length)
    if upload.finished_at is None:  # another request moved the offset between our two statements
        raise UploadTaken(_TAKEN)
    return upload  # finished: an empty chunk at its end changes nothing


async def _store(ports: Ports, upload: Upload, data: bytes, *, ends: bool) -> Upload:
    """Make bytes durable, then acknowledge them."""
    file = rules.file_to_write(
        upload.epoch, upload.committed, stored_epoch=upload.stored_epoch, ended_epoch=upload.ended_epoch
    )
    inherited = upload.stored_epoch if upload.committed and file != upload.stored_epoch else None
    try:
        if inherited is not None:
            await ports.photos.carry_over(upload.id, old=inherited, new=file, size=upload.committed)
        await ports.photos.write(upload.id, file, upload.committed, data)
    except StorageFailed:
        if await _is_newest(ports, upload):
            raise
        raise UploadTaken(_TAKEN) from None  # who took over has removed the file
    new = upload.committed + len(data)
    if new < upload.length:
        async with ports.begin(single=True) as tx:
            result = await tx.uploads.commit(upload, new=new, file=file, ends=ends)
    else:
        result = await _finish(ports, upload, file=file, ends=ends)
    if result is None:
        raise UploadTaken(_TAKEN)
    if inherited is not None:
        await ports.photos.remove(upload.id, inherited)
    if result.upload.committed < new:
        raise full(ports)
    return result.upload


async def _finish(ports: Ports, upload: Upload, *, file: int, ends: bool) -> CommittedUpload | None:
    """Acknowledge the last bytes and ask for an inspection; None: another writer took over.

    When too many photos wait for theirs, all bytes but one are acknowledged: whoever comes back sends that one, and not
    the whole photo over a bad network again.
    """
    replaces = False
    try:
        try:
            result = await _fill_slot(ports, upload, file=file, ends=ends)
        except ChangedMeanwhile:  # the slot holds an older photo
            replaces = True
            result = await _fill_slot(ports, upload, file=file, ends=ends, replaces=True)
    except QueueFull:
        async with ports.begin(single=True) as tx:
            return await tx.uploads.commit(upload, new=upload.length - 1, file=file, ends=ends)
    if result is not None and not replaces and rules.completes_photos(upload.slot, result.filled):
        ports.reached("photos_uploaded")
    return result


async def _fill_slot(
    ports: Ports, upload: Upload, *, file: int, ends: bool, replaces: bool = False
) -> CommittedUpload | None:
    async with ports.begin() as tx:
        if replaces:
            await tx.uploads.clear_slot(upload)
        result = await tx.uploads.commit(upload, new=upload.length, file=file, ends=ends)
        if result is not None:
            await _enqueue(ports, tx, upload)
    return result


async def _enqueue(ports: Ports, tx: Transaction, upload: Upload) -> None:
    limit = ports.policy.photo_queue_limit
    if not await tx.queue.enqueue(photos.QUEUE, upload.id, {"upload_id": upload.id}, limit=limit):
        raise full(ports)


async def check_inspections(ports: Ports) -> None:
    """Raises QueueFull when a photo that is begun now would hardly find room for its inspection."""
    async with ports.begin(single=True) as tx:
        depth = next((level.depth for level in await tx.queue.levels() if level.queue == photos.QUEUE), 0)
    if not accepts(depth, ports.policy.photo_queue_limit):
        raise full(ports)


def full(ports: Ports) -> QueueFull:
    """Too many photos wait for their inspection."""
    wait = retry_after_s(ports.policy.photo_queue_limit, ports.policy.photo_rate_per_s, ports.chance())
    return QueueFull(queue=photos.QUEUE, retry_after_s=wait)


@idempotent
async def _is_newest(ports: Ports, upload: Upload) -> bool:
    async with ports.begin(single=True) as tx:
        now = await tx.uploads.find(upload.id, upload.account_id)
    return now is not None and now.epoch == upload.epoch
