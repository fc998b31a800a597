"""Uploads that were begun before 0004 go on after it."""

import shutil
from uuid import UUID

import asyncpg

from service.storage.migrate import MIGRATIONS, migrate
from service.storage.photos import LocalPhotoStore
from tests.integration.upload_desk import upload_desk

PHOTO = b"\xff\xd8\xff" + bytes(range(100))
SESSION, ACCOUNT = bytes(32), UUID(int=7)
BEFORE = """
insert into ticket (number) overriding system value values (1);
insert into account (id, ticket_number, name, phone) values ('{account}', 1, 'Name', '+628000000001');
insert into session (token_hash, account_id, expires_at)
values ('\\x{session}', '{account}', now() + interval '1 hour');
insert into upload (id, account_id, slot, length, committed, epoch, stored_epoch, ended_epoch)
values ('{half}', '{account}', 1, {length}, 50, 3, 2, 2), ('{empty}', '{account}', 2, {length}, 0, 1, 0, 0);
insert into upload (id, account_id, slot, length, committed, epoch, stored_epoch, ended_epoch, finished_at)
values ('{done}', '{account}', 2, {length}, {length}, 1, 1, 1, now());
"""


def test_uploads_from_before_go_on(run, empty_database_url, tmp_path):
    """Their bytes lie where the row said: in the file of one writer."""
    half, empty, done = "a" * 32, "b" * 32, "c" * 32
    earlier, photos = tmp_path / "migrations", tmp_path / "photos"
    earlier.mkdir()
    for path in MIGRATIONS.glob("000[123]_*.sql"):
        shutil.copy(path, earlier)
    for name, data in ((f"{half}.2", PHOTO[:50] + b"never acknowledged"), (f"{done}.1", PHOTO)):
        (photos / name[:2]).mkdir(parents=True)
        (photos / name[:2] / name).write_bytes(data)

    async def scene():
        connection = await asyncpg.connect(empty_database_url)
        try:
            await migrate(connection, earlier)
            given = {"account": ACCOUNT, "session": SESSION.hex(), "half": half, "empty": empty, "done": done}
            await connection.execute(BEFORE.format(length=len(PHOTO), **given))
            await migrate(connection)
        finally:
            await connection.close()
        async with upload_desk(empty_database_url, LocalPhotoStore(photos)) as desk:
            desk.session = SESSION
            assert await desk.ports.photos.read(done, [(await desk.status(done)).parts[0]], len(PHOTO)) == PHOTO
            for upload_id, offset in ((half, 50), (empty, 0)):
                assert (await desk.status(upload_id)).committed == offset
                await desk.send(upload_id, offset, PHOTO[offset:])
                assert await desk.stored(upload_id) == PHOTO

    run(scene())
