"""What the actions ask of the world about photos: rows, bytes, and whoever looks at them.

No connection of the database is held while bytes are awaited or a photo is inspected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from service.domain.photos import PhotoVerdict


@dataclass(frozen=True, slots=True)
class Upload:
    """Acknowledged bytes lie in the file that the writer `stored_epoch` made, from 0 to `committed`."""

    id: str
    account_id: UUID
    slot: int
    length: int
    metadata: str
    committed: int = 0
    epoch: int = 0
    stored_epoch: int = 0
    ended_epoch: int = 0
    """The last writer that promised to write no more."""
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CommittedUpload:
    upload: Upload
    filled: frozenset[int]
    """Slots that held a photo before this one was finished; empty when it is not."""


@dataclass(frozen=True, slots=True)
class HeldPhoto:
    """The photo that fills a slot."""

    slot: int
    verdict: PhotoVerdict | None
    """None: it was not inspected yet."""


@dataclass(frozen=True, slots=True)
class FinishedPhoto:
    """A finished upload as its inspection meets it."""

    id: str
    stored_epoch: int
    epoch: int
    """The last writer; each one up to it may have left a file."""
    length: int
    replaced: bool
    verdict: PhotoVerdict | None
    """None: it was not inspected yet."""
    outlived: tuple[str, ...]
    """Older photos of its slot, replaced by it or by others, whose clean copies are still kept."""


class UploadStore(Protocol):
    async def add(self, upload: Upload, *, most: int) -> bool:
        """False: the account has `most` uploads already and nothing was added."""

    async def find(self, upload_id: str, account_id: UUID) -> Upload | None: ...
    async def take_over(self, upload_id: str, account_id: UUID, *, offset: int, end: int) -> Upload | None:
        """Raise the epoch and return the row: from now on an older writer cannot commit.

        None: the account has no such upload, or it is finished, does not end at `offset` or has no room up to `end`.
        """

    async def discard(self, upload_id: str, account_id: UUID) -> Upload | None:
        """Forget an upload of the account unless it is finished; what was forgotten."""

    async def clear_slot(self, upload: Upload) -> None:
        """The finished photo in the slot of `upload`, which is about to be finished, gives way."""

    async def commit(self, upload: Upload, *, new: int, file: int, ends: bool) -> CommittedUpload | None:
        """Compare-and-set of the committed offset by the writer `upload.epoch`; at `length` the photo is finished.

        file: the writer who made the file that holds the bytes; ends: the writer promises to write no more.
        None: another writer took over. Raises ChangedMeanwhile when another photo fills the slot.
        """

    async def finished(self, upload_id: str) -> FinishedPhoto | None: ...
    async def judge(self, upload_id: str, verdict: PhotoVerdict, *, original_sha256: bytes, clean_bytes: int) -> bool:
        """Store how the inspection ended. False: another one was faster, or the photo was replaced meanwhile.

        clean_bytes: of the clean copy as it is kept; 0 when there is none.
        """

    async def copies_removed(self, upload_ids: Sequence[str]) -> None:
        """The clean copies of these photos are not kept any more."""


class PhotoStore(Protocol):
    """Bytes of photos: originals as they come in, and one clean copy of each that was accepted.

    A writer (epoch) of an upload makes a file of its own unless the writer before it has ended: a late one cannot touch
    acknowledged bytes.

    The caller has checked the offset; the store only writes and makes durable. Raises StorageFull when the disk has no
    room, StorageFailed when it does not work.
    """

    async def write(self, upload_id: str, epoch: int, offset: int, data: bytes) -> None:
        """Positional and durable on return (fdatasync). Offset 0 makes the file."""

    async def carry_over(self, upload_id: str, *, old: int, new: int, size: int) -> None:
        """Give writer `new` a durable file with the first `size` bytes of writer `old`."""

    async def remove(self, upload_id: str, epoch: int) -> None: ...
    async def size(self, upload_id: str, epoch: int) -> int:
        """Bytes on disk; -1 when there is no such file. A finished upload's epoch is its `stored_epoch`."""

    async def read(self, upload_id: str, epoch: int, size: int) -> bytes:
        """The first `size` bytes that writer `epoch` stored."""

    async def keep(self, upload_id: str, copy: bytes) -> None:
        """The clean copy, sealed by the caller; whole and durable on return, in place of an earlier one."""

    async def copy(self, upload_id: str) -> bytes:
        """The clean copy as it was kept."""

    async def copy_size(self, upload_id: str) -> int:
        """Bytes of the clean copy; -1 when there is none."""

    async def remove_copy(self, upload_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Inspection:
    """How a photo was found, and its clean copy (a JPEG); b"" when it was refused."""

    verdict: PhotoVerdict
    clean: bytes


class InspectionFailed(Exception):
    """The inspector came to no verdict, and it was not the photo's doing as far as one can tell: try again."""


class PhotoInspector(Protocol):
    """Looks at photos, a few at the same time, where they can do no harm."""

    async def inspect(self, photo: bytes) -> Inspection:
        """Waits for a free inspector. Raises InspectionFailed."""

    def free(self, busy: int) -> int:
        """As of a `ports.Partner`: photos that it makes sense to claim beyond the `busy` ones."""
