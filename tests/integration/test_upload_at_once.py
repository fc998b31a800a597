"""A photo that follows its creation at once, at the same replica, costs no statement that takes it over."""

import pytest

from service.actions import uploads as actions
from service.actions.upload_writers import MOST_BEGUN, Writers
from service.domain.errors import UploadTaken
from service.domain.uploads import Append, Checksum, Creation, Part
from service.photo_ports import Upload
from service.storage.photos import LocalPhotoStore
from service.web import incoming
from tests.integration.test_uploads_broken import begin_chunk
from tests.integration.upload_desk import Body, upload_desk
from tests.integration.upload_room import Person, holds, random_bytes, upload_room

PHOTO = random_bytes(300_000)
ALL = Append(0, len(PHOTO))


@pytest.fixture
def desk(run, module_database_url, tmp_path):
    """Runs a scene with a replica, and with an upload that it has just begun."""

    def play(scene):
        async def with_upload():
            async with upload_desk(module_database_url, LocalPhotoStore(tmp_path)) as desk:
                await scene(desk, await begin(desk))

        run(with_upload())

    return play


async def begin(desk):
    new = await actions.create(desk.ports, None, None, Creation(None, len(PHOTO), ""), desk.writers)
    assert isinstance(new, actions.BegunUpload)
    return new.upload_id


def begun(desk, upload_id, chunk=ALL):
    return actions.whole_at_once(desk.ports, desk.writers, desk.session, upload_id, chunk)


async def send_all(desk, upload_id, upload):
    body = Body(PHOTO)
    return await actions.append(
        desk.ports, desk.writers, desk.session, upload_id, ALL, body, lambda count: None, begun=upload
    )


def test_whoever_took_over_meanwhile_wins(desk, tmp_path):
    """The commit finds out; what was stored for nothing is gone."""

    async def scene(desk, upload_id):
        upload = begun(desk, upload_id)
        other = desk.another()
        await other.send(upload_id, 0, PHOTO[:1000])
        with pytest.raises(UploadTaken):
            await send_all(desk, upload_id, upload)
        assert [path.name for path in tmp_path.rglob(f"{upload_id}*")] == [f"{upload_id}.1"]
        await other.send(upload_id, 1000, PHOTO[1000:])
        assert await desk.stored(upload_id) == PHOTO

    desk(scene)


def test_what_it_has_stored_goes_with_the_upload(desk, tmp_path):
    """Bytes of a process that was killed before it could commit."""

    async def scene(desk, upload_id):
        upload = begun(desk, upload_id)
        await desk.ports.photos.write(upload_id, Part(upload.epoch, 0), 0, PHOTO)
        assert [path.name for path in tmp_path.rglob(f"{upload_id}*")] == [f"{upload_id}.0"]
        await desk.terminate(upload_id)
        assert list(tmp_path.rglob(f"{upload_id}*")) == []

    desk(scene)


OTHERS = {
    "another offset": Append(1, len(PHOTO) - 1),
    "only a part of it": Append(0, len(PHOTO) - 1),
    "more than it": Append(0, len(PHOTO) + 1),
    "nobody knows how much": Append(0, None),
    "with a checksum": Append(0, len(PHOTO), checksum=Checksum("sha1", b"")),
}


@pytest.mark.parametrize("what", OTHERS)
def test_any_other_chunk_takes_over(desk, what):
    async def scene(desk, upload_id):
        assert begun(desk, upload_id, OTHERS[what]) is None

    desk(scene)


def test_it_is_remembered_once_for_its_owner_and_until_somebody_asks(desk):
    async def scene(desk, upload_id):
        stranger = await desk.signed_in()
        assert begun(stranger, upload_id) is None
        assert begun(desk, upload_id) is None  # it may cost its owner a statement, and no more
        for ask in (desk.status, desk.terminate):
            asked = await begin(desk)
            await ask(asked)
            assert begun(desk, asked) is None
        upload_id = await begin(desk)
        assert begun(desk.another(), upload_id) is None
        assert begun(desk, upload_id) is not None
        assert begun(desk, upload_id) is None

    desk(scene)


def test_many_are_forgotten():
    """Memory has an end, the oldest go first."""
    writers = Writers()
    for number in range(MOST_BEGUN + 1):
        writers.begun(Upload(f"{number}", None, None, 1, ""), None)
    assert writers.take_begun("0", None) is None
    assert writers.take_begun("1", None) is not None


def test_a_slow_photo_says_who_writes(run, database_url, tmp_path, monkeypatch):
    """Before it waits for more: whoever comes back to another replica can have it let go."""
    monkeypatch.setattr(incoming, "AT_ONCE", 0.001)

    async def scene():
        async with upload_room(database_url, tmp_path / "photos") as room:
            person = await room.person()
            path = await person.begin(len(PHOTO))

            async def writes():
                row = await room.row(path)
                return row["writing"] == room.writers.replica and row["epoch"] == 1

            async with room.connected() as connection:
                await begin_chunk(connection, person, path, 0, PHOTO[:100_000], len(PHOTO))
                await holds(writes)
                await connection.send(PHOTO[100_000:])
                assert (await connection.answer()).status == 204
            assert await room.stored(path) == PHOTO

    run(scene())


def test_another_replica_takes_it_over(run, database_url, tmp_path):
    """Any request may go to any replica."""

    async def scene():
        async with upload_room(database_url, tmp_path / "photos") as one, upload_room(database_url, one.folder) as two:
            person = await one.person()
            path = await person.begin(len(PHOTO))
            there = Person(two, person.account_id, person.session)
            assert (await there.patch(path, 0, PHOTO)).status == 204
            assert two.transactions == [True, True] and one.transactions == [True]
            assert await two.stored(path) == PHOTO

    run(scene())
