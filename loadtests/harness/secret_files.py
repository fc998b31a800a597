"""The secrets of the containers, each in a file of its own: `make secrets` makes those that are missing.

Compose mounts a file with the modes it has here, and the programs in the containers are neither root nor the owner.
So it is the folder that keeps other users of this machine out (0700), while each file can be read by whoever has it
mounted (0444) and written by nobody.
"""

import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from loadtests.harness.errors import Exit, Refusal

FOLDER = Path(__file__).resolve().parents[2] / ".launchnight" / "secrets"

PASSWORD, URL = "database-password", "database-url"

MAKERS: Mapping[str, Callable[[Path], str]] = {
    PASSWORD: lambda _: secrets.token_hex(24),  # stands in an address too: digits and letters only
    URL: lambda folder: f"postgresql://app:{(folder / PASSWORD).read_text().strip()}@db:5432/registration",
    "secret-key": lambda _: secrets.token_hex(32),
    "grafana-password": lambda _: secrets.token_urlsafe(18),
}
"""How each is made, in this order."""


def missing(folder: Path = FOLDER) -> list[str]:
    """Names of the secrets that are not there or empty; the parser of Compose does not look.

    Raises Refusal when only another user may look.
    """
    return [name for name in MAKERS if not _holds_something(folder / name)]


def make(folder: Path = FOLDER) -> list[str]:
    """Make those that are missing and leave the others as they are; the names of the new ones.

    Raises Refusal when the folder cannot be written, or when the address is there and its password is not.
    """
    wanted = missing(folder)
    if PASSWORD in wanted and URL not in wanted:
        raise Refusal(f"{folder / URL} is there, {folder / PASSWORD} is not: put it back, or remove both")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        for name in wanted:
            path = folder / name
            path.unlink(missing_ok=True)  # an empty one
            path.write_text(MAKERS[name](folder) + "\n")
            path.chmod(0o444)
    except OSError as error:
        raise Refusal(f"cannot write {error.filename or folder}: {error.strerror}") from None
    return wanted


def _holds_something(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size > 0
    except PermissionError:
        raise Refusal(f"{path.parent} may not be read by this user: make it yours (chown), or remove it") from None


def main() -> int:
    try:
        made = make()
    except Refusal as refusal:
        print(f"launchnight: {refusal}", file=sys.stderr)
        return Exit.USAGE
    for name in MAKERS:
        print(f"{'made' if name in made else 'kept'} {FOLDER / name}")
    return Exit.OK


if __name__ == "__main__":
    sys.exit(main())
