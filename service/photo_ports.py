"""What the actions ask of the world about photos: rows, bytes, and whoever looks at them.

No connection of the database is held while bytes are awaited or a photo is inspected.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from service.domain.photos import PhotoVerdict
from service.domain.uploads import Append, Creation, Part, Pieces


class Hash(Protocol):
    """As of `hashlib`."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class Upload(NamedTuple):
    id: str
    account_id: UUID | None
    slot: int | None
    """Neither: it belongs to nobody in particular."""
    length: int | None
    """None: it was not announced yet."""
    metadata: str
    committed: int = 0
    """So many bytes are acknowledged, and lie in the `parts`."""
    epoch: int = 0
    """The newest writer; an older one cannot commit. 0: the process that began it, before anybody took it over."""
    parts: tuple[Part, ...] = ()
    writing: str | None = None
    """The replica whose writer may still be writing."""
    expires_at: datetime | None = None
    finished_at: datetime | None = None


class CommittedUpload(NamedTuple):
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
    parts: tuple[Part, ...]
    epoch: int
    """The last writer; each one up to it may have left bytes."""
    length: int
    sha256: bytes | None
    """Of the bytes as they were received; None: nobody has reckoned it yet."""
    replaced: bool
    verdict: PhotoVerdict | None
    """None: it was not inspected yet."""
    outlived: tuple[str, ...]
    """Older photos of its slot, replaced by it or by others, whose clean copies are still kept."""


class Commit(NamedTuple):
    """What a writer wants to be acknowledged: its new offset, and at the full length the whole upload."""

    offset: int
    parts: Sequence[Part]
    """New ones since its last commit."""
    ends: bool
    """The writer promises to write no more."""
    length: int | None
    """Of the upload; the announced one or, so far, None. At `offset` the upload is finished."""
    sha256: bytes | None = None
    """Of the whole upload, when it is finished by this."""


class NewUpload(NamedTuple):
    """What somebody wants to begin. session: as of `UploadStore`."""

    id: str
    session: bytes | None
    creation: Creation
    expires_at: datetime


class Finish(NamedTuple):
    """The last commit of a photo, by the writer of `upload`."""

    upload: Upload
    commit: Commit


class Finished(NamedTuple):
    """photo: None when another writer took over, or the inspections have no room (`has_room`): nothing was changed."""

    has_room: bool
    photo: CommittedUpload | None


class Beginnings(Protocol):
    async def __call__(self, new: NewUpload, /) -> Upload | None:
        """`UploadStore.add` together with others that begin at the same time. Raises as `Begin`."""


class Finishes(Protocol):
    async def __call__(self, last: Finish, /) -> Finished:
        """`UploadStore.finish` together with others that finish at the same time.

        Raises ChangedMeanwhile when another photo fills the slot, and as `Begin`.
        """


