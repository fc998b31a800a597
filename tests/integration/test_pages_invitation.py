"""The page for people who applied on paper: a code, a birth date, and the usual way from there."""

import pytest

from tests.integration.pages_room import standing_site
from tests.integration.paper_room import open_office, paper, receive, send, table, told
from tests.integration.test_paper_claims import claim_code

PAGE = "/daftar/undangan"
BORN = {"birth_day": "17", "birth_month": "8", "birth_year": "1990"}


@pytest.fixture(scope="module")
def standing(server_url, template, tmp_path_factory):
    with standing_site(server_url, template, tmp_path_factory.mktemp("photos"), "pages_invitation") as found:
        yield found


def test_a_claim_code_leads_to_the_status_page(standing, tmp_path):
    """Nothing typed, a wrong birth date, then the right one: an account with what the office typed, and signed in."""

    async def scenario():
        service = standing.site.service
        await open_office(service)
        await send(service, tmp_path, table([paper(1)]))
        await receive(service)
        await told(service, "invite", "Disnakertrans Sumbawa Barat")
        code = claim_code(await service.message_at(paper(1).phone))
        browser = standing.site.browser()
        seen = [await browser.open(PAGE)]  # without a pass it leads to the line
        page = await browser.send(seen[0], "ticket")
        page = await browser.send(page, "claim")
        linked = 'href="/daftar/undangan"' in page.html
        page = await browser.open(PAGE)
        for typed in ({}, {"claim_code": code, **BORN, "birth_day": "18"}, {"claim_code": code.lower(), **BORN}):
            page = await browser.send(page, "invitation", **typed)
            seen.append(page)
        seen.append(await browser.send(page, "code", code=await service.code_at(paper(1).phone, number=2)))
        return seen, linked

    seen, linked = standing.run(scenario())
    assert [page.path for page in seen] == [
        "/daftar/antrean", PAGE, PAGE, "/daftar/kode", "/daftar/status",
    ]  # fmt: skip
    assert linked
    assert {target for target, _ in seen[1].summary} == {"claim_code", "birth_date"}
    assert seen[2].summary[0][0] == "claim_code" and "tidak cocok" in seen[2].fault("claim_code")
    assert paper(1).phone not in seen[3].html
    assert "Sedang diperiksa" in seen[4].text or "Cocok" in seen[4].text
