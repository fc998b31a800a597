"""Photos in a bucket: how many requests they cost, and what becomes of them when the S3 server misbehaves."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from service.domain.bucket_address import parse_bucket
from service.domain.errors import StorageFull
from service.domain.uploads import Part, StorageFailed
from service.storage.photos_s3 import S3PhotoStore
from tests.s3_server import bucket_store

ID = "ab" * 16
FIRST = Part(1, 0)
SOON = 0.5  # seconds of patience, where a test waits until it is over


def store_of(endpoint, bucket="photos", **more):
    address = parse_bucket(f"s3://{bucket}?endpoint={endpoint}&region=us-east-1")
    return S3PhotoStore(address, key="synthetic", secret="synthetic", **more)


@asynccontextmanager
async def misbehaving(*answers):
    """An S3 server that gives these answers (status, body), the last one again and again; None: never any.

    Yields its address and the methods it was asked with.
    """
    asked = []

    async def serve(reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-len")), 0
                )
                await reader.readexactly(length)
                asked.append(head.split()[0].decode())
                answer = answers[min(len(asked), len(answers)) - 1]
                if answer is None:
                    await asyncio.Event().wait()
                status, body = answer
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nETag: x\r\n\r\n{body}".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()


def error(code):
    return f"<Error><Code>{code}</Code><Message>synthetic</Message></Error>"


def test_a_piece_costs_one_request(run, s3):
    """Conditional, without a look before or after."""
    store, before = bucket_store(s3), len(s3.requests())
    run(store.write(ID, FIRST, 0, bytes(300_000)))
    [(method, path, status)] = s3.requests()[before:]
    assert (method, path.endswith(f"/{ID}/1.0"), status) == ("PUT", True, 200)


def test_what_is_stored_is_never_overwritten(run, s3):
    """A try whose answer was lost is recognized by its bytes; other bytes under its name are refused."""
    store = bucket_store(s3)
    for _ in range(2):
        run(store.write(ID, FIRST, 0, b"first"))
    for other in (b"FIRST", b"first and more"):
        with pytest.raises(StorageFailed):
            run(store.write(ID, FIRST, 0, other))
    assert run(store.read(ID, [FIRST], 5)) == b"first"


def test_uploads_below_one_prefix_do_not_see_each_other(run, s3):
    store, other = bucket_store(s3), "ab" * 15 + "ac"
    for upload_id in (ID, other):
        run(store.write(upload_id, FIRST, 0, b"first"))
    run(store.remove(ID, 1))
    assert [run(store.size(upload_id, [FIRST], 5)) for upload_id in (ID, other)] == [0, 5]


def test_a_writer_after_the_last_one_keeps_its_bytes(run, s3):
    store = bucket_store(s3)
    for part in (FIRST, Part(2, 0), Part(10, 0)):
        run(store.write(ID, part, 0, b"bytes"))
    run(store.remove(ID, 2))
    assert [run(store.size(ID, [part], 5)) for part in (FIRST, Part(2, 0), Part(10, 0))] == [0, 0, 5]


def test_a_hiccup_is_bridged(run):
    """A server that is too busy for a moment costs the phone nothing; trouble that stays is counted once."""
    told = []

    async def write(*answers):
        async with misbehaving(*answers) as (endpoint, asked):
            store = store_of(endpoint, done=lambda kind, seconds, ok: told.append((kind, ok)))
            await store.write(ID, FIRST, 0, b"first")
            return asked

    assert run(write((503, error("SlowDown")), (200, ""))) == ["PUT", "PUT"]
    with pytest.raises(StorageFailed):
        run(write((503, error("SlowDown"))))
    assert told == [("write", True), ("write", False)]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((503, error("SlowDown")), StorageFailed),
        ((500, error("InternalError")), StorageFailed),
        ((403, error("AccessDenied")), StorageFailed),
        ((404, error("NoSuchBucket")), StorageFailed),
        ((507, error("XMinioStorageFull")), StorageFull),
        ((403, error("QuotaExceeded")), StorageFull),
    ],
    ids=["busy", "broken", "forbidden", "no_bucket", "full", "over_quota"],
)
def test_a_refusal_is_an_error_that_passes(run, answer, error):
    """Temporary, with a time to come back, after a few tries at most."""

    async def write():
        async with misbehaving(answer) as (endpoint, asked):
            with pytest.raises(error) as caught:
                await store_of(endpoint).write(ID, FIRST, 0, b"first")
            assert len(asked) <= 3
            return caught.value

    refused = run(write())
    assert type(refused) is error and refused.temporary and refused.retry_after_s


def test_a_silent_server_is_waited_for_within_patience(run):
    """Nobody hangs on it, and a start does not fail for it."""

    async def write():
        async with misbehaving(None) as (endpoint, _):
            store = store_of(endpoint, patience=SOON)
            begun = time.monotonic()
            with pytest.raises(StorageFailed):
                await store.write(ID, FIRST, 0, b"first")
            await store.check()
            return time.monotonic() - begun

    assert run(write()) >= SOON


def test_nobody_at_the_address_is_an_error_that_passes(run):
    with pytest.raises(StorageFailed):
        run(store_of("http://127.0.0.1:1").read(ID, [FIRST], 1))


def test_a_bucket_that_is_not_there_is_refused_at_the_start(run, s3):
    """A bad setting shows at the start, not with the first photo; one that is there is not."""
    with pytest.raises(PermissionError, match="s3://nowhere"):
        run(store_of(s3.endpoint, "nowhere").check())
    run(bucket_store(s3).check())


def test_wrong_credentials_are_refused_at_the_start_and_trouble_is_not(run):
    async def check(*answer):
        async with misbehaving(answer) as (endpoint, _):
            await store_of(endpoint).check()

    with pytest.raises(PermissionError, match="s3://photos"):
        run(check(403, error("SignatureDoesNotMatch")))
    run(check(503, error("SlowDown")))
