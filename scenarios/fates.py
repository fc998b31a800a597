"""What the record says of an applicant in numbers: fates, stages, channels, manners and reasons."""

from enum import IntEnum


class Fate(IntEnum):
    """How one planned applicant ended; exactly one each."""

    JOINED = 1
    REFUSED = 2
    ABANDONED = 3
    FAILED = 4
    CUT = 5

    @property
    def phrase(self) -> str:
        return _FATE_PHRASES[self]


_FATE_PHRASES = {
    Fate.JOINED: "told that the wave was joined",
    Fate.REFUSED: "got a final no",
    Fate.ABANDONED: "left although the last answer worked",
    Fate.FAILED: "gave up after errors, timeouts or missing codes",
    Fate.CUT: "the run, or the worker that played them, ended first",
}


class Furthest(IntEnum):
    """The last stage an applicant completed, in the order of the journey."""

    NONE = 0
    TICKETED = 1
    ADMITTED = 2
    ACCOUNT_CREATED = 3
    CODE_VERIFIED = 4
    IDENTITY_SUBMITTED = 5
    PROFILE_COMPLETED = 6
    PHOTOS_UPLOADED = 7
    PHONE_VERIFIED = 8
    ASSESSED = 9
    WAVE_JOINED = 10

    @property
    def column(self) -> str:
        """Name of the people column with the time of this stage; NONE has none."""
        return f"{self.name.lower()}_at"


class Channel(IntEnum):
    """Where an applicant asked for the first code."""

    EMAIL = 1
    SMS = 2


class Manners(IntEnum):
    """How an applicant's client takes it when the service refuses, fails or stays silent."""

    PUNCTUAL = 0
    NAIVE = 1
    POLITE = 2
    ADAPTIVE = 3

    @property
    def phrase(self) -> str:
        return _MANNERS_PHRASES[self]


_MANNERS_PHRASES = {
    Manners.PUNCTUAL: "comes back on the second it was told",
    Manners.NAIVE: "ignores what it is told and repeats at once",
    Manners.POLITE: "comes back later than told, ever later while refusals last",
    Manners.ADAPTIVE: "polite, and holds requests back itself while most are refused",
}


class Reason(IntEnum):
    """Why an applicant ended; fine print to the fate."""

    NONE = 0
    JOINED = 1
    NOT_ELIGIBLE = 10
    WAVE_CLOSED = 11
    WAVE_FULL = 12
    IDENTITY_MISMATCH = 13
    ADDRESS_TAKEN = 14
    IDENTITY_NUMBER_TAKEN = 15
    OTHER_REFUSAL = 19
    LEFT_THE_LINE = 20
    LOST_INTEREST = 21
    STEPS_DONE = 22
    NO_CODE = 30
    CODE_REFUSED = 31
    ERRORS = 32
    TIMEOUTS = 33
    BUSY = 34
    PAGE_LOST = 35
    RUN_ENDED = 40
    WORKER_LOST = 41

    @property
    def phrase(self) -> str:
        return _REASON_PHRASES[self]


_REASON_PHRASES = {
    Reason.NONE: "not said",
    Reason.JOINED: "joined",
    Reason.NOT_ELIGIBLE: "not eligible",
    Reason.WAVE_CLOSED: "the wave was closed",
    Reason.WAVE_FULL: "the wave was full",
    Reason.IDENTITY_MISMATCH: "identity did not match and no correction was left",
    Reason.ADDRESS_TAKEN: "phone or e-mail already had an account",
    Reason.IDENTITY_NUMBER_TAKEN: "identity number already had an account",
    Reason.OTHER_REFUSAL: "another final no",
    Reason.LEFT_THE_LINE: "left the waiting room",
    Reason.LOST_INTEREST: "stopped between two steps",
    Reason.STEPS_DONE: "had made as many requests as the run asks for",
    Reason.NO_CODE: "no code arrived",
    Reason.CODE_REFUSED: "codes were refused too often",
    Reason.ERRORS: "too many errors",
    Reason.TIMEOUTS: "too many timeouts",
    Reason.BUSY: "told too often to come back later",
    Reason.PAGE_LOST: "the phone lost the page too often",
    Reason.RUN_ENDED: "the run ended",
    Reason.WORKER_LOST: "the worker of the swarm that played them was lost",
}
