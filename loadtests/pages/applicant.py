"""One applicant whose browser runs no script: an action becomes the requests of a page and its form, a page a result.

An action opens its page, unless the last answer led there already, sends the form with what is hidden in it, and
follows the 303. The same person, machine and idempotency as over the API: a form keeps its key until it was taken.
"""

from typing import Any
from urllib.parse import urlencode

from loadtests.applicant import PROBLEMS, Applicant, Reading, Request, path_of, seconds
from loadtests.connections import Answer
from loadtests.form_fields import identity, profile
from loadtests.pages import UNNAMED
from loadtests.pages.html import Form, Page, loaded_with, read_page
from loadtests.pages.way import ROOT, PageChanged, Place, place_of, route_of, slug_of
from scenarios.fates import Channel
from scenarios.journey_state import Action, Result, State
from scenarios.networks import Cut
from scenarios.population import Person

MOST_HOPS = 12
"""Requests that one action may take; more are a circle."""

_IN_LINE = (Action.TICKET, Action.PLACE, Action.CLAIM)
_SIGNED_OUT = (*_IN_LINE, Action.ACCOUNT)
_MORE = Reading(Result.OK, more=True)
_TOLD_NO = frozenset({"address-taken", "invalid-fields", "ticket-invalid", "temporary-reduced-capacity"})
"""Refusals of the form for an account after which there is none. After others it may be there, only its code is not."""
_FORM = "Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\n"


