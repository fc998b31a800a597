"""The stores that the tests of uploads run on, and a look at what lies in them."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from service.storage.photos import LocalPhotoStore
from service.storage.photos_s3 import S3PhotoStore
from tests.s3_server import bucket_store


@dataclass(frozen=True)
class Shelf:
    store: LocalPhotoStore | S3PhotoStore
    held: Callable[[], list[str]]
    """UPLOAD.WRITER of whatever writers have stored, UPLOAD.clean of clean copies."""


@pytest.fixture(params=["folder", "bucket"])
def shelf(request, tmp_path) -> Iterator[Shelf]:
    """An empty store of each kind."""
    if request.param == "folder":
        store = LocalPhotoStore(tmp_path)
        yield Shelf(store, lambda: sorted(path.name for path in tmp_path.rglob("*") if path.is_file()))
        store.close()
        return
    s3, prefix = request.getfixturevalue("s3"), secrets.token_hex(4)

    def held() -> list[str]:
        names = (name.split("/") for name in s3.names(prefix))
        return sorted({f"{upload_id}.{last.partition('.')[0]}" for upload_id, last in names})

    yield Shelf(bucket_store(s3, prefix), held)
