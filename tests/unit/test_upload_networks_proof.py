"""Each bar of the proof of bad lines can be missed, and a run that shows nothing is called invalid."""

from collections import Counter

import pytest

from scenarios import catalogue
from scenarios.uploaders import Uploader
from tests.acceptance.long import upload_networks
from tests.acceptance.long.upload_networks import Parties, invalid, judged
from tests.acceptance.long.upload_phones import Fared, Party, Seen

NIGHT = catalogue.load("prakerja-wave-1")
SIZE = 1000


def seen(uploader: Uploader, *, sent: float = 1.0, late: int = 0, impatient: int = 0) -> Seen:
    """Of 1,000 people who send two photos each: so many are late, and so many would have left."""
    people = [
        Fared(
            started=0.0, finished=2000.0 if number < late else 60.0, out_of_patience=number < impatient,
            photos=2, sent=round(sent * SIZE), stored=SIZE, cuts=1,
        )
        for number in range(1000)
    ]  # fmt: skip
    party = Party("test", NIGHT, uploader, 1.0, 1, 1800.0)
    return Seen(party, people, Counter({"POST 503": 60, "POST 201": 40}), [0.001])


def good() -> tuple[Parties, Parties]:
    bad = {"patient": seen(Uploader.PATIENT, sent=1.1), "one_shot": seen(Uploader.ONE_SHOT, sent=1.6)}
    crowded = {
        "patient": seen(Uploader.PATIENT, late=1),
        "tus_js": seen(Uploader.TUS_JS, late=10),
        "uppy": seen(Uploader.UPPY, late=10),
        "one_shot": seen(Uploader.ONE_SHOT, impatient=500),
    }
    return bad, crowded


def test_a_good_run_meets_every_bar():
    bad, crowded = good()
    assert judged(bad, crowded) == []
    assert invalid(bad, crowded) == ""


@pytest.mark.parametrize(
    ("part", "name", "instead", "words"),
    [
        (0, "patient", seen(Uploader.PATIENT, sent=1.16), "1.160 bytes"),
        (0, "patient", seen(Uploader.PATIENT, late=1), "not all"),
        (0, "one_shot", seen(Uploader.ONE_SHOT, sent=1.1), "control held"),
        (1, "patient", seen(Uploader.PATIENT, late=2), "patient: 99.80%"),
        (1, "tus_js", seen(Uploader.TUS_JS, late=11), "tus_js: 98.90%"),
        (1, "uppy", seen(Uploader.UPPY, late=11), "uppy: 98.90%"),
        (1, "one_shot", seen(Uploader.ONE_SHOT, impatient=50), "control held"),
    ],
)
def test_each_bar_can_be_missed(part, name, instead, words):
    parties = good()
    parties[part][name] = instead
    (missed,) = judged(*parties)
    assert words in missed


def test_a_run_without_cuts_refusals_or_punctuality_shows_nothing():
    bad, crowded = good()
    for one in bad["patient"].people:
        one.cuts = 0
    assert "lines broke" in invalid(bad, crowded)
    bad, crowded = good()
    crowded["uppy"].answers = Counter({"POST 503": 10, "POST 201": 90})
    assert "no overload" in invalid(bad, crowded)
    bad, crowded = good()
    crowded["uppy"].lateness = [2 * upload_networks.LATEST]
    assert "late" in invalid(bad, crowded)
