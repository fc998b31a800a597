"""The desk of a labor office: many tickets in one browser, and of the applicant who left nothing can be read."""

import asyncio
import re
from datetime import timedelta

import pytest

from service.actions import offices
from service.actions.offices import add_office
from service.domain import offices as rules
from service.web.pages.memory import Memory
from tests.integration.pages_room import Browser, Page, Site, standing_site
from tests.integration.registration_room import PHOTO, until

DESK = "/daftar/loket"
NEXT = "/daftar/loket/nomor"
PAGE_BYTES = 15 * 1024
HOUR_LATER = timedelta(seconds=rules.HOUR_S + 60)


@pytest.fixture(scope="module")
def standing(server_url, template, tmp_path_factory):
    with standing_site(server_url, template, tmp_path_factory.mktemp("photos"), "pages_office") as found:
        yield found


class Draws:
    """Bytes of codes, another one each time."""

    made = 0

    def __call__(self) -> bytes:
        Draws.made += 1
        return Draws.made.to_bytes(rules.CODE_BYTES // 2, "big") * 2


drawn = Draws()


async def new_office(found: Site, name: str) -> str:
    """Its access code."""
    ports = found.service.ports
    code = await add_office(ports.begin, ports.vault, "Root", name, drawn())
    assert code
    return code


async def signed_in(found: Site, name: str) -> Browser:
    browser = found.browser()
    page = await browser.send(await browser.open(DESK), "sign-in", access_code=await new_office(found, name))
    assert (page.path, page.heading) == (DESK, "Nomor di loket ini")
    return browser


async def take(browser: Browser, label: str) -> Page:
    return await browser.send(await browser.open(NEXT), "take", label=label)


def numbers(page: Page) -> list[int]:
    """Of the tickets that can be begun."""
    return [int(each) for each in re.findall(r'name="begin" value="(\d+)"', page.html)]


async def begin(browser: Browser, number: int) -> Page:
    """The account page of an applicant; a claim that the gate has not let in yet is made again."""
    pages: list[Page] = []

    async def done() -> bool:
        pages.append(await browser.send(await browser.open(DESK), "rows", begin=str(number)))
        return pages[-1].path == "/daftar/akun"

    await until(done)
    return pages[-1]


async def sit(standing, browser: Browser, number: int, name: str, phone: str) -> Page:
    """An applicant's account, made at the desk, up to the status page."""
    page = await begin(browser, number)
    page = await browser.send(page, "account", name=name, phone=phone, code_by="sms")
    return await browser.send(page, "code", code=await standing.site.service.code_at(phone))


async def leave(browser: Browser) -> Page:
    return await browser.send(await browser.open("/daftar/keluar"), "leave")


def test_one_browser_serves_one_applicant_after_another(standing):
    """Tickets are taken first, each with a mark; then each applicant goes the usual way; the others' tickets stay."""

    async def scenario():
        browser = await signed_in(standing.site, "Disnaker Surakarta")
        for label in ("kursi 1", "kursi 2", "kursi 3"):
            page = await take(browser, label)
        held, shown = numbers(page), page.text
        left, statuses = [], []
        for number in held[:2]:
            statuses.append(await sit(standing, browser, number, "Siti Rahma", standing.new_phone()))
            left.append(await leave(browser))
        return held, shown, statuses, left

    held, shown, statuses, left = standing.run(scenario())
    assert len(held) == 3 and all(label in shown for label in ("kursi 1", "kursi 2", "kursi 3"))
    assert [page.path for page in statuses] == ["/daftar/status"] * 2
    assert [page.path for page in left] == [DESK] * 2
    assert [numbers(page) for page in left] == [held[1:], held[2:]]


def test_nothing_of_the_applicant_before_can_be_read(standing):
    """B sits down after A left: no page, cookie or form of B's browser holds A's name, phone, mark or session."""
    secret_name, label = "Aminah Rahasia", "tanda A"

    async def scenario():
        browser, phone = await signed_in(standing.site, "Disnaker Sragen"), standing.new_phone()
        page = await take(browser, label)
        await take(browser, "tanda B")
        first, second = numbers(await browser.open(DESK))
        form = await begin(browser, first)
        refused = await browser.send(form, "account", name=secret_name, phone="salah", code_by="sms")
        kept_form = refused.forms["account"]
        page = await browser.send(refused, "account", phone=phone)
        page = await browser.send(page, "code", code=await standing.site.service.code_at(phone))
        copied = browser.memory
        during = await browser.open(DESK)
        await leave(browser)
        vacated = browser.memory
        await begin(browser, second)
        slugs = ("", "antrean", "akun", "kode", "masuk", "status", "identitas", "profil/pribadi", "keluar", "loket")
        pages = [await browser.open(f"/daftar/{slug}") for slug in slugs]
        again = await browser.request("POST", "/daftar/akun", data=kept_form)
        thief = standing.site.browser()
        thief.remember(copied)
        return phone, refused, during, vacated, pages, again, browser.memory, await thief.open("/daftar/status")

    phone, refused, during, vacated, pages, again, memory, robbed = standing.run(scenario())
    assert secret_name in refused.html, "negative control: to A the form is shown as it was typed"
    assert "tanda B" not in during.html, "while A sits there nobody else's mark is shown"
    assert vacated == Memory(desk=vacated.desk) and vacated.desk is not None
    traces = (secret_name, phone, phone[3:], label)
    for page in [*pages, Page(again)]:
        assert not any(trace in page.html for trace in traces), page.path
    assert again.status_code == 400, "A's form, sent again by the browser's back button, is not taken"
    assert not any(trace in repr(memory) for trace in traces)
    assert robbed.path == "/daftar/masuk", "A's session is over"


def test_a_photo_is_not_sent_into_the_account_of_the_next_one(standing):
    """A's form of a photo, sent again while B sits there, stores nothing; B's own does."""

    async def scenario():
        browser = await signed_in(standing.site, "Disnaker Kudus")
        await take(browser, "A")
        page = await take(browser, "B")
        addresses, answers = [], []
        for number in numbers(page):
            await sit(standing, browser, number, "Siti Rahma", standing.new_phone())
            addresses += re.findall(r'action="([^"]*)"', (await browser.open("/daftar/foto/ktp")).html)
            for address in addresses:
                files = {"photo": ("a.jpg", PHOTO, "image/jpeg")}
                answers.append(await browser.request("POST", f"/daftar/foto/ktp{address}", files=files))
            await leave(browser)
        stored = await standing.site.service.sql("select count(*) from upload where finished_at is not null")
        return addresses, answers, stored[0][0]

    addresses, answers, stored = standing.run(scenario())
    assert len(set(addresses)) == 2
    assert [answer.status_code for answer in answers] == [303, 400, 303] and stored == 2


def test_the_browser_is_told_to_remember_nothing(standing):
    """Fields of a desk are never filled in from an earlier applicant; at home they are."""

    async def scenario():
        desk, home = await signed_in(standing.site, "Disnaker Klaten"), standing.site.browser()
        page = await take(desk, "1")
        at_desk = await begin(desk, numbers(page)[0])
        for form in ("ticket", "claim"):
            at_home = await home.send(await home.open("/daftar/antrean"), form)
        return at_desk, at_home

    at_desk, at_home = standing.run(scenario())
    assert set(re.findall(r'autocomplete="([^"]*)"', at_desk.html)) == {"off"}
    assert {"name", "tel"} <= set(re.findall(r'autocomplete="([^"]*)"', at_home.html))


def test_a_hall_of_people_fits_on_one_page(standing):
    """Thirty tickets of one browser: all places at once, the next ones first, within 15 KB, in both languages."""

    async def scenario():
        browser = await signed_in(standing.site, "Balai Latihan Kerja " + "x" * 60)
        form = (await browser.open(NEXT)).forms["take"]
        taken = (
            browser.post(NEXT, form | {"once": f"{form['once']}{number}", "label": f"kursi {number:03} " + "y" * 30})
            for number in range(30)
        )
        assert {answer.status_code for answer in await asyncio.gather(*taken)} == {303}
        return [await browser.open(path) for path in (DESK, "/daftar/en/loket")], await browser.open(NEXT)

    pages, form = standing.run(scenario())
    for page in [*pages, form]:
        assert len(page.html.encode()) <= PAGE_BYTES
    assert [len(numbers(page)) for page in pages] == [25, 25]
    assert "Nomor lain yang masih menunggu: 5." in pages[0].text
    assert numbers(pages[0]) == sorted(numbers(pages[0]))


def test_waiting_tickets_stay_and_are_not_begun_early(standing):
    """The gate stands still: the tickets wait, in order, the page renews itself, and a made-up press opens nothing."""

    async def scenario():
        found = standing.site
        browser = await signed_in(found, "Disnaker Boyolali")
        await found.gate_at(0.0, 0.001, state="paused")
        try:
            page = await take(browser, "nanti")
            number = browser_number(page)
            early = await browser.send(page, "rows", begin=str(number))
            memory = browser.memory
            stranger = await browser.send(page, "rows", begin="999999999")
            dropped = await browser.send(await browser.open(DESK), "rows", drop=str(number))
        finally:
            await found.gate_at(1e9, 1000.0)
        return page, early, memory, stranger, dropped

    def browser_number(page):
        (found,) = re.findall(r'name="drop" value="(\d+)"', page.html)
        return int(found)

    page, early, memory, stranger, dropped = standing.run(scenario())
    assert numbers(page) == [] and page.refresh_s is not None and page.refresh_s >= 10
    assert (early.status, early.path, memory.is_vacant) == (409, DESK, True)
    assert stranger.status == 404
    assert "nanti" in page.text and "nanti" not in dropped.text


def test_a_code_is_not_guessed(standing):
    """Ten wrong second halves, then even the right code waits; another office and the hour after are not concerned."""

    async def scenario():
        found = standing.site
        browser = found.browser()
        code, other = await new_office(found, "Disnaker Wonogiri"), await new_office(found, "Disnaker Sukoharjo")
        page = await browser.open(DESK)
        wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
        answers = [await browser.press(page, "sign-in", access_code=wrong) for _ in range(rules.MOST_FAILURES)]
        blocked = await browser.press(page, "sign-in", access_code=code)
        nobody = await browser.press(page, "sign-in", access_code="ZZZZ-ZZZZ-ZZZZ-ZZZZ")
        elsewhere = await browser.send(page, "sign-in", access_code=other)
        found.service.clock.ahead += HOUR_LATER
        try:
            late = found.browser()
            later = await late.send(await late.open(DESK), "sign-in", access_code=code.lower())
        finally:
            found.service.clock.ahead -= HOUR_LATER
        return answers, blocked, nobody, elsewhere, later

    answers, blocked, nobody, elsewhere, later = standing.run(scenario())
    assert [answer.status_code for answer in answers] == [422] * rules.MOST_FAILURES
    assert blocked.status_code == 429 and int(blocked.headers["retry-after"]) > 3000
    assert nobody.status_code == 422
    assert elsewhere.heading == later.heading == "Nomor di loket ini"


def test_another_code_and_the_end_of_the_day_sign_the_desk_out(standing):
    """`office renew` and twelve hours: the form for the code, and no list."""

    async def scenario():
        found = standing.site
        ports = found.service.ports
        renewed, tired = await signed_in(found, "Disnaker A"), await signed_in(found, "Disnaker B")
        await offices.renew_office(ports.begin, ports.vault, "Root", "Disnaker A", drawn())
        first = await take(renewed, "x"), await renewed.open(DESK)
        found.service.clock.ahead += timedelta(seconds=rules.SESSION_S)
        try:
            second = await tired.open(DESK)
        finally:
            found.service.clock.ahead -= timedelta(seconds=rules.SESSION_S)
        return *first, second, tired.memory

    *pages, memory = standing.run(scenario())
    assert [page.heading for page in pages] == ["Loket dinas tenaga kerja"] * 3
    assert memory == Memory()


def test_tickets_are_kept_under_the_newest_key(standing):
    """After a change of keys the next ticket that is taken renews the others, so the old key may be forgotten."""

    async def scenario():
        found = standing.site
        browser = await signed_in(found, "Disnaker Salatiga")
        await take(browser, "lama")
        desk = browser.memory.desk
        assert desk is not None

        async def keys() -> set[str]:
            held = await offices.held_tickets(found.service.ports, desk.office_id, desk.generation)
            assert held is not None
            return {each.ticket.partition(".")[0] for each in held}

        before = await keys()
        await found.service.sql("update waiting_room set key_id = key_id + 1")

        async def renewed() -> bool:  # once the pages have heard of the key
            await take(browser, "baru")
            return len(await keys()) == 1 and await keys() != before

        await until(renewed)

    standing.run(scenario())


def test_marks_and_tickets_lie_sealed(standing):
    """Nothing in the office's rows can be read without the service's key."""

    async def scenario():
        browser = await signed_in(standing.site, "Disnaker Karanganyar")
        await take(browser, "tanda rahasia")
        rows = await standing.site.service.sql("select o::text || t::text from labor_office o, office_ticket t")
        return [row[0] for row in rows]

    rows = standing.run(scenario())
    assert rows and not any("rahasia" in row or b"rahasia".hex() in row for row in rows)
