"""One applicant over HTTP: an action becomes a request, an answer becomes a result. No socket is touched here.

The paths, headers and problem codes are the service's public contract (docs/api.md, /openapi.json); `loadtests` imports
nothing of the service.
"""

import json
from base64 import b64encode
from typing import Any, NamedTuple

from loadtests.actions import ANSWER, ASKING_CODE, IN_LINE, NOTHING_TO_KEEP, ROUTES, SENDING, WITH_RECEIPT
from loadtests.attempts import Attempts
from loadtests.connections import Answer
from loadtests.form_fields import identity, profile
from scenarios.fates import Channel
from scenarios.journey_state import Action, Result, State
from scenarios.networks import Cut
from scenarios.population import Person
from scenarios.throttle import FRESH
from scenarios.uploaders import Uploader

PATIENCE = 25.0
"""Seconds a browser waits for an answer."""

PROBLEMS = {
    "not-eligible": Result.NOT_ELIGIBLE,
    "wave-closed": Result.WAVE_CLOSED,
    "address-taken": Result.ADDRESS_TAKEN,
    "identity-number-taken": Result.NUMBER_TAKEN,
    "invalid-fields": Result.REFUSED,
    "ticket-invalid": Result.LOST,
    "pass-invalid": Result.LOST,
    "not-signed-in": Result.LOST,
    "turn-not-reached": Result.WAIT,
    "too-early": Result.WAIT,
    "assessment-over": Result.OVER,
    "identity-settled": Result.OK,
    "no-corrections-left": Result.OK,
    "upload-offset-mismatch": Result.PARTIAL,
}
"""Problem types that mean something of their own; every other failure is an error like any other."""

_SAME_KEY = frozenset({"request-in-flight", "changed-meanwhile", "busy", "unavailable", "temporary-reduced-capacity"})
"""Problems after which the same request is repeated under the same key."""

ONE_SHOT_ROUTE = "files-put"
"""Of a one-shot client's photos."""


_SLOTS = ("identity_card", "selfie")
_JPEG = b64encode(b"image/jpeg").decode()
_TUS = "Tus-Resumable: 1.0.0\r\n"
_JSON = "Content-Type: application/json\r\n"


class Request(NamedTuple):
    method: str
    route: str
    path: str
    headers: str
    body: bytes | memoryview


class Reading(NamedTuple):
    """What an answer means: `receipt` is the id of an effect that the service acknowledged with it, or empty."""

    result: Result
    retry_after: float = -1.0
    receipt: str = ""
    more: bool = False
    """The same action needs another request at once."""
    untold: bool = False
    """The answer does not say whether the effect is there."""


_OK = Reading(Result.OK)


