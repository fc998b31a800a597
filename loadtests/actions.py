"""The actions of a journey as the swarm groups them.

Made once, because they are asked some ten times a request, and to name a member costs three times as much as to find it
in a set.
"""

from scenarios.journey_state import Action

ROUTES: dict[int, tuple[str, str]] = {
    Action.TICKET: ("POST", "tickets"),
    Action.PLACE: ("GET", "place"),
    Action.CLAIM: ("POST", "claims"),
    Action.ACCOUNT: ("POST", "accounts"),
    Action.CODE: ("POST", "codes"),
    Action.CODE_AGAIN: ("POST", "codes"),
    Action.SESSION: ("POST", "sessions"),
    Action.IDENTITY: ("PUT", "identity"),
    Action.CORRECT: ("PUT", "identity"),
    Action.PERSONAL: ("PUT", "profile"),
    Action.WORK: ("PUT", "profile"),
    Action.PROGRAM: ("PUT", "profile"),
    Action.PHOTO_CREATE: ("POST", "files-create"),
    Action.PHOTO_SEND: ("PATCH", "files-patch"),
    Action.PHOTO_HEAD: ("HEAD", "files-head"),
    Action.PHONE: ("POST", "phone-verification"),
    Action.ASSESSMENT: ("POST", "assessment"),
    Action.ANSWER: ("PUT", "answers"),
    Action.SUBMIT: ("POST", "submission"),
    Action.LOOK: ("GET", "me"),
    Action.JOIN: ("POST", "join"),
    Action.LAST_LOOK: ("GET", "me"),
    Action.REOPEN: ("GET", "me"),
}
"""Method and route of each."""

ANSWER, PHOTO_CREATE, PHOTO_SEND = Action.ANSWER, Action.PHOTO_CREATE, Action.PHOTO_SEND
IN_LINE = frozenset({Action.PLACE, Action.CLAIM})
ASKING_CODE = frozenset({Action.CODE, Action.CODE_AGAIN})
PROVING_CODE = frozenset({Action.SESSION, Action.PHONE})
SENDING = frozenset({Action.PHOTO_SEND, Action.PHOTO_HEAD})
OF_PHOTOS = SENDING | {PHOTO_CREATE}
WITH_RECEIPT = PROVING_CODE | SENDING | {Action.ACCOUNT, Action.IDENTITY, Action.CORRECT, Action.JOIN}
_TYPED = frozenset({Action.PERSONAL, Action.WORK, Action.PROGRAM, Action.ANSWER})
NOTHING_TO_KEEP = _TYPED | {Action.ASSESSMENT, Action.SUBMIT, Action.LAST_LOOK, Action.REOPEN}
"""Of their success the applicant needs to know only that it came."""