class UploadStore(Protocol):
    """Rows of uploads. session: the hash of the asker's token; None asks for uploads that belong to nobody.

    Instants are those of the caller's clock.
    """

    async def add(self, new: Sequence[NewUpload], *, most: int) -> Sequence[Upload | None]:
        """Begin them. None: the session is over, or its account has `most` uploads already; nothing was added."""

    async def find(self, upload_id: str, session: bytes | None) -> Upload | None:
        """None too when the session is over, or the upload was given up."""

    async def take_over(
        self, upload_id: str, session: bytes | None, chunk: Append, *, replica: str, now: datetime
    ) -> Upload | None:
        """Raise the epoch and return the row, written by `replica` now: an older writer cannot commit any more.

        A length that the chunk tells is announced by it. None: the asker has no such upload, or it is finished, has
        expired, does not end where the chunk starts, has no room for it, has another length, or is being written in
        another replica.
        """

    async def ask_to_let_go(self, upload: Upload) -> bool:
        """Ask the replica that is writing to end. False: nobody hears it."""

    async def fence(self, upload: Upload) -> bool:
        """The writer `upload.epoch` cannot commit any more, and nobody is writing. False: it has ended, or did not last
        to be the newest."""

    async def is_writing(self, upload: Upload) -> bool:
        """Whether the writer `upload.epoch` may still be writing."""

    async def release(self, upload: Upload) -> None:
        """The writer `upload.epoch` writes no more."""

    async def is_newest(self, upload: Upload) -> bool:
        """Whether nobody has taken over from the writer `upload.epoch`."""

    async def delete(self, upload_id: str, session: bytes | None, *, now: datetime) -> Upload | None:
        """Give up an upload: for its owner it is gone, and nobody can commit. A photo that fills a slot stays: None."""

    async def clear_slot(self, upload: Upload) -> None:
        """The finished photo in the slot of `upload`, which is about to be finished, gives way."""

    async def commit(self, upload: Upload, commit: Commit, *, expires_at: datetime) -> Upload | None:
        """Compare-and-set of the committed offset by the writer `upload.epoch`, in one statement with its parts.

        None: another writer took over.
        """

    async def finish(self, last: Sequence[Finish], *, queue: str, limit: int) -> Sequence[Finished]:
        """As `commit`, of whole photos, and with a job for the inspection of each, unless the queue has no room for
        all of them.

        Raises ChangedMeanwhile when another photo fills the slot of one; nothing was changed.
        """

    async def finished(self, upload_id: str) -> FinishedPhoto | None: ...
    async def judge(self, upload_id: str, verdict: PhotoVerdict, *, sha256: bytes, clean_bytes: int) -> bool:
        """Store how the inspection ended. False: another one was faster, or the photo was replaced meanwhile.

        sha256: of the original; clean_bytes: of the clean copy as it is kept, 0 when there is none.
        """

    async def copies_removed(self, upload_ids: Sequence[str]) -> None:
        """The clean copies of these photos are not kept any more."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """An upload whose bytes nobody needs any more."""

    upload_id: str
    writers: int
    """Bytes of the writers up to this one may be there."""
    given_up: bool
    """Else it expired, or it is a finished photo that late writers may have added to."""


class UploadLeftovers(Protocol):
    """Rows of uploads whose bytes are to be erased. What is taken up is left to who did it since `marked_before`."""

    async def overdue(self, now: datetime) -> float | None:
        """Seconds that the oldest one is due; None: none is."""

    async def take_up(self, now: datetime, *, marked_before: datetime, most: int) -> Sequence[Leftover]:
        """Uploads that expired or were given up; none of their writers can commit any more."""

    async def erased(self, upload_ids: Sequence[str], now: datetime) -> None:
        """Their bytes were removed, but for what late writers may still store; of a finished photo: its original."""

    async def take_up_again(
        self, now: datetime, *, marked_before: datetime, erased_before: datetime, most: int
    ) -> Sequence[Leftover]:
        """Those whose bytes were removed before an instant."""

    async def forget(self, upload_ids: Sequence[str]) -> None:
        """Nothing is left of them, late writers included; the rows go, but those of finished photos."""


class PhotoStore(Protocol):
    """Bytes of uploads as they come in, and of each photo that was accepted one clean copy.

    No writer (epoch) touches what another one has stored, so a late one does no harm. The caller knows which parts
    count; the store only writes and makes durable. Raises StorageFull when there is no room, StorageFailed when it does
    not work.
    """

    @property
    def grows(self) -> bool:
        """A writer's next piece goes on in its own part; else each piece is a part of its own."""

    @property
    def pieces(self) -> Pieces:
        """What is best stored at once."""

    async def write(self, upload_id: str, part: Part, offset: int, data: bytes, hashes: Sequence[Hash] = ()) -> None:
        """Durable on return, at `offset` of the upload, in `part`; at its start the part is made.

        The hashes are fed with `data` on the way. A part that somebody has removed is not made anew by a later piece.
        """

    async def read(self, upload_id: str, parts: Sequence[Part], size: int) -> bytes:
        """The first `size` bytes."""

    def stream(self, upload_id: str, parts: Sequence[Part], size: int, start: int = 0) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `size`, a piece after the other."""

    async def size(self, upload_id: str, parts: Sequence[Part], size: int) -> int:
        """How many of the first `size` bytes are there."""

    async def remove(self, upload_id: str, writers: int) -> None:
        """Whatever the writers up to `writers` have stored, acknowledged or not."""

    async def remove_part(self, upload_id: str, part: Part) -> None:
        """What was stored in `part`, of which nothing was acknowledged."""

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
