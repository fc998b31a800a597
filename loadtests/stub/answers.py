"""The API's answers, canned: right in status and shape (tests/contract/test_stub.py holds them to the service's types).

Whoever draws a ticket is invited at once, so the shortest way to joining is the only one. Ids differ from answer to
answer, because a swarm proves by them that nothing was done twice. Tokens are as long as the service's own: people keep
them, and what people take in memory is measured here.
"""

import json
from typing import Any, NamedTuple

_ID = "00000000-0000-4000-8000-IDIDIDIDIDID"
"""Its last twelve digits are the number of the answer."""
_WHEN = "2020-04-11T19:00:00+07:00"
_REASONS = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 404: "Not Found"}
_PLACE = {
    "state": "invited", "number": 1, "place": 1, "ahead": 0, "wait_s": [0.0, 1.0], "reason": "", "computed_at": _WHEN,
    "poll_after_s": 1.0, "place_token": "1.".ljust(110, "p"), "ticket": None,
}  # fmt: skip
_ME = {
    "account_id": _ID, "name": "Wayan Contoh", "phone": "+62********01", "email_verified": True,
    "phone_verified": True, "identity": {"status": "match", "nik": "3175********7845", "corrections_left": 3},
    "profile_steps": ["personal", "work", "program"], "photos": [],
    "assessment": {"state": "submitted", "answered": 18, "deadline_in_s": 0.0},
    "wave": {
        "id": 1, "opens_at": _WHEN, "closes_at": _WHEN, "joined_at": None, "joinable": True, "missing": [],
        "reasons": [],
    },
    "draw": None,
}  # fmt: skip
_TYPE = "https://launchnight.example/problems/"


class Canned(NamedTuple):
    """One answer. `route` is the name under which its requests are counted."""

    route: str
    answer: bytes
    """Head and body; where `numbered`, with one %012d in it."""
    numbered: bool


def canned(route: str, status: int, body: Any = None, headers: str = "", kind: str = "application/json") -> Canned:
    """An answer as it goes over the wire."""
    text = b"" if body is None else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} {_REASONS[status]}\r\n{headers}"
    if status != 204:
        head += f"Content-Type: {kind}\r\nContent-Length: {len(text)}\r\n"
    whole = f"{head}\r\n".encode() + text
    return Canned(route, whole.replace(b"IDIDIDIDIDID", b"%012d"), b"IDIDIDIDIDID" in whole)


TUS = "Tus-Resumable: 1.0.0\r\n"
UNKNOWN = canned("unknown", 404, {"type": f"{_TYPE}not-found", "title": "Not found", "status": 404},
                 kind="application/problem+json")  # fmt: skip

ANSWERS: dict[tuple[bytes, bytes], Canned] = {
    (b"POST", b"/tickets"): canned(
        "tickets", 201, {"ticket": "1.".ljust(80, "t"), "secret": "s" * 43, "number": 1, "place": _PLACE}
    ),
    (b"GET", b"/place"): canned("place", 200, _PLACE),
    (b"POST", b"/claims"): canned("claims", 201, {"pass": "1.".ljust(90, "p"), "expires_at": _WHEN}),
    (b"GET", b"/board"): canned("board", 200, {
        "epoch": 1, "state": "open", "now_serving": 1, "rate_per_s": 600.0, "last_ticket": 1, "poll_s": [2, 60],
        "computed_at": _WHEN, "reason": "",
    }),
    (b"POST", b"/accounts"): canned("accounts", 201, {"account_id": _ID}),
    (b"POST", b"/codes"): canned("codes", 202, {"code_request": _ID, "channel": "sms", "resend_after_s": 30.0}),
    (b"POST", b"/sessions"): canned("sessions", 201, {"token": "s" * 43, "account_id": _ID, "expires_in_s": 600000.0}),
    (b"PUT", b"/identity"): canned("identity", 202, {"check_id": _ID, "status": "pending", "corrections_left": 3}),
    (b"PUT", b"/profile/*"): canned("profile", 204),
    (b"POST", b"/files/"): canned("files-create", 201, headers=f"{TUS}Location: /files/{_ID}\r\n"),
    (b"HEAD", b"/files/*"): canned("files-head", 200, headers=f"{TUS}Upload-Offset: 0\r\nCache-Control: no-store\r\n"),
    (b"PATCH", b"/files/*"): canned("files-patch", 204, headers=f"{TUS}Upload-Offset: IDIDIDIDIDID\r\n"),
    (b"PUT", b"/files/*"): canned("files-put", 204),
    (b"POST", b"/phone/verification"): canned("phone-verification", 200, {"phone_verified": True}),
    (b"POST", b"/assessment"): canned("assessment", 201, {"items": [], "deadline_in_s": 1500.0}),
    (b"PUT", b"/assessment/answers/*"): canned("answers", 204),
    (b"POST", b"/assessment/submission"): canned("submission", 200, {"answered": 18}),
    (b"GET", b"/me"): canned("me", 200, _ME),
    (b"POST", b"/waves/1/join"): canned("join", 201, {
        "join_id": _ID, "ticket": "0" * 32, "joined_at": _WHEN, "identity": "pending",
    }),
    (b"GET", b"/health/live"): canned("health", 200, {"status": "live"}),
    (b"GET", b"/health/ready"): canned("health", 200, {"status": "ready"}),
}  # fmt: skip
"""By method and path; a last part of * stands for any."""

ROUTES = tuple(dict.fromkeys([*(each.route for each in ANSWERS.values()), UNKNOWN.route]))


def found(method: bytes, path: bytes) -> Canned:
    """The answer to a request; `path` may carry a query."""
    path = path.partition(b"?")[0]
    answer = ANSWERS.get((method, path))
    if answer is None:
        answer = ANSWERS.get((method, path[: path.rfind(b"/") + 1] + b"*"), UNKNOWN)
    return answer
