"""What is asked, by class of route, and how far somebody who asks it has come."""

from collections.abc import Mapping
from typing import NamedTuple

from service.domain.overload import Progress

KINDS = ("ticket", "step", "answer", "upload", "page", "read")
"""Classes of route that are limited. The others need no work: board, place, counts and liveness are answered from
memory."""


class Asked(NamedTuple):
    kind: str
    progress: Progress


_BROWSING, _ENTERING, _CONTINUING, _FINISHING = (Progress(rank) for rank in (3, 2, 1, 0))

_API: Mapping[str, Asked | None] = {
    "health": None,
    "board": None,
    "place": None,
    "counts": None,
    "tickets": Asked("ticket", _BROWSING),
    "claims": Asked("ticket", _ENTERING),
    "accounts": Asked("step", _ENTERING),
    "codes": Asked("step", _ENTERING),
    "sessions": Asked("step", _ENTERING),
    "identity": Asked("step", _CONTINUING),
    "profile": Asked("step", _CONTINUING),
    "phone": Asked("step", _CONTINUING),
    "me": Asked("read", _CONTINUING),
    "complaints": Asked("step", _BROWSING),
    "assessment": Asked("step", _FINISHING),
    "files": Asked("upload", _FINISHING),
    "waves": Asked("step", _FINISHING),
    "grant": Asked("step", _CONTINUING),
}
_ANSWER = Asked("answer", _FINISHING)
_NEW_PHOTO = Asked("upload", _CONTINUING)
"""Announced, or sent whole: one that has been begun goes first, so that its bytes need not be sent again."""
_PAGES: Mapping[str, Asked | None] = {
    "static": None,
    "akun": Asked("page", _ENTERING),
    "kode": Asked("page", _ENTERING),
    "masuk": Asked("page", _ENTERING),
    "loket": Asked("page", _ENTERING),
    "status": Asked("page", _CONTINUING),
    "identitas": Asked("page", _CONTINUING),
    "profil": Asked("page", _CONTINUING),
    "telepon": Asked("page", _CONTINUING),
    "keluar": Asked("page", _CONTINUING),
    "foto": Asked("upload", _FINISHING),
    "tes": Asked("page", _FINISHING),
    "gabung": Asked("page", _FINISHING),
}
_LOOKING = Asked("page", _BROWSING)
_CLAIMING = Asked("page", _ENTERING)
_UNKNOWN = Asked("read", _BROWSING)


def asked(method: str, path: str) -> Asked | None:
    """None: it is never held up."""
    first, _, rest = path[1:].partition("/")
    if first == "daftar":
        slug = rest.removeprefix("en/").partition("/")[0]
        if slug == "antrean" and method == "POST":
            return _CLAIMING
        return _PAGES.get(slug, _LOOKING)
    if first == "waves" and method == "GET":
        return _UNKNOWN  # what a draw came to: everybody looks, nobody is on the way
    if first == "files" and (method == "PUT" or not rest):
        return _NEW_PHOTO
    if first == "assessment" and rest.startswith("answers/"):
        return _ANSWER
    return _API.get(first, _UNKNOWN)


def person_of(headers: Mapping[bytes, bytes]) -> bytes:
    """What tells one person's requests to the API from another's, at each stage; empty when nothing does."""
    for name in (b"authorization", b"waiting-room-pass", b"waiting-room-ticket"):
        if value := headers.get(name):
            return value
    return b""
