"""What surrounds every page: headers, where forms come from, whose cookie it is, what a GET may do."""

import re
from hashlib import sha256

import pytest

from service.actions.upload_writers import Writers
from service.storage.vault import KeyVault
from service.web.pages.language import ROOT
from service.web.pages.memory import Memory, MemoryCookie
from service.web.pages.site import pages
from tests.integration.pages_room import Page, account_page, code_page, sign_in, site, standing_site

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PREFIXES = (ROOT, ROOT + "en/")
SLUGS = ["", "antrean", "akun", "kode", "masuk", "keluar"]


@pytest.fixture(scope="module")
def standing(server_url, template, tmp_path_factory):
    with standing_site(server_url, template, tmp_path_factory.mktemp("photos"), "pages_safety") as found:
        yield found


@pytest.fixture(scope="module")
def answers(standing):
    """Pages of every kind, each in both languages: shown, refused, unknown, wrong method."""

    async def scenario():
        found = []
        for prefix in PREFIXES:
            browser = standing.site.browser()
            form = await account_page(browser)
            await code_page(standing.site.browser(), standing.new_phone())
            found += [await browser.request("GET", prefix + slug) for slug in ("", "antrean", "akun", "keluar", "zonk")]
            found.append(await browser.post(f"{prefix}akun", form.forms["account"]))
            found.append(await browser.request("DELETE", f"{prefix}akun"))
            found.append(await browser.post(f"{prefix}akun", {}, sec_fetch_site="cross-site"))
            stranger = standing.site.browser()
            found.append(await stranger.request("GET", f"{prefix}masuk"))
            await code_page(stranger, standing.new_phone())
            found.append(await stranger.request("GET", f"{prefix}kode"))
        return found

    return standing.run(scenario())


def test_every_page_carries_the_headers(answers):
    """The same policy on pages, refusals and errors; only the start page may be kept, by anybody, for a minute."""
    for answer in answers:
        assert answer.headers["content-type"] == "text/html; charset=utf-8", answer.url
        assert answer.headers["content-security-policy"] == CSP
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "vary" not in answer.headers
        public = answer.url.path in PREFIXES
        assert answer.headers["cache-control"] == ("public, max-age=60" if public else "no-store")
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 404, 422, 405, 403, 200, 200] * 2
    assert answers[6].headers["allow"] == "GET, HEAD, POST"


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(answers):
    """No inline script, style or handler; every address is ours."""
    for answer in answers:
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", answer.text), answer.url
        assert re.findall(r"<script[^>]*>(.*?)</script>", answer.text, re.DOTALL) == [""]
        addresses = re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)
        assert addresses and all(address.startswith((ROOT, "#")) for address in addresses)


def test_each_page_knows_its_language_and_its_twin(answers):
    """`lang` says the language, the link `hreflang` leads to the same page in the other one."""
    for answer in answers:
        page = Page(answer)
        slug = page.path.removeprefix(PREFIXES[1]).removeprefix(PREFIXES[0])
        english = page.path.startswith(PREFIXES[1])
        assert page.language == ("en" if english else "id")
        assert page.twin == PREFIXES[not english] + slug


def test_the_start_page_knows_nobody(standing):
    """The same bytes for everybody, whatever cookie comes, and no cookie goes out: a cache may hand it on."""

    async def scenario():
        known = standing.site.browser()
        await account_page(known)
        stranger = standing.site.browser()
        return [await browser.request("GET", ROOT) for browser in (known, stranger)]

    known, stranger = standing.run(scenario())
    assert known.content == stranger.content
    assert "set-cookie" not in known.headers and "set-cookie" not in stranger.headers
    for word in ("formulir kertas bukan pendaftaran", "18 tahun", "ktp", "kartu keluarga", "insentif"):
        assert word in known.text.lower()


FOREIGN = [
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"sec_fetch_site": "cross-site", "origin": "http://127.0.0.1"},
]
OURS = [{}, {"sec_fetch_site": "same-origin"}, {"sec_fetch_site": "none"}, {"origin": "http://HOST"}]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_form_of_another_site_does_nothing(standing, headers):
    """403 before the form is read, although cookie and fields are right."""

    async def scenario():
        browser = standing.site.browser()
        page = await browser.open("/daftar/antrean")
        answer = await browser.post("/daftar/antrean", page.forms["ticket"], **headers)
        return answer, browser.cookie

    answer, cookie = standing.run(scenario())
    assert (answer.status_code, cookie) == (403, "")
    assert 'name="once"' not in answer.text


