"""One applicant's phone: the API over HTTP, one request a connection, at whatever address it is told."""

import http.client
import json
import re
import time
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from loadtests.harness.http_json import ask

WITHIN = 30.0
CODE = re.compile(r"\b(\d{6})\b")
TUS = {"Tus_Resumable": "1.0.0"}
PIECE = {**TUS, "Content_Type": "application/offset+octet-stream"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


def send(url: str, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
    """headers: underscores stand for hyphens."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=20)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def post(url: str, path: str, body: dict[str, Any], key: str, **headers: str) -> Answer:
    more = {"Content_Type": "application/json", "Idempotency_Key": key, **headers}
    return send(url, "POST", path, json.dumps(body).encode(), **more)


@dataclass
class Phone:
    """`url` may change between two requests."""

    url: str
    partners: str
    number: str
    session: dict[str, str] = field(default_factory=dict)

    def sign_in(self) -> None:
        """From the ticket to a session."""
        drawn = self._post("/tickets", {}).json()
        ticket = {"Waiting_Room_Ticket": drawn["ticket"], "Waiting_Room_Secret": drawn["secret"]}
        deadline = time.monotonic() + WITHIN
        while (entry := self._post("/claims", {}, **ticket)).status != 201:
            assert entry.status == 409 and time.monotonic() < deadline, entry
        account = {"name": "Siti Aminah", "phone": self.number}
        made = self._post("/accounts", account, Waiting_Room_Pass=entry.json()["pass"])
        assert made.status == 201, made
        asked = self._post("/codes", {"address": self.number}).json()
        typed = {"code_request": asked["code_request"], "code": self._code()}
        token = self._post("/sessions", typed).json()["token"]
        self.session = {"Authorization": f"Bearer {token}"}

    def begin_upload(self, length: int, slot: str = "identity_card") -> str:
        """The path of a new upload."""
        metadata = f"slot {b64encode(slot.encode()).decode()},filetype {b64encode(b'image/jpeg').decode()}"
        headers = {**TUS, "Upload_Length": str(length), "Upload_Metadata": metadata, "Idempotency_Key": slot}
        made = send(self.url, "POST", "/files/", b"", **headers, **self.session)
        assert made.status == 201, made
        return str(made.headers["Location"])

    def append(self, path: str, offset: int, data: bytes) -> Answer:
        return send(self.url, "PATCH", path, data, **PIECE, Upload_Offset=str(offset), **self.session)

    def offset(self, path: str) -> int:
        return int(send(self.url, "HEAD", path, b"", **TUS, **self.session).headers["Upload-Offset"])

    def _post(self, path: str, body: dict[str, Any], **headers: str) -> Answer:
        """Under a key of its own: each of these is asked for once."""
        return post(self.url, path, body, f"{self.number}{path}", **headers)

    def _code(self) -> str:
        deadline = time.monotonic() + WITHIN
        while not (messages := ask("GET", f"{self.partners}/inbox/{self.number}")["messages"]):
            assert time.monotonic() < deadline, "no message came"
            time.sleep(0.1)
        found = CODE.search(messages[-1]["text"])
        assert found
        return found[1]
