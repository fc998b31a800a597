"""The judge of the pages sees what it is to see; and what stands on the smallest screens."""

import pytest
from playwright.sync_api import Browser

from tests.browser.applicant import Applicant, Walk
from tests.browser.house import House
from tests.browser.tour import to_account
from tests.browser.window import opened

SOUND = '<h1>Antrean</h1><p>Tunggu sebentar.</p><form><button class="button">Kirim</button></form>'


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("<label>Nama <input size=99></label><p>" + "x" * 300 + "</p><pre>" + "y" * 300 + "</pre>", "wide"),
        ("<label class=unlike>Setuju <input type=checkbox></label>", "small"),
        ("<p style='color: green'>Hijau</p>", "inline"),
        ("<h1>Dua judul</h1>", "daftar"),
        ("<p>Please type your code.</p>", "your"),
        ("<select class=button><option>Satu</option></select>", "select-name"),
        ("<img src='https://elsewhere.example/x.png' alt=''>", "Content Security Policy"),
    ],
)
def test_a_fault_is_seen(browser: Browser, house: House, fault: str, told: str) -> None:
    """Negative control: one fault on an otherwise sound page."""
    with opened(browser) as window:
        page = window.page
        address = house.address("antrean")

        def put(route: object) -> None:
            answer = route.fetch()  # type: ignore[attr-defined]
            before, _, rest = answer.text().partition("<main")
            opening, _, rest = rest.partition(">")
            html = f"{before}<main{opening}>{main}</main>{rest.partition('</main>')[2]}"
            route.fulfill(response=answer, body=html)  # type: ignore[attr-defined]

        page.route(address, put)
        main = SOUND
        page.goto(address)
        window.look()
        main = SOUND + fault
        page.goto(address)
        with pytest.raises(AssertionError, match=told):
            window.look()


def test_nothing_lies_beside_a_screen_of_320_pixels(browser: Browser, house: House, number: int) -> None:
    """As wide as a page becomes when a desktop's is enlarged to 400 %."""
    with opened(browser, script=False, width=320) as window:
        walk = Walk(house, window, Applicant(number))
        to_account(walk, lambda _: window.look())
        for slug in ("identitas", "profil/pribadi", "profil/pekerjaan", "profil/program", "foto/ktp", "telepon", "tes"):
            walk.go(slug)
            window.look()