@pytest.mark.parametrize("headers", OURS, ids=str)
def test_the_same_form_of_our_own_page_is_taken(standing, headers):
    """Negative control: only where it came from is different."""

    async def scenario():
        browser = standing.site.browser()
        page = await browser.open("/daftar/antrean")
        host = standing.site.url.partition("://")[2]
        sent = {name: value.replace("HOST", host) for name, value in headers.items()}
        answer = await browser.post("/daftar/antrean", page.forms["ticket"], **sent)
        return answer, browser.cookie

    answer, cookie = standing.run(scenario())
    assert answer.status_code == 303 and cookie


def test_a_broken_or_foreign_cookie_is_an_empty_memory(standing):
    """Changed, cut, sealed by others, not even ASCII: the page of somebody who was never here, and never an error."""

    async def scenario():
        browser = standing.site.browser()
        await account_page(browser)
        good = browser.cookie
        foreign = MemoryCookie(KeyVault(bytes(32)), plain=True).header(Memory(ticket="1.1.x"), *moments())[1].decode()
        broken = [good[:-1], good[:20], good[:30] + "AAAA" + good[34:], good + "A" * 5000, "zonk", "%00", "=", ""]
        broken.append(foreign.partition("=")[2].partition(";")[0])
        found = []
        for value in broken:
            stranger = standing.site.browser()
            headers = {"cookie": f"other=1; registration={value}; x=y"}
            found.append(await stranger.request("GET", "/daftar/antrean", headers=headers))
        bytes_cookie = await stranger.request("GET", "/daftar/antrean", headers={"cookie": b"registration=\xff\xfe"})
        return [*found, bytes_cookie], await browser.request("GET", "/daftar/antrean")

    def moments():
        now = standing.site.service.clock.now()
        return now, now

    strangers, known = standing.run(scenario())
    assert [answer.status_code for answer in strangers] == [200] * len(strangers)
    assert all("ticket" in Page(answer).forms for answer in strangers)
    assert "ticket" not in Page(known).forms


def test_the_cookie_is_sealed_and_kept_from_scripts_and_other_sites(standing):
    """HttpOnly, SameSite=Lax, for the session's life; nothing in it can be read."""

    async def scenario():
        browser, phone = standing.site.browser(), standing.new_phone()
        form = await account_page(browser)
        answer = await browser.press(form, "account", name="Siti", phone=phone, code_by="sms")
        return answer.headers["set-cookie"], phone

    header, phone = standing.run(scenario())
    name, *attributes = header.split("; ")
    assert name.startswith("registration=") and phone[4:] not in header
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=1209600"}


def test_looking_changes_nothing(run, database_url, tmp_path):
    """Every page, in every state of a visitor, by GET or HEAD: no row and no cookie is different after."""

    async def contents(service):
        tables = await service.sql("select tablename from pg_tables where schemaname = 'public' order by tablename")
        found = {}
        for (table,) in tables:
            rows = await service.sql(f"select t::text from {table} as t order by 1")
            found[table] = [row[0] for row in rows]
        for moving in ("waiting_room", "gate", "gate_tick", "presence", "stage_figure"):  # figures, nobody's place
            found.pop(moving, None)
        return found

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            stranger, ticketed, admitted, asked, signed_in = (found.browser() for _ in range(5))
            await ticketed.send(await ticketed.open("/daftar/antrean"), "ticket")
            await account_page(admitted)
            async with found.service.worker():
                await code_page(asked, "+6280000000001")
                await sign_in(found, signed_in, 2)
                await found.service.drained()
            before = await contents(found.service)
            slugs = [
                re.sub(r"{[^}]*}", "1", page.slug)
                for page in pages(found.service.ports, found.service.metrics, Writers(), found.service.settings)
            ]
            answers = [
                await browser.request(method, prefix + slug)
                for browser in (stranger, ticketed, admitted, asked, signed_in)
                for prefix, method in zip(PREFIXES, ("GET", "HEAD"), strict=True)
                for slug in slugs
            ]
            after = await contents(found.service)
            await ticketed.send(await ticketed.open("/daftar/antrean"), "claim")
            return before, after, await contents(found.service), answers

    before, after, pressed, answers = run(scenario())
    assert before == after
    assert after != pressed  # negative control: one press is seen
    assert len(before["ticket"]) == 4 and len(before["account"]) == 2
    found = {answer.status_code for answer in answers}
    assert found <= {200, 303, 404, 409, 503}, "no ticket 1 was drawn, 1 is no regency, and nobody was counted"
    assert not any("set-cookie" in answer.headers for answer in answers)


