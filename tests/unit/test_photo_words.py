"""Refusals of photos in the applicant's language."""

import json

import pytest

from service.domain.errors import NotSignedIn, PhotoTooLarge
from service.domain.uploads import PhotoTypeUnsupported, check_room, check_size
from service.web.photo_words import PhotoWords

WORDS = PhotoWords()
INDONESIAN = "Foto terlalu besar. Pilih atau ambil foto yang lebih kecil."
ENGLISH = "The photo is too large. Choose or take a smaller one."


def told(error, accepted=None):
    """Detail and language of a refusal."""
    asked = {} if accepted is None else {b"accept-language": accepted}
    _, headers, body = WORDS.render(error, asked)
    return json.loads(body).get("detail"), dict(headers).get(b"content-language")


def too_large():
    with pytest.raises(PhotoTooLarge) as caught:
        check_size(9_000_000, most_bytes=8_000_000)
    return caught.value


@pytest.mark.parametrize(
    "accepted", [None, b"", b"id", b"id-ID,en;q=0.9", b"ms", b"*", b"en;q=0.2, id", b"en;q=x", b"\xff"]
)
def test_indonesian_unless_another_is_asked_for(accepted):
    assert told(too_large(), accepted) == (INDONESIAN, b"id")


@pytest.mark.parametrize("accepted", [b"en", b"EN-gb", b"de, en;q=0.8, id;q=0.5", b"en, *;q=0.5"])
def test_english_for_who_prefers_it(accepted):
    assert told(too_large(), accepted) == (ENGLISH, b"en")


def test_facts_stay_as_they_are():
    _, _, body = WORDS.render(too_large(), {})
    assert (json.loads(body)["limit"], json.loads(body)["status"]) == (8_000_000, 413)


def test_other_refusals_are_for_whoever_wrote_the_client():
    with pytest.raises(PhotoTooLarge) as caught:
        check_room(11, length=10)
    assert told(caught.value)[0].startswith("The upload was announced with")
    assert told(NotSignedIn())[1] is None
    assert told(PhotoTypeUnsupported("Choose a photo as JPEG or PNG."))[0].startswith("Berkas ini bukan foto")
