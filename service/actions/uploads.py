"""Photos arrive in pieces, from phones that lose their connection: create, ask how far it got, continue.

Bytes are durable on disk before the row says so, and the row says so before the phone is told. No connection of the
database is held while bytes are awaited.
"""

import hashlib
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.actions.again import idempotent
from service.actions.once import Once
from service.actions.sessions import signed_in
from service.actions.upload_storing import TAKEN, UploadWriter, expires_at, full
from service.actions.upload_writers import IncomingBytes, Writers, make_free
from service.domain import photos
from service.domain import uploads as rules
from service.domain.errors import FieldFault, LaunchnightError, NotFound, UploadTaken
from service.domain.queues import accepts
from service.domain.uploads import (
    Append,
    Checksum,
    Creation,
    StorageFailed,
    TooManyUploads,
    UploadChecksumMismatch,
    UploadExpired,
    UploadHeadersInvalid,
    UploadKept,
)
from service.photo_ports import Commit, NewUpload, Upload
from service.ports import Ports, StoredAnswer, Transaction


@dataclass(frozen=True, slots=True)
class BegunUpload:
    upload_id: str
    expires_at: datetime


async def create(
    ports: Ports, once: Once | None, session: bytes | None, creation: Creation, writers: Writers | None = None
) -> StoredAnswer | BegunUpload:
    """Begin an upload; an empty one is finished at once. writers: remember it. Raises NotSignedIn or TooManyUploads."""
    new = NewUpload(secrets.token_hex(16), session, creation, expires_at(ports))
    if once is None and creation.length != 0:
        upload = await ports.beginnings(new)
        if upload is None:
            async with ports.begin(single=True) as tx:
                await _asker(tx, session)
            raise _too_many()
        if writers is not None:
            writers.begun(upload, session)
        return BegunUpload(new.id, new.expires_at)
    async with ports.begin() as tx:
        (upload,) = await tx.uploads.add([new], most=rules.UPLOADS_PER_ACCOUNT)
        account_id = upload.account_id if upload is not None else await _asker(tx, session)
        if once is not None:
            once.principal = b"" if account_id is None else account_id.bytes
        if upload is None:
            raise _too_many()
        if creation.length == 0:
            whole = Commit(0, (), ends=True, length=0, sha256=hashlib.sha256().digest())
            await tx.uploads.commit(upload, whole, expires_at=new.expires_at)
        begun = BegunUpload(new.id, new.expires_at)
        if once is not None:
            return await once.keep(tx, begun)
    return begun


def _too_many() -> TooManyUploads:
    most = rules.UPLOADS_PER_ACCOUNT
    return TooManyUploads(f"An account may begin {most} uploads.", limit=most)


async def status(ports: Ports, writers: Writers, session: bytes | None, upload_id: str) -> Upload:
    """The upload with a settled offset. Raises NotSignedIn, NotFound or UploadExpired."""
    writers.take_begun(upload_id, session)  # what the row says counts from now on
    upload = await find(ports, session, upload_id)
    if upload.writing is None and not writers.holds(upload_id):
        return upload
    await make_free(ports, writers, upload)
    return await find(ports, session, upload_id)


async def append(
    ports: Ports,
    writers: Writers,
    session: bytes | None,
    upload_id: str,
    chunk: Append,
    incoming: IncomingBytes,
    acknowledged: Callable[[int], None],
    *,
    most_bytes: int | None = None,
    begun: Upload | None = None,
) -> Upload:
    """Continue an upload with what arrives; whatever arrived before the body broke off is kept.

    With a checksum all of the chunk is kept or nothing.
    acknowledged: told how many bytes became durable, each time some did; most_bytes: of an upload whose length is not
    announced yet; begun: as `whole_at_once` gave it, when all of the body is here.
    Raises NotSignedIn, NotFound, UploadExpired, UploadOffsetMismatch, PhotoTooLarge, UploadHeadersInvalid or
    PhotoTypeUnsupported before a byte is stored; UploadTaken when another request continues meanwhile;
    UploadChecksumMismatch; QueueFull when every byte but the last is stored; StorageFull, StorageFailed, DatabaseBusy,
    DatabaseUnavailable at any time.
    """
    if session is not None and chunk.length == 0:
        raise UploadHeadersInvalid([FieldFault("Upload-Length", "empty", "A photo has at least one byte.")])
    if writers.holds(upload_id):
        await find(ports, session, upload_id)  # a stranger may not end the request of another
    async with writers.turn(upload_id, incoming):
        upload = begun or await _take_over(ports, writers, session, upload_id, chunk)
        writer = UploadWriter(ports, upload, most_bytes=most_bytes)
        try:
            if upload.length is None and most_bytes is not None:
                rules.check_size(upload.committed + (chunk.announced or 0), most_bytes=most_bytes)
            if upload.committed == 0 and upload.slot is not None:
                await _check_type(ports, session, upload, incoming)
            piece_bytes = lambda: rules.piece_bytes(ports.photos.pieces, len(writers))  # noqa: E731
            if chunk.checksum is None:
                await _store(writer, incoming, piece_bytes, acknowledged)
            else:
                await _store_checked(writer, incoming, piece_bytes, chunk.checksum, acknowledged)
            if writer.upload.finished_at is None and writer.upload.length == writer.stored:
                await writer.acknowledge(ends=True)  # nothing was missing but the length
        finally:
            await writer.end()
        return writer.upload


