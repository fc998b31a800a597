"""The steps after signing in, as people take them on the pages."""

import secrets
from datetime import timedelta
from uuid import UUID, uuid4

from service.actions.identity import put_identity
from service.actions.sessions import token_hash
from service.applicant_ports import Account
from service.domain.assessment import ITEMS
from service.domain.codes import Channel
from service.domain.uploads import Creation, Part, Slot
from service.photo_ports import Commit, NewUpload
from service.room_ports import Join
from service.web.pages.memory import Memory
from tests.integration.pages_room import Browser, Page, Site
from tests.integration.registration_room import BORN, PHOTO, STEPS, Person

HOME = {
    "mother_name": "Aminah",
    "education": "senior_high",
    "regency": "3372",
    "address": "Jalan Merdeka 17\r\nRT 02 RW 05",
}
WORK = {"employment_status": "laid_off", "sector": "pariwisata", "last_income": "4.200.000"}
PROGRAM = {"training_interest": "bahasa", "payout_method": "gopay", "reason": "Ingin bekerja lagi"}


async def signed_in(found: Site, number: int = 1, *, phone_verified: bool = False) -> tuple[Browser, UUID]:
    """A browser of somebody who made an account and signed in by e-mail."""
    account_id, token, now = uuid4(), secrets.token_urlsafe(32), found.service.clock.now()
    account = Account(account_id, "Siti Rahma", f"+6280{number:09d}", f"p{number:09d}@people.example", None, None)
    async with found.service.ports.begin() as tx:
        [ticket] = await tx.room.join([Join(None, b"")])
        await tx.accounts.add(account, ticket_number=ticket.number)
        await tx.accounts.mark_verified(account_id, Channel.EMAIL, now)
        if phone_verified:
            await tx.accounts.mark_verified(account_id, Channel.SMS, now)
        await tx.sessions.add(token_hash(token.encode()), account_id, now + timedelta(days=14))
    browser = found.browser()
    browser.remember(Memory(token=token))
    return browser, account_id


def identity_of(number: int, **changes: str) -> dict[str, str]:
    """What somebody types who has the cards at hand."""
    data = Person(None, number).identity()  # type: ignore[arg-type]
    nik = data["nik"]
    return {
        "nik": " ".join(nik[at : at + 4] for at in range(0, 16, 4)),
        "family_card_number": data["family_card_number"],
        "birth_day": str(BORN.day),
        "birth_month": f"{BORN.month:02}",
        "birth_year": str(BORN.year),
        **changes,
    }


async def send_photo(browser: Browser, path: str, photo: bytes = PHOTO) -> Page:
    files = {"photo": ("IMG 0001.jpg", photo, "image/jpeg")}
    return await browser.follow(await browser.request("POST", path, files=files))


async def take_test(browser: Browser, *, answers: int = 18) -> Page:
    """Start the test, answer, and send it; the page after it."""
    page = await browser.send(await browser.open("/daftar/tes"), "start")
    for number in range(answers):
        page = await browser.send(page, "answer", choice=str(number % 4))
    return await browser.send(await browser.open("/daftar/tes/kirim"), "submit")


async def prepare(found: Site, number: int = 1) -> Browser:
    """Everything but joining, done below the pages: each step has a test of its own."""
    browser, account_id = await signed_in(found, number, phone_verified=True)
    session = token_hash(browser.memory.token.encode())
    ports, nik = found.service.ports, identity_of(number)["nik"].replace(" ", "")
    await put_identity(ports, session, nik, identity_of(number)["family_card_number"], BORN)
    now = ports.clock.now()
    async with ports.begin() as tx:
        for step, data in STEPS.items():
            await tx.profiles.put(account_id, step, data)
        for slot in Slot:
            upload_id, expires_at = f"{account_id.hex[:-1]}{slot}", now + timedelta(days=1)
            new = NewUpload(upload_id, session, Creation(slot, 1, ""), expires_at)
            (begun,) = await tx.uploads.add([new], most=2)
            assert begun is not None
            await tx.uploads.commit(begun, Commit(1, [Part(1, 0)], True, 1, bytes(32)), expires_at=expires_at)
        await tx.assessments.start(account_id, now=now, deadline=now, items=ITEMS)
    return browser
