"""What nginx does between a phone and two replicas: real nginx, real service."""

import asyncio
import os
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import asyncpg
import psutil
import pytest

from loadtests.harness import proxy
from tests.stack.phone import PIECE, WITHIN, Phone, post, send
from tests.stack.rehearsing import Served, served
from tests.tools import need

pytestmark = pytest.mark.timeout(120)
_numbers = count(1)
JPEG = b"\xff\xd8\xff"
"""What one begins with: anything else is refused before it has come."""


@dataclass(frozen=True)
class Room:
    """A stack with nginx before its replicas."""

    stack: Served
    url: str
    database_url: str

    def phone(self) -> Phone:
        """Of somebody who has just signed in."""
        phone = Phone(self.url, self.stack.partners, f"+62800000000{next(_numbers):02d}")
        phone.sign_in()
        return phone

    def original_of(self, upload_id: str) -> bytes:
        """SHA-256 of the photo as it came, once the worker has looked at it."""

        async def look() -> bytes:
            connection = await asyncpg.connect(self.database_url)
            try:
                async with asyncio.timeout(WITHIN):
                    question = "select original_sha256 from upload where id = $1 and inspected_at is not null"
                    while not (found := await connection.fetchval(question, upload_id)):  # noqa: ASYNC110 - the database tells nobody
                        await asyncio.sleep(0.05)
            finally:
                await connection.close()
            return bytes(found)

        return asyncio.run(look())

    def answered(self, route: str) -> float:
        """Requests of this class that the replicas answered."""
        pages = []
        for url in self.stack.metrics[:2]:
            with urlopen(url) as answer:
                pages.append(answer.read().decode())
        series = rf'registration_http_requests_total\{{route_class="{route}",status_class="2xx"\}} (\S+)'
        found = re.findall(series, "".join(pages))
        assert len(found) == 2
        return sum(map(float, found))


@pytest.fixture(scope="module")
def room(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    need("nginx", package="nginx-light")
    folder = tmp_path_factory.mktemp("room")
    with served(folder / "stack", module_database_url) as stack:
        ports = [int(urlsplit(url).port or 0) for url in stack.urls]
        child = proxy.launch(folder / "proxy", ports, logs=folder)
        try:
            proxy.await_answer(child)
            yield Room(stack, child.url, module_database_url)
        finally:
            child.stop(grace=10)
        assert child.code == 0


def test_a_photo_goes_on_at_another_replica(room: Room) -> None:
    """Half through nginx, a quarter at each replica by itself; each knows what the others acknowledged, and a request
    that is repeated at another replica is answered as before."""
    photo = JPEG + bytes(range(256)) * 1200 + b"!"
    quarter = len(photo) // 4
    phone = room.phone()
    path = phone.begin_upload(len(photo))
    assert phone.append(path, 0, photo[: 2 * quarter]).status == 204
    for place, url in enumerate(room.stack.urls, start=2):
        phone.url = url
        assert phone.offset(path) == place * quarter
        assert phone.begin_upload(len(photo)) == path
        piece = photo[place * quarter : (place + 1) * quarter]
        assert phone.append(path, place * quarter, piece).status == 204
    phone.url = room.url
    assert phone.offset(path) == len(photo)
    assert room.original_of(path.rpartition("/")[2]) == sha256(photo).digest()


def test_bytes_pass_through_as_they_come(room: Room) -> None:
    """A phone loses its connection in the middle and comes back: what it had sent is the service's already."""
    phone = room.phone()
    path = phone.begin_upload(200_000)
    offset, deadline = 0, time.monotonic() + 20
    while offset == 0:  # until the service had bytes when the phone came back
        assert time.monotonic() < deadline
        with _half_sent(room.url, path, phone.session, 50_000):
            offset = phone.offset(path)
    assert 0 < offset <= 50_000
    assert phone.append(path, offset, bytes(200_000 - offset)).status == 204


def _half_sent(url: str, path: str, session: dict[str, str], size: int) -> socket.socket:
    """The connection of an upload of which the first `size` bytes were sent."""
    lines = [f"PATCH {path} HTTP/1.1", "Host: test", "Content-Length: 200000", "Upload-Offset: 0"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in {**PIECE, **session}.items()]
    parts = urlsplit(url)
    connection = socket.create_connection((str(parts.hostname), int(parts.port or 0)))
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + JPEG + bytes(size - len(JPEG)))
    return connection


