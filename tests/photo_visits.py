"""People who send photos to a service that runs, one request a connection, and what became of these photos."""

import asyncio
import http.client
import json
import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

import asyncpg

from tests.stack.phone import PIECE, TUS, send

FIRST_BYTES = 4096
"""Within so much of a photo its type must be known."""
PERSON = """
with ticket as (insert into ticket default values returning number), person as (
    insert into account (id, ticket_number, name, phone) select gen_random_uuid(), number, 'Name', $1 from ticket
    returning id
)
insert into session select $2, id, now(), now() + interval '1 hour' from person
"""


async def signed_in(database_url: str, names: Iterable[str]) -> dict[str, str]:
    """Somebody for each name, by the token of their session."""
    tokens = {name: secrets.token_urlsafe(16) for name in names}
    connection = await asyncpg.connect(database_url)
    try:
        for number, token in enumerate(tokens.values()):
            await connection.execute(PERSON, f"+6280{number:09d}", sha256(token.encode()).digest())
    finally:
        await connection.close()
    return tokens


@dataclass(frozen=True)
class Sent:
    """How an upload went: `status` and `code` of its last answer, and the bytes of the photo that were sent."""

    status: int
    code: str
    sent: int
    upload_id: str | None
    """Of a finished upload."""


def send_photo(url: str, token: str, photo: bytes, *, waits: bool = False) -> Sent:
    """Create an upload of a selfie and send it in one request.

    waits: for a refusal, after its first bytes; the rest is never sent.
    """
    session = {"Authorization": f"Bearer {token}"}
    announced = {"Upload_Length": str(len(photo)), "Upload_Metadata": "slot c2VsZmll"}
    made = send(url, "POST", "/files/", b"", **TUS, **announced, **session)
    if made.status != 201:
        return Sent(made.status, _code(made.body), 0, None)
    path = str(made.headers["Location"])
    first = min(len(photo), FIRST_BYTES) if waits else len(photo)
    status, body = _send_body(url, path, photo, first, {**PIECE, "Upload_Offset": "0", **session})
    return Sent(status, _code(body), first, path.rpartition("/")[2] if status == 204 else None)


async def verdicts(database_url: str, photos: int) -> dict[str, int]:
    """What every upload was found to be, once `photos` of them were inspected and nothing is left to do."""
    connection = await asyncpg.connect(database_url)
    try:
        async with asyncio.timeout(90):
            while await connection.fetchval("select count(*) from job") > 0:  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.02)
        rows = await connection.fetch("select id, verdict from upload where finished_at is not null")
        found = {row["id"]: row["verdict"] for row in rows}
    finally:
        await connection.close()
    assert len(found) == photos, found
    return found


def _send_body(url: str, path: str, body: bytes, first: int, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and body of the answer to a PATCH of which only the `first` bytes are sent."""
    parts = urlsplit(url)
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = [f"PATCH {path} HTTP/1.1", f"Host: {parts.hostname}", f"Content-Length: {len(body)}", *lines]
    with socket.create_connection((str(parts.hostname), parts.port or 80), timeout=20) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body[:first])
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read()


def _code(body: bytes) -> str:
    return str(json.loads(body)["type"]).rpartition("/")[2] if body else ""