def test_static_files_are_kept_for_a_year_under_a_name_of_their_content(standing):
    """The page names them; another content would have another name; a wrong hash is not found."""

    async def scenario():
        browser = standing.site.browser()
        html = (await browser.request("GET", ROOT)).text
        names = re.findall(r'(?:href|src)="(/daftar/static/[^"]*)"', html)
        found = [await browser.request("GET", name) for name in names]
        missing = await browser.request("GET", re.sub(r"-[0-9a-f]{12}\.", "-000000000000.", names[0]))
        return names, found, missing

    names, found, missing = standing.run(scenario())
    types = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
    assert {name[name.rindex(".") :] for name in names} >= {".css", ".js"}
    for name, answer in zip(names, found, strict=True):
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"] == types[name[name.rindex(".") :]]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert f"-{sha256(answer.content).hexdigest()[:12]}." in name
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")


def test_leaving_makes_the_browser_forget(standing):
    """GET asks, POST forgets: cookie gone, a stranger again, a copied cookie dead; a new code finds the account."""

    async def scenario():
        browser, phone = standing.site.browser(), standing.new_phone()
        page = await code_page(browser, phone)
        await browser.send(page, "code", code=await standing.site.service.code_at(phone))
        leaving = await browser.open("/daftar/keluar")
        kept, copied = browser.cookie, browser.memory
        thief = standing.site.browser()
        thief.remember(copied)
        before = await thief.open("/daftar/status")
        start = await browser.send(leaving, "leave")
        forgotten = browser.cookie
        thief.remember(copied)
        robbed = [before.path, (await thief.open("/daftar/status")).path]
        back = await browser.open("/daftar/status")
        asked = await browser.send(back, "address", contact=phone)
        code = await standing.site.service.code_at(phone, number=2)
        return kept, start, forgotten, robbed, back, await browser.send(asked, "code", code=code)

    kept, start, forgotten, robbed, back, again = standing.run(scenario())
    assert robbed == ["/daftar/status", "/daftar/masuk"]
    assert kept and (start.path, forgotten) == (ROOT, "")
    assert (back.path, again.path) == ("/daftar/masuk", "/daftar/status")


def test_a_session_that_is_over_leads_to_signing_in(standing):
    """No error page: the form for a new code, and the dead session is forgotten."""

    async def scenario():
        browser = standing.site.browser()
        browser.remember(Memory(token="gone"))
        return await browser.open("/daftar/en/status"), browser.memory

    page, memory = standing.run(scenario())
    assert (page.status, page.path, memory) == (200, "/daftar/en/masuk", Memory())


@pytest.mark.parametrize("path", ["/daftar", "/daftar/en"])
def test_a_forgotten_slash_leads_home(standing, path):
    async def scenario():
        return await standing.site.browser().open(path)

    assert standing.run(scenario()).path == path + "/"


def test_signing_in_by_forms_works_in_english_too(standing):
    """The language of the address is kept on the whole way."""

    async def scenario():
        browser, phone = standing.site.browser(), standing.new_phone()
        page = await browser.open("/daftar/en/antrean")
        for form in ("ticket", "claim"):
            page = await browser.send(page, form)
        page = await browser.send(page, "account", name="Siti", phone=phone, code_by="sms")
        return await browser.send(page, "code", code=await standing.site.service.code_at(phone))

    assert standing.run(scenario()).path == "/daftar/en/status"
