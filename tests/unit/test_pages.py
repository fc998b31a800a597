"""Parts of the pages without a socket: crashes, the sealed memory, forms into typed values, numbers and times."""

import asyncio
import enum
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
import structlog

from service.domain.errors import DatabaseUnavailable, FieldFault, FieldRefused, InvalidFields
from service.domain.policy import Policy
from service.metrics import Metrics
from service.storage.vault import KeyVault
from service.web.decoding import BodyDecoder
from service.web.pages.assets import Assets
from service.web.pages.endpoint import House, PageEndpoint
from service.web.pages.language import languages
from service.web.pages.memory import Desk, Memory, MemoryCookie, MemoryCookies, is_loopback
from service.web.pages.page import Form, Go, Page, View, Visit
from service.web.pages.rendering import Renderer

NOW = datetime(2020, 4, 11, 12, 5, tzinfo=UTC)
INDONESIAN, ENGLISH = languages()
SECRET = "3372991708940001"


class Crash(Exception):
    pass


async def crash(_: Visit, __: Any = None) -> Any:
    raise Crash(f"while handling {SECRET}")


async def unavailable(_: Visit) -> View:
    raise DatabaseUnavailable(retry_after_s=1.2)


async def shown(_: Visit) -> View:
    return View("leaving.html")