class PageApplicant(Applicant):
    """The applicant in front of such a browser: its cookie, the page that is open, and where it was led."""

    __slots__ = ("_assets", "_cookie", "_going", "_hops", "_page", "_pressing", "_taken")

    def __init__(self, person: Person, row: int, state: State, run: str) -> None:
        super().__init__(person, row, state, run)
        self.start_browser()

    def start_browser(self) -> None:
        """A browser that was never here: it begins at the start page, and loads what pages are drawn with."""
        super().start_browser()
        self._cookie = ""
        self.close_page()
        self._going = ROOT
        self._assets: list[str] | None = None
        """Still to be loaded; None before the first page."""

    def close_page(self) -> None:
        """The page that is open goes, with its forms; the cookie stays."""
        self._page: Page | None = None
        self._going = ""
        self._taken = 0
        """The action whose form was taken; what it led to is still to be read."""
        self._pressing = False
        """The request that is out sends a form."""
        self._hops = 0

    def lose_page(self) -> None:
        """The cookie stays."""
        super().lose_page()
        self._page, self._going, self._taken = None, "", 0

    # ------------------------------------------------------------ requests

    def request(self, photos: tuple[bytes, ...]) -> Request:
        """The next request of the action that the state asks for. Raises PageChanged."""
        self.catch_up()
        self._pressing = False
        place, page = self._place(), self._page
        if self._assets:
            return self._get(self._assets[0])
        if self._going:
            return self._get(self._going)
        if page is None or page.path != place.path or place.form not in page.forms:
            return self._get(place.path)
        self._pressing = True
        form = page.forms[place.form]
        if place.form == "photo":
            return self._photo(place, form, photos)
        typed = self._typed(place, form)
        if place.form in ("account", "address", "send"):
            self.code = ""  # what comes from now on is the new one
        body = urlencode(form.hidden | typed).encode()
        return Request("POST", route_of("POST", place.path), place.path, _FORM + self._cookie, body)

    def effect(self) -> tuple[str, object] | None:
        """The kind of receipt and the effect that the present request may bring about."""
        action = Action(self.state.action)
        if action is Action.JOIN and not self._taken:
            return "joins", self.number  # the page tells of it too, when the answer to the form was lost
        if not self._pressing:
            return None
        match action:
            case Action.PHOTO_CREATE:
                return "photos", (self.number, self.serial)
            case Action.SESSION | Action.PHONE:
                return "codes", (self.number, self._code_request())
        return super().effect()

    def asks_code(self) -> bool:
        return self._pressing and self.state.action in (Action.ACCOUNT, Action.CODE, Action.CODE_AGAIN)

    def _place(self) -> Place:
        state = self.state
        return place_of(
            Action(state.action),
            signed_in=state.code.signed_in == 1,
            photo=state.progress.photo,
            answers=state.progress.answers,
        )

    def _get(self, path: str) -> Request:
        return Request("GET", route_of("GET", path), path, self._cookie, b"")

    def _photo(self, place: Place, form: Form, photos: tuple[bytes, ...]) -> Request:
        if not form.is_multipart or form.hidden or form.typed != {"photo"}:
            raise PageChanged(f"{place.path}: the form for a photo is {form}")
        slot = self.state.progress.photo
        picture = self.person.selfie_photo if slot else self.person.identity_card_photo
        self.photo = photos[(picture + self.takes) % len(photos)]
        boundary = f"----photo-{self.number}-{self.serial}"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="photo"; filename="IMG_{slot}.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        )
        headers = f"Content-Type: multipart/form-data; boundary={boundary}\r\nSec-Fetch-Site: same-origin\r\n"
        body = b"".join((head.encode(), self.photo, f"\r\n--{boundary}--\r\n".encode()))
        return Request("POST", route_of("POST", place.path), place.path, headers + self._cookie, body)

    def _typed(self, place: Place, form: Form) -> dict[str, str]:
        """What the person fills in. Raises PageChanged when the form asks for anything else."""
        typed = self._answers(place.form)
        if typed.keys() != form.typed:
            raise PageChanged(
                f"{place.path}: the form {place.form!r} has the fields {sorted(form.typed)}, not {sorted(typed)}"
            )
        return typed

    def _answers(self, form: str) -> dict[str, str]:
        match form:
            case "account":
                by_email = self.state.code.channel == Channel.EMAIL and self.person.email is not None
                contact = {"phone": self.person.phone, "email": self.person.email or ""}
                return {"name": self.person.name, **contact, "code_by": "email" if by_email else "sms"}
            case "address":
                return {"contact": self._address()}
            case "code" | "verify":
                return {"code": self.code}
            case "identity":
                given = identity(self.person, Action(self.state.action))
                year, month, day = given.pop("birth_date").split("-")
                return {**given, "birth_day": day, "birth_month": month, "birth_year": year}
            case "personal":
                given = profile(self.person, Action.PERSONAL)
                regency = f"{given.pop('province')}{given['regency']:02}"
                return {**given, "regency": regency}
            case "work" | "program":
                return {name: str(value) for name, value in profile(self.person, Action[form.upper()]).items()}
            case "answer":
                return {"choice": str((self.number + self.state.progress.answers + 1) % 4)}
        return {}

    def _code_request(self) -> str:
        form = self._page.forms.get(self._place().form) if self._page is not None else None
        return form.hidden.get("code_request", "") if form is not None else ""

    # ------------------------------------------------------------ answers

    def read(self, answer: Answer) -> Reading:
        """What `answer` means; the cookie and the page are kept. Raises PageChanged when it is none of ours."""
        if self._assets:
            self._assets = self._assets[1:]  # a page is read without its style, too
            return _MORE
        if answer.status == 0:
            if answer.cut == Cut.KILLED:
                self.close_page()
            return super().read(answer)
        self._keep_cookie(answer)
        reading = self._read(answer)
        self._hops = self._hops + 1 if reading.more else 0
        if self._hops > MOST_HOPS:
            raise PageChanged(
                f"{Action(self.state.action).name}: led in a circle, last to {self._going or self._place().path}"
            )
        return reading

    def _read(self, answer: Answer) -> Reading:
        if answer.status == 303:
            return self._led(path_of(str(answer.headers["location"])))
        path = self._going or self._place().path
        page = read_page(path, answer.body)
        if answer.status >= 400:
            return self._refused(answer, page)
        if page is None:
            raise PageChanged(f"{path}: the answer {answer.status} is no page of the service")
        return self._shown(page, answer.body)

    def _led(self, path: str) -> Reading:
        """A form was taken, or a page leads elsewhere."""
        action, slug = Action(self.state.action), slug_of(path)
        lost = slug == "masuk" and action not in _SIGNED_OUT
        if lost or (slug == "antrean" and action is Action.ACCOUNT):
            self._going, self._page, self._taken = "", None, 0
            return Reading(Result.LOST)
        self._going = path
        if not self._pressing:
            return _MORE
        receipt = self._receipt(action)
        self._taken = self.state.action
        self.serial += 1
        if action is Action.ACCOUNT:
            return Reading(Result.OK, receipt=receipt)  # asking for the code goes on from there
        return _MORE._replace(receipt=receipt)

    def _receipt(self, action: Action) -> str:
        """Of a form that was taken: the id that stood on its page, or a name for an effect that has none there."""
        match action:
            case Action.SESSION | Action.PHONE:
                return self._code_request()
            case Action.PHOTO_CREATE:
                return f"{UNNAMED}{self.number}-{self.serial}"
            case Action.IDENTITY | Action.CORRECT:
                return f"{UNNAMED}{self.number}-{self.state.action}"
            case Action.ACCOUNT | Action.JOIN:
                return f"{UNNAMED}{self.number}"
        return ""

    def _shown(self, page: Page, body: bytes) -> Reading:
        self._page, self._going = page, ""
        slug, action = slug_of(page.path), Action(self.state.action)
        if self._assets is None:
            self._assets = loaded_with(body)
            if slug == "":
                return _MORE
        accepted, self._taken = self._taken == self.state.action, 0
        if action in _IN_LINE:
            return self._in_line(page, pressed=accepted)
        form = self._place().form
        is_sent = accepted or (action is Action.CODE and slug == "kode")  # where the form for the account leads to
        if is_sent and action in (Action.CODE, Action.CODE_AGAIN):
            return self._sent(page)
        if action is Action.JOIN and ("p", "good") in page.notices:
            return Reading(Result.OK, receipt=f"{UNNAMED}{self.number}")
        if accepted or not form:
            return self._arrived(page, action, slug)
        if form in page.forms and page.path == self._place().path:
            return _MORE
        return self._without_form(page, action, slug)

    def _in_line(self, page: Page, *, pressed: bool) -> Reading:
        """The line's page, or the one behind it."""
        slug = slug_of(page.path)
        if slug == "akun" and "account" in page.forms:
            return Reading(Result.OK)
        if self._place().form in page.forms and slug == "antrean":
            return Reading(Result.ERROR) if pressed else _MORE
        if slug == "status":  # of somebody who is signed in
            return Reading(Result.ERROR)
        if "claim" in page.forms:
            return Reading(Result.OK)
        if "ticket" in page.forms:
            return Reading(Result.LOST)
        if page.refresh_s < 0:
            raise PageChanged(f"{page.path}: neither a form nor a time to look again")
        return Reading(Result.WAIT, page.refresh_s)

    def _sent(self, page: Page) -> Reading:
        """A code was asked for: its page has the form that takes it."""
        form = page.forms.get("verify" if self.state.code.signed_in == 1 else "code")
        if form is None or not form.hidden.get("code_request"):
            raise PageChanged(f"{page.path}: no form for the code that was asked for")
        return Reading(Result.OK)

    def _arrived(self, page: Page, action: Action, slug: str) -> Reading:
        """Where the action ends."""
        if action is Action.LOOK and page.tasks.get(f"{ROOT}identitas", "") == "fix":
            return Reading(Result.MISMATCH)
        if action in (Action.IDENTITY, Action.CORRECT) and slug == "status":
            return Reading(Result.NOT_ELIGIBLE)  # anybody else is led to the next step
        if action in (Action.LOOK, Action.LAST_LOOK) and f"{ROOT}identitas" not in page.tasks:
            raise PageChanged(f"{page.path}: no step of the way is on it")
        return Reading(Result.ERROR if action is Action.JOIN else Result.OK)

    def _without_form(self, page: Page, action: Action, slug: str) -> Reading:
        """The page says why there is nothing to send. Raises PageChanged when it does not."""
        if action in (Action.IDENTITY, Action.CORRECT) and page.notices:
            return Reading(Result.OK)  # settled, or corrected as often as is possible
        if slug == "tes" and page.notices:
            return Reading(Result.OVER if action is Action.ANSWER else Result.OK)
        if action is Action.PHONE and ("p", "good") in page.notices:
            return Reading(Result.OK)
        if action is Action.JOIN and ("p", "bad") in page.notices:
            return Reading(Result.WAVE_CLOSED)
        if action is Action.PHONE and "send" in page.forms:
            return Reading(Result.OLD_CODE)
        if slug == "status" or page.path != self._place().path or page.notices or action is Action.JOIN:
            return Reading(Result.ERROR)
        raise PageChanged(f"{page.path}: there is no form {self._place().form!r}")

    def _refused(self, answer: Answer, page: Page | None) -> Reading:
        """An answer from 400 on: the page with its form again, a page of its own, or none."""
        code, reason = (page.problem, page.reason) if page is not None else ("", "")
        if self._pressing and page is not None and page.forms:
            self._page = page
        action = Action(self.state.action)
        retry_after = seconds(answer.headers.get("retry-after"))
        untold = code == "effect-unknown" or (action is Action.ACCOUNT and code not in _TOLD_NO)
        if answer.status in (429, 503) and retry_after >= 0.0:
            return Reading(Result.BUSY, retry_after, untold=untold)
        if code == "code-refused":
            return Reading(Result.OLD_CODE if reason in ("expired", "too-many-tries") else Result.WRONG_CODE)
        result = PROBLEMS.get(code, Result.LOST if answer.status == 401 else Result.ERROR)
        if result is Result.WAIT:
            return Reading(result, max(retry_after, 2.0))
        return Reading(result, untold=untold)

    def _keep_cookie(self, answer: Answer) -> None:
        given: Any = answer.headers.get("set-cookie")
        if given:
            pair = str(given).partition(";")[0]
            self._cookie = f"Cookie: {pair}\r\n" if not pair.endswith("=") else ""
