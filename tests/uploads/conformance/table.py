"""All cases, and what comes of one on a server."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from http.client import HTTPException

from tests.uploads.conformance import appending, core, creation, extensions
from tests.uploads.conformance.cases import Case, Deviation, Section
from tests.uploads.conformance.speaker import NotServed, Speaker

SECTIONS: Sequence[Section] = (
    core.VERSIONS,
    core.OPTIONS,
    core.OVERRIDE,
    core.HEAD,
    appending.PATCH,
    appending.BROKEN,
    creation.CREATION,
    creation.METADATA,
    creation.WITH_UPLOAD,
    extensions.DEFERRED,
    extensions.EXPIRATION,
    extensions.CHECKSUM,
    extensions.TERMINATION,
)
CASES: Sequence[Case] = [case for section in SECTIONS for case in section]


NO_ANSWER = "the connection was closed without an answer"


class Verdict(Enum):
    KEPT = "as demanded"
    DEVIATES = "deviates"
    NOT_OFFERED = "the extension is not offered"


@dataclass(frozen=True)
class Outcome:
    """`seen`: what the server did instead, when it deviates."""

    verdict: Verdict
    seen: str = ""


def outcome(case: Case, tus: Speaker) -> Outcome:
    """Try one case. An extension is a choice; what is offered is judged."""
    extension = case.section.extension
    try:
        if extension is not None and extension not in tus.extensions:
            return Outcome(Verdict.NOT_OFFERED)
        case.check(tus)
    except (Deviation, NotServed) as deviation:
        return Outcome(Verdict.DEVIATES, str(deviation))
    except TimeoutError:
        return Outcome(Verdict.DEVIATES, "no answer in time")
    except (HTTPException, OSError):
        return Outcome(Verdict.DEVIATES, NO_ANSWER)
    return Outcome(Verdict.KEPT)
