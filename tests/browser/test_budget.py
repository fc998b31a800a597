"""What a page weighs on the wire, gzip -9: people pay for it, on the slowest network of the country."""

import gzip

import pytest
from playwright.sync_api import Browser

from tests.browser.applicant import Applicant, Walk, at, press
from tests.browser.house import House
from tests.browser.tour import to_account
from tests.browser.window import opened

pytestmark = pytest.mark.timeout(90)

HTML, CSS, JS = 8 * 1024, 6 * 1024, 8 * 1024
WAITING_PAGE = 14 * 1024
"""One window of TCP: the waiting page with everything it needs arrives in one round trip."""


def weight(body: bytes) -> int:
    return len(gzip.compress(body, 9))


def test_every_page_is_within_its_budget(browser: Browser, house: House, number: int) -> None:
    """HTML of each page in both languages, the style sheet, the script; nothing else is asked for."""
    asked: list[str] = []
    with opened(browser) as window:
        page = window.page
        page.on("request", lambda request: asked.append(request.url))
        walk = Walk(house, window, Applicant(number))
        get = page.context.request.get
        weights: dict[str, int] = {}

        def weigh(*slugs: str) -> None:
            for address in (house.address(slug, language) for slug in slugs for language in ("id", "en")):
                answer = get(address, max_redirects=0)
                assert answer.status in (200, 404), (address, answer.status)
                weights[address] = weight(answer.body())

        weigh("", "antrean", "masuk", "keluar", "loket", "nowhere")
        weigh("hasil", "hasil/1", "pengaduan", "pengaduan/lihat")
        to_account(walk, lambda _: None)
        walk.go("tes")
        press(page)
        at(page, "tes/1")
        weigh("status", "identitas", "profil/pribadi", "profil/pekerjaan", "profil/program", "foto/ktp", "foto/swafoto")
        weigh(
            "jumlah",
            "jumlah/3372",
            "telepon",
            "telepon/ganti",
            "tes",
            "tes/1",
            "tes/18",
            "tes/kirim",
            "gabung",
            "keluar",
        )
    assert {name: bytes for name, bytes in weights.items() if bytes > HTML} == {}
    ours = {url.split("?")[0] for url in asked}
    assert all(url.startswith(f"{house.url}/daftar/") for url in ours), ours
    kinds = {url.rpartition(".")[2] for url in ours if "/static/" in url}
    assert kinds <= {"css", "js", "svg"}


def test_style_sheet_and_script_are_small_and_kept_for_a_year(browser: Browser, house: House) -> None:
    with opened(browser) as window:
        page = window.page
        page.goto(house.address("antrean"))
        html = weight(page.context.request.get(page.url).body())
        found = {}
        for selector, attribute in (("link[rel=stylesheet]", "href"), ("script", "src")):
            each = page.locator(selector)
            assert each.count() == 1
            answer = page.context.request.get(house.url + str(each.get_attribute(attribute)))
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            found[selector] = weight(answer.body())
    assert found["link[rel=stylesheet]"] <= CSS
    assert found["script"] <= JS
    assert html + sum(found.values()) <= WAITING_PAGE
