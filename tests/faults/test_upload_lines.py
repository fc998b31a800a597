"""Photos over lines that break every quarter of a minute: what resuming saves, and what its absence costs."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.photos import picture
from scenarios import catalogue
from scenarios.uploaders import Uploader
from tests.acceptance.long.upload_phones import Party, Phones, Seen
from tests.benchmarks.uploads_people import fill
from tests.service_process import running

PEOPLE = 16
SPEED = 50.0
NETWORK = "poor_east"


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    asyncio.run(fill(database_url, uploads=0, applicants=2 * PEOPLE))
    (tmp_path / "photos").mkdir()
    yield {
        "DATABASE_URL": database_url,
        "REGISTRATION_SECRET_KEY": "00" * 32,
        "REGISTRATION_PORT": "0",
        "REGISTRATION_PHOTO_DIR": str(tmp_path / "photos"),
        "REGISTRATION_OVERLOAD_LIMIT": "off",  # whoever is refused sends nothing, and a busy machine refuses somebody
    }


def seen(settings: dict[str, str], uploader: Uploader, first: int) -> Seen:
    """What the people from number `first` on, all on the worst network, see of a web process of their own."""
    night = catalogue.load("prakerja-wave-1")
    worst = replace(night.networks[NETWORK], cuts_per_min=4.0)
    night = replace(night, networks={**night.networks, NETWORK: worst})
    photos = (picture(200_000, False, 1), picture(300_000, False, 2))
    party = Party(uploader.name, night, uploader, SPEED, 1, 9000.0, NETWORK)
    tokens = [f"+62810{first + place:09}" for place in range(PEOPLE)]
    resumable = "off" if uploader is Uploader.ONE_SHOT else "on"
    with running("web", "--lifeline", **settings, REGISTRATION_RESUMABLE_UPLOADS=resumable) as (_, ready):
        return Phones(f"http://127.0.0.1:{ready['port']}", party, photos, tokens).play([0.0] * PEOPLE)


def test_a_line_that_breaks_costs_little_where_uploads_resume(settings: dict[str, str]) -> None:
    """The bytes that were on their way, and now and then another photo; else whole photos, again and again."""
    resuming = seen(settings, Uploader.PATIENT, 1)
    assert [one.photos for one in resuming.people] == [2] * PEOPLE
    cuts = sum(one.cuts for one in resuming.people)
    assert cuts >= PEOPLE
    assert resuming.sent_for_each <= 1.15
    beginning_anew = seen(settings, Uploader.ONE_SHOT, PEOPLE + 1)
    assert sum(one.resumes for one in beginning_anew.people) == 0
    assert beginning_anew.sent_for_each > 1.5
