"""Whatever is sent: a problem document with a 4xx status that names every fault, never a 500."""

import json
from typing import Any

import pytest

from tests.integration.registration_room import STEPS, Person, code_of, registration, standing_service

LONG = "x" * 5000
ACCOUNT = {"name": "Siti", "phone": "+6281234567890", "email": "siti@people.example"}
CODE = {"code_request": "6f0b9f2e-0a56-4a0e-9f5e-3d8c6f6f2a11", "code": "123456"}
IDENTITY = {"nik": "3372991708940001", "family_card_number": "3372991708940002", "birth_date": "1994-08-17"}
CLAIM = {"code": "KQ7M-2XDA-9FTN", "birth_date": "1994-08-17"}

# resource, whole valid body, field, values that it refuses, the codes that may be answered
FIELDS: list[tuple[str, str, dict[str, Any], str, list[Any]]] = [
    ("POST", "/accounts", ACCOUNT, "name", [
        "", " ", "x" * 101, "a\x00b", "a\nb", "\u200b\x07", 12, None, [], {}, True,
    ]),
    ("POST", "/accounts", ACCOUNT, "phone", [
        "", "123", "+1234567890", "0812", "+62812345678901234567", "+62 8١23456789", "08123456789a", "\x00",
        81234567890, None, "+6221234567", "+628123\r\n45678",
    ]),
    ("POST", "/accounts", ACCOUNT, "email", [
        "", "a", "@", "a@b", "a b@people.example", "a@people..example", "a@-x.example", '"a"@people.example', LONG,
        "a@people.example\r\nBcc: b@people.example", "a\x00@people.example", f"{'a' * 65}@people.example", 1,
        "siti@pеople.example", "a@[127.0.0.1]", ".a@people.example",
    ]),
    ("POST", "/paper-claims", CLAIM, "code", [
        "", "x", "KQ7M-2XDA-9FT", "KQ7M-2XDA-9FTNN", "KQ7M-2XDA-9FTU", "ＫＱ７Ｍ-2XDA-9FTN", "KQ7M\x002XDA-9FTN",
        1, None, LONG,
    ]),
    ("POST", "/paper-claims", CLAIM, "birth_date", ["", "1994-02-31", "31-12-1994", "2999-01-01", 19940817, None]),
    ("POST", "/codes", {"address": "+6281234567890"}, "address", ["", "x", 1, None, "a@b", LONG, "+62"]),
    ("POST", "/codes", {"address": "+6281234567890"}, "code_request", ["", "x", 1, "6f0b9f2e"]),
    ("POST", "/sessions", CODE, "code", [
        "", "12345", "1234567", "12345a", "１２３４５６", 123456, None, "12 34 5", LONG,
    ]),
    ("POST", "/sessions", CODE, "code_request", ["", "x", 1, None, "0" * 36]),
    ("PUT", "/identity", IDENTITY, "nik", [
        "", "337299170894000", "33729917089400011", "337299170894000a", "３３７２９９１７０８９４０００１",
        "0072991708940001",
        "3370991708940001", "3372001708940001", "3372993208940001", "3372991713940001", "3372993002940001",
        "3372998108940001", "3372991708940000", " 3372991708940001", "3372 9917 0894 0001", "3372991708940001\u200b",
        3372991708940001, None,
    ]),
    ("PUT", "/identity", IDENTITY, "family_card_number", ["", "1", "9972991708940002", "3372991708940000", 1, None]),
    ("PUT", "/identity", IDENTITY, "birth_date", [
        "", "1994-02-31", "31-12-1994", "1994-8-1", "2999-01-01", "1850-01-01", "0001-01-01", 19940817, None,
        "1994-08-17T00:00:00Z",
    ]),
    ("PUT", "/profile/personal", STEPS["personal"], "mother_name", ["", "\t", "x" * 101, "a\x00", 1, None]),
    ("PUT", "/profile/personal", STEPS["personal"], "education", ["", "phd", 1, None, "SENIOR_HIGH"]),
    ("PUT", "/profile/personal", STEPS["personal"], "province", [0, 10, 20, 93, 100, -1, "33", 33.5, None, 10**30]),
    ("PUT", "/profile/personal", STEPS["personal"], "regency", [0, 70, 3370, 9901, 10000, -1, "72", None]),
    ("PUT", "/profile/personal", STEPS["personal"], "address", ["", "x" * 501, "a\x00", None]),
    ("PUT", "/profile/work", STEPS["work"], "employment_status", ["", "retired", None, 3]),
    ("PUT", "/profile/work", STEPS["work"], "sector", ["", "\x00", "x" * 101, None]),
    ("PUT", "/profile/work", STEPS["work"], "last_income", [-1, 10**12, 10**400, 1.5, "1", None, True]),
    ("PUT", "/profile/program", STEPS["program"], "training_interest", ["", "x" * 101, None]),
    ("PUT", "/profile/program", STEPS["program"], "payout_method", ["", "cash", None]),
    ("PUT", "/profile/program", STEPS["program"], "reason", ["", "x" * 501, "\x1b[31m", None]),
    ("PUT", "/assessment/answers/1", {"choice": 1}, "choice", [-1, 4, 10**40, 1.0, "1", None, True]),
]  # fmt: skip
CREATING = ("/accounts", "/codes", "/sessions")
RESOURCES = sorted({(method, path) for method, path, *_ in FIELDS})


