"""Photos on their way: made smaller where a script runs, and sent as they are where it cannot."""

import io
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.browser.applicant import Applicant, Walk, at, press
from tests.browser.house import House, Photo
from tests.browser.pictures import picture
from tests.browser.tour import to_account
from tests.browser.window import Window, opened

pytestmark = pytest.mark.timeout(90)

MOST = 200 * 1024


def send(house: House, window: Window, number: int, photo: Path) -> Photo:
    """Sign in, send `photo` by the form; what came of it."""
    walk = Walk(house, window, Applicant(number))
    to_account(walk, lambda _: None)
    walk.go("foto/ktp")
    walk.choose_photo(photo)
    press(walk.page)
    at(walk.page, "identitas")
    return house.newest_photo()


def test_a_camera_photo_is_made_smaller(browser: Browser, house: House, number: int, tmp_path: Path) -> None:
    """12 megapixels, 4 MB: at most 200 KB arrive, a whole JPEG of the same shape."""
    photo = picture(tmp_path / "camera.jpg", 4000, 3000)
    assert photo.stat().st_size > 10 * MOST
    with opened(browser) as window:
        sent = send(house, window, number, photo)
    assert sent.length <= MOST
    assert sent.clean is not None
    with Image.open(io.BytesIO(sent.clean)) as image:
        image.load()
        assert image.format == "JPEG"
        assert image.width / image.height == pytest.approx(4 / 3, rel=0.01)
        assert image.width >= 1000


def test_a_photo_that_cannot_be_read_is_sent_as_it_is(
    browser: Browser, house: House, number: int, tmp_path: Path
) -> None:
    """For example a format that this browser does not know: the original arrives, byte by byte. Nobody can read this
    one, and the applicant is told so and what to do."""
    photo = tmp_path / "unknown.jpg"
    photo.write_bytes(b"\xff\xd8\xff not what it seems " + bytes(range(256)) * 1200)
    with opened(browser) as window:
        sent = send(house, window, number, photo)
        assert (sent.sha256, sent.clean) == (sha256(photo.read_bytes()).digest(), None)
        window.page.goto(house.address("status"))
        assert "Foto KTP: Foto tidak dapat dibuka." in window.page.inner_text("main")


def test_without_script_the_original_is_sent(browser: Browser, house: House, number: int, tmp_path: Path) -> None:
    photo = picture(tmp_path / "camera.jpg", 2000, 1500)
    assert photo.stat().st_size > MOST
    with opened(browser, script=False) as window:
        assert send(house, window, number, photo).sha256 == sha256(photo.read_bytes()).digest()