class Applicant:
    """One person on the way: who she is, where the machine stands, and what the service gave her to show again."""

    __slots__ = (
        "attempts", "browser", "code", "code_request", "entry", "number", "offset", "pages", "person", "photo",
        "place_token", "row", "run", "secret", "sends", "serial", "session", "state", "steps", "takes", "throttle",
        "ticket", "turn", "upload", "wait_range", "wave",
    )  # fmt: skip

    def __init__(self, person: Person, row: int, state: State, run: str) -> None:
        """row: her line in the roster; run: prefix of the idempotency keys, different for each run."""
        self.number = person.number
        self.person = person
        self.row = row
        self.run = run
        self.state = state
        self.throttle = FRESH
        """Of an adaptive client; others do not use it."""
        self.turn = 0
        self.attempts = Attempts()
        self.serial = 0
        self.steps = 0
        """Requests that were answered well."""
        self.ticket = self.secret = self.place_token = self.entry = ""
        self.session = self.code_request = self.code = self.upload = ""
        self.photo: bytes = b""
        self.takes = 0
        """Photos taken anew."""
        self.offset = 0
        """Bytes of the photo that the service is known to have."""
        self.sends = 0
        """Requests with a photo's bytes: the number of the next draw of when the line breaks."""
        self.browser = self.pages = 0
        """As in the state, when the last request was made."""
        self.wave = 1
        self.wait_range: tuple[float, float] | None = None
        """The first range of waiting times that was shown."""

    # ------------------------------------------------------------ requests

    def request(self, photos: tuple[bytes, ...]) -> Request:
        """The request of the action that the state asks for."""
        self.catch_up()
        action = self.state.action
        method, route = ROUTES[action]
        if action == ANSWER:
            item = self.state.progress.answers + 1
            return self._put(route, f"/assessment/answers/{item}", {"choice": (self.number + item) % 4})
        match action:
            case Action.TICKET:
                return self._effect(route, "/tickets", "", {})
            case Action.PLACE:
                token = f"Waiting-Room-Place: {self.place_token}\r\n" if self.place_token else ""
                return Request(method, route, "/place", self._held() + token, b"")
            case Action.CLAIM:
                told = f"Waiting-Room-Place: {self.place_token}\r\n"
                return self._effect(route, "/claims", self._held() + told, {})
            case Action.ACCOUNT:
                account = {"name": self.person.name, "phone": self.person.phone}
                if self.person.email is not None:
                    account["email"] = self.person.email
                return self._effect(route, "/accounts", f"Waiting-Room-Pass: {self.entry}\r\n", account)
            case Action.CODE:
                self.code = self.code_request = ""
                return self._effect(route, "/codes", "", {"address": self._address()})
            case Action.CODE_AGAIN:
                again = {"address": self._address(), "code_request": self.code_request}
                return self._effect(route, "/codes", "", again)
            case Action.SESSION | Action.PHONE:
                path, session = (
                    ("/sessions", "") if action == Action.SESSION else ("/phone/verification", self._bearer())
                )
                return self._effect(route, path, session, {"code_request": self.code_request, "code": self.code})
            case Action.IDENTITY | Action.CORRECT:
                return self._put(route, "/identity", identity(self.person, Action(action)))
            case Action.PERSONAL | Action.WORK | Action.PROGRAM:
                return self._put(route, f"/profile/{Action(action).name.lower()}", profile(self.person, Action(action)))
            case Action.PHOTO_CREATE:
                return self._photo_creation(photos)
            case Action.PHOTO_SEND:
                headers = f"{_TUS}{self._bearer()}Upload-Offset: {self.offset}\r\n"
                headers += "Content-Type: application/offset+octet-stream\r\n"
                return Request(method, route, self.upload, headers, memoryview(self.photo)[self.offset :])
            case Action.PHOTO_HEAD:
                return Request(method, route, self.upload, _TUS + self._bearer(), b"")
            case Action.ASSESSMENT:
                return self._effect(route, "/assessment", self._bearer(), {})
            case Action.SUBMIT:
                return self._effect(route, "/assessment/submission", self._bearer(), {})
            case Action.JOIN:
                return self._effect(route, f"/waves/{self.wave}/join", self._bearer(), {})
        return Request(method, route, "/me", self._bearer(), b"")

    def catch_up(self) -> None:
        """Forget what a new browser never knew, or what was on a page that is lost; called before each request."""
        if self.state.browser != self.browser:
            self.browser, self.pages = self.state.browser, self.state.pages
            self.start_browser()
        elif self.state.pages != self.pages:
            self.pages = self.state.pages
            self.lose_page()

    def start_browser(self) -> None:
        """A browser that was never here: nothing is stored in it."""
        self.ticket = self.secret = self.place_token = self.entry = self.session = ""
        self._begin_anew()

    def lose_page(self) -> None:
        """Ticket, pass and session are stored and stay; the photo that was taken is taken anew."""
        self.takes += 1
        self._begin_anew()

    def _begin_anew(self) -> None:
        """What stood on the page is gone; requests from now on are others than those before."""
        self.code_request = self.code = self.upload = ""
        self.photo, self.offset = b"", 0
        self.serial += 1

    def effect(self) -> tuple[str, object] | None:
        """The kind of receipt and the effect that the present action may bring about."""
        if self.state.action not in WITH_RECEIPT:
            return None
        match self.state.action:
            case Action.ACCOUNT:
                return "accounts", self.number
            case Action.SESSION | Action.PHONE:
                return "codes", (self.number, self.code_request)
            case Action.IDENTITY | Action.CORRECT:
                return "identity_checks", (self.number, self.state.action)
            case Action.PHOTO_SEND | Action.PHOTO_HEAD:
                return "photos", (self.number, self.upload)
            case Action.JOIN:
                return "joins", self.number
        return None

    def asks_code(self) -> bool:
        """Whether the present request has a code sent when it is accepted."""
        return self.state.action in ASKING_CODE

    def _effect(self, route: str, path: str, headers: str, body: dict[str, Any]) -> Request:
        key = f"Idempotency-Key: {self.run}-{self.number}-{self.serial}\r\n"
        return Request("POST", route, path, f"{_JSON}{key}{headers}", json.dumps(body).encode())

    def _put(self, route: str, path: str, body: dict[str, Any]) -> Request:
        return Request("PUT", route, path, _JSON + self._bearer(), json.dumps(body).encode())

    def _held(self) -> str:
        """The ticket, and the proof that it is hers."""
        return f"Waiting-Room-Ticket: {self.ticket}\r\nWaiting-Room-Secret: {self.secret}\r\n"

    def _bearer(self) -> str:
        return f"Authorization: Bearer {self.session}\r\n"

    def _address(self) -> str:
        """Where the code is to go."""
        by_email = self.state.code.channel == Channel.EMAIL and self.person.email is not None
        return str(self.person.email) if by_email else self.person.phone

    def _photo_creation(self, photos: tuple[bytes, ...]) -> Request:
        slot = self.state.progress.photo
        picture = self.person.selfie_photo if slot else self.person.identity_card_photo
        if self.photo and self.upload:  # announced before: this is another photo
            self.takes += 1
        self.photo, self.offset, self.upload = photos[(picture + self.takes) % len(photos)], 0, ""
        if self.state.traits.uploader == Uploader.ONE_SHOT:
            headers = f"{self._bearer()}Content-Type: image/jpeg\r\n"
            return Request("PUT", ONE_SHOT_ROUTE, f"/files/{_SLOTS[slot]}", headers, self.photo)
        headers = (
            f"{_TUS}{self._bearer()}Idempotency-Key: {self.run}-{self.number}-{self.serial}\r\n"
            f"Upload-Length: {len(self.photo)}\r\n"
            f"Upload-Metadata: slot {b64encode(_SLOTS[slot].encode()).decode()},filetype {_JPEG}\r\n"
        )
        return Request("POST", "files-create", "/files/", headers, b"")

    # ------------------------------------------------------------ answers

    def read(self, answer: Answer) -> Reading:
        """What `answer` to the present action means; keeps what has to be shown again."""
        if answer.cut == Cut.KILLED:
            return Reading(Result.KILLED)
        if answer.status == 0:
            return Reading(Result.TIMEOUT if answer.failure == "timeout" else Result.ERROR)
        if answer.status < 300:
            try:
                reading = self._accepted(self.state.action, answer)
            except (ValueError, KeyError, TypeError):
                return Reading(Result.ERROR)  # a success without what it promised
            self.serial += 1
            return reading
        return self._problem(answer)

    def _problem(self, answer: Answer) -> Reading:
        retry_after = seconds(answer.headers.get("retry-after"))
        if answer.status in (429, 503) and retry_after >= 0.0:
            # "Too early" is the line's own way to say when to ask again.
            in_line = self.state.action in IN_LINE
            return Reading(Result.WAIT if in_line and answer.status == 429 else Result.BUSY, retry_after)
        problem = _json_object(answer.body)
        code = str(problem.get("type", "")).rpartition("/")[2]
        if answer.status < 500 and code not in _SAME_KEY:
            self.serial += 1
        if code == "place-token-invalid":
            self.place_token = ""
        if code == "code-refused":
            old = problem.get("reason") in ("expired", "too-many-tries")
            return Reading(Result.OLD_CODE if old else Result.WRONG_CODE)
        if self.state.action in SENDING and answer.status in (404, 409, 410):
            return Reading(Result.PARTIAL if answer.status == 409 else Result.GONE)
        result = PROBLEMS.get(code, Result.LOST if answer.status == 401 else Result.ERROR)
        if result is Result.WAIT:
            poll_after = problem.get("poll_after_s", retry_after)
            is_told = isinstance(poll_after, int | float) and poll_after >= 0
            return Reading(result, float(poll_after) if is_told else 2.0)
        return Reading(result)

    def _accepted(self, action: int, answer: Answer) -> Reading:
        """Reads a 2xx. Raises ValueError, KeyError or TypeError where something promised is missing."""
        if action in NOTHING_TO_KEEP:
            return _OK
        receipt = ""
        match action:
            case Action.TICKET:
                given = json.loads(answer.body)
                self.ticket, self.secret = given["ticket"], given["secret"]
                return self._placed(given["place"])
            case Action.PLACE:
                given = json.loads(answer.body)
                reading = self._placed(given)
                self.ticket = given.get("ticket") or self.ticket  # under a newer key
                return reading
            case Action.CLAIM:
                self.entry = json.loads(answer.body)["pass"]
            case Action.ACCOUNT:
                receipt = json.loads(answer.body)["account_id"]
            case Action.CODE | Action.CODE_AGAIN:
                self.code_request = json.loads(answer.body)["code_request"]
            case Action.SESSION:
                self.session = json.loads(answer.body)["token"]
                receipt = self.code_request
            case Action.PHONE:
                receipt = self.code_request
            case Action.IDENTITY | Action.CORRECT:
                given = json.loads(answer.body)
                result = Result.NOT_ELIGIBLE if given["status"] == "not_eligible" else Result.OK
                return Reading(result, receipt=given.get("check_id") or "")
            case Action.PHOTO_CREATE:
                if self.state.traits.uploader != Uploader.ONE_SHOT:
                    self.upload = path_of(str(answer.headers["location"]))
            case Action.PHOTO_SEND | Action.PHOTO_HEAD:
                known, self.offset = self.offset, int(answer.headers["upload-offset"])
                if self.offset < len(self.photo):
                    farther = action == Action.PHOTO_HEAD and self.offset > known
                    return Reading(Result.FARTHER if farther else Result.PARTIAL)
                receipt = self.upload.rpartition("/")[2]
            case Action.LOOK:
                given = json.loads(answer.body)
                self.wave = given["wave"]["id"]
                if given["identity"]["status"] == "mismatch":
                    return Reading(Result.MISMATCH)
            case Action.JOIN:
                receipt = json.loads(answer.body)["join_id"]
        return Reading(Result.OK, receipt=receipt)

    def _placed(self, place: dict[str, Any]) -> Reading:
        self.place_token = place["place_token"]
        if self.wait_range is None and place["wait_s"] is not None:  # nobody can say before the opening, nor in a pause
            low, high = place["wait_s"]
            self.wait_range = float(low), float(high)
        if place["state"] == "invited":
            return Reading(Result.OK)
        return Reading(Result.WAIT, float(place["poll_after_s"]))


def outcome(answer: Answer) -> str:
    """How the metrics count an answer: ok, refused, busy, error, timeout or transport."""
    if answer.status == 0:
        return answer.failure
    if answer.status < 400:
        return "ok"
    if answer.status in (429, 503) and answer.headers.get("retry-after") is not None:
        return "busy"
    return "refused" if answer.status < 500 else "error"


def seconds(text: Any) -> float:
    """Retry-After in seconds; -1 when it is absent or a date."""
    return float(text) if isinstance(text, str) and text.isascii() and text.isdecimal() else -1.0


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def path_of(location: str) -> str:
    """The path of an absolute or relative Location."""
    scheme, separator, rest = location.partition("://")
    return f"/{rest.partition('/')[2]}" if separator else scheme