@pytest.fixture(scope="module")
def bad_service(server_url, template, tmp_path_factory):
    with standing_service(server_url, template, tmp_path_factory.mktemp("photos"), "bad_input") as standing:
        yield standing


BODIES = {
    "empty": b"",
    "cut": b'{"name":',
    "not JSON": b"name=Siti",
    "deep": b'{"name":' + b"[" * 8000,
    "deeper": b"[" * 8000 + b"]" * 8000,
    "list": b"[]",
    "text": b'"x"',
    "number": b"1",
    "null": b"null",
    "NaN": b'{"name": NaN}',
    "huge number": b'{"name": 1e400}',
    "lone surrogate": b'{"name": "\\ud800"}',
    "not UTF-8": b'{"name": "\xff\xfe"}',
    "byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
}


@pytest.mark.parametrize("case", FIELDS, ids=lambda case: f"{case[1].strip('/')}-{case[3]}")
def test_a_field_refuses(bad_service, case):
    """Each value is refused with 422, under the field's own name, and is not told back."""
    method, path, body, field, values = case

    async def scenario():
        answers = []
        for value in values:
            answers.append((value, await bad_service.send(method, path, body | {field: value})))
        missing = {name: kept for name, kept in body.items() if name != field}
        return answers, await bad_service.send(method, path, missing)

    answers, missing = bad_service.run(scenario())
    for value, answer in answers:
        if value is None and field in ("email", "code_request") and path in ("/accounts", "/codes"):
            continue  # null is how an optional field is left out
        assert answer.status_code == 422, (value, answer.text)
        assert code_of(answer) == "invalid-fields", (value, answer.text)
        (fault,) = answer.json()["errors"]
        assert fault["field"] == field
        assert not isinstance(value, str) or len(value) < 4 or value not in answer.text
    if field not in ("email", "code_request") or path == "/sessions":
        assert [fault["code"] for fault in missing.json()["errors"]] == ["missing"]


@pytest.mark.parametrize("method, path", RESOURCES)
def test_a_body_that_is_no_object_is_refused(bad_service, method, path):
    """Broken, deep, foreign or wrongly encoded bodies are 400; too large ones 413; other media types 415."""

    async def scenario():
        found = {name: await bad_service.send(method, path, body) for name, body in BODIES.items()}
        large = await bad_service.send(method, path, b'{"name": "' + b"x" * 20_000 + b'"}')
        form = await bad_service.send(method, path, b"{}", content_type="application/x-www-form-urlencoded")
        latin = await bad_service.send(method, path, b"{}", content_type="application/json; charset=latin-1")
        return found, large, form, latin

    found, large, form, latin = bad_service.run(scenario())
    for name, answer in found.items():
        if name == "deep":
            assert answer.status_code in (400, 422), answer.text
            continue
        assert (answer.status_code, code_of(answer)) == (400, "malformed-body"), name
    assert (large.status_code, code_of(large)) == (413, "body-too-large")
    assert form.status_code == latin.status_code == 415