def test_refusals_of_the_service_arrive_however_much_is_still_on_its_way(room: Room) -> None:
    phone = room.phone()
    path = phone.begin_upload(8_000_000)
    wrong = phone.append(path, 7, bytes(7_999_993))
    assert (wrong.status, wrong.json()["type"].rpartition("/")[2]) == (409, "upload-offset-mismatch")
    large = send(room.url, "PATCH", path, bytes(9 * 2**20 + 1), **PIECE, Upload_Offset="0", **phone.session)
    assert (large.status, large.headers["Content-Type"]) == (413, "application/problem+json")
    assert large.json()["type"].rpartition("/")[2] == "body-too-large"


def test_the_board_is_fetched_once_a_second(room: Room) -> None:
    send(room.url, "GET", "/board")
    before, began = room.answered("board"), time.monotonic()
    boards = [send(room.url, "GET", "/board") for _ in range(200)]
    seconds = time.monotonic() - began
    assert {board.status for board in boards} == {200}
    assert before > 0 and room.answered("board") - before <= seconds + 2 < 200


def test_counts_are_fetched_once_in_some_seconds(room: Room) -> None:
    """For everybody, as long as they may be kept; they are told as soon as a gatekeeper has counted."""
    deadline = time.monotonic() + WITHIN
    while (first := send(room.url, "GET", "/counts")).status == 503:
        assert time.monotonic() < deadline and first.headers["Cache-Control"] == "no-store"
        time.sleep(0.1)
    before = room.answered("read")
    answers = [send(room.url, "GET", "/counts") for _ in range(50)]
    assert {(one.status, one.body) for one in answers} == {(200, first.body)}
    assert room.answered("read") - before <= 2


async def callers(room: Room) -> int:
    """Who complained in this hour, by address."""
    connection = await asyncpg.connect(room.database_url)
    try:
        return int(await connection.fetchval("select count(*) from complaint_budget where caller <> ''"))
    finally:
        await connection.close()


def test_whoever_complains_cannot_choose_an_address(room: Room) -> None:
    """The bound of one caller counts by the address that nginx sees; straight at a replica each name is another one."""
    body = {"category": "slow_site", "regency": 3372, "text": "Situs lambat."}

    def file(url: str, address: str) -> int:
        return post(url, "/complaints", body, f"from-{url}-{address}", Caller_Address=address).status

    assert [file(room.url, f"203.0.113.{last}") for last in range(5)] == [201] * 5
    by_nginx = asyncio.run(callers(room))
    assert by_nginx <= 2  # an hour may begin meanwhile
    assert [file(room.stack.urls[0], f"203.0.113.{last}") for last in range(5)] == [201] * 5
    assert asyncio.run(callers(room)) > by_nginx


