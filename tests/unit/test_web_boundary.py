"""The HTTP boundary without a socket: bodies, problems, measurements, logs."""

import asyncio
import io
import json
import traceback
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import pytest
import structlog

from service.domain.errors import (
    BodyTooLarge,
    BodyTooSlow,
    DatabaseUnavailable,
    FieldRefused,
    InternalError,
    InvalidFields,
    MalformedBody,
    NotFound,
    QueueFull,
    TooEarly,
)
from service.metrics import ROUTE_CLASSES, Metrics
from service.ports import VaultError
from service.room_ports import Room
from service.storage.vault import KeyVault
from service.web import http, logs, problems
from service.web.board import BoardCopy
from service.web.decoding import BodyDecoder
from service.web.middleware import AnswerCut, Boundary, route_class, status_class


class Body(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=5)]
    size: Annotated[int, msgspec.Meta(ge=0)] = 0
    note: str | None = None


def no_x(text: str) -> str:
    if "x" in text:
        raise FieldRefused("has-x", "No x here.")
    return text.upper()


DECODE = BodyDecoder(Body, {"name": no_x, "note": no_x})


def faults_of(raw: bytes) -> dict[str, str]:
    with pytest.raises(InvalidFields) as caught:
        DECODE(raw)
    errors = caught.value.facts["errors"]
    assert isinstance(errors, list)
    return {fault["field"]: fault["code"] for fault in errors}


def test_a_right_body_is_kept_in_its_kept_form():
    assert DECODE(b'{"name": "abc", "note": null}') == Body("ABC")


def test_both_passes_find_the_same_and_all():
    """A refused value is told whether or not another field has the wrong type."""
    assert faults_of(b'{"name": "axb"}') == {"name": "has-x"}
    assert faults_of(b'{"name": "axb", "size": -1, "note": 3, "extra": 1}') == {
        "name": "has-x",
        "size": "out-of-range",
        "note": "wrong-type",
        "extra": "unknown-field",
    }
    assert faults_of(b'{"size": "1"}') == {"name": "missing", "size": "wrong-type"}


def test_the_given_value_is_never_told_back():
    with pytest.raises(InvalidFields) as caught:
        DECODE(b'{"name": "secret-name", "size": "secret-size"}')
    assert "secret" not in json.dumps(problems.document(caught.value))


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"nul", b"[" * 50_000, b'{"name":' + b"[" * 50_000])
def test_no_body_breaks_the_decoder(raw):
    with pytest.raises((MalformedBody, InvalidFields)):
        DECODE(raw)


def test_problems_are_rfc_9457():
    """Type, title, status, detail, facts as extra members; Retry-After is whole seconds, never too early."""
    status, headers, body = problems.render(QueueFull("Come back.", queue="sms", retry_after_s=1.2))
    assert status == 503
    assert (b"retry-after", b"2") in headers and (b"content-type", b"application/problem+json") in headers
    assert json.loads(body) == {
        "type": problems.TYPE_PREFIX + "queue-full",
        "title": QueueFull.title,
        "status": 503,
        "detail": "Come back.",
        "queue": "sms",
    }
    assert (b"retry-after", b"1") in problems.render(TooEarly(retry_after_s=0.01))[1]


async def answer_of(app, path="/me", method="GET"):
    """Status, headers and body of one request."""
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b""}

    await app({"type": "http", "path": path, "method": method, "headers": []}, receive, send)
    return sent[0]["status"], sent[1]["body"] if len(sent) > 1 else b""


def test_an_unexpected_error_is_a_bare_500(run):
    """Neither the client nor the log learns what was being handled."""

    async def broken(scope, receive, send):
        raise RuntimeError("3372011708940001 is secret")

    with structlog.testing.capture_logs() as captured:
        status, body = run(answer_of(Boundary(broken, Metrics())))
    assert status == 500
    assert json.loads(body)["title"] == InternalError.title
    assert "secret" not in body.decode() and "secret" not in str(captured)
    assert captured[0]["error"] == "RuntimeError" and "test_web_boundary.py" in captured[0]["where"][-1]


