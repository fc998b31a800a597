"""The contact sheet of the pages: every picture it names is there, and none that it does not name."""

from tests.browser import sheet


def test_the_sheet_shows_every_page_of_the_tours():
    """`make pages-sheet` writes both; a page that joined a tour since then is missing here."""
    assert sheet.PAGE.read_text() == sheet.written()
    named = {name for _, captions in sheet.SECTIONS for name in captions}
    assert {path.stem for path in sheet.PICTURES.glob("*.png")} == named


def test_pictures_stay_small():
    """Half a hundred of them are fetched with every clone."""
    assert all(path.stat().st_size <= 64 * 1024 for path in sheet.PICTURES.glob("*.png"))
