"""The waiting page: place, people ahead, an honest range, and the way in at one's turn and not before."""

import pytest

from service.metrics import Metrics
from service.web.pages.language import languages
from service.web.pages.line import wait_text
from tests.integration.pages_room import standing_site

INDONESIAN, _ = languages()
HOUR_LATER = "now() + interval '1 hour'"
RATES = {"before": 0.02, "closed": 0.31, "full": 500.0}


@pytest.fixture(scope="module")
def standing(server_url, template, tmp_path_factory):
    with standing_site(server_url, template, tmp_path_factory.mktemp("photos"), "pages_line") as found:
        yield found


def test_the_line_is_shown_and_the_turn_comes(standing):
    """Told place, people ahead, range and time; a press before the turn is 409; reloading keeps the place."""

    async def scenario():
        found, browser = standing.site, standing.site.browser()
        first = (await found.service.post("/tickets")).json()["number"]
        await found.gate_at(first + 1.0, 0.5)
        for _ in range(38):
            await found.service.post("/tickets")
        page = await browser.send(await browser.open("/daftar/antrean"), "ticket")
        early = await browser.post("/daftar/antrean", {"form": "claim", "once": "early"})
        reloaded = [await browser.open("/daftar/antrean") for _ in range(3)]
        await found.gate_at(first + 39.0, 0.25)
        turn = await browser.open("/daftar/antrean")
        return first, page, early, reloaded, turn, await browser.send(turn, "claim")

    first, page, early, reloaded, turn, entered = standing.run(scenario())
    assert "Orang di depan Anda: 37." in page.text and f"Nomor antrean Anda {first + 39}" in page.text
    assert "1 menit sampai 2 menit" in page.text
    assert "WIB" in page.text and "memuat ulang tidak mengubah tempat Anda" in page.text
    assert page.refresh_s and int(str(page.ids["main"]["data-refresh"])) == page.refresh_s
    assert f'<noscript><meta http-equiv="refresh" content="{page.refresh_s}"></noscript>' in page.html
    assert early.status_code == 409 and int(early.headers["retry-after"]) >= 1
    assert 'class="summary"' in early.text and "Orang di depan Anda: 37." in early.text
    assert {each.text.partition("Dihitung")[0] for each in reloaded} == {page.text.partition("Dihitung")[0]}
    assert (turn.heading, turn.refresh_s, list(turn.forms)) == ("Giliran Anda tiba", None, ["claim"])
    assert entered.path == "/daftar/akun"


@pytest.mark.parametrize(
    ("wait", "text"),
    [
        ((1.9, 4.4), "kurang dari 1 menit"),
        ((40.0, 61.0), "paling lama 2 menit"),
        ((119.0, 180.0), "1 menit sampai 3 menit"),
        ((5_990.0, 6_010.0), "1 jam 39 menit sampai 1 jam 41 menit"),
        ((7_200.0, 7_200.0), "sekitar 2 jam"),
        ((31_536_000.0, 31_536_000.0), "belum diketahui"),
    ],
)
def test_the_range_is_rounded_outwards(wait, text):
    """Whole minutes around the computed range, never inside it; a gate that stands still is no number."""
    assert wait_text(INDONESIAN, *wait) == text


def test_a_room_started_anew_forgets_old_numbers(standing):
    """A ticket of an earlier start counts as none: the page offers a new one, and says so after a press."""

    async def scenario():
        found, browser = standing.site, standing.site.browser()
        await found.gate_at(1e6, 0.6)
        turn = await browser.send(await browser.open("/daftar/antrean"), "ticket")
        await found.service.sql("update waiting_room set epoch = epoch + 1")
        await found.gate_at(1e6, 0.7)
        pressed = await browser.send(turn, "claim")
        fresh = await browser.open("/daftar/antrean")
        return pressed, fresh, await browser.send(fresh, "ticket")

    pressed, fresh, again = standing.run(scenario())
    assert (pressed.status, list(pressed.forms), len(pressed.summary)) == (401, ["ticket"], 1)
    assert list(fresh.forms) == ["ticket"]
    assert list(again.forms) == ["claim"]


def test_a_closed_gate_says_so(standing):
    """Paused: numbers stay valid, and no time is promised."""

    async def scenario():
        found, browser = standing.site, standing.site.browser()
        await found.gate_at(0.0, 0.0, state="paused")
        return await browser.send(await browser.open("/daftar/antrean"), "ticket")

    page = standing.run(scenario())
    assert "Perkiraan waktu tunggu dijeda" in page.text and "dijeda sementara" in page.text
    assert page.refresh_s and page.refresh_s >= 15


@pytest.mark.parametrize(
    ("state", "text", "wait"),
    [
        ("before", "Urutan semua yang datang sebelumnya diundi", "belum diketahui"),
        ("closed", "Pintu masuk sudah ditutup.", "belum diketahui"),
        ("full", "begitu waktu orang di dalam habis", "kurang dari"),
    ],
)
def test_the_page_says_in_which_state_the_room_is(standing, state, text, wait):
    """And what is known of the wait in it; within 15 KB, and asking for itself again."""

    async def scenario():
        found, browser = standing.site, standing.site.browser()
        await found.service.sql(f"update waiting_room set opens_at = {HOUR_LATER if state == 'before' else 'null'}")
        await found.gate_at(0.0, RATES[state], state=state)
        page = await browser.send(await browser.open("/daftar/antrean"), "ticket")
        await found.service.sql("update waiting_room set opens_at = null")
        return page

    page = standing.run(scenario())
    assert text in page.text and f"Perkiraan waktu tunggu {wait}" in page.text
    assert page.refresh_s and len(page.html.encode()) <= 15 * 1024
    assert "Jika halaman ini tertutup, nomor Anda tetap berlaku." in page.text


def test_a_promise_on_a_page_is_counted_when_its_holder_comes_in(standing):
    """The cookie carries the first range through every reload, and one visitor is counted once."""

    async def scenario():
        found, browser = standing.site, standing.site.browser()
        metrics = found.service.metrics
        await found.gate_at(0.0, 0.9)
        await browser.send(await browser.open("/daftar/antrean"), "ticket")
        before = Metrics.of(metrics.promises)[""]
        await found.gate_at(1e6, 0.8)
        turn = await browser.open("/daftar/antrean")
        await browser.send(await browser.open("/daftar/antrean"), "claim")
        await browser.send(turn, "claim")
        return Metrics.of(metrics.promises)[""] - before

    assert standing.run(scenario()) == 1.0
