"""From nothing to signed in by forms only, over real HTTP; what is typed wrong is told and never lost."""

from tests.integration.pages_room import site


def test_forms_alone_lead_from_the_start_to_signed_in(run, database_url, tmp_path):
    """Start, number, turn, account, code, status: each step by a link or a form that the page shows."""

    async def scenario():
        async with site(database_url, tmp_path) as found:
            browser = found.browser()
            seen = [await browser.open("/daftar/")]
            seen.append(await browser.open("/daftar/antrean"))
            seen.append(await browser.send(seen[-1], "ticket"))
            seen.append(await browser.send(seen[-1], "claim"))
            typed = {"name": " Siti  Rahma ", "phone": "0800 0000 0001", "email": "", "code_by": "sms"}
            seen.append(await browser.send(seen[-1], "account", **typed))
            code = await found.service.code_at("+6280000000001")
            seen.append(await browser.send(seen[-1], "code", code=f"{code[:3]} {code[3:]}"))
            accounts = await found.service.sql("select name, phone, email, phone_verified_at from account")
            return seen, accounts, found.service.stages, browser.memory

    seen, accounts, stages, memory = run(scenario())
    slugs = ["", "antrean", "antrean", "akun", "kode", "status"]
    assert [page.path for page in seen] == [f"/daftar/{slug}" for slug in slugs]
    assert [page.status for page in seen] == [200] * 6
    assert 'href="/daftar/antrean"' in seen[0].html
    assert [page.heading for page in seen[1:5]] == ["Antrean", "Giliran Anda tiba", "Buat akun", "Ketik kode"]
    assert "+62********001" in seen[4].text and "+6280000000001" not in seen[4].html
    (account,) = accounts
    assert (account["name"], account["phone"], account["email"]) == ("Siti Rahma", "+6280000000001", None)
    assert account["phone_verified_at"] is not None
    assert stages[:2] == ["ticketed", "admitted"] and set(stages) >= {"account_created", "code_verified"}
    assert memory.token and not (memory.ticket or memory.entry or memory.phone or memory.code_request)
