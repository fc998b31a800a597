"""Schema changes: once, in order, together or not at all, never changed afterwards."""

import asyncio

import asyncpg
import pytest

from service.storage import migrate
from service.storage.migrate import MigrationError, migrations


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "0001_people.sql").write_text("create table person (id int); insert into person values (1);")
    (tmp_path / "0002_names.sql").write_text("alter table person add name text;")
    return tmp_path


@pytest.fixture
def applied(run, empty_database_url):
    """Migrate the test's database from a folder; returns the names applied."""

    def apply(folder):
        async def on_connection():
            connection = await asyncpg.connect(empty_database_url)
            try:
                return await migrate.migrate(connection, folder)
            finally:
                await connection.close()

        return run(on_connection())

    return apply


def ask(run, url, query):
    async def on_connection():
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return run(on_connection())


def test_what_is_missing_is_applied_once(applied, folder):
    assert applied(folder) == ["0001_people.sql", "0002_names.sql"]
    assert applied(folder) == []
    (folder / "0003_more.sql").write_text("create table more (id int);")
    assert applied(folder) == ["0003_more.sql"]


def test_replicas_that_start_together_take_turns(run, empty_database_url, folder):
    """One applies, the others find it done."""

    async def one():
        connection = await asyncpg.connect(empty_database_url)
        try:
            return await migrate.migrate(connection, folder)
        finally:
            await connection.close()

    async def all_at_once():
        return await asyncio.gather(*(one() for _ in range(5)))

    assert sorted(map(len, run(all_at_once()))) == [0, 0, 0, 0, 2]
    assert ask(run, empty_database_url, "select count(*) from person") == 1


def test_failing_file_leaves_the_schema_as_it_was(run, empty_database_url, applied, folder):
    """The files before it in the same run are rolled back too; the error names the file."""
    (folder / "0003_wrong.sql").write_text("create table more (id int); select * from nowhere;")
    with pytest.raises(MigrationError, match=r"0003_wrong\.sql: relation .nowhere. does not exist"):
        applied(folder)
    assert ask(run, empty_database_url, "select count(*) from pg_tables where schemaname = 'public'") == 0


def test_changed_file_is_refused(applied, folder):
    """Whoever edits an applied file has two schemas under one number."""
    applied(folder)
    (folder / "0001_people.sql").write_text("create table person (id bigint);")
    with pytest.raises(MigrationError, match=r"0001_people\.sql was changed after it was applied"):
        applied(folder)


def test_older_code_is_refused(applied, folder):
    """A file that was applied is gone: this code does not know the schema it meets."""
    applied(folder)
    (folder / "0002_names.sql").unlink()
    with pytest.raises(MigrationError, match=r"0002_names\.sql was applied and is not here"):
        applied(folder)


@pytest.mark.parametrize("name", ["0003_gap.sql", "2_short.sql", "0002-dash.sql"])
def test_numbers_have_no_gaps(tmp_path, name):
    (tmp_path / "0001_first.sql").write_text("select 1;")
    (tmp_path / name).write_text("select 1;")
    with pytest.raises(MigrationError, match=r"expected the name 000"):
        migrations(tmp_path)


def test_the_schema_of_the_service_applies(run, server_url, template):
    """The fixtures' template is migrated by the same code."""
    assert [each.number for each in migrations()] == list(range(1, len(migrations()) + 1))
    assert ask(run, server_url, f"select count(*) from pg_database where datname = '{template}'") == 1