def test_all_faults_are_told_at_once(bad_service):
    """A wrong type, a refused value, a missing and an unknown field in one body: four faults in one answer."""

    async def scenario():
        body = {"name": 5, "phone": "12", "emial": "x@y", "is_admin": True}
        identity = {"nik": "1", "birth_date": "x"}
        return await bad_service.send("POST", "/accounts", body), await bad_service.send("PUT", "/identity", identity)

    account, identity = bad_service.run(scenario())
    faults = {fault["field"]: fault["code"] for fault in account.json()["errors"]}
    assert faults == {
        "name": "wrong-type",
        "phone": "not-a-mobile-number",
        "emial": "unknown-field",
        "is_admin": "unknown-field",
    }
    faults = {fault["field"]: fault["code"] for fault in identity.json()["errors"]}
    assert faults == {"nik": "not-16-digits", "family_card_number": "missing", "birth_date": "wrong-format"}


HEADERS: list[tuple[dict[str, bytes], int]] = [
    ({"authorization": b""}, 401),
    ({"authorization": b"Bearer"}, 401),
    ({"authorization": b"Bearer  "}, 401),
    ({"authorization": b"Bearer wrong"}, 401),
    ({"authorization": b"Basic dXNlcjpwYXNz"}, 401),
    ({"authorization": b"Bearer " + b"x" * 4000}, 401),
    ({"authorization": b"Bearer \xff\xfe"}, 401),
    ({"authorization": b"Bearer a\x00b"}, 401),
]


@pytest.mark.parametrize("headers, status", HEADERS)
def test_a_session_that_is_none(bad_service, headers, status):
    """Missing, foreign and garbled tokens are 401 on every resource that needs a session."""

    async def scenario():
        http = bad_service.service.http
        paths = ["/me", "/identity", "/assessment", "/waves/1/join", "/phone/verification", "/profile/work"]
        methods = ["GET", "PUT", "POST", "POST", "POST", "PUT"]
        bodies = [None, IDENTITY, {}, {}, CODE, STEPS["work"]]
        answers = []
        for method, path, body in zip(methods, paths, bodies, strict=True):
            sent = {"idempotency-key": b"k", **headers}
            answers.append(await http.request(method, path, json=body, headers=sent))
        return answers

    for answer in bad_service.run(scenario()):
        assert (answer.status_code, code_of(answer)) == (status, "not-signed-in")
        assert answer.headers["www-authenticate"] == "Bearer"


TICKETS = [
    "",
    "x",
    "1.1",
    "1.1.AAAAAAAAAAAAAAAAAAAAAA",
    "-1.1.AAAAAAAAAAAAAAAAAAAAAA",
    "1.99999999999999999999999999.AAAAAAAAAAAAAAAAAAAAAA",
    "1." * 500,
    "1.1.\xff",
]


