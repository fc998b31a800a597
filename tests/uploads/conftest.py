"""Upload servers for the tests of a file. Clients are installed by `make test-uploads`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.s3_server import s3_server
from tests.uploads.conformance import matrix
from tests.uploads.servers import Server, ours

_LOCAL, _S3 = matrix.OURS


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Ours with a limit on sizes, and its twin whose uploads live briefly."""
    with Server(ours(_LOCAL), tmp_path_factory.mktemp("local")) as server:
        yield server


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same with the bytes in a bucket."""
    folder = tmp_path_factory.mktemp("bucket")
    with s3_server(folder) as s3, Server(ours(_S3, s3=s3), folder) as server:
        yield server


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Ours without a limit on sizes, as clients find it."""
    folder: Path = tmp_path_factory.mktemp("free")
    with Server(ours("launchnight", most_bytes=None), folder, with_twin=False) as server:
        yield server


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Ours with a limit on sizes."""
    with Server(ours("launchnight"), tmp_path_factory.mktemp("limited"), with_twin=False) as server:
        yield server