def answer_of(page: Page, *, method: str = "GET", body: bytes = b"") -> tuple[int, dict[bytes, bytes], str]:
    """Status, headers and body of one request to `page`."""
    ports: Any = SimpleNamespace(clock=SimpleNamespace(now=lambda: NOW), policy=Policy())
    house = House(ports, Any, Metrics(), MemoryCookies(KeyVault(bytes(32)), loopback=True))  # type: ignore[arg-type]
    endpoint = PageEndpoint(page, INDONESIAN, Renderer(INDONESIAN, ENGLISH, Assets()), house)
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    scope = {"type": "http", "method": method, "path": "/daftar/akun", "path_params": {}, "headers": headers}
    asyncio.run(endpoint(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"].decode()


@pytest.mark.parametrize(
    ("page", "method"),
    [
        (Page(slug="akun", show=crash), "GET"),
        (Page(slug="akun", show=shown, forms={"x": Form(act=crash)}), "POST"),
        (Page(slug="akun", show=shown, post=crash), "POST"),
    ],
    ids=["show", "form", "post"],
)
def test_a_crash_is_a_page_without_details(page, method):
    """500 with the frame of every page; the log says where it broke, neither says what was being handled."""
    with structlog.testing.capture_logs() as logs:
        status, headers, body = answer_of(page, method=method, body=b"form=x")
    assert (status, headers[b"content-type"], headers[b"cache-control"]) == (
        500,
        b"text/html; charset=utf-8",
        b"no-store",
    )
    assert b"content-security-policy" in headers
    assert 'data-problem="internal-error"' in body
    assert "Ada kesalahan di pihak kami." in body and "Crash" not in body
    assert SECRET not in body and SECRET not in str(logs)
    (line,) = logs
    assert (line["error"], line["route"]) == ("Crash", "page")
    assert any("crash" in where for where in line["where"])


def test_a_page_that_cannot_be_shown_says_when_to_come_back():
    """503 with Retry-After in whole seconds, as the API answers."""
    status, headers, body = answer_of(Page(slug="akun", show=unavailable))
    assert (status, headers[b"retry-after"]) == (503, b"2")
    assert "Coba lagi setelah 2 detik." in body
    assert 'data-problem="unavailable"' in body


def test_a_page_without_forms_takes_none():
    status, headers, _ = answer_of(Page(slug="akun", show=shown), method="POST", body=b"form=x")
    assert (status, headers[b"allow"]) == (405, b"GET, HEAD")


def test_the_way_on_is_a_303_in_the_same_language():
    async def act(_: Visit, __: Any) -> Go:
        return Go("kode")

    page = Page(slug="akun", show=shown, forms={"x": Form(act=act)})
    status, headers, body = answer_of(page, method="POST", body=b"form=x")
    assert (status, headers[b"location"], body) == (303, b"/daftar/kode", "")


# The memory.


def kept(memory: Memory, cookie: MemoryCookie) -> str:
    """The value of the header that keeps it."""
    return cookie.header(memory, NOW, NOW + timedelta(days=14))[1].decode()


def test_the_fullest_memory_stays_far_below_what_browsers_keep():
    """Everything at once, as long as the types of the API allow, at the desk of an office."""
    full = Memory(
        ticket="9" * 60,
        entry="9" * 60,
        name="\U0001f9d1" * 100,
        phone="+62" + "8" * 13,
        email="e" * 254,
        address="e" * 254,
        code_request="c" * 36,
        resend_at=NOW.timestamp(),
        token="t" * 43,
        desk=Desk(UUID(int=2**128 - 1), "\U0001f9d1" * 60, 2**31, NOW.timestamp(), "s" * 8),
    )
    cookie = MemoryCookie(KeyVault(bytes(32)), plain=False)
    header = kept(full, cookie)
    assert len(header) <= 2560
    assert cookie.read(header.partition(";")[0].encode()) == full


@pytest.mark.parametrize(
    ("listener", "host"),
    [
        *((listener, b"127.0.0.1:8000") for listener in ("0.0.0.0", "::", "10.1.2.3", "registration.example")),
        *(("127.0.0.1", host) for host in (b"registration.example", b"10.1.2.3:80", b"127.0.0.1.example", b"[", b"")),
    ],
)
def test_off_loopback_the_cookie_is_bound_to_the_host_and_secure(listener, host):
    """Also where a proxy of the same machine, which ends TLS, speaks with a listener on loopback."""
    cookie = MemoryCookies(KeyVault(bytes(32)), loopback=is_loopback(listener)).of(host)
    name, *attributes = kept(Memory(ticket="1"), cookie).split("; ")
    assert name.startswith("__Host-registration=")
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure", "Max-Age=1209600"}


@pytest.mark.parametrize("listener", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
@pytest.mark.parametrize("host", [b"127.0.0.1", b"127.0.0.9:8000", b"[::1]:8000", b"localhost:8000"])
def test_on_loopback_the_cookie_works_over_http(listener, host):
    """Negative control of the line above: no browser keeps a Secure cookie that came over http."""
    cookies = MemoryCookies(KeyVault(bytes(32)), loopback=is_loopback(listener))
    header = kept(Memory(ticket="1"), cookies.of(host))
    assert header.startswith("registration=") and "Secure" not in header


def test_a_memory_of_another_version_is_empty():
    """A field of another type, as after an update: forgotten, not an error; a field more is left alone."""
    vault = KeyVault(bytes(32))
    cookie = MemoryCookie(vault, plain=True)

    class Other(msgspec.Struct):
        ticket: int = 1

    class Later(msgspec.Struct):
        ticket: str = "t"
        more: str = "m"

    assert cookie.read(kept(Other(), cookie).encode()) == Memory()  # type: ignore[arg-type]
    assert cookie.read(kept(Later(), cookie).encode()) == Memory(ticket="t")  # type: ignore[arg-type]


# Forms.


class Kind(enum.Enum):
    ONE = "one"


class Body(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=5)]
    size: Annotated[int, msgspec.Meta(ge=0, le=9_000_000)]
    day: date
    kind: Kind
    note: str | None = None


def no_x(text: str) -> str:
    if "x" in text:
        raise FieldRefused("has-x", "No x here.")
    return text.upper()


DECODE = BodyDecoder(Body, {"name": no_x, "note": no_x})
RIGHT = {"name": "abc", "size": "4200", "day": "2020-04-11", "kind": "one"}


@pytest.mark.parametrize(
    ("typed", "size"), [("4200", 4200), ("4.200", 4200), ("4 200 000", 4_200_000), ("4.200.000", 4_200_000), (" 7 ", 7)]
)
def test_text_becomes_typed_values(typed, size):
    """Numbers as people write them, dates, choices; checks bring the kept form; what is no field is left alone."""
    given = DECODE.form({**RIGHT, "size": typed, "once": "k", "form": "f"})
    assert given == Body("ABC", size, date(2020, 4, 11), Kind.ONE)


@pytest.mark.parametrize("typed", ["4.20", "4,2", "1.2.3", "-1", "empat", "0x10"])
def test_what_is_no_number_is_not_guessed_at(typed):
    with pytest.raises(InvalidFields) as caught:
        DECODE.form({**RIGHT, "size": typed})
    assert [fault.field for fault in caught.value.faults] == ["size"]


def test_all_faults_of_a_form_come_at_once_with_the_codes_of_the_api():
    """Empty and blank are missing; the order is that of the fields; faults from between the fields come with them."""
    with pytest.raises(InvalidFields) as caught:
        DECODE.form({"name": " \r\n ", "size": "x", "kind": "two", "note": "x"}, [FieldFault("note", "also", "")])
    assert [(fault.field, fault.code) for fault in caught.value.faults] == [
        ("name", "missing"),
        ("size", "wrong-type"),
        ("day", "missing"),
        ("kind", "unknown-value"),
        ("note", "has-x"),
        ("note", "also"),
    ]


def test_line_breaks_are_spaces():
    """A pasted name ends with a line break, a long answer has some: nobody means them."""
    given = DECODE.form({**RIGHT, "note": "a\r\nb  c\t"})
    assert given.note == "A B C"


def test_the_word_null_is_a_word():
    """There are people of this name."""
    assert DECODE.form({**RIGHT, "name": "Null", "note": "null"}).note == "NULL"


# Numbers and times.


def test_numbers_and_times_are_written_as_the_language_does():
    assert (INDONESIAN.number(12_345), ENGLISH.number(12_345)) == ("12.345", "12,345")
    assert (INDONESIAN.clock(NOW), ENGLISH.clock(NOW)) == ("19.05 WIB", "19:05 WIB")
    late = datetime(2020, 8, 16, 17, 0, tzinfo=UTC)
    assert (INDONESIAN.moment(late), ENGLISH.moment(late)) == (
        "17 Agustus 2020, 00.00 WIB",
        "17 August 2020, 00:00 WIB",
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 detik"),
        (45, "45 detik"),
        (60, "1 menit"),
        (60.1, "2 menit"),
        (3600, "1 jam"),
        (6000, "1 jam 40 menit"),
        (3_600_000, "1.000 jam"),
    ],
)
def test_durations_are_never_shorter_than_they_are(seconds, text):
    assert INDONESIAN.duration(seconds) == text
