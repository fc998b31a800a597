"""What applicants read when a photo is refused: the words of the pages, in the language that their phone asks for."""

from collections.abc import Mapping

from service.domain.errors import LaunchnightError
from service.web.http import Headers
from service.web.pages.language import Language, languages
from service.web.pages.texts import ERRORS
from service.web.problems import render

_FOR_APPLICANTS = frozenset({"photo-too-large", "photo-type-unsupported", "too-many-uploads"})
"""Refusals that another photo, or the one that is stored, can answer; the others are for whoever wrote the client."""


class PhotoWords:
    """Both languages; Indonesian unless English is asked for."""

    def __init__(self) -> None:
        self._indonesian, self._english = languages()

    def render(self, error: LaunchnightError, asked: Mapping[bytes, bytes]) -> tuple[int, Headers, bytes]:
        """As `problems.render`; asked: the headers of the request."""
        if error.code not in _FOR_APPLICANTS or error.facts.get("reason") == "beyond-upload-length":
            return render(error)
        language = self._language(asked.get(b"accept-language", b"").decode("latin-1"))
        status, headers, body = render(error, detail=language.text(ERRORS[error.code]))
        return status, [*headers, (b"content-language", language.code.encode())], body

    def _language(self, accepted: str) -> Language:
        """accepted: as in `Accept-Language: en-GB, id;q=0.8`."""
        wishes = [_wish(one) for one in accepted.lower().split(",")]
        indonesian = max((weight for code, weight in wishes if code in ("id", "in", "*")), default=0.0)
        english = max((weight for code, weight in wishes if code == "en"), default=0.0)
        return self._english if english > indonesian else self._indonesian


def _wish(text: str) -> tuple[str, float]:
    """The language without its region, and how much it is wanted; 0 for what cannot be read."""
    tag, _, parameter = text.partition(";")
    name, _, weight = parameter.strip().partition("=")
    try:
        wanted = float(weight) if name else 1.0
    except ValueError:
        wanted = 0.0
    return tag.strip().partition("-")[0], wanted
