"""One whole registration over HTTP, from the ticket to the joined wave, and the list of requests that it took."""

import asyncio
import base64
import json
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from scenarios.population import Person, email_of
from tests.benchmarks.wire import Connection, Request, Response, request

CODE = re.compile(r"\b(\d{6})\b")
MESSAGE_WITHIN = 30.0
"""Seconds until a code that has not arrived is given up."""
INBOX_INTERVAL = 0.1
PROFILE: dict[str, Any] = {
    "personal": {"mother_name": "Siti Aminah", "education": "senior_high", "address": "Jalan Merdeka 17 RT 3 RW 5"},
    "work": {"employment_status": "laid_off", "sector": "pariwisata", "last_income": 4_200_000},
    "program": {"training_interest": "bahasa Inggris", "payout_method": "gopay", "reason": "Ingin bekerja lagi"},
}


class StepRefused(Exception):
    """The service did not accept a step of the way."""


@dataclass
class Trace:
    """What one applicant sent, in order, on one connection; `token` is the session's."""

    exchanges: list[tuple[Request, Response]] = field(default_factory=list)
    token: str = ""


class Registration:
    """The longest way: the first code by e-mail, the second by SMS to verify the phone."""

    def __init__(self, person: Person, service_url: str, partners_url: str, photos: tuple[bytes, bytes]) -> None:
        self.trace = Trace()
        self._person = person
        self._email = email_of(person.number)
        self._photos = photos
        self._service = Connection(service_url)
        self._partners = Connection(partners_url)

    async def register(self) -> Trace:
        """Walk the whole way. Raises StepRefused with what was refused."""
        async with self._service, self._partners:
            await self._enter()
            await self._sign_in()
            await self._fill_in()
            for slot, photo in zip(("identity_card", "selfie"), self._photos, strict=True):
                await self._upload(slot, photo)
            await self._verify_phone()
            await self._take_assessment()
            me = await self._get("/me")
            await self._post(f"/waves/{me['wave']['id']}/join", {})
            await self._get("/me")
        return self.trace

    async def _enter(self) -> None:
        drawn = await self._post("/tickets", {})
        held = {"Waiting-Room-Ticket": drawn["ticket"], "Waiting-Room-Secret": drawn["secret"]}
        place = drawn["place"]
        while place["state"] != "invited":
            await asyncio.sleep(place["poll_after_s"])
            headers = {**held, "Waiting-Room-Place": place["place_token"]}
            place = await self._get("/place", headers)
        entry = (await self._post("/claims", {}, held))["pass"]
        account = {"name": self._person.name, "phone": self._person.phone, "email": self._email}
        await self._post("/accounts", account, {"Waiting-Room-Pass": entry})

    async def _sign_in(self) -> None:
        asked = await self._post("/codes", {"address": self._email})
        code = await self._code_at(self._email)
        session = await self._post("/sessions", {"code_request": asked["code_request"], "code": code})
        self.trace.token = session["token"]

    async def _fill_in(self) -> None:
        person = self._person
        identity = {
            "nik": person.nik,
            "family_card_number": person.family_card_number,
            "birth_date": person.birth_date,
        }
        await self._send("PUT", "/identity", identity)
        personal = {**PROFILE["personal"], "province": person.province, "regency": person.regency}
        for step, data in {**PROFILE, "personal": personal}.items():
            await self._send("PUT", f"/profile/{step}", data)

    async def _upload(self, slot: str, photo: bytes) -> None:
        metadata = ",".join(f"{name} {base64.b64encode(value).decode()}" for name, value in
                            (("slot", slot.encode()), ("filetype", b"image/jpeg")))  # fmt: skip
        tus = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {self.trace.token}"}
        creation = {**tus, "Upload-Length": str(len(photo)), "Upload-Metadata": metadata}
        created = await self._exchange("POST", "/files/", creation)
        location = created.headers["location"]
        path = location[location.index("/files/") :]
        chunk = {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        await self._exchange("PATCH", path, chunk, photo)

    async def _verify_phone(self) -> None:
        asked = await self._post("/codes", {"address": self._person.phone})
        code = await self._code_at(self._person.phone)
        await self._post("/phone/verification", {"code_request": asked["code_request"], "code": code})

    async def _take_assessment(self) -> None:
        items = (await self._post("/assessment", {}))["items"]
        for item in items:
            await self._send("PUT", f"/assessment/answers/{item['number']}", {"choice": item["number"] % 4})
        await self._post("/assessment/submission", {})

    async def _code_at(self, address: str) -> str:
        """The code of the message that arrives at `address`; read at the partners, so no request of the journey."""
        deadline = time.monotonic() + MESSAGE_WITHIN
        while time.monotonic() < deadline:
            inbox = await self._partners.exchange(request(self._partners.host, "GET", f"/inbox/{address}", {}))
            messages = json.loads(inbox.body)["messages"]
            if messages and (found := CODE.search(messages[-1]["text"])):
                return found[1]
            await asyncio.sleep(INBOX_INTERVAL)
        raise StepRefused(f"no code arrived at {address} within {MESSAGE_WITHIN:g} s")

    async def _get(self, path: str, headers: dict[str, str] | None = None) -> Any:
        return json.loads((await self._exchange("GET", path, self._headers(headers))).body)

    async def _post(self, path: str, body: object, headers: dict[str, str] | None = None) -> Any:
        """Send an effect under a key of its own and return the answer."""
        return await self._send("POST", path, body, {"Idempotency-Key": str(uuid.uuid4()), **(headers or {})})

    async def _send(self, method: str, path: str, body: object, headers: dict[str, str] | None = None) -> Any:
        content = {"Content-Type": "application/json", **self._headers(headers)}
        answer = await self._exchange(method, path, content, json.dumps(body).encode())
        return json.loads(answer.body) if answer.body else None

    def _headers(self, headers: dict[str, str] | None) -> dict[str, str]:
        session = {"Authorization": f"Bearer {self.trace.token}"} if self.trace.token else {}
        return {"Accept": "application/json", **session, **(headers or {})}

    async def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Response:
        sent = request(self._service.host, method, path, headers, body)
        answer = await self._service.exchange(sent)
        self.trace.exchanges.append((sent, answer))
        if answer.status >= 300:
            raise StepRefused(f"{method} {path}: {answer.status} {answer.body[:500]!r}")
        return answer
