"""tus-js-client in Node: the client of most pages and apps."""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any
from urllib.request import urlopen

import pytest

from tests.children import child_process
from tests.uploads.clients.node import NODE, clients
from tests.uploads.conformance.wire import VERSION, exchange

HERE = Path(__file__).parent
SIZE = 5_000_000
LARGE = 60_000_000
"""Bytes that the buffers between two processes do not hold."""
EARLY = 2_000_000


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(tmp_path_factory, SIZE)


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(tmp_path_factory, LARGE)


def _written(folders: pytest.TempPathFactory, size: int) -> Path:
    found = folders.mktemp("files") / "file.bin"
    found.write_bytes(Random(1).randbytes(size))
    return found


@contextmanager
def client(endpoint: str, file: Path, **orders: Any) -> "Iterator[Iterator[dict[str, Any]]]":
    """Its events, as they happen. What is left of it after the block is killed."""
    assert clients()
    told = json.dumps({"endpoint": endpoint, "file": str(file), **orders})
    command = [str(NODE), str(HERE / "clients" / "tus_js.mjs"), told]
    with child_process(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout
        yield (json.loads(line) for line in process.stdout)


def all_events(endpoint: str, file: Path, **orders: Any) -> list[dict[str, Any]]:
    with client(endpoint, file, **orders) as events:
        return list(events)


def assert_arrived(url: str, file: Path) -> None:
    with urlopen(url) as answer:
        assert hashlib.sha256(answer.read()).digest() == hashlib.sha256(file.read_bytes()).digest()


def methods(events: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(event["method"], event["status"]) for event in events if "method" in event]


def stopped(events: Iterator[dict[str, Any]]) -> str:
    """The address of the upload in the middle of which the client has stopped."""
    return next(str(event["stopped"]) for event in events if "stopped" in event)


def test_a_file(free, file):
    """One creation and one append."""
    events = all_events(free.url, file)
    assert methods(events) == [("POST", 201), ("PATCH", 204)]
    assert_arrived(events[-1]["done"], file)


def test_pieces(free, file):
    """Several appends, one after the other."""
    events = all_events(free.url, file, options={"chunkSize": 2_000_000})
    assert methods(events) == [("POST", 201), *[("PATCH", 204)] * 3]
    assert_arrived(events[-1]["done"], file)


def test_an_empty_file(free, tmp_path):
    """It is complete when it is created."""
    empty = tmp_path / "empty.bin"
    empty.write_bytes(b"")
    events = all_events(free.url, empty)
    assert methods(events) == [("POST", 201)]
    assert_arrived(events[-1]["done"], empty)


def test_killed_and_begun_again(free, large_file, tmp_path):
    """A process that is killed in mid-append leaves its upload's address; the next one goes on where the server is."""
    storage = str(tmp_path / "uploads.json")
    with client(free.url, large_file, storage=storage, stop_at=EARLY) as events:
        url = stopped(events)
    again = all_events(free.url, large_file, storage=storage)
    assert methods(again) == [("HEAD", 200), ("PATCH", 204)]
    assert 0 < int(again[1]["offset"]) < LARGE
    assert again[-1]["done"] == url
    assert_arrived(url, large_file)


def test_begun_again_while_the_old_request_hangs(free, large_file, tmp_path):
    """The same while the first process still stands, its connection half-open: the second one takes over."""
    storage = str(tmp_path / "uploads.json")
    with client(free.url, large_file, storage=storage, stop_at=EARLY) as events:
        url = stopped(events)
        again = all_events(free.url, large_file, storage=storage)
    assert methods(again) == [("HEAD", 200), ("PATCH", 204)]
    assert 0 < int(again[1]["offset"]) < LARGE
    assert_arrived(url, large_file)


def test_aborted_and_resumed(free, large_file):
    """abort() in mid-append, then start() of the same upload."""
    events = all_events(free.url, large_file, abort_at=EARLY)
    assert methods(events) == [("POST", 201), ("HEAD", 200), ("PATCH", 204)]
    assert_arrived(events[-1]["done"], large_file)


def test_length_that_is_not_known(free, file):
    """A stream whose length is told with its last piece."""
    options = {"uploadLengthDeferred": True, "chunkSize": 2_000_000}
    events = all_events(free.url, file, pieces=True, options=options)
    assert methods(events)[:2] == [("POST", 201), ("PATCH", 204)]
    assert_arrived(events[-1]["done"], file)


def test_bytes_with_the_creation(free, file):
    """uploadDataDuringCreation: one request for all."""
    events = all_events(free.url, file, options={"uploadDataDuringCreation": True})
    assert methods(events) == [("POST", 201)]
    assert_arrived(events[-1]["done"], file)


def test_bytes_with_the_creation_in_pieces(free, file):
    """The first piece with the creation, the others after it."""
    events = all_events(free.url, file, options={"uploadDataDuringCreation": True, "chunkSize": 2_000_000})
    assert methods(events) == [("POST", 201), ("PATCH", 204), ("PATCH", 204)]
    assert_arrived(events[-1]["done"], file)


def test_where_patch_is_not_possible(free, file):
    """overridePatchMethod: the method stands in a header."""
    events = all_events(free.url, file, options={"overridePatchMethod": True})
    assert methods(events) == [("POST", 201), ("POST", 204)]
    assert events[1]["override"] == "PATCH"
    assert_arrived(events[-1]["done"], file)


def test_terminated(free, file):
    """A finished upload that is terminated is gone."""
    events = all_events(free.url, file, terminate=True)
    assert exchange("HEAD", events[-1]["terminated"], VERSION).status in (404, 410)


def test_too_large(limited, file):
    """What is over the limit is refused once: the client does not try again."""
    events = all_events(limited.url, file)
    assert methods(events) == [("POST", 413)]
    assert "413" in events[-1]["failed"]
