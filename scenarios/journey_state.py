"""What the machine of an applicant (scenarios.journey) is made of: actions, results, habits and the state.

States hold ints and floats only, because numba compiles the machine (DESIGN section 2, compiled rules).
"""

from enum import IntEnum
from typing import NamedTuple

ANSWERS = 18
"""Items of the motivation and basic-ability test."""
PHOTOS = 2
"""Slots: identity card and selfie."""


class Action(IntEnum):
    """What an applicant does next; all but WAIT_CODE and LEAVE are one request."""

    TICKET = 1
    PLACE = 2
    CLAIM = 3
    ACCOUNT = 4
    CODE = 5
    """Ask for a one-time code on the current channel."""
    CODE_AGAIN = 6
    """Ask to send it once more."""
    WAIT_CODE = 7
    """Look out for the message: the driver answers DELIVERED as soon as it is there, SILENCE when the delay is over."""
    SESSION = 8
    IDENTITY = 9
    PERSONAL = 10
    WORK = 11
    PROGRAM = 12
    PHOTO_CREATE = 13
    """Announce a photo; a one-shot client (scenarios.uploaders) sends it whole."""
    PHOTO_SEND = 14
    """Send the bytes that the server lacks."""
    PHOTO_HEAD = 15
    """Ask how many bytes the server has."""
    PHONE = 16
    """Type the code that verifies the phone."""
    ASSESSMENT = 17
    ANSWER = 18
    SUBMIT = 19
    LOOK = 20
    """Read the status page before joining."""
    CORRECT = 21
    """Give the identity data again, without the wrong digit."""
    JOIN = 22
    LAST_LOOK = 23
    LEAVE = 24
    """Nothing more; the state says with which fate."""
    REOPEN = 25
    """Open the site again after the phone lost the page: read the status page, and go on where one was."""


class Result(IntEnum):
    """How the last action went, as the applicant sees it."""

    OK = 0
    WAIT = 1
    """Not your turn yet; ask again after `retry_after_s`."""
    BUSY = 2
    """503 or 429 that says when to come back."""
    ERROR = 3
    """Any other failure that was answered, or a broken connection."""
    TIMEOUT = 4
    DELIVERED = 5
    SILENCE = 6
    WRONG_CODE = 7
    OLD_CODE = 8
    """The code has expired or was tried too often."""
    LOST = 9
    """The ticket, pass or session that was shown is not known."""
    GONE = 10
    """The upload is not known."""
    PARTIAL = 11
    """The server has some of the photo's bytes, and said how many."""
    OVER = 12
    """The assessment's time is up."""
    MISMATCH = 13
    """The status page says that the identity data do not match."""
    FARTHER = 14
    """As PARTIAL, and more bytes than the client knew of."""
    KILLED = 15
    """The app went down while it was sending; its person opens it again."""
    # Final answers.
    NOT_ELIGIBLE = 20
    WAVE_CLOSED = 21
    ADDRESS_TAKEN = 22
    NUMBER_TAKEN = 23
    REFUSED = 24


class Hours(NamedTuple):
    """How active people are in each hour of the day: an hour of weight 0.5 passes like half an hour of weight 1."""

    h00: float = 1.0
    h01: float = 1.0
    h02: float = 1.0
    h03: float = 1.0
    h04: float = 1.0
    h05: float = 1.0
    h06: float = 1.0
    h07: float = 1.0
    h08: float = 1.0
    h09: float = 1.0
    h10: float = 1.0
    h11: float = 1.0
    h12: float = 1.0
    h13: float = 1.0
    h14: float = 1.0
    h15: float = 1.0
    h16: float = 1.0
    h17: float = 1.0
    h18: float = 1.0
    h19: float = 1.0
    h20: float = 1.0
    h21: float = 1.0
    h22: float = 1.0
    h23: float = 1.0


EVEN = Hours()
"""Night and day alike."""


