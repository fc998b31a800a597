"""Why a rehearsal cannot start or go on, with the exit code of each reason."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `launchnight`; where several hold, the first of PRECEDENCE wins."""

    OK = 0
    CRASH = 1
    USAGE = 2
    MISSED = 3
    NOT_READY = 4
    INVALID = 5
    LOST = 6
    INTERRUPTED = 130


PRECEDENCE = (
    Exit.INTERRUPTED, Exit.CRASH, Exit.USAGE, Exit.NOT_READY, Exit.LOST, Exit.INVALID, Exit.MISSED, Exit.OK,
)  # fmt: skip


def first_of(codes: list[Exit]) -> Exit:
    """The code that wins among those that hold; OK when none does."""
    return min(codes, key=PRECEDENCE.index, default=Exit.OK)


class HarnessError(Exception):
    """Ends the command with one clear line for each fault."""

    exit_code = Exit.CRASH

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Refusal(HarnessError):
    """Something the caller can mend: an option, a night file, a folder, a missing tool, a port in use."""

    exit_code = Exit.USAGE


class NotReady(HarnessError):
    """A process that the rehearsal needs did not come up."""

    exit_code = Exit.NOT_READY
