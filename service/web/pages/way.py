"""The way after signing in: its steps, how each of them stands, and where to go on."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from service.actions.standing import Me
from service.domain.errors import DatabaseFailure
from service.web.pages.page import Visit
from service.web.pages.texts import N_

T = TypeVar("T")

TODO, DONE, WAIT, FIX, AGAIN = "todo", "done", "wait", "fix", "again"
"""Kinds of a state: how it is shown, and whether the way leads there."""

_PROFILE = (
    ("personal", "profil/pribadi", N_("Data pribadi")),
    ("work", "profil/pekerjaan", N_("Pekerjaan")),
    ("program", "profil/program", N_("Pelatihan dan insentif")),
)
PHOTOS = (("identity_card", "foto/ktp", N_("Foto KTP")), ("selfie", "foto/swafoto", N_("Swafoto")))
_OPEN = (TODO, N_("Belum diisi"))
_DONE = (DONE, N_("Selesai"))
_IDENTITY = {
    "none": _OPEN,
    "pending": (WAIT, N_("Sedang diperiksa")),
    "match": (DONE, N_("Cocok")),
    "mismatch": (FIX, N_("Tidak cocok")),
    "not_eligible": (FIX, N_("Belum 18 tahun")),
}
_PHOTO = {
    "none": (TODO, N_("Belum dikirim")),
    "pending": (DONE, N_("Sudah dikirim")),
    "accepted": _DONE,
    "refused": (AGAIN, N_("Kirim ulang")),
}
_TEST = {
    "none": (TODO, N_("Belum dikerjakan")),
    "running": (TODO, N_("Sedang berjalan")),
    "over": (DONE, N_("Waktu habis")),
    "submitted": _DONE,
}


@dataclass(frozen=True, slots=True)
class Task:
    """One step. `title` and `state` are source texts."""

    slug: str
    title: str
    kind: str
    state: str


async def unless_in_trouble(visit: Visit, reading: Awaitable[T]) -> T | None:
    """What `reading` gives. None when the database is in trouble, which refused the form too: a page that can do
    without shows again what was typed.
    """
    try:
        return await reading
    except DatabaseFailure:
        if visit.refusal is None:
            raise
        return None


def tasks(me: Me) -> Sequence[Task]:
    """All steps but joining, in their order."""
    photos = {photo.slot: photo.status for photo in me.photos}
    phone = (DONE, N_("Terbukti")) if me.phone_verified else (TODO, N_("Belum dibuktikan"))
    return [
        Task("identitas", N_("NIK dan Kartu Keluarga"), *_IDENTITY[me.identity.status]),
        *(Task(slug, title, *(_DONE if step in me.profile_steps else _OPEN)) for step, slug, title in _PROFILE),
        *(Task(slug, title, *_PHOTO[photos.get(slot, "none")]) for slot, slug, title in PHOTOS),
        Task("telepon", N_("Nomor ponsel"), *phone),
        Task("tes", N_("Tes"), *_TEST[me.assessment.state]),
    ]


def missing(me: Me) -> Sequence[Task]:
    """What has to be done before joining; an identity that is being checked or does not match keeps nobody out."""
    return [task for task in tasks(me) if task.kind in (TODO, AGAIN)]


def next_slug(me: Me) -> str:
    """Where the way goes on. A mismatch is not urgent: the status page tells of it."""
    chosen = me.draw is not None and me.draw.outcome == "chosen"
    if chosen or me.identity.status == "not_eligible" or (me.wave is not None and me.wave.joined_at is not None):
        return "status"
    left = missing(me)
    return left[0].slug if left else "gabung"