@pytest.mark.parametrize("value", TICKETS)
def test_tickets_places_and_passes_that_are_not_ours(bad_service, value):
    """Every signed value is refused unless the service made it; never an error of ours."""

    async def scenario():
        service = bad_service.service
        sent = value.encode("latin-1")
        place = await service.http.get("/place", headers={"waiting-room-ticket": sent})
        claim = await service.http.post(
            "/claims", json={}, headers={"waiting-room-ticket": sent, "idempotency-key": "a"}
        )
        account = await service.http.post(
            "/accounts", json=ACCOUNT, headers={"waiting-room-pass": sent, "idempotency-key": "a"}
        )
        return place, claim, account

    place, claim, account = bad_service.run(scenario())
    assert code_of(place) == code_of(claim) == "ticket-invalid"
    assert code_of(account) == "pass-invalid"


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("GET", "/", 404),
        ("GET", "/nothing", 404),
        ("GET", "/me/", 404),
        ("GET", "//me", 404),
        ("GET", "/ME", 404),
        ("GET", "/%00", 404),
        ("PUT", "/profile/other", 404),
        ("PUT", "/profile/personal/x", 404),
        ("DELETE", "/me", 405),
        ("POST", "/board", 405),
        ("PATCH", "/identity", 405),
        ("PUT", "/assessment/answers/0", 404),
        ("PUT", "/assessment/answers/19", 404),
        ("PUT", "/assessment/answers/-1", 404),
        ("PUT", "/assessment/answers/1e3", 404),
        ("PUT", "/assessment/answers/" + "9" * 5000, 404),
        ("PUT", "/assessment/answers/１", 404),
        ("POST", "/waves/0/join", 404),
        ("POST", "/waves/2/join", 404),
        ("POST", "/waves/99999999999999999999/join", 404),
        ("POST", "/waves/x/join", 404),
    ],
)
def test_paths_that_lead_nowhere(bad_service, method, path, status):
    """Unknown paths, steps and ids are 404, unknown methods 405; both as problem documents."""

    async def scenario():
        body = {"choice": 1} if "answers" in path else {}
        return await bad_service.send(method, path, body)

    answer = bad_service.run(scenario())
    assert answer.status_code == status, answer.text
    assert code_of(answer) == ("not-found" if status == 404 else "method-not-allowed")
    assert status != 405 or answer.headers["allow"]


@pytest.mark.parametrize(
    "key, code",
    [
        (None, "idempotency-key-missing"),
        (b"", "idempotency-key-invalid"),
        (b"   ", "idempotency-key-invalid"),
        (b'""', "idempotency-key-invalid"),
        (b'"open', "idempotency-key-invalid"),
        (b"x" * 256, "idempotency-key-invalid"),
        (b"a\xffb", "idempotency-key-invalid"),
        (b"tab\there", "idempotency-key-invalid"),
        (b"nul\x00", "idempotency-key-invalid"),
    ],
)
def test_idempotency_keys_that_cannot_be_used(bad_service, key, code):
    """Every POST that creates an effect needs a usable key."""

    async def scenario():
        headers = bad_service.person.session | ({} if key is None else {"idempotency-key": key})
        bodies = {"/tickets": {}, "/claims": {}, "/accounts": ACCOUNT, "/codes": {"address": "+6281234567890"},
                  "/sessions": CODE, "/phone/verification": CODE, "/assessment": {}, "/assessment/submission": {},
                  "/waves/1/join": {}}  # fmt: skip
        http = bad_service.service.http
        return [await http.post(path, json=body, headers=headers) for path, body in bodies.items()]

    for answer in bad_service.run(scenario()):
        assert (answer.status_code, code_of(answer)) == (400, code)


def test_honest_input_passes(run, database_url, tmp_path):
    """Negative control: what the tables start from is accepted, also in its unusual but right forms."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            names = ["O'Neil", "أحمد", "X", "Ünal-Çelik", "=cmd|' /C calc'!A0", "Robert'); drop table account;--", "😀"]
            phones = ["081234567890", "62 812 3456 7891", "+62-812-3456-7892", "0812.3456.7893"]
            emails = ["A.B+tag@People.Example", None, "x_y@sub.people.example", None]
            answers = []
            for number, name in enumerate(names):
                entry = await Person(service, number).entry()
                phone = phones[number] if number < len(phones) else f"+62812345680{number:02}"
                body = {"name": name, "phone": phone, "email": emails[number] if number < len(emails) else None}
                answers.append(await service.post("/accounts", body, Waiting_Room_Pass=entry))
            text = json.dumps({"address": "081234567890"})
            headers = {"content-type": "Application/JSON; charset=UTF-8", "idempotency-key": '"quoted \\" key"'}
            answers.append(await service.http.post("/codes", content=text, headers=headers))
            return answers

    answers = run(scenario())
    assert [answer.status_code for answer in answers] == [201] * 7 + [202], [answer.text for answer in answers]
