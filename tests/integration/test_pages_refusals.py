"""What is typed wrong is told on top and beside its field, all at once, and stays where it was typed."""

import pytest

from service.domain import signatures
from tests.integration.pages_room import account_page, code_page, site, standing_site

WRONG = {"name": "", "phone": "12 34", "email": "siti di rumah", "code_by": ""}


@pytest.fixture(scope="module")
def standing(server_url, template, tmp_path_factory):
    with standing_site(server_url, template, tmp_path_factory.mktemp("photos"), "pages_refusals") as found:
        yield found


@pytest.mark.parametrize("prefix", ["/daftar/", "/daftar/en/"])
def test_all_faults_are_told_at_once_and_nothing_typed_is_lost(standing, prefix):
    """422 with a summary that leads to each field, a text beside each, tied to it; the title says so first."""

    async def scenario():
        browser = standing.site.browser()
        blank = await account_page(browser)
        page = await browser.send(blank, "account", at=f"{prefix}akun", **WRONG)
        return page, blank, await standing.site.service.sql("select 1 from account")

    page, blank, accounts = standing.run(scenario())
    assert (page.status, page.path, accounts) == (422, f"{prefix}akun", [])
    assert [field for field, _ in page.summary] == ["name", "phone", "email", "code_by"]
    assert all(text and text == page.fault(field) for field, text in page.summary[:3])
    assert all(page.ids[field]["aria-invalid"] == "true" for field in ("name", "phone", "email"))
    assert page.html.count('aria-invalid="true"') == 4 and "aria-invalid" not in blank.html
    assert page.value("phone") == "12 34" and page.value("email") == "siti di rumah"
    assert 'role="alert"' in page.html and 'role="alert"' not in blank.html
    if prefix == "/daftar/":
        assert page.title.startswith("Kesalahan: ") and not blank.title.startswith("Kesalahan: ")


def test_markup_that_is_typed_stays_text(standing):
    """Whatever is typed comes back as text: in the field, never as an element."""

    async def scenario():
        browser = standing.site.browser()
        return await browser.send(await account_page(browser), "account", **WRONG | {"name": '"><script>x</script>'})

    page = standing.run(scenario())
    assert "<script>x" not in page.html
    assert page.value("name") == '"><script>x</script>'


def test_a_code_by_email_needs_an_address(standing):
    """A fault between two fields comes together with the others."""

    async def scenario():
        browser = standing.site.browser()
        typed = {"name": "Siti", "phone": "", "email": " ", "code_by": "email"}
        return await browser.send(await account_page(browser), "account", **typed)

    page = standing.run(scenario())
    assert [field for field, _ in page.summary] == ["phone", "email"]


def test_a_taken_number_is_said_beside_it(standing):
    """409 as the API answers, the form as it was typed, and the way to the account that exists."""

    async def scenario():
        phone = standing.new_phone()
        await code_page(standing.site.browser(), phone)
        return await code_page(standing.site.browser(), phone, email="p000000900@people.example")

    page = standing.run(scenario())
    assert (page.status, page.path) == (409, "/daftar/akun")
    assert [field for field, _ in page.summary] == ["phone"] and page.fault("phone")
    assert page.value("name") == "Siti Rahma" and page.value("email") == "p000000900@people.example"
    assert 'href="/daftar/masuk"' in page.html


def test_a_wrong_code_is_said_beside_the_field(standing):
    """422; what was typed is still there, and the right code still opens the session. Programs are told the reason."""

    async def scenario():
        browser, phone = standing.site.browser(), standing.new_phone()
        page = await code_page(browser, phone)
        code = await standing.site.service.code_at(phone)
        other = f"{(int(code) + 1) % 1_000_000:06}"
        wrong = await browser.send(page, "code", code=other)
        short = await browser.send(wrong, "code", code="12")
        return other, wrong, short, await browser.send(short, "code", code=code)

    other, wrong, short, signed_in = standing.run(scenario())
    assert (wrong.status, short.status) == (422, 422)
    assert wrong.value("code") == other and short.value("code") == "12"
    assert wrong.fault("code") and short.fault("code") and wrong.fault("code") != short.fault("code")
    assert [field for field, _ in wrong.summary] == ["code"]
    assert signed_in.path == "/daftar/status"
    told = [page.ids["main"].get("data-problem") for page in (wrong, short, signed_in)]
    assert told == ["code-refused wrong", "invalid-fields", None]


def test_asking_too_often_says_when_to_come_back(standing):
    """429 with Retry-After; the time stands on the page too."""

    async def scenario():
        browser, phone = standing.site.browser(), standing.new_phone()
        page = await code_page(browser, phone)
        early = await browser.send(page, "resend")
        for _ in range(4):
            await browser.send(await browser.open("/daftar/masuk"), "address", contact=phone)
        return early, await browser.send(await browser.open("/daftar/masuk"), "address", contact=phone), phone

    early, many, phone = standing.run(scenario())
    assert early.status == many.status == 429
    assert 1 <= int(early.headers["retry-after"]) <= 30 and 3000 < int(many.headers["retry-after"]) <= 3600
    assert "detik." in early.text and "1 jam." in many.text
    assert many.value("contact") == phone and many.fault("contact")


