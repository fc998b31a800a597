"""Pages for everybody: the result of a draw by ticket, counts of a regency, a complaint. By forms, without script."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from service.actions import complaints, counts
from service.domain.draws import Outcome
from service.wave_ports import Place
from service.web.counts import KEPT
from tests.integration.pages_room import Browser, Page, Site, site
from tests.integration.pages_walk import prepare
from tests.integration.registration_room import Person

TEXT = "Foto gagal terkirim.\n<b>Lima</b> kali."
COMPLAINT = {"category": "photo_upload", "regency": "3372", "text": TEXT}


async def published(found: Site, ticket: UUID, outcome: Outcome) -> None:
    """The draw of wave 1, which is over."""
    now = found.service.clock.now()
    async with found.service.ports.begin() as tx:
        await tx.draws.freeze(1, now + timedelta(days=36500))
        await tx.draws.place(1, [Place(ticket, outcome, 1234)])
        await tx.draws.publish(1, now)
    await found.service.sql("update wave set opens_at = now() - interval '2 d', closes_at = now() - interval '1 d'")


async def look(browser: Browser, ticket: str, wave: str = "1") -> Page:
    return await browser.send(await browser.open("/daftar/hasil"), "result", wave=wave, ticket=ticket)


def test_the_result_is_looked_up_by_ticket_as_in_the_api(run, database_url, tmp_path, monkeypatch):
    """However it is typed; nobody signs in, nothing is remembered, and caches keep it as they keep that of the API."""
    monkeypatch.setattr("service.web.announcement.REFRESH", 0.0)  # what is known of a wave is not believed for a second

    async def scenario():
        async with site(database_url, tmp_path) as found:
            owner = await prepare(found)
            await owner.send(await owner.open("/daftar/gabung"), "join")
            (row,) = await found.service.sql("select id from wave_join")
            ticket, stranger = row["id"], found.browser()
            early = await look(stranger, ticket.hex)
            await published(found, ticket, Outcome.WAITING)
            typed = f" {ticket} ".upper()
            waiting = await look(stranger, typed)
            refused = [
                await look(stranger, typed, wave="7"),
                await look(stranger, uuid4().hex),
                await look(stranger, "tiket saya"),
                await look(stranger, ""),
            ]
            elsewhere = [
                (await stranger.open(f"/daftar/hasil/1/{path}")).status for path in (uuid4().hex, "tiket", ticket.hex)
            ]
            wave = await stranger.open("/daftar/en/hasil/1")
            api = await found.http.get(f"/waves/1/results/{ticket.hex}")
            return early, waiting, refused, elsewhere, wave, api, stranger.cookie

    early, waiting, refused, elsewhere, wave, api, cookie = run(scenario())
    assert "masih dibuka" in early.text and early.headers["cache-control"].startswith("public, max-age=10,")
    assert "Urutan undiannya 1.234" in waiting.text and waiting.path.startswith("/daftar/hasil/1/")
    assert waiting.headers["cache-control"] == api.headers["cache-control"] and api.json()["rank"] == 1234
    assert [page.status for page in refused] == [422] * 4
    assert "Gelombang ini tidak ada" in refused[0].fault("wave")
    assert "tidak ikut diundi" in refused[1].fault("ticket")
    assert refused[2].value("ticket") == "tiket saya" and "32 angka" in refused[2].fault("ticket")
    assert "Ketik tiket" in refused[3].fault("ticket")
    assert elsewhere == [404, 404, 200]
    assert "The result has been announced" in wave.text and cookie == ""


def test_counts_of_a_regency_are_those_of_the_api(run, database_url, tmp_path):
    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            service, browser = found.service, found.browser()
            early = await browser.open("/daftar/jumlah")
            for number in range(1, 5):
                await Person(service, number).sign_up()
            await service.sql(
                "insert into profile (account_id, step, data) select id, 'personal', "
                """'{"province": 33, "regency": 3372}' from account"""
            )
            while (counted := await counts.count(service.ports.begin)) is None or counted.as_of is None:
                pass
            service.clock.ahead += timedelta(seconds=2 * KEPT)
            everybody = await browser.open("/daftar/jumlah")
            solo = await browser.send(everybody, "place", regency="3372")
            refused = await browser.send(everybody, "place", regency="")
            elsewhere = [(await browser.open(f"/daftar/jumlah/{code}")).status for code in (3399, 1)]
            api = (await found.http.get("/counts/regencies/3372")).json()["regency"]
            return early, everybody, solo, refused, elsewhere, api

    early, everybody, solo, refused, elsewhere, api = run(scenario())
    assert early.status == 503
    assert solo.path == "/daftar/jumlah/3372" and "Kota Surakarta" in solo.heading
    assert api["stages"]["account_created"] == 5, "four people, rounded"
    for page in (everybody, solo):
        assert "Punya akun 5" in page.text and page.headers["cache-control"] == "public, max-age=10"
    assert refused.status == 422 and refused.fault("regency")
    assert elsewhere == [404, 404]


def test_a_complaint_is_filed_once_and_followed_from_any_browser(run, database_url, tmp_path):
    """With its number and secret; what was written is shown as it was written; no address holds the secret."""

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            browser, other = found.browser(), found.browser()
            page = await browser.open("/daftar/pengaduan")
            refused = await browser.send(page, "complaint")
            first = await browser.send(page, "complaint", **COMPLAINT)
            again = await browser.send(page, "complaint", **COMPLAINT)
            rows = await found.service.sql("select number, regency, category from complaint")
            memory = browser.memory
            unknown = await other.open("/daftar/pengaduan/saya")
            number, secret = str(memory.complaint), memory.complaint_secret
            wrong = await other.send(unknown, "follow", complaint_number=number, complaint_secret="x" * 22)
            ports = found.service.ports
            await complaints.forward_complaint(ports.begin, ports.clock, "Root", memory.complaint)
            followed = await other.send(wrong, "follow", complaint_number=number, complaint_secret=f" {secret} ")
            await complaints.answer_complaint(ports.begin, ports.clock, "Root", memory.complaint, "Sudah\ndiperbaiki.")
            answered = await other.open("/daftar/en/pengaduan/saya")
            left = await browser.send(await browser.open("/daftar/keluar"), "leave")
            return refused, first, again, rows, secret, unknown, wrong, followed, answered, left, browser.memory

    refused, first, again, rows, secret, unknown, wrong, followed, answered, _, memory = run(scenario())
    assert {target for target, _ in refused.summary} == {"category", "regency", "text"}
    assert len(rows) == 1 and (rows[0]["regency"], rows[0]["category"]) == (3372, 2)
    for page in (first, again):
        assert page.path == "/daftar/pengaduan/saya" and secret in page.text
        assert "&lt;b&gt;Lima&lt;/b&gt; kali." in page.html and "Belum dijawab" in page.text
        assert "Foto gagal terkirim.</p>" in page.html, "its lines are kept"
        assert page.headers["cache-control"] == "no-store"
    assert unknown.path == "/daftar/pengaduan/lihat"
    assert wrong.status == 422 and "tidak cocok" in wrong.fault("complaint_number")
    assert "3372/000001" in followed.text and "Diteruskan" in followed.text
    assert "diperbaiki." in answered.text and "Answered" in answered.text
    assert memory.complaint == 0, "whoever leaves takes the secret along"


def test_a_complaint_is_remembered_past_its_promise_and_told_as_late(run, database_url, tmp_path):
    """By a browser that keeps nothing else for so long, also when the answer is promised after sessions have ended."""
    promise = timedelta(days=30)

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            service, browser = found.service, found.browser()
            object.__setattr__(service.ports.policy, "complaint_promise_s", promise.total_seconds())
            fields = (await browser.open("/daftar/pengaduan")).forms["complaint"] | COMPLAINT
            filed = await browser.post("/daftar/pengaduan", fields)
            early = await browser.follow(filed)
            service.clock.ahead += promise + timedelta(hours=1)
            late = [await browser.open(f"/daftar/{path}") for path in ("pengaduan/saya", "en/pengaduan/saya")]
            return filed.headers["set-cookie"], early, late

    cookie, early, (late, english) = run(scenario())
    age = int(cookie.partition("Max-Age=")[2].partition(";")[0])
    assert timedelta(seconds=age) >= promise + timedelta(days=1)
    assert "Jawabannya ada di halaman ini paling lambat" in early.text
    assert "seharusnya sudah ada paling lambat" in late.text and "halaman ini paling lambat" not in late.text
    assert "was due on" in english.text and "on this page on" not in english.text


@pytest.mark.parametrize("between", ["\x0b", "\x0c", "\x1c", "\x1f", "\x85"])
def test_what_cannot_be_printed_is_refused_in_words_also_where_it_parts_words(run, database_url, tmp_path, between):
    """The form takes it for a space; the text is kept as it was typed, and so is refused. Nothing typed is lost."""

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            browser = found.browser()
            page = await browser.open("/daftar/pengaduan")
            return await browser.send(page, "complaint", **{**COMPLAINT, "text": f"a{between}b"})

    refused = run(scenario())
    assert refused.status == 422 and "tidak dapat disimpan" in refused.fault("text")
    assert refused.value("text") == f"a{between}b" and refused.value("regency") == "3372"


def test_a_flood_of_complaints_is_refused_on_the_page_too(run, database_url, tmp_path, monkeypatch):
    """By the rules of the API, and by the address that the proxy tells; what was typed is still there."""
    monkeypatch.setattr("service.domain.complaints.MOST_OF_ADDRESS", 1)

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:

            async def file(address: str) -> Page:
                browser = found.browser()
                fields = (await browser.open("/daftar/pengaduan")).forms["complaint"] | COMPLAINT
                answer = await browser.post("/daftar/pengaduan", fields, Caller_Address=address)
                return await browser.follow(answer)

            return [await file(address) for address in ("203.0.113.7", "203.0.113.7", "203.0.113.8")]

    first, second, other = run(scenario())
    assert (first.status, second.status, other.status) == (200, 429, 200)
    assert second.value("text") == TEXT and "retry-after" in second.headers
