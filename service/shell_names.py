"""Who types a verb of the operators: the name that goes on the record."""

import getpass

from service.domain.staff import NAME_LENGTH


def user() -> str:
    """The name of the account that the verb runs under."""
    try:
        return getpass.getuser()[:NAME_LENGTH]
    except (OSError, KeyError):  # a container's account may have no name
        return "unnamed"


def name(text: str) -> str:
    """A name as it is typed, blanks made single. Raises ValueError when nobody could read it on the record."""
    read = " ".join(text.split())
    if not 0 < len(read) <= NAME_LENGTH or not read.isprintable():
        raise ValueError
    return read
