"""A real S3 server on loopback for the tests: Moto's, a process of its own that keeps what it holds in memory.

It cannot show whether the server checks signatures or survives its own death, nor two conditional writes of one name at
the very same moment: Moto looks first and stores then.
"""

import re
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import obstore
from obstore.store import S3Store

from service.domain.bucket_address import parse_bucket
from service.storage.photos_s3 import S3PhotoStore
from tests.children import child_process

MOTO = Path(__file__).with_name("s3_moto.py")
BUCKET = "photos"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "synthetic", "AWS_SECRET_ACCESS_KEY": "synthetic", "AWS_REGION": "us-east-1"}
"""What a process of the service is given, beside the address."""
START_LIMIT = 60.0  # seconds, on a busy machine

_RUNNING = re.compile(r"Running on http://127\.0\.0\.1:(\d+)")
_REQUEST = re.compile(r'"(?:\x1b\[[\d;]*m)*([A-Z]+) (\S+) HTTP/1\.[01](?:\x1b\[0m)?" (\d{3})')


@dataclass(frozen=True, slots=True)
class S3Server:
    port: int
    log: Path

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url(self, prefix: str = "", bucket: str = BUCKET) -> str:
        """As REGISTRATION_PHOTO_S3 wants it."""
        return f"s3://{bucket}/{prefix}?endpoint={self.endpoint}"

    def requests(self) -> list[tuple[str, str, int]]:
        """Method, path with query, and status of each request so far."""
        found = _REQUEST.findall(self.log.read_text())
        return [(method, path, int(status)) for method, path, status in found]

    def names(self, prefix: str) -> list[str]:
        """Of the objects below a prefix, without it."""
        store = S3Store(
            BUCKET,
            prefix=prefix,
            endpoint=self.endpoint,
            access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            client_options={"allow_http": True},
        )
        return sorted(item["path"] for page in obstore.list(store) for item in page)


def bucket_store(server: S3Server, prefix: str | None = None) -> S3PhotoStore:
    """An empty one, under a prefix of its own."""
    address = parse_bucket(server.url(prefix or secrets.token_hex(4)))
    return S3PhotoStore(address, key=CREDENTIALS["AWS_ACCESS_KEY_ID"], secret=CREDENTIALS["AWS_SECRET_ACCESS_KEY"])


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """It runs while the block does and has an empty bucket. folder: for the log of its requests."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "s3.log"
    with log.open("wb") as file:
        command: list[str | Path] = [sys.executable, MOTO]
        with child_process(command, stdout=file, stderr=file) as process:
            deadline = time.monotonic() + START_LIMIT
            while not (running := _RUNNING.search(log.read_text())):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, "the S3 server did not start in time"
                time.sleep(0.02)
            server = S3Server(int(running[1]), log)
            _make_bucket(server, BUCKET)
            yield server


def _make_bucket(server: S3Server, bucket: str) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=START_LIMIT)
    try:
        connection.request("PUT", f"/{bucket}")
        assert connection.getresponse().status == 200
    finally:
        connection.close()
