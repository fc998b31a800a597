"""A photo that comes in one request: it is stored whole, or nothing of it is kept."""

from collections.abc import Callable

from service.actions.upload_writers import IncomingBytes, Writers
from service.actions.uploads import BegunUpload, append, create, discard
from service.domain.uploads import Append, Creation, Slot
from service.ports import Ports


async def store_whole(
    ports: Ports,
    writers: Writers,
    session: bytes,
    slot: Slot,
    size: int,
    incoming: IncomingBytes,
    acknowledged: Callable[[int], None],
) -> bool:
    """Store a photo of `size` bytes, at least 1. False: it broke off.

    acknowledged: told how many bytes became durable, each time some did.
    Raises what `uploads.create` and `uploads.append` do, and whatever `incoming` does.
    """
    new = await create(ports, None, session, Creation(slot, size, ""))
    assert isinstance(new, BegunUpload)
    try:
        chunk = Append(0, size)
        upload = await append(ports, writers, session, new.upload_id, chunk, incoming, acknowledged)
    except Exception:  # whatever it was: who sends it again begins anew
        await discard(ports, session, new.upload_id)
        raise
    if upload.finished_at is None:
        await discard(ports, session, new.upload_id)
    return upload.finished_at is not None
