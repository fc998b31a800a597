"""Looking at a photo after its upload was answered: a clean copy is kept, the original goes."""

import asyncio
from hashlib import sha256

from service.domain.photos import PhotoVerdict
from service.domain.queues import JobEnd
from service.domain.uploads import StorageFailed
from service.photo_ports import FinishedPhoto, Inspection
from service.ports import Ports
from service.queue_ports import Job, JobResult, Turn


async def inspect_photo(ports: Ports, job: Job, _: Turn) -> JobResult:
    """Inspect the upload that the job names; done when the verdict is stored and the original is gone.

    Each step can be done again: whoever takes the job over from a worker that was killed finds what is left to do.
    Dropped when another photo fills the slot by now. Raises InspectionFailed, StorageFull, StorageFailed.
    """
    upload_id = str(job.payload["upload_id"])
    photo = await _finished(ports, upload_id)
    if photo is not None and photo.verdict is None and not photo.replaced:
        await _judge(ports, photo)
        photo = await _finished(ports, upload_id)  # it may have been replaced meanwhile
    if photo is not None:
        await _tidy(ports, photo)
    end = JobEnd.DROPPED if photo is None or photo.replaced else JobEnd.DONE
    held = await ports.finish(job)
    return JobResult(end if held else JobEnd.LOST, ports.clock.now())


async def _finished(ports: Ports, upload_id: str) -> FinishedPhoto | None:
    async with ports.begin(single=True) as tx:
        return await tx.uploads.finished(upload_id)


async def _judge(ports: Ports, photo: FinishedPhoto) -> None:
    original = await ports.photos.read(photo.id, photo.parts, photo.length)
    digest = await asyncio.to_thread(lambda: sha256(original).digest())
    if photo.sha256 not in (None, digest):
        raise StorageFailed("The bytes of a photo are not those that were received.")
    inspection = await ports.inspector.inspect(original)
    kept = await _keep(ports, photo.id, inspection)
    async with ports.begin(single=True) as tx:
        await tx.uploads.judge(photo.id, inspection.verdict, sha256=digest, clean_bytes=kept)


async def _keep(ports: Ports, upload_id: str, inspection: Inspection) -> int:
    """Keep the clean copy, sealed; its size, 0 when there is none. Durable before the verdict says that it is there."""
    if inspection.verdict is not PhotoVerdict.ACCEPTED:
        return 0
    sealed = await asyncio.to_thread(ports.vault.seal, inspection.clean, upload_id.encode())
    await ports.photos.keep(upload_id, sealed)
    return len(sealed)


async def _tidy(ports: Ports, photo: FinishedPhoto) -> None:
    """Remove the original, and the clean copies of photos that were replaced.

    What writers stored whose bytes were never acknowledged is the same picture, with the same marks.
    """
    await ports.photos.remove(photo.id, photo.epoch)
    if photo.epoch > 1:  # who was cut off may still store what it holds: the sweeper looks once more
        async with ports.begin(single=True) as tx:
            await tx.leftovers.erased([photo.id], ports.clock.now())
    if photo.replaced:
        await ports.photos.remove_copy(photo.id)
    if photo.outlived:
        for upload_id in photo.outlived:
            await ports.photos.remove_copy(upload_id)
        async with ports.begin(single=True) as tx:
            await tx.uploads.copies_removed(photo.outlived)
