"""The test on pages: started once, resumed where it stopped, ended by the server's clock."""

import asyncio
from datetime import timedelta

from service.domain.assessment import DURATION_S, SHEET
from tests.integration.pages_room import site
from tests.integration.pages_walk import signed_in


async def twice_at_once(browser, page, form):
    answers = await asyncio.gather(browser.press(page, form), browser.press(page, form))
    return [await browser.follow(answer) for answer in answers]


def test_looking_starts_nothing_and_starting_twice_starts_once(run, database_url, tmp_path):
    """Without a start the items lead to the explanation; both presses lead to the first item of one test."""

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            browser, _ = await signed_in(found)
            seen = [await browser.open(f"/daftar/tes{rest}") for rest in ("", "/5", "/kirim")]
            unknown = [
                (await browser.open(f"/daftar/tes/{number}")).status for number in (0, 19, 10**12, "x", "1" * 5000)
            ]
            before = await found.service.sql("select * from assessment")
            items = await twice_at_once(browser, seen[0], "start")
            return seen, unknown, before, items, await found.service.sql("select * from assessment")

    seen, unknown, before, items, after = run(scenario())
    assert [page.path for page in seen] == ["/daftar/tes"] * 3
    assert unknown == [404] * 5
    assert (len(before), len(after)) == (0, 1)
    assert [page.path for page in items] == ["/daftar/tes/1"] * 2
    assert items[0].heading == "Soal 1 dari 18" and SHEET[0].text in items[0].text
    assert "Sisa waktu 25 menit, sampai pukul" in items[0].text


def test_answers_are_kept_changed_and_skipped(run, database_url, tmp_path):
    """An answer is saved when it is sent; who comes back goes on at the first item without one."""

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            browser, _ = await signed_in(found)
            item = await browser.send(await browser.open("/daftar/tes"), "start")
            item = await browser.send(item, "answer", choice="1")
            empty = await browser.send(item, "answer")
            await browser.send(await browser.open("/daftar/tes/3"), "answer", choice="0")
            changed = await browser.open("/daftar/tes/1")
            await browser.send(changed, "answer", choice="3")
            resumed, end = await browser.open("/daftar/tes"), await browser.open("/daftar/tes/kirim")
            return item, empty, changed, resumed, end, await found.service.sql("select answers from assessment")

    item, empty, changed, resumed, end, rows = run(scenario())
    assert item.path == "/daftar/tes/2" and "choice" not in item.forms["answer"]
    assert empty.status == 422 and empty.summary == [("choice", "Pilih satu jawaban.")]
    assert changed.value("choice") == "1"
    assert 'href="/daftar/tes/2"' in resumed.html and "Soal yang terjawab: 2 dari 18" in resumed.text
    assert "Soal yang terjawab: 2 dari 18" in end.text
    assert 'href="/daftar/tes/2"' in end.html and 'href="/daftar/tes/3"' not in end.html
    assert list(rows[0]["answers"][:4]) == [3, -1, 0, -1]


def test_sending_twice_ends_the_test_once(run, database_url, tmp_path):
    """Both presses go on; afterwards no item is shown and no answer taken."""

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            browser, _ = await signed_in(found)
            item = await browser.send(await browser.open("/daftar/tes"), "start")
            sent = await twice_at_once(browser, await browser.open("/daftar/tes/kirim"), "submit")
            after = [await browser.open(f"/daftar/tes{rest}") for rest in ("", "/1", "/kirim")]
            after.append(await browser.send(item, "answer", choice="1"))
            return sent, after, await found.service.sql("select * from assessment"), found.service.stages

    sent, after, rows, stages = run(scenario())
    assert {page.path for page in sent} == {"/daftar/identitas"}
    assert [page.path for page in after] == ["/daftar/tes"] * 4 and "Tes sudah dikirim" in after[0].text
    assert rows[0]["submitted_at"] is not None and set(rows[0]["answers"]) == {-1}
    assert stages == ["assessed"]


def test_time_that_runs_out_ends_the_test_kindly(run, database_url, tmp_path):
    """An answer sent too late is not kept and says so by leading to the end; what was saved counts."""

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            browser, _ = await signed_in(found)
            item = await browser.send(await browser.open("/daftar/tes"), "start")
            item = await browser.send(item, "answer", choice="2")
            found.service.clock.ahead = timedelta(seconds=DURATION_S - 50)
            late = await browser.open("/daftar/tes/2")
            found.service.clock.ahead = timedelta(seconds=DURATION_S)
            over = await browser.send(late, "answer", choice="2")
            return late, over, await browser.open("/daftar/status"), await found.service.sql("select * from assessment")

    late, over, status, rows = run(scenario())
    assert "detik" in late.text
    assert over.path == "/daftar/tes" and "Jawaban yang tersimpan tetap dihitung: 1 dari 18" in over.text
    assert "start" not in over.forms
    assert "Waktu habis" in status.text
    assert list(rows[0]["answers"][:2]) == [2, -1]
