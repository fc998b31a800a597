"""The crowd's list of people and its photos."""

import io
from dataclasses import replace

import numpy as np
from PIL import Image

from loadtests import photos
from loadtests.roster import Roster
from scenarios import catalogue
from scenarios.fates import Furthest

DUE = np.linspace(0.0, 9.0, 10)


def test_stages_passed_together_happen_together():
    """A code by SMS verifies the phone; its stage is passed with the photos."""
    share = Roster(DUE, np.arange(10))
    assert share.reach(0, Furthest.PROFILE_COMPLETED, 5.0)[-1] is Furthest.PROFILE_COMPLETED
    assert list(share.reach(0, Furthest.PHONE_VERIFIED, 8.0)) == [Furthest.PHOTOS_UPLOADED, Furthest.PHONE_VERIFIED]
    assert share.columns["phone_verified_at"][0] == share.columns["photos_uploaded_at"][0] == 8.0
    assert share.columns["profile_completed_at"][0] == 5.0
    assert np.isnan(share.columns["assessed_at"][0])


def test_photos_are_valid_of_the_asked_size_and_kept(tmp_path):
    """About twenty, the median near the night's; raw ones turned by their orientation mark; made once."""
    asked = replace(catalogue.load("prakerja-wave-1").population.photos, count=8, median_bytes=60_000)
    corpus = photos.corpus(asked, tmp_path)
    wanted = photos.sizes(asked)
    assert len(corpus) == 8
    for made, (size, _) in zip(corpus, wanted, strict=True):
        assert abs(len(made) / size - 1) < 0.15
        Image.open(io.BytesIO(made)).load()
    assert photos.corpus(asked, tmp_path) == corpus
    turned = Image.open(io.BytesIO(photos.picture(30_000, raw=True, seed=3)))
    assert turned.getexif()[0x0112] == 6


def test_the_nights_corpus_has_the_nights_sizes():
    asked = catalogue.load("prakerja-wave-1").population.photos
    wanted = photos.sizes(asked)
    small = [size for size, raw in wanted if not raw]
    assert len(wanted) == asked.count
    assert abs(np.median(small) / asked.median_bytes - 1) < 0.05
    assert [size for size, raw in wanted if raw] == [asked.raw_median_bytes]
