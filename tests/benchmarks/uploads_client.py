"""Uploads as the benchmark sends them: one creation and one PATCH for everyone, on connections that are kept."""

import asyncio
import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from loadtests.harness.errors import HarnessError
from tests.benchmarks.wire import Connection, Response, request

TUS = {"Tus-Resumable": "1.0.0"}
CONNECTIONS = 4
"""As many as our door lets in at the least: it turns nobody away, and is on."""
SLOTS = ("identity_card", "selfie")


@dataclass(frozen=True)
class Photo:
    """What is uploaded; `token` is its applicant's session, empty for a server that knows none."""

    data: bytes
    slot: str
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {**TUS, "Authorization": f"Bearer {self.token}"} if self.token else TUS

    @property
    def metadata(self) -> str:
        values = {"slot": self.slot, "filename": "photo.jpg", "filetype": "image/jpeg"}
        return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items())


async def upload_all(url: str, photos: Iterable[Photo]) -> None:
    """Upload them, CONNECTIONS at a time. Raises HarnessError when the server refuses one."""
    left = iter(photos)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(_upload(url, left))
    except* HarnessError as refused:
        raise refused.exceptions[0] from None


async def _upload(url: str, photos: Iterator[Photo]) -> None:
    async with Connection(url) as connection:
        for photo in photos:
            path = await create(connection, photo)
            headers = {**photo.headers, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
            answer = await connection.exchange(request(connection.host, "PATCH", path, headers, photo.data))
            expect(answer, 204)
            if answer.headers["upload-offset"] != str(len(photo.data)):
                raise HarnessError(f"{answer.headers['upload-offset']} bytes of {len(photo.data)} were stored")


async def create(connection: Connection, photo: Photo) -> str:
    """Begin an upload; its path."""
    headers = {**photo.headers, "Upload-Length": str(len(photo.data)), "Upload-Metadata": photo.metadata}
    created = await connection.exchange(request(connection.host, "POST", "/files/", headers))
    expect(created, 201)
    location = created.headers["location"]
    return location[location.index("/files/") :]


def expect(answer: Response, status: int) -> None:
    if answer.status != status:
        raise HarnessError(f"answered with {answer.status} instead of {status}: {answer.body[:300]!r}")
