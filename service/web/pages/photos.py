"""`foto/ktp`, `foto/swafoto`: one photo each, taken straight from the form to the disk.

A photo sent twice fills one slot: the newest counts, so the form needs no key of its own.
"""

from functools import partial

from service.actions import uploads
from service.actions.standing import read_me
from service.actions.upload_writers import Writers
from service.actions.whole_photos import store_whole
from service.domain.uploads import Slot, check_size
from service.metrics import Metrics
from service.web.incoming import incoming_body
from service.web.pages.page import Go, Page, View, Visit
from service.web.pages.photo_form import PhotoForm, announced
from service.web.pages.texts import PHOTO_REASONS
from service.web.pages.way import next_slug


def pages(metrics: Metrics, writers: Writers, most_bytes: int) -> list[Page]:
    """most_bytes: of one photo."""
    desk = _Desk(metrics, writers, most_bytes)
    return [desk.page("foto/ktp", Slot.IDENTITY_CARD), desk.page("foto/swafoto", Slot.SELFIE)]


class _Desk:
    def __init__(self, metrics: Metrics, writers: Writers, most_bytes: int) -> None:
        self._metrics = metrics
        self._most_bytes = most_bytes
        self._writers = writers

    def page(self, slug: str, slot: Slot) -> Page:
        return Page(slug=slug, show=partial(self._show, slot), post=partial(self._take, slot))

    async def _show(self, slot: Slot, visit: Visit) -> View:
        me = await read_me(visit.ports, visit.session)
        held = next((photo for photo in me.photos if photo.slot == slot.phrase), None)
        facts = {"photo": held, "reasons": PHOTO_REASONS, "most_bytes": self._most_bytes}
        return View(f"{slot.phrase}.html", facts)

    async def _take(self, slot: Slot, visit: Visit) -> Go:
        """Raises what `photo_form` and `actions.uploads` do: too large a photo before its first byte is asked for."""
        visit.closes = True
        session = visit.session
        visit.check_sitting(visit.scope["query_string"].decode("ascii", "replace"))
        form = announced(visit.headers, most_bytes=self._most_bytes)
        await uploads.check_inspections(visit.ports)  # a form that is refused at its end is sent anew as a whole
        at_once = b"expect" not in visit.headers
        self._metrics.uploads_open.inc()
        try:
            async with incoming_body(visit.receive, visit.ports.photos.pieces, at_once=at_once) as body:
                await self._store(slot, visit, PhotoForm(form, body))
        finally:
            self._metrics.uploads_open.dec()
        return Go(next_slug(await read_me(visit.ports, session)))

    async def _store(self, slot: Slot, visit: Visit, photo: PhotoForm) -> None:
        try:
            size = await photo.begin()
            check_size(size, most_bytes=self._most_bytes)
            count = self._metrics.upload_bytes.inc
            stored = await store_whole(visit.ports, self._writers, visit.session, slot, size, photo, count)
            assert stored, "a form that breaks off raises"
        finally:
            visit.closes = not photo.complete