def whole_at_once(
    ports: Ports, writers: Writers, session: bytes | None, upload_id: str, chunk: Append
) -> Upload | None:
    """The upload that this chunk is to be all of, when this process has just begun it; None for any other.

    Its bytes may be stored without a statement that takes it over: as nobody else is its writer 0, and the commit finds
    out whether somebody has taken over meanwhile. That is for bytes that are all here at once; before it waits for
    more, a writer says who it is, so that whoever comes back can ask it to let go.
    """
    upload = writers.take_begun(upload_id, session)
    if upload is None or upload.length is None or chunk != Append(0, upload.length):
        return None
    fits = upload.length <= rules.piece_bytes(ports.photos.pieces, len(writers) + 1)
    lasts = upload.expires_at is not None and upload.expires_at > ports.clock.now()
    return upload if fits and lasts else None


async def _store(
    writer: UploadWriter,
    incoming: IncomingBytes,
    piece_bytes: Callable[[], int],
    acknowledged: Callable[[int], None],
) -> None:
    while data := await incoming.take(piece_bytes()):
        await writer.store(data)
        ends = incoming.exhausted
        acknowledged(await writer.acknowledge(ends=ends))
        if ends:
            return


async def _store_checked(
    writer: UploadWriter,
    incoming: IncomingBytes,
    piece_bytes: Callable[[], int],
    checksum: Checksum,
    acknowledged: Callable[[int], None],
) -> None:
    """Nothing is acknowledged before all has come and adds up. Raises UploadChecksumMismatch."""
    check = hashlib.new(checksum.algorithm)
    try:
        while data := await incoming.take(piece_bytes()):
            await writer.store(data, check=check)
    except LaunchnightError:  # too long, or no room: what came before it would only take up room
        with suppress(StorageFailed):
            await writer.forget()
        raise
    if not incoming.complete:
        await writer.forget()
    elif check.digest() != checksum.digest:
        await writer.forget()
        raise UploadChecksumMismatch("The chunk was changed on its way. Send it again.")
    elif writer.stored > writer.upload.committed:
        acknowledged(await writer.acknowledge(ends=True))


async def _check_type(ports: Ports, session: bytes | None, upload: Upload, incoming: IncomingBytes) -> None:
    """Look at the first bytes of a photo; what can be none is forgotten. Raises PhotoTypeUnsupported, before more is
    read.

    When the body breaks off within them, they are stored as they are, and the inspection tells what they were.
    """
    try:
        rules.check_type(await incoming.peek(photos.SIGNATURE_BYTES))
    except rules.PhotoTypeUnsupported:
        await discard(ports, session, upload.id)
        raise


async def terminate(ports: Ports, writers: Writers, session: bytes | None, upload_id: str) -> None:
    """Give up an upload; its bytes are removed. Raises NotSignedIn, NotFound, or UploadKept: the photo is finished."""
    writers.take_begun(upload_id, session)
    await make_free(ports, writers, await find(ports, session, upload_id))
    if not await discard(ports, session, upload_id):
        await find(ports, session, upload_id)
        raise UploadKept("A finished photo stays until another one is sent in its place.")


async def discard(ports: Ports, session: bytes | None, upload_id: str) -> bool:
    """Forget an upload that its sender cannot continue, with its bytes; a finished photo stays: False."""
    async with ports.begin(single=True) as tx:
        upload = await tx.uploads.delete(upload_id, session, now=ports.clock.now())
    if upload is not None:
        with suppress(StorageFailed):  # the sweeper erases what is given up, when the store works again
            await ports.photos.remove(upload.id, upload.epoch)
    return upload is not None


@idempotent
async def find(ports: Ports, session: bytes | None, upload_id: str) -> Upload:
    """As its row tells; whoever writes to it goes on. Raises NotSignedIn, NotFound or UploadExpired."""
    return await _look(ports, session, upload_id)


async def _look(ports: Ports, session: bytes | None, upload_id: str) -> Upload:
    """Raises NotSignedIn, NotFound or UploadExpired."""
    async with ports.begin(single=True) as tx:
        upload = await tx.uploads.find(upload_id, session)
        if upload is None:
            await _asker(tx, session)
            raise NotFound("There is no such upload.")
    if upload.expires_at is not None and upload.expires_at <= ports.clock.now():
        raise UploadExpired("Begin anew.")
    return upload


async def _asker(tx: Transaction, session: bytes | None) -> UUID | None:
    """Raises NotSignedIn."""
    return None if session is None else await signed_in(tx, session)


@idempotent
async def _take_over(ports: Ports, writers: Writers, session: bytes | None, upload_id: str, chunk: Append) -> Upload:
    upload = await _try_to_take_over(ports, writers, session, upload_id, chunk)
    if upload is not None:
        return upload
    upload = await _look(ports, session, upload_id)
    if upload.writing not in (None, writers.replica):
        await make_free(ports, writers, upload)
        taken = await _try_to_take_over(ports, writers, session, upload_id, chunk)
        if taken is not None:
            return taken
        upload = await _look(ports, session, upload_id)
    rules.check_append(chunk, committed=upload.committed, length=upload.length)
    if upload.finished_at is not None:
        return upload  # an empty chunk at its end changes nothing
    raise UploadTaken(TAKEN)  # another request moved the offset between our statements


async def _try_to_take_over(
    ports: Ports, writers: Writers, session: bytes | None, upload_id: str, chunk: Append
) -> Upload | None:
    async with ports.begin(single=True) as tx:
        return await tx.uploads.take_over(upload_id, session, chunk, replica=writers.replica, now=ports.clock.now())


async def check_inspections(ports: Ports) -> None:
    """Raises QueueFull when a photo that is begun now would hardly find room for its inspection."""
    async with ports.begin(single=True) as tx:
        depth = next((level.depth for level in await tx.queue.levels() if level.queue == photos.QUEUE), 0)
    if not accepts(depth, ports.policy.photo_queue_limit):
        raise full(ports)
