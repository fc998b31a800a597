"""How a phone's upload client goes on by itself after a failed try, before its person has to press anything.

The delays of tus-js-client and Uppy are those of their defaults (tus-js-client 4.3.1 `lib/upload.ts`, @uppy/tus 6.0.0
`src/index.ts`): no jitter, no Retry-After, at an end after four tries in a row that brought nothing. A try that brought
at least one byte begins the row anew; both send the offset request (HEAD) first and then the rest.

Compiled by numba as it stands (DESIGN section 2, compiled rules).
"""

from enum import IntEnum

from service.domain.queues import retry_delay_s

LONGEST_PAUSE = 60.0
"""Seconds; of a patient client. Nobody looks at a bar that stands still for longer."""
MOST_FAILURES = 60
"""In a row, of a patient client: then half an hour has brought nothing, and its person is told."""
STOCK_TRIES = 4


class Uploader(IntEnum):
    """Whose settings the client has."""

    PATIENT = 0
    TUS_JS = 1
    UPPY = 2
    ONE_SHOT = 3

    @property
    def phrase(self) -> str:
        return _PHRASES[self]


_PHRASES = {
    Uploader.PATIENT: "resumes by itself, with pauses that grow to a minute, jittered, and no shorter than it was told",
    Uploader.TUS_JS: "resumes after 0, 1, 3 and 5 s, whatever it was told, then asks its person",
    Uploader.UPPY: "resumes after 0.1, 1, 3 and 5 s, whatever it was told, then asks its person",
    Uploader.ONE_SHOT: "sends the whole photo in one request; its person begins anew",
}


def stock_pause_s(failures: int, first_s: float) -> float:
    """The pause of a stock client after so many failures in a row, from 1; -1 when it gives up."""
    if failures > STOCK_TRIES:
        return -1.0
    if failures == 1:
        return first_s
    if failures == 2:
        return 1.0
    return 3.0 if failures == 3 else 5.0


def pause_s(uploader: int, failures: int, told_s: float, u: float) -> float:
    """Seconds until the client tries again by itself; -1: it leaves that to its person.

    failures: in a row without progress, from 1; told_s: the Retry-After of the last answer, -1 for none; u: uniform in
    [0, 1).
    """
    if uploader == Uploader.ONE_SHOT:
        return -1.0
    if uploader == Uploader.TUS_JS:
        return stock_pause_s(failures, 0.0)
    if uploader == Uploader.UPPY:
        return stock_pause_s(failures, 0.1)
    if failures > MOST_FAILURES:
        return -1.0
    least = told_s if told_s > 0.0 else 0.0
    base = least if least > 1.0 else 1.0
    return least + retry_delay_s(failures, u, base, LONGEST_PAUSE)


RULES = (stock_pause_s, pause_s)
"""Every function of the uploaders, each after those it calls."""