@pytest.mark.parametrize(
    ("send", "status"),
    [
        ({"data": {"form": "nonesuch"}}, 400),
        ({"json": {"form": "account"}}, 415),
        ({"content": b"form=account&name=%ff", "headers": {"content-type": "application/x-www-form-urlencoded"}}, 400),
        ({"data": {"form": "account", "name": "x" * 20_000}}, 413),
        ({"data": {f"n{number}": "" for number in range(70)}}, 400),
        ({"data": {"form": "account", "name": "S", "phone": "+628000000099", "code_by": "sms"}}, 400),
    ],
    ids=["no such form", "json", "no utf-8", "too large", "too many fields", "no key"],
)
def test_what_no_form_of_ours_sends_gets_a_page_too(standing, send, status):
    """Hand-made requests: the API's status, the form to try again, no account."""

    async def scenario():
        browser = standing.site.browser()
        await account_page(browser)
        before = await standing.site.service.sql("select count(*) from account")
        answer = await browser.request("POST", "/daftar/akun", **send)
        return answer, await standing.site.service.sql("select count(*) from account") == before

    answer, unchanged = standing.run(scenario())
    assert answer.status_code == status and unchanged
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert '<input type="hidden" name="form" value="account">' in answer.text and 'class="summary"' in answer.text


def test_a_full_queue_is_an_honest_503_and_the_form_waits(run, database_url, tmp_path):
    """The account is made, the code cannot be sent: told with Retry-After and counted; the same press later goes on."""

    async def scenario():
        async with site(database_url, tmp_path, working=False, SMS_QUEUE_LIMIT="1", SMS_RATE="1") as found:
            await code_page(found.browser(), "+6280000000001")
            browser = found.browser()
            full = await code_page(browser, "+6280000000002")
            refused = found.service.metrics.queue_jobs.labels("sms", "refused")._value.get()
            async with found.service.worker():
                await found.service.drained()
                later = await browser.send(full, "account")
                code = await found.service.code_at("+6280000000002")
                signed_in = await browser.send(later, "code", code=code)
            return full, refused, later, signed_in, await found.service.sql("select phone from account")

    full, refused, later, signed_in, accounts = run(scenario())
    assert (full.status, full.path, refused) == (503, "/daftar/akun", 1)
    assert int(full.headers["retry-after"]) >= 1 and full.value("phone") == "+6280000000002"
    assert (later.path, signed_in.path, len(accounts)) == ("/daftar/kode", "/daftar/status", 2)


def test_a_wrong_number_is_corrected_and_its_code_is_void(standing):
    """Prefilled; the new number gets a code; the one sent to the old number opens nothing any more."""

    async def scenario():
        service, browser = standing.site.service, standing.site.browser()
        wrong, right = standing.new_phone(), standing.new_phone()
        page = await code_page(browser, wrong)
        old_code = await service.code_at(wrong)
        form = await browser.open("/daftar/akun")
        asked = await browser.send(form, "account", phone=right)
        by_old = await browser.send(page, "code", code=old_code)
        signed_in = await browser.send(asked, "code", code=await service.code_at(right))
        return wrong, right, form, asked, by_old, signed_in, await standing.phones()

    wrong, right, form, asked, by_old, signed_in, phones = standing.run(scenario())
    assert (form.value("name"), form.value("phone")) == ("Siti Rahma", wrong)
    assert f"+62********{right[-3:]}" in asked.text
    assert by_old.status == 422
    assert signed_in.path == "/daftar/status"
    assert right in phones and wrong not in phones


def test_a_verified_account_is_not_corrected(standing):
    """The pass opens nothing once an address was proved, whoever kept it; another person's number stays theirs."""

    async def scenario():
        service, browser, other = standing.site.service, standing.site.browser(), standing.site.browser()
        mine, wanted, theirs = (standing.new_phone() for _ in range(3))
        page = await code_page(browser, mine)
        kept = browser.cookie
        await browser.send(page, "code", code=await service.code_at(mine))
        browser.cookie = kept
        verified = await browser.send(await browser.open("/daftar/akun"), "account", phone=wanted)
        await code_page(other, theirs)
        taken = await other.send(await other.open("/daftar/akun"), "account", phone=mine)
        return verified, taken, {mine, theirs} <= await standing.phones(), wanted in await standing.phones()

    verified, taken, unchanged, changed = standing.run(scenario())
    assert (verified.status, taken.status) == (409, 409)
    assert verified.summary != taken.summary
    assert unchanged and not changed


def test_typing_for_longer_than_the_pass_lives_costs_nothing(standing):
    """After half an hour the ticket claims a new pass by itself; nothing is typed again."""

    async def scenario():
        browser = standing.site.browser()
        form = await account_page(browser)
        memory = browser.memory
        key_id, epoch, number, expires = map(int, memory.entry.split(".")[:4])
        key = standing.site.service.ports.vault.key(f"passes {key_id}")
        memory.entry = signatures.sign(key, key_id, epoch, number, expires - 1860)
        browser.remember(memory)
        await standing.site.service.sql(
            f"update claim set pass_until = pass_until - interval '31 minutes' where number = {number}"
        )
        return await browser.send(form, "account", name="Siti", phone=standing.new_phone(), code_by="sms")

    assert standing.run(scenario()).path == "/daftar/kode"