class Habits(NamedTuple):
    """How people behave, from the night's file; seconds of people's own time are already divided by the pace.

    What has a default is off by it.
    """

    think_sigma: float
    account_s: float
    """From here on medians of the time taken before an action: fill in the form, type the code, choose the photo..."""
    code_s: float
    identity_s: float
    profile_step_s: float
    photo_s: float
    phone_s: float
    answer_s: float
    join_s: float
    retry_median_s: float
    retry_sigma: float
    return_median_s: float
    return_sigma: float
    late_code_s: float
    """After so long without the message people get restless."""
    resend_share: float
    resend_limit: int
    silence_limit: int
    """So many times `late_code_s` without a message end a visit."""
    new_photo_share: float
    """Share of failed uploads after which another photo is taken."""
    busy_limit: int
    """So many "come back later" in a row end a visit."""
    line_median_s: float
    """How long people stand in line before they leave."""
    line_sigma: float
    leave_share: float
    """Share of people who stop by themselves after each completed stage."""
    hours: Hours = EVEN
    """Weights of the hours that long returns are cut to."""
    opens_hour: float = 0.0
    """Hour of the day at the opening, by the night's clock: 19.5 is half past seven in the evening."""
    hour_s: float = 3600.0
    """Real seconds in one hour of the night's clock."""
    closes_s: float = -1.0
    """Real seconds from the opening to the close; -1: the close is of no concern."""
    rush_from_s: float = -1.0
    """Real seconds from the opening to the last hours before the close."""
    rush_share: float = 0.0
    """Of those who gave up for good: the share who come once more in the last hours."""
    refresh_after_s: float = 15.0
    """Seconds of silence after which a page is refreshed."""
    refresh_share: float = 0.0
    """Share of silences that are refreshed."""
    switch_share: float = 0.0
    """Share of failed visits after which people come back with another browser."""
    page_lost_share: float = 0.0
    """Share of the times that a phone short of memory loses the page when camera or messages are opened."""
    late_typing_share: float = 0.0
    """Share of codes that are typed only when they have expired."""


class Traits(NamedTuple):
    """What is special about one applicant."""

    tries: int
    """Tries a visit has room for before the applicant turns away."""
    visits: int
    """Visits before giving up for good; -1 = until the close."""
    channel: int
    """Where the first code is asked for (Channel)."""
    mistyped: int
    """1 when the identity data will be typed with a wrong digit."""
    manners: int
    """How the client takes refusals and failures (Manners)."""
    uploader: int = 0
    """How it sends photos (scenarios.uploaders.Uploader)."""
    low_memory: int = 0
    """1 when the phone may lose the page as soon as another app is opened."""
    think_factor: float = 1.0
    """How many times as long this person takes over forms, codes and photos."""


class Nerves(NamedTuple):
    """What an applicant has put up with."""

    tries: int
    """Failed tries since the last answer that worked."""
    busy: int
    """Answers "come back later" since then."""
    retries: int
    """Repeated requests in all; the number of the next draw of a delay."""
    visits: int
    """Visits that ended without success."""
    mishaps: int
    """Pages lost and codes refused since the last stage was completed; so many as tries end a visit, too."""
    repeats: int
    """Times that a naive client has sent the present request again by itself, or tries of a photo's in a row that
    brought no byte and had the client go on by itself."""


class Code(NamedTuple):
    """The one-time code now being waited for."""

    channel: int
    sends: int
    silences: int
    signed_in: int
    """1 once a session exists: the next code verifies the phone."""


class Progress(NamedTuple):
    furthest: int
    photo: int
    """Photo slots filled."""
    answers: int
    mistyped: int
    """1 while the identity data on file have a wrong digit."""


class State(NamedTuple):
    action: int
    traits: Traits
    nerves: Nerves
    code: Code
    progress: Progress
    leaves_line_at: float
    """Moment at which the applicant's patience with the line ends; -1 before a visit's first look at her place."""
    fate: int
    """Fate, 0 while undecided."""
    reason: int
    browser: int = 0
    """Browsers used before this one; a new one knows nothing that the service gave to an earlier one."""
    pages: int = 0
    """Pages lost so far. What was on such a page is gone, what the browser had stored is not."""


class Decision(NamedTuple):
    state: State
    action: int
    delay_s: float
    """Seconds from now until the action; for WAIT_CODE until the applicant gets restless."""


def next_move(state: State, action: int, nerves: Nerves, code: Code, progress: Progress, delay_s: float) -> Decision:
    """The decision to do `action` after `delay_s`, with the parts of the state that changed."""
    changed = State(
        action + 0, state.traits, nerves, code, progress, state.leaves_line_at, state.fate, state.reason,
        state.browser, state.pages,
    )  # fmt: skip
    return Decision(changed, action + 0, delay_s)


def leave(state: State, fate: int, reason: int) -> Decision:
    """The end of the way."""
    final = State(
        Action.LEAVE + 0, state.traits, state.nerves, state.code, state.progress, state.leaves_line_at, fate + 0,
        reason + 0, state.browser, state.pages,
    )  # fmt: skip
    return Decision(final, Action.LEAVE + 0, 0.0)