def test_an_error_in_the_middle_of_an_answer_ends_the_connection(run):
    """Nothing can be answered any more; what the server prints then holds no message of ours."""

    async def broken(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("3372011708940001 is secret")

    with structlog.testing.capture_logs(), pytest.raises(AnswerCut) as caught:
        run(answer_of(Boundary(broken, Metrics())))
    assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_each_answer_is_counted_once(run):
    """By route class and status class; what was refused counts as what it was answered."""
    metrics = Metrics()

    async def app(scope, receive, send):
        if scope["path"] == "/board":
            return await http.send_json(send, 200, b"{}")
        raise QueueFull(queue="sms", retry_after_s=1)

    boundary = Boundary(app, metrics)
    for path in ("/board", "/codes", "/codes"):
        run(answer_of(boundary, path))

    def count(kind, status):
        labels = {"route_class": kind, "status_class": status}
        return metrics.registry.get_sample_value("registration_http_requests_total", labels)

    assert (count("board", "2xx"), count("step", "503"), count("step", "2xx")) == (1, 2, 0)


@pytest.mark.parametrize(
    "path, kind",
    [("/health/live", "health"), ("/board", "board"), ("/place", "place"), ("/tickets", "ticket"),
     ("/claims", "ticket"), ("/assessment/answers/3", "answer"), ("/assessment", "step"), ("/files/ab", "upload"),
     ("/me", "read"), ("/openapi.json", "read"), ("/", "read"), ("", "read"), ("//codes", "read")],
)  # fmt: skip
def test_route_classes(path, kind):
    assert route_class(path) == kind and kind in ROUTE_CLASSES


def test_status_classes():
    assert [status_class(status) for status in (200, 204, 307, 404, 429, 500, 502, 503)] == [
        "2xx", "2xx", "2xx", "4xx", "429", "5xx", "5xx", "503",
    ]  # fmt: skip


def test_a_body_in_pieces_is_read_to_its_bound(run):
    """Pieces are joined; more than the bound is refused before it is all there; a client that leaves is no error."""

    async def read(*pieces, last=False):
        messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        messages.append(
            {"type": "http.disconnect"} if last else {"type": "http.request", "body": b"", "more_body": False}
        )

        async def receive():
            return messages.pop(0)

        return await http.read_json(receive, {b"content-type": b"application/json"})

    assert run(read(b"{", b"}")) == b"{}"
    with pytest.raises(BodyTooLarge):
        run(read(b"x" * 10_000, b"x" * 10_000, b"x" * 10_000))
    with pytest.raises(http.ClientGone):
        run(read(b"{", last=True))


@pytest.mark.parametrize("sent", [[], [{"type": "http.request", "body": b"{", "more_body": True}]])
def test_a_body_that_never_comes_is_given_up(run, monkeypatch, sent):
    """A client that sends no body or half of one, and nothing more, is told so; it holds nothing for ever."""
    monkeypatch.setattr(http, "BODY_LIMIT", 0.01)

    async def slow():
        messages = list(sent)

        async def receive():
            return messages.pop() if messages else await asyncio.Event().wait()

        return await http.read_json(receive, {b"content-type": b"application/json"})

    with pytest.raises(BodyTooSlow):
        run(slow())


@pytest.mark.parametrize(
    ("error", "ends"), [(BodyTooSlow(), True), (BodyTooLarge("", limit_bytes=1), True), (NotFound(), False)]
)
def test_a_body_that_nobody_reads_ends_its_connection(error, ends):
    """Else whoever lets it trickle in would hold the connection for ever, answer or not."""
    _, headers, _ = problems.render(error)
    assert ((b"connection", b"close") in headers) is ends


def test_logs_keep_what_is_allowed(monkeypatch):
    """A field that nobody allowed is withheld, and that is said."""
    target = io.StringIO()
    monkeypatch.setattr("sys.stderr", target)
    before = structlog.get_config()
    try:
        logs.configure()
        structlog.get_logger("once").warning("code handed over", queue="sms", phone="+6281234567890", nik="3372")
    finally:
        structlog.configure(**before)
    line = json.loads(target.getvalue())
    assert line["event"] == "code handed over (2 fields withheld)" and line["queue"] == "sms"
    assert "+62812" not in target.getvalue() and "3372" not in target.getvalue()


def test_the_vault_opens_only_what_it_sealed_in_its_place():
    """Another row, another key, a changed byte: refused. Equal values have equal indexes, under one key only."""
    vault, other = KeyVault(bytes(32)), KeyVault(b"x" * 32)
    sealed = vault.seal(b"3372011708940001", b"row 1")
    assert vault.open(sealed, b"row 1") == b"3372011708940001"
    assert sealed != vault.seal(b"3372011708940001", b"row 1")
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    tries = [(vault, sealed, b"row 2"), (other, sealed, b"row 1"), (vault, changed, b"row 1"),
             (vault, b"\x02" + sealed[1:], b"row 1"), (vault, b"", b"row 1")]  # fmt: skip
    for opener, value, place in tries:
        with pytest.raises(VaultError):
            opener.open(value, place)
    assert vault.index("a") == vault.index("a") != other.index("a")
    assert len({vault.key("tickets"), vault.key("passes"), vault.key("codes"), vault.index("tickets")}) == 4


def test_the_board_before_its_first_look():
    """Until the room was read, the resources that need it say so."""
    board = BoardCopy()
    with pytest.raises(DatabaseUnavailable):
        _ = board.room
    board.show(Room(1, 12.7, 3.0, "open", "", 10, datetime.now(UTC), 0.0), datetime.now(UTC))
    assert json.loads(board.answer.body)["now_serving"] == 10
