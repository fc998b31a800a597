"""tuspy and aiotus: the clients of Python."""

import asyncio
import io
import subprocess
import sys
from random import Random
from urllib.request import urlopen

import aiotus
import pytest
from tusclient.client import TusClient

DATA = Random(2).randbytes(1_500_000)
_PIECE = 400_000


def _contents(url: str | None) -> bytes:
    assert url is not None
    with urlopen(url) as answer:
        held: bytes = answer.read()
    return held


@pytest.mark.parametrize("checksum", [False, True], ids=["plain", "checksum"])
def test_tuspy(free, checksum):
    """In pieces, with and without a checksum of each."""
    file = io.BytesIO(DATA)
    uploader = TusClient(free.url).uploader(file_stream=file, chunk_size=_PIECE, upload_checksum=checksum)
    uploader.upload()
    assert _contents(uploader.url) == DATA


def test_tuspy_goes_on_where_it_was(free):
    """Another one that is given the address asks for the offset and continues there."""
    first = TusClient(free.url).uploader(file_stream=io.BytesIO(DATA), chunk_size=_PIECE)
    first.upload_chunk()
    second = TusClient(free.url).uploader(file_stream=io.BytesIO(DATA), chunk_size=_PIECE, url=first.url)
    assert second.offset == _PIECE
    second.upload()
    assert _contents(first.url) == DATA


def test_tuspy_async(free):
    """The asynchronous one, with checksums."""

    async def upload() -> str:
        file = io.BytesIO(DATA)
        uploader = TusClient(free.url).async_uploader(file_stream=file, chunk_size=_PIECE, upload_checksum=True)
        await uploader.upload()
        return str(uploader.url)

    assert _contents(asyncio.run(upload())) == DATA


def test_aiotus(free):
    """In pieces; what stands in its metadata comes back, empty values and bytes that are no text included."""
    metadata = {"filename": b"file.bin", "note": None, "raw": bytes(range(256))}

    async def upload() -> tuple[str, object]:
        location = await aiotus.upload(free.url, io.BytesIO(DATA), metadata, chunksize=_PIECE)
        assert location is not None
        return str(location), await aiotus.metadata(location)

    url, found = asyncio.run(upload())
    assert found == metadata
    assert _contents(url) == DATA


def test_aiotus_as_a_command(free, tmp_path):
    """Its command line: upload, then metadata."""
    path = tmp_path / "file.bin"
    path.write_bytes(DATA)
    url = _aiotus("upload", "--metadata", "city=Bandung", "--metadata", "urgent", free.url, str(path)).strip()
    assert _contents(url) == DATA
    told = _aiotus("metadata", url).splitlines()
    assert {"city: Bandung", "filename: file.bin", "urgent"} <= set(told)


def _aiotus(*words: str) -> str:
    command = [sys.executable, "-m", "aiotus", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
