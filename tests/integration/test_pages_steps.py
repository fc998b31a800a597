"""Identity, profile and phone on pages: what is refused is told beside its field, and nothing typed is lost."""

import pytest

from tests.integration.pages_room import site
from tests.integration.pages_walk import HOME, PROGRAM, WORK, identity_of, prepare, signed_in

SLUGS = [
    "status", "identitas", "profil/pribadi", "profil/pekerjaan", "profil/program", "foto/ktp", "foto/swafoto",
    "telepon", "telepon/ganti", "tes", "tes/1", "tes/kirim", "gabung",
]  # fmt: skip


def told(page):
    """Field and text of each line of the summary, after looking that the same stands beside the field."""
    assert page.status >= 400 and page.title.startswith("Kesalahan: ")
    for field, text in page.summary:
        assert page.texts[f"{field}-fault"] == text and field in page.ids
    return [field for field, _ in page.summary]


ENDLESS = "1" * 5000  # more digits than Python makes an int of
REFUSED = [
    ("identitas", "identity", identity_of(1, nik="33 72", family_card_number="", birth_day="31", birth_month="2"),
     ["nik", "family_card_number", "birth_date"]),
    ("identitas", "identity", identity_of(1, birth_year="94"), ["birth_date"]),
    ("identitas", "identity", identity_of(1, birth_day="", birth_month="", birth_year=""), ["birth_date"]),
    ("identitas", "identity", identity_of(1, birth_year="1850"), ["birth_date"]),
    ("profil/pribadi", "personal", HOME | {"regency": "", "mother_name": " "}, ["mother_name", "regency"]),
    ("profil/pribadi", "personal", HOME | {"regency": "3370", "address": "x" * 501}, ["regency", "address"]),
    ("profil/pribadi", "personal", HOME | {"regency": ENDLESS}, ["regency"]),
    ("profil/pekerjaan", "work", WORK | {"last_income": "empat juta", "employment_status": ""},
     ["employment_status", "last_income"]),
    ("profil/program", "program", PROGRAM | {"payout_method": "cash"}, ["payout_method"]),
    ("telepon/ganti", "correct", {"phone": "0211234567"}, ["phone"]),
]  # fmt: skip
NOT_SHOWN = ("", "cash", "3370", ENDLESS)  # nothing, or no choice that there is


def test_refused_steps_keep_what_was_typed(run, database_url, tmp_path):
    """Every fault at once, in the order of the fields; nothing is stored."""

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            browser, _ = await signed_in(found)
            pages = []
            for slug, form, typed, _ in REFUSED:
                pages.append(await browser.send(await browser.open(f"/daftar/{slug}"), form, **typed))
            return pages, await browser.open("/daftar/status")

    pages, status = run(scenario())
    assert [told(page) for page in pages] == [fields for *_, fields in REFUSED]
    assert {page.status for page in pages} == {422}
    for page, (_, _, typed, _) in zip(pages, REFUSED, strict=True):
        kept = {name: page.value(name).split() for name, value in typed.items() if value not in NOT_SHOWN}
        assert kept == {name: value.split() for name, value in typed.items() if value not in NOT_SHOWN}
    assert "Selesai" not in status.text


def test_who_comes_back_sees_what_was_saved(run, database_url, tmp_path):
    """Every field holds what was saved, whichever way it came; a number is never shown again."""

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            browser = await prepare(found)
            seen = [await browser.open(f"/daftar/{slug}") for slug in SLUGS[2:5]]
            by_api = {"Authorization": f"Bearer {browser.memory.token}"}
            short = {"mother_name": "Aminah", "education": "none", "province": 11, "regency": 1, "address": "Jalan 1"}
            await found.service.http.put("/profile/personal", json=short, headers=by_api)
            seen.append(await browser.open("/daftar/profil/pribadi"))
            return seen, await browser.open("/daftar/identitas")

    (home, work, program, short), identity = run(scenario())
    assert {name: home.value(name) for name in HOME} == HOME | {"address": "Jalan Merdeka 17"}
    assert {name: work.value(name) for name in WORK} == WORK | {"last_income": "4200000"}
    assert {name: program.value(name) for name in PROGRAM} == PROGRAM
    assert short.value("regency") == "1101"
    assert [identity.value(name) for name in identity_of(1)] == [""] * 5
    assert identity_of(1)["nik"].replace(" ", "") not in identity.html


def test_a_number_of_somebody_else_and_a_full_queue(run, database_url, tmp_path):
    """Both are told, the second with the time to wait; what was typed is still there and can be sent again."""

    async def scenario():
        async with site(database_url, tmp_path, working=False, IDENTITY_QUEUE_LIMIT="1") as found:
            first, _ = await signed_in(found, 1)
            await first.send(await first.open("/daftar/identitas"), "identity", **identity_of(1))
            second, _ = await signed_in(found, 2)
            taken = await second.send(await second.open("/daftar/identitas"), "identity", **identity_of(1))
            full = await second.send(taken, "identity", **identity_of(2))
            async with found.service.worker():
                await found.service.drained()
            return taken, full, await second.send(full, "identity")

    taken, full, accepted = run(scenario())
    assert taken.status == 409 and told(taken) == ["nik"]
    assert full.status == 503 and "retry-after" in full.headers and full.summary[0][0] == ""
    assert "Coba lagi setelah" in full.text
    assert {name: full.value(name) for name in identity_of(2)} == identity_of(2)
    assert accepted.path == "/daftar/profil/pribadi"