def test_pages_pass_with_their_host_and_smaller(room: Room) -> None:
    """A form from our own address is taken and one from elsewhere is not, whatever port nginx has; the start page is
    fetched once for everybody, and compressed."""
    start = [send(room.url, "GET", "/daftar/", Accept_Encoding="gzip") for _ in range(20)]
    assert {one.status for one in start} == {200} and len({one.body for one in start}) == 1
    assert (start[0].headers["Content-Encoding"], start[0].headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert room.answered("page") == 1
    form = b"form=ticket&once=key-of-this-form"
    typed = {"Content_Type": "application/x-www-form-urlencoded"}
    ours = send(room.url, "POST", "/daftar/antrean", form, **typed, Origin=room.url)
    strange = send(room.url, "POST", "/daftar/antrean", form, **typed, Origin="http://elsewhere.example")
    assert (ours.status, strange.status) == (303, 403)
    large = send(room.url, "POST", "/daftar/foto/ktp", bytes(9 * 2**20 + 1), Content_Type="multipart/form-data")
    assert large.status == 413 and "Berkas terlalu besar" in large.body.decode()
    before = asyncio.run(callers(room))
    complaint = b"form=complaint&once=%d-key-of-this-form&category=slow_site&regency=3372&text=Situs+lambat."
    for last in range(5):
        address = f"198.51.100.{last}"
        filed = send(room.url, "POST", "/daftar/pengaduan", complaint % last, **typed, Caller_Address=address)
        assert filed.status == 303
    assert asyncio.run(callers(room)) - before <= 2, "an hour may begin meanwhile"
    result = [send(room.url, "GET", "/daftar/hasil") for _ in range(5)]
    assert {one.status for one in result} == {200} and len({one.body for one in result}) == 1


def test_a_replica_that_is_gone_is_not_noticed(room: Room, tmp_path: Path) -> None:
    """Half of the requests meet nobody first and go to the other one, POST too: nothing of it had been sent."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        ports = [taken.getsockname()[1], int(urlsplit(room.stack.urls[0]).port or 0)]
        child = proxy.launch(tmp_path / "proxy", ports, logs=tmp_path)
        try:
            proxy.await_answer(child)
            tickets = [post(child.url, "/tickets", {}, f"gone-{number}").status for number in range(20)]
            looks = [send(child.url, "GET", "/health/live").status for _ in range(20)]
        finally:
            child.stop(grace=10)
    assert tickets == [201] * 20 and looks == [200] * 20


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up being root")
def test_root_does_not_run_nginx(room: Room) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        child = proxy.launch(folder / "proxy", [int(urlsplit(room.stack.urls[0]).port or 0)], logs=folder)
        try:
            proxy.await_answer(child)
            assert send(child.url, "GET", "/board").status == 200
            found = [one for one in psutil.Process(child.pid).children(recursive=True) if one.name() == "nginx"]
            assert len(found) >= 2 and {one.uids().real for one in found} == {proxy.NOBODY}
        finally:
            child.stop(grace=10)


@pytest.mark.parametrize("path", ["/daftar", "/daftar/en", "/daftar/static", "/files"])
def test_a_forgotten_slash_leads_on_where_the_phone_asked(room: Room, path: str) -> None:
    """Not to nginx's own port, nor to another site, nor from https to http: all that is before nginx stays."""
    found = send(room.url, "GET", path, Host="registration.example")
    assert found.status in (301, 303)
    assert found.headers["Location"] == path + "/"


def test_when_nobody_is_behind_nginx_it_says_so_in_the_service_s_words(tmp_path: Path) -> None:
    """502 with a problem document and when to come back; a page for people. Nothing that looks like a 503 of ours.
    As it is run before real people, its log does not tell who asked, or for what."""
    need("nginx", package="nginx-light")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        child = proxy.launch(tmp_path / "proxy", [taken.getsockname()[1]], logs=tmp_path, log_level="crit")
        try:
            url = f"http://127.0.0.1:{child.ready['port']}"
            _await_nginx(url)
            gone = post(url, "/tickets", {}, "ticket")
            page = send(url, "GET", "/daftar/antrean")
        finally:
            child.stop(grace=10)
    log = child.log.read_text()
    assert "client: " not in log and "/daftar/antrean" not in log, log
    problem: dict[str, Any] = gone.json()
    assert (gone.status, problem["status"], problem["type"].rpartition("/")[2]) == (502, 502, "unavailable")
    assert int(gone.headers["Retry-After"]) in range(1, 5)
    assert page.status == 502 and page.headers["Content-Type"].startswith("text/html")
    assert "Layanan belum dapat dihubungi" in page.body.decode()
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def _await_nginx(url: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            send(url, "GET", "/")
            return
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
