"""Where each action of an applicant is done: the page, the form on it, and the route under which it is counted."""

from typing import NamedTuple

from scenarios.journey_state import Action

ROOT = "/daftar/"

_PLACES: dict[Action, tuple[str, str]] = {
    Action.TICKET: ("antrean", "ticket"),
    Action.PLACE: ("antrean", ""),
    Action.CLAIM: ("antrean", "claim"),
    Action.ACCOUNT: ("akun", "account"),
    Action.CODE: ("masuk", "address"),
    Action.CODE_AGAIN: ("kode", "resend"),
    Action.SESSION: ("kode", "code"),
    Action.IDENTITY: ("identitas", "identity"),
    Action.CORRECT: ("identitas", "identity"),
    Action.PERSONAL: ("profil/pribadi", "personal"),
    Action.WORK: ("profil/pekerjaan", "work"),
    Action.PROGRAM: ("profil/program", "program"),
    Action.PHONE: ("telepon", "verify"),
    Action.ASSESSMENT: ("tes", "start"),
    Action.SUBMIT: ("tes/kirim", "submit"),
    Action.LOOK: ("status", ""),
    Action.JOIN: ("gabung", "join"),
    Action.LAST_LOOK: ("status", ""),
    Action.REOPEN: ("status", ""),
}
_PHOTOS = ("foto/ktp", "foto/swafoto")
_NAMES = {
    "": "start",
    "antrean": "line",
    "akun": "account",
    "kode": "code",
    "masuk": "sign-in",
    "status": "status",
    "identitas": "identity",
    "profil": "profile",
    "foto": "photo",
    "telepon": "phone",
    "tes": "test",
    "gabung": "join",
    "static": "asset",
}
PHOTO_ROUTE = "files-form"
"""Sending the form with a photo; named as the other uploads are, because they are judged apart."""
ROUTES = (*(f"pages-{name}" for name in _NAMES.values()), PHOTO_ROUTE)
"""Each page, looked at or its form sent: a pair of names for each would double what a scrape has to write."""


class Place(NamedTuple):
    """form: empty where looking is all."""

    path: str
    form: str


class PageChanged(Exception):
    """A page is not what this browser knows: the service changed, or the address is another's."""


def place_of(action: Action, *, signed_in: bool, photo: int, answers: int) -> Place:
    """Where `action` is done. photo, answers: how many of them there are already."""
    if action is Action.PHOTO_CREATE:
        return Place(ROOT + _PHOTOS[photo], "photo")
    if action is Action.ANSWER:
        return Place(f"{ROOT}tes/{answers + 1}", "answer")
    if signed_in and action in (Action.CODE, Action.CODE_AGAIN):
        return Place(f"{ROOT}telepon", "send")
    slug, form = _PLACES[action]
    return Place(ROOT + slug, form)


def slug_of(path: str) -> str:
    """Which page stands under `path`. Raises PageChanged when it is none of the way."""
    slug = path.removeprefix(ROOT)
    if slug == path or slug.partition("/")[0] not in _NAMES:
        raise PageChanged(f"the way leads to {path}, which is no page of it")
    return slug


def route_of(method: str, path: str) -> str:
    """The name under which a request is counted. Raises PageChanged."""
    first = slug_of(path).partition("/")[0]
    return PHOTO_ROUTE if first == "foto" and method == "POST" else f"pages-{_NAMES[first]}"