def test_nothing_typed_is_lost_while_the_database_is_away(run, database_url, tmp_path):
    """The form comes back with its fields, says when to try again, and is accepted then; a mere look is told off."""

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            service = found.service
            browser, _ = await signed_in(found)
            forms = [await browser.open(f"/daftar/{slug}") for slug in ("identitas", "profil/pribadi")]
            typed = {"identity": identity_of(1), "personal": HOME}
            (row,) = await service.sql("select current_database() as name")
            await service.sql(f"alter database {row['name']} allow_connections false", elsewhere=True)
            await service.sql(
                f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{row['name']}'",
                elsewhere=True,
            )
            names = [name for page in forms for name in page.forms]
            away = [await browser.send(page, name, **typed[name]) for page, name in zip(forms, names, strict=True)]
            look = await browser.open("/daftar/identitas")
            await service.sql(f"alter database {row['name']} allow_connections true", elsewhere=True)
            back = [await browser.send(page, name) for page, name in zip(away, names, strict=True)]
            return away, look, back

    away, look, back = run(scenario())
    assert [page.status for page in (*away, look)] == [503] * 3
    assert all("retry-after" in page.headers for page in (*away, look))
    assert {name: away[0].value(name) for name in identity_of(1)} == identity_of(1)
    assert {name: away[1].value(name).split() for name in HOME} == {name: HOME[name].split() for name in HOME}
    assert "nik" not in look.ids and "Coba lagi setelah" in look.text
    assert [page.path for page in back] == ["/daftar/profil/pribadi", "/daftar/profil/pekerjaan"]


def test_the_phone_is_proved_or_corrected(run, database_url, tmp_path):
    """A wrong code, one send too early, a number typed wrong: each is told; the old number's code proves nothing."""

    async def scenario():
        async with site(database_url, tmp_path) as found:
            browser, account_id = await signed_in(found)
            await signed_in(found, 2)
            page = await browser.send(await browser.open("/daftar/telepon"), "send")
            old_code = await found.service.code_at("+6280000000001")
            refused = [
                await browser.send(page, "verify", code="12345"),
                await browser.send(page, "verify", code=f"{(int(old_code) + 1) % 1_000_000:06}"),
                await browser.send(page, "send"),
            ]
            correction = await browser.open("/daftar/telepon/ganti")
            refused.append(await browser.send(correction, "correct", phone="0800 0000 0002"))
            asking = await browser.send(correction, "correct", phone="0800 0000 0003")
            refused.append(await browser.send(page, "verify", code=old_code))
            page = await browser.send(asking, "send")
            code = await found.service.code_at("+6280000000003")
            end = await browser.send(page, "verify", code=code)
            again = await browser.open("/daftar/telepon/ganti")
            rows = await found.service.sql(f"select phone, phone_verified_at from account where id = '{account_id}'")
            return refused, asking, end, again, rows[0]

    refused, asking, end, again, account = run(scenario())
    assert [page.status for page in refused] == [422, 422, 429, 409, 422]
    assert [page.summary[0][0] for page in refused] == ["code", "code", "", "phone", "code"]
    assert "send" in asking.forms and "verify" not in asking.forms
    assert end.path == "/daftar/identitas"
    assert again.path == "/daftar/telepon" and "sudah terbukti milik Anda" in again.text
    assert account["phone"] == "+6280000000003" and account["phone_verified_at"] is not None


@pytest.mark.parametrize("prefix", ["/daftar/", "/daftar/en/"])
def test_not_signed_in_leads_to_signing_in(run, database_url, tmp_path, prefix):
    """Every page and every form, in the language of the visit; without a session, and with one that ended."""

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            browser, _ = await signed_in(found)
            stranger = found.browser()
            forms: dict[tuple[str, str], dict[str, str]] = {}
            for slug in SLUGS:
                forms |= {(slug, name): fields for name, fields in (await browser.open(prefix + slug)).forms.items()}
            await found.service.sql("delete from session")
            answers = []
            for who in (stranger, browser):
                cookie = who.cookie
                for slug in SLUGS:
                    answers.append(await who.request("GET", prefix + slug))
                    who.cookie = cookie
                for (slug, _), fields in forms.items():
                    answers.append(await who.post(prefix + slug, fields | {"code": "123456"}))
                    who.cookie = cookie
            return answers, len(forms)

    answers, forms = run(scenario())
    assert forms >= 8
    assert {(answer.status_code, answer.headers.get("location")) for answer in answers} == {(303, f"{prefix}masuk")}
