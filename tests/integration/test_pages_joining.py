"""From signed in to joined by forms only, over real HTTP; joining keeps its rules on pages too."""

import asyncio
from datetime import UTC, datetime, timedelta

from scenarios.identity_numbers import family_card_of
from tests.integration.pages_room import site
from tests.integration.pages_walk import HOME, PROGRAM, WORK, identity_of, prepare, send_photo, signed_in, take_test
from tests.integration.registration_room import Person, until


def test_forms_alone_lead_from_signed_in_to_joined(run, database_url, tmp_path):
    """Each step leads to the next one that is missing; at the end the status page knows it all."""

    async def scenario():
        async with site(database_url, tmp_path) as found:
            browser, _ = await signed_in(found, 7)
            seen = [await browser.open("/daftar/status")]
            seen.append(await browser.open("/daftar/identitas"))
            seen.append(await browser.send(seen[-1], "identity", **identity_of(7)))
            seen.append(await browser.send(seen[-1], "personal", **HOME))
            seen.append(await browser.send(seen[-1], "work", **WORK))
            seen.append(await browser.send(seen[-1], "program", **PROGRAM))
            seen.append(await send_photo(browser, seen[-1].path))
            seen.append(await send_photo(browser, seen[-1].path))
            seen.append(await browser.send(seen[-1], "send"))
            code = await found.service.code_at("+6280000000007")
            seen.append(await browser.send(seen[-1], "verify", code=code))
            seen.append(await take_test(browser))
            seen.append(await browser.send(seen[-1], "join"))
            await found.service.drained()
            seen.append(await browser.open("/daftar/status"))
            rows = await found.service.sql("select step, data from profile order by step")
            return seen, rows, list(found.service.stages)

    seen, rows, stages = run(scenario())
    slugs = [
        "status", "identitas", "profil/pribadi", "profil/pekerjaan", "profil/program", "foto/ktp", "foto/swafoto",
        "telepon", "telepon", "tes", "gabung", "gabung", "status",
    ]  # fmt: skip
    assert [page.path for page in seen] == [f"/daftar/{slug}" for slug in slugs]
    assert {page.status for page in seen} == {200}
    assert seen[-2].heading == "Anda sudah bergabung"
    assert "Anda sudah bergabung" in seen[-1].text and "Cocok" in seen[-1].text
    assert "Belum" not in seen[-1].text
    assert {row["step"] for row in rows} == {"personal", "work", "program"}
    assert '"province": 33' in rows[0]["data"] and "Jalan Merdeka 17 RT 02 RW 05" in rows[0]["data"]
    assert '"last_income": 4200000' in rows[2]["data"]
    assert set(stages) == {
        "identity_submitted", "identity_verified", "profile_completed", "photos_uploaded", "phone_verified",
        "assessed", "wave_joined",
    }  # fmt: skip
    assert len(stages) == 7
    assert all(page.headers["cache-control"] == "no-store" for page in seen)


def test_joining_pressed_twice_is_joining_once(run, database_url, tmp_path):
    """At once or later, both presses lead to the same confirmation."""

    async def scenario():
        async with site(database_url, tmp_path) as found:
            browser = await prepare(found)
            page = await browser.open("/daftar/gabung")
            answers = await asyncio.gather(*(browser.press(page, "join") for _ in range(3)))
            answers.append(await browser.press(page, "join"))
            ends = [await browser.follow(answer) for answer in answers]
            return page, ends, await found.service.sql("select * from wave_join"), found.service.stages

    page, ends, joins, stages = run(scenario())
    assert "Siti Rahma" in page.text and "*" * 12 in page.text and "+62********001" in page.text
    assert {end.heading for end in ends} == {"Anda sudah bergabung"}
    assert len(joins) == 1 and stages.count("wave_joined") == 1


