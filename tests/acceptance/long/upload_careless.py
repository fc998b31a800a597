"""`python -m service` with a photo store that says bytes are durable half a second before it writes them.

The negative control of `upload_kills`: what a server does that buffers writes and acknowledges them.
"""

import asyncio
import sys
from collections.abc import Sequence

from service.__main__ import main
from service.domain.uploads import Part
from service.photo_ports import Hash
from service.storage.photos import LocalPhotoStore

LATE = 0.5
"""Seconds."""

_write = LocalPhotoStore.write
_behind: set[asyncio.Task[None]] = set()


async def _write_later(
    self: LocalPhotoStore, upload_id: str, part: Part, offset: int, data: bytes, hashes: Sequence[Hash] = ()
) -> None:
    for one in hashes:
        one.update(data)

    async def write() -> None:
        await asyncio.sleep(LATE)
        await _write(self, upload_id, part, offset, data)

    task = asyncio.create_task(write())
    _behind.add(task)
    task.add_done_callback(_behind.discard)


if __name__ == "__main__":
    LocalPhotoStore.write = _write_later  # type: ignore[method-assign]
    sys.exit(main())
