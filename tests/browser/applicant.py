"""One synthetic applicant, and her way through the pages: she fills what she sees and presses the page's button."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page

from scenarios import identity_numbers
from scenarios.identity_numbers import family_card_of
from scenarios.population import email_of, phone_of
from tests.browser.house import House
from tests.browser.window import Window

BORN = date(1990, 8, 17)
TEST_ITEMS = 18


@dataclass(frozen=True)
class Applicant:
    number: int

    @property
    def phone(self) -> str:
        return phone_of(self.number)

    @property
    def email(self) -> str:
        return email_of(self.number)

    @property
    def nik(self) -> str:
        return identity_numbers.nik(31, 75, BORN, False, self.number)

    @property
    def family_card(self) -> str:
        return family_card_of(self.nik)


def press(page: Page, form: str = "") -> None:
    """Press the button of the page's first form, or of the named one."""
    button(page, form).click()


def button(page: Page, form: str = "") -> Locator:
    scope = f"form:has(input[name=form][value={form}])" if form else "main form"
    return page.locator(f"{scope} button").first


def at(page: Page, slug: str) -> None:
    """Wait until the page with this slug is shown."""
    page.wait_for_url(lambda url: urlsplit(url).path.rstrip("/").endswith(f"/{slug}".rstrip("/")))


class Walk:
    """The steps of the way, each from its page to the next. `window` has no memory at the start."""

    def __init__(self, house: House, window: Window, applicant: Applicant) -> None:
        self.house = house
        self.window = window
        self.page = window.page
        self.applicant = applicant

    def go(self, slug: str) -> None:
        self.page.goto(self.house.address(slug, self.window.language))

    def take_ticket(self) -> None:
        self.go("")
        self.page.locator("main a.button").click()
        at(self.page, "antrean")
        press(self.page, "ticket")

    def enter(self) -> None:
        """Wait for the turn, which the page shows by itself, and go in."""
        button(self.page, "claim").click(timeout=40_000)
        at(self.page, "akun")

    def fill_account(self) -> None:
        self.page.fill("[name=name]", "Siti Contoh")
        self.page.fill("[name=phone]", self.applicant.phone.replace("+62", "0"))
        self.page.fill("[name=email]", self.applicant.email)
        self.page.check("[name=code_by][value=email]")

    def make_account(self) -> None:
        self.fill_account()
        press(self.page)
        at(self.page, "kode")

    def sign_in(self, seen: int = 0) -> None:
        """Type the code as it stands in the inbox."""
        self.page.fill("[name=code]", self.house.newest_code(self.applicant.email, after=seen))
        press(self.page, "code")
        at(self.page, "status")

    def fill_identity(self, nik: str = "") -> None:
        nik = nik or self.applicant.nik
        self.page.fill("[name=nik]", " ".join(nik[at : at + 4] for at in range(0, 16, 4)))
        self.page.fill("[name=family_card_number]", self.applicant.family_card)
        self.page.fill("[name=birth_day]", str(BORN.day))
        self.page.fill("[name=birth_month]", str(BORN.month))
        self.page.fill("[name=birth_year]", str(BORN.year))

    def fill_personal(self) -> None:
        self.page.fill("[name=mother_name]", "Ni Luh Contoh")
        self.page.select_option("[name=education]", "senior_high")
        self.page.select_option("[name=regency]", "3372")
        self.page.fill("[name=address]", "Jalan Contoh 1, RT 2 RW 3")

    def fill_work(self) -> None:
        self.page.check("[name=employment_status][value=laid_off]")
        self.page.fill("[name=sector]", "pariwisata")
        self.page.fill("[name=last_income]", "3.000.000")

    def fill_program(self) -> None:
        self.page.fill("[name=training_interest]", "tata boga")
        self.page.check("[name=payout_method][value=ovo]")
        self.page.fill("[name=reason]", "Toko tempat saya bekerja tutup.")

    def choose_photo(self, photo: Path) -> None:
        self.page.set_input_files("input[type=file]", photo)

    def prove_phone(self) -> None:
        press(self.page, "send")
        self.page.fill("[name=code]", self.house.newest_code(self.applicant.phone))
        press(self.page, "verify")

    def answer(self, number: int) -> None:
        at(self.page, f"tes/{number}")
        self.page.check("[name=choice][value='1']")
        press(self.page)
