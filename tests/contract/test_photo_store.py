"""One suite for every photo store: what is acknowledged is there, whoever writes late."""

import asyncio
import secrets
from hashlib import sha1, sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.uploads import Part, StorageFailed, part_to_write
from service.storage.photos import LocalPhotoStore
from tests.s3_server import bucket_store

ID = "ab" * 16


@pytest.fixture
def folder(tmp_path):
    store = LocalPhotoStore(tmp_path / "photos")
    yield store
    store.close()


@pytest.fixture(params=["folder", "bucket"])
def store(request):
    if request.param == "folder":
        return request.getfixturevalue("folder")
    return bucket_store(request.getfixturevalue("s3"))


@pytest.fixture
def write(run, store):
    """Store pieces of (part, offset, data), one after the other."""

    def write(*pieces):
        async def one_after_the_other():
            for part, offset, data in pieces:
                await store.write(ID, part, offset, data)

        run(one_after_the_other())

    return write


FIRST = Part(1, 0)


def test_pieces_end_up_where_they_belong(run, store, write):
    """A writer's pieces lie in one part when the store lets it grow, else each in its own."""
    second = part_to_write([FIRST], 1, 6, grows=store.grows)
    write((FIRST, 0, b"hello "), (second, 6, b"world"))
    parts = [FIRST] if store.grows else [FIRST, second]
    assert run(store.read(ID, parts, 11)) == b"hello world"
    assert run(store.size(ID, parts, 11)) == 11


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(
    data=st.binary(min_size=1, max_size=400),
    cuts=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60)), max_size=5),
    start=st.integers(0, 400),
)
def test_writers_that_take_over_continue_the_same_bytes(run, store, data, cuts, start):
    """What one writes beyond the acknowledged bytes does not count, nor when it does so late."""
    upload_id = secrets.token_hex(16)

    async def write():
        committed, strays = 0, []
        parts: list[Part] = []
        for writer, (cut, stray) in enumerate([*sorted(cuts), (len(data), 0)], 1):
            cut = min(cut, len(data))
            if cut <= committed:
                continue
            part = part_to_write(parts, writer, committed, grows=store.grows)
            await store.write(upload_id, part, committed, data[committed:cut])
            parts.append(part)
            if stray:
                strays.append((part_to_write(parts, writer, cut, grows=store.grows), cut, bytes(stray)))
            committed = cut
        for part, offset, late in strays:
            await store.write(upload_id, part, offset, late)
        streamed = [piece async for piece in store.stream(upload_id, parts, len(data), min(start, len(data)))]
        return parts, await store.read(upload_id, parts, len(data)), b"".join(streamed)

    parts, stored, streamed = run(write())
    assert (stored, streamed) == (data, data[start:])
    assert run(store.size(upload_id, parts, len(data))) == len(data)


def test_late_writer_cannot_touch_acknowledged_bytes(run, store, write):
    """A request that wakes up after it lost the upload writes where nobody reads."""
    second = Part(2, 5)
    write((FIRST, 0, b"right"), (second, 5, b" bytes"))
    write((part_to_write([FIRST], 1, 5, grows=store.grows), 5, b" WRONG"))
    assert run(store.read(ID, [FIRST, second], 11)) == b"right bytes"


def test_missing_bytes_are_an_error_and_never_zeros(run, store, write):
    write((FIRST, 0, b"four"))
    for parts, size in (([FIRST], 5), ([FIRST, Part(2, 4)], 5)):
        with pytest.raises(StorageFailed):
            run(store.read(ID, parts, size))
        assert run(store.size(ID, parts, size)) == 4


def test_what_is_removed_is_gone_for_all_writers(run, store, write):
    """Acknowledged or not; removing it again is no error; the clean copy stays."""
    run(store.keep(ID, b"clean"))
    write((FIRST, 0, b"first"), (Part(2, 5), 5, b"second"), (Part(3, 5), 5, b"third"))
    for _ in range(2):
        run(store.remove(ID, 3))
    for parts, end in (([FIRST], 5), ([FIRST, Part(2, 5)], 11), ([FIRST, Part(3, 5)], 10)):
        assert run(store.size(ID, parts, end)) == 0
    assert run(store.copy(ID)) == b"clean"


def test_a_part_of_which_nothing_counts_is_removed_alone(run, store, write):
    write((FIRST, 0, b"first"), (Part(2, 5), 5, b"second"))
    for _ in range(2):
        run(store.remove_part(ID, Part(2, 5)))
    assert run(store.read(ID, [FIRST], 5)) == b"first"
    assert run(store.size(ID, [FIRST, Part(2, 5)], 11)) == 5


def test_hashes_see_what_is_stored(run, store):
    whole, piece = sha256(), sha1()
    run(store.write(ID, FIRST, 0, b"hello ", [whole]))
    run(store.write(ID, part_to_write([FIRST], 1, 6, grows=store.grows), 6, b"world", [whole, piece]))
    assert (whole.digest(), piece.digest()) == (sha256(b"hello world").digest(), sha1(b"world").digest())


def test_a_clean_copy_is_whole_or_not_there(run, store):
    """Put twice, the last one counts; a removed one is gone, and removing it again is no error."""

    async def keep():
        sizes = [await store.copy_size(ID)]
        await asyncio.gather(store.keep(ID, b"first"), store.keep(ID, b"first"))
        sizes.append(await store.copy_size(ID))
        await store.keep(ID, b"the second")
        kept = await store.copy(ID)
        for _ in range(2):
            await store.remove_copy(ID)
        return [*sizes, await store.copy_size(ID)], kept

    assert run(keep()) == ([-1, 5, -1], b"the second")


def test_an_original_is_read_up_to_what_was_acknowledged(run, store, write):
    """Bytes beyond it are nobody's."""
    write((FIRST, 0, b"acknowledged and more"))
    assert run(store.read(ID, [FIRST], 12)) == b"acknowledged"
    assert run(store.size(ID, [FIRST], 12)) == 12