def test_what_keeps_from_joining_is_said(run, database_url, tmp_path):
    """Steps missing, not open yet, closed: no button, and a press all the same is refused with the reason."""

    async def scenario():
        opens = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        closes = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
        async with site(database_url, tmp_path, WAVE_OPENS_AT=opens, WAVE_CLOSES_AT=closes) as found:
            browser = await prepare(found)
            early = await browser.open("/daftar/gabung")
            refused = [await browser.send(early, "join")]
            found.service.clock.ahead = timedelta(hours=2)
            closed = await browser.open("/daftar/gabung")
            refused.append(await browser.send(early, "join"))
            found.service.clock.ahead = timedelta(hours=1, minutes=1)
            newcomer, _ = await signed_in(found, 2)
            missing = await newcomer.open("/daftar/gabung")
            promised = await newcomer.open("/daftar/status")
            refused.append(await newcomer.send(early, "join"))
            status = await browser.open("/daftar/status")
            found.service.clock.ahead = timedelta(hours=2)
            late = await newcomer.open("/daftar/status")
            return early, closed, missing, refused, status, promised, late

    early, closed, missing, refused, status, promised, late = run(scenario())
    assert "Gelombang dibuka" in early.text and "join" in early.forms
    assert "sudah ditutup" in closed.text and "join" not in closed.forms
    assert "Selesaikan langkah ini dulu" in missing.text and "join" not in missing.forms
    assert [page.status for page in refused] == [409, 409, 409]
    assert [len(page.summary) for page in refused] == [1, 1, 1]
    assert "retry-after" in refused[0].headers
    assert "Bergabung dengan gelombang" in status.text
    promise = "Setelah itu Anda bergabung dengan gelombang"
    assert promise in promised.text and promise not in late.text and "sudah ditutup" in late.text


def test_a_mismatch_is_corrected_without_typing_other_steps(run, database_url, tmp_path):
    """The status page waits while the registry is asked, tells of the mismatch, and leads to the one step."""

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            browser, _ = await signed_in(found)
            await browser.send(await browser.open("/daftar/profil/pekerjaan"), "work", **WORK)
            wrong = identity_of(1, family_card_number=family_card_of(Person(found.service, 5).nik))
            await browser.send(await browser.open("/daftar/identitas"), "identity", **wrong)
            pages = [await browser.open("/daftar/status")]
            async with found.service.worker():
                await found.service.drained()
                pages.append(await browser.open("/daftar/status"))
                form = await browser.open("/daftar/identitas")
                pages.append(form)
                after = await browser.send(form, "identity", **identity_of(1))

                async def matched() -> bool:
                    return "Cocok" in (await browser.open("/daftar/status")).text

                await until(matched)
            pages.append(await browser.open("/daftar/status"))
            pages.append(await browser.open("/daftar/identitas"))
            return pages, after

    (pending, mismatch, form, match, settled), after = run(scenario())
    assert pending.refresh_s is not None and 45 <= pending.refresh_s <= 75
    assert "Sedang diperiksa" in pending.text
    assert mismatch.refresh_s is None
    assert "tidak cocok dengan data Dukcapil" in mismatch.text and 'href="/daftar/identitas"' in mismatch.html
    assert "memperbaikinya 3 kali lagi" in form.text and Person(None, 1).nik not in form.html  # type: ignore[arg-type]
    assert after.path == "/daftar/profil/pribadi"  # work is kept, so the first missing step comes
    assert "Cocok" in match.text and match.refresh_s is None
    assert "identity" not in settled.forms


def test_who_is_too_young_is_told(run, database_url, tmp_path):
    """No check is asked; the status page says why, and a wrong birth date can be corrected."""

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            browser, _ = await signed_in(found)
            young = identity_of(1, birth_year="2010")
            status = await browser.send(await browser.open("/daftar/identitas"), "identity", **young)
            return status, await browser.open("/daftar/gabung"), await found.service.depth()

    status, joining, depth = run(scenario())
    assert status.path == "/daftar/status" and "belum berusia 18 tahun" in status.text
    assert "belum berusia 18 tahun" in joining.text and "join" not in joining.forms
    assert depth == 0
