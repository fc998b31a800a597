"""A client of one server, that says what it is told to, right or wrong."""

import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.uploads.conformance.wire import BYTES, VERSION, Answer, absolute, connected, exchange, in_chunks

LOOK_EVERY = 0.02
BACK_AFTER = 0.25
"""Seconds: asked sooner, some servers give up what they have not stored yet."""
NAMED = "filename Y2FyZC5iaW4=,filetype YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFt"
"""card.bin, application/octet-stream: some servers know no upload without both."""


class NotServed(Exception):
    """The server refused what the case only needs on its way. The text says what it answered."""


@dataclass(frozen=True)
class Speaker:
    """url: where uploads are created. most_bytes: the largest upload it was told to allow.

    brief_url: of the same server with uploads that live for about a second; None where no case asks for it.
    folder: where uploads lie by their names, for a server without GET. patience: seconds to wait for what should come.
    """

    url: str
    most_bytes: int
    brief_url: str | None = None
    folder: Path | None = None
    patience: float = 10.0

    @cached_property
    def extensions(self) -> frozenset[str]:
        announced = self.options().headers.get("tus-extension", "")
        return frozenset(token.strip() for token in announced.split(",") if token.strip())

    def options(self, **headers: str) -> Answer:
        return exchange("OPTIONS", self.url, _named(headers))

    def post(self, headers: Mapping[str, str], body: bytes = b"", *, url: str | None = None) -> Answer:
        """A POST to where uploads are created, with the version and `headers`."""
        return exchange("POST", url or self.url, {**VERSION, **headers}, body)

    def created(self, length: int | None, metadata: str = NAMED, *, url: str | None = None) -> str:
        """The address of a new upload; length None: to be told later."""
        size = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
        return self.location(self.post({**size, "Upload-Metadata": metadata}, url=url))

    def location(self, answer: Answer) -> str:
        if answer.status != 201 or "location" not in answer.headers:
            raise NotServed(f"a creation was answered {answer.status}")
        return absolute(self.url, answer.headers["location"])

    def started(self, length: int | None, data: bytes, metadata: str = NAMED) -> str:
        """The address of a new upload that has received `data`."""
        upload = self.created(length, metadata)
        answer = self.patch(upload, 0, data)
        if answer.status != 204:
            raise NotServed(f"the first bytes were answered {answer.status}")
        return upload

    def head(self, upload: str) -> Answer:
        return exchange("HEAD", upload, VERSION)

    def patch(self, upload: str, offset: int, data: bytes, **headers: str) -> Answer:
        """An append as it ought to be; headers: more of them, or others in place of these."""
        right = {**VERSION, "Content-Type": BYTES, "Upload-Offset": str(offset)}
        return exchange("PATCH", upload, {**right, **_named(headers)}, data)

    def patch_in_chunks(self, upload: str, offset: int, *pieces: bytes, **headers: str) -> Answer:
        """An append whose length nobody has said."""
        sent = {"Transfer_Encoding": "chunked", **headers}
        right = {**VERSION, "Content-Type": BYTES, "Upload-Offset": str(offset)}
        return _chunked(upload, {**right, **_named(sent)}, in_chunks(pieces))

    def delete(self, upload: str) -> Answer:
        return exchange("DELETE", upload, VERSION)

    def offset(self, upload: str) -> int:
        """Where the server is with an upload."""
        answer = self.head(upload)
        if answer.status not in (200, 204) or answer.offset is None:
            raise NotServed(f"HEAD was answered {answer.status}, Upload-Offset {answer.headers.get('upload-offset')}")
        return answer.offset

    def contents(self, upload: str) -> bytes:
        """What a finished upload holds, by the GET that servers have beside the protocol, or as it lies in a folder."""
        if self.folder is not None:
            return (self.folder / upload.rsplit("/", 1)[1]).read_bytes()
        answer = exchange("GET", upload, VERSION)
        if answer.status != 200:
            raise NotServed(f"GET was answered {answer.status}")
        return answer.body

    def settled(self, upload: str, offset: int) -> int:
        """Its offset once it is `offset`, or after a while what it is. Nobody asks before a phone would be back."""
        deadline = time.monotonic() + self.patience
        while True:
            time.sleep(min(BACK_AFTER, self.patience))
            if (found := self.offset(upload)) == offset or time.monotonic() > deadline:
                return found


def encoded(value: bytes | str) -> str:
    """As Upload-Metadata and Upload-Checksum carry it."""
    return b64encode(value.encode() if isinstance(value, str) else value).decode()


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _chunked(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    with connected(url) as connection:
        connection.ask("PATCH", {**headers, "Connection": "close"})
        connection.send(body)
        return connection.answer()
