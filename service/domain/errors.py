"""Everything the service refuses: a stable code, a title that never varies, facts, and whether trying again can help.

Status numbers stand in `service/web/problems.py` only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class LaunchnightError(Exception):
    """Base of every refusal. `facts` become extra members of the problem document; they never hold personal data."""

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "The request cannot be served"
    temporary: ClassVar[bool] = False
    """The same request can succeed later without being changed."""

    def __init__(self, detail: str = "", *, retry_after_s: float | None = None, **facts: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.facts = facts


# The form of a request.


@dataclass(frozen=True, slots=True)
class FieldFault:
    field: str
    code: str
    detail: str


class FieldRefused(ValueError):
    """One value of one field cannot be used; the caller knows which field and collects all of them."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class InvalidFields(LaunchnightError):
    code = "invalid-fields"
    title = "Some fields cannot be used"

    def __init__(self, faults: Sequence[FieldFault]) -> None:
        self.faults = tuple(faults)
        super().__init__(
            "Correct the fields listed in errors and send the request again.",
            errors=[{"field": fault.field, "code": fault.code, "detail": fault.detail} for fault in faults],
        )


class MalformedBody(LaunchnightError):
    code = "malformed-body"
    title = "The body is not the JSON that was expected"


class BodyTooLarge(LaunchnightError):
    code = "body-too-large"
    title = "The body is too large"


class BodyTooSlow(LaunchnightError):
    code = "body-too-slow"
    title = "The body did not arrive in time"
    temporary = True


class LengthRequired(LaunchnightError):
    code = "length-required"
    title = "The size of the body must be announced"


class UnsupportedMediaType(LaunchnightError):
    code = "unsupported-media-type"
    title = "The body must be application/json in UTF-8"


class CrossSiteRequest(LaunchnightError):
    """A page of another site made the browser send the form."""

    code = "cross-site-request"
    title = "Forms are taken from our own pages only"


class NotFound(LaunchnightError):
    code = "not-found"
    title = "There is nothing here"


class MethodNotAllowed(LaunchnightError):
    code = "method-not-allowed"
    title = "This resource does not know the method"


class InternalError(LaunchnightError):
    code = "internal-error"
    title = "Something went wrong on our side"


# Repeated requests.


class IdempotencyKeyMissing(LaunchnightError):
    code = "idempotency-key-missing"
    title = "This request needs an Idempotency-Key"


class IdempotencyKeyInvalid(LaunchnightError):
    code = "idempotency-key-invalid"
    title = "The Idempotency-Key cannot be used"


class IdempotencyKeyReused(LaunchnightError):
    code = "idempotency-key-reused"
    title = "The Idempotency-Key was used for another request"


class OrderRefused(LaunchnightError):
    code = "order-refused"
    title = "The waiting room cannot be changed like this"


class DuplicateAnswer(LaunchnightError):
    """Another request with the same key stored its answer first; the runner answers with that one."""

    code = "request-in-flight"
    title = "The same request is being served"
    temporary = True


class ChangedMeanwhile(LaunchnightError):
    code = "changed-meanwhile"
    title = "Another request changed this at the same time"
    temporary = True


# The waiting room.


class TicketInvalid(LaunchnightError):
    code = "ticket-invalid"
    title = "The waiting-room ticket is missing or not one of ours"


class PlaceTokenInvalid(LaunchnightError):
    code = "place-token-invalid"
    title = "The place token is not one of ours or belongs to another ticket"


class TooEarly(LaunchnightError):
    code = "too-early"
    title = "Asked before the agreed time"
    temporary = True


class TurnNotReached(LaunchnightError):
    code = "turn-not-reached"
    title = "It is not this ticket's turn yet"
    temporary = True


class PassInvalid(LaunchnightError):
    code = "pass-invalid"
    title = "The pass is missing, expired or not one of ours"


class PassUsed(LaunchnightError):
    code = "pass-used"
    title = "An account was already made with this pass"


# Labor offices.


class OfficeCodeRefused(LaunchnightError):
    code = "office-code-refused"
    title = "No labor office has this access code"


class TooManyOfficeCodes(LaunchnightError):
    code = "too-many-office-codes"
    title = "Too many wrong access codes were given for this labor office"
    temporary = True


class OfficeFull(LaunchnightError):
    code = "office-full"
    title = "The labor office holds as many tickets as it may"


# Accounts, codes and sessions.


class AddressTaken(LaunchnightError):
    code = "address-taken"
    title = "An account with this phone number or e-mail address exists"


class TooManyCodes(LaunchnightError):
    code = "too-many-codes"
    title = "Too many codes were asked for"
    temporary = True


class ResendTooEarly(LaunchnightError):
    code = "resend-too-early"
    title = "The last code was sent a moment ago"
    temporary = True


class CodeRefused(LaunchnightError):
    """`reason`: wrong, expired, too-many-tries or not-sent-yet."""

    code = "code-refused"
    title = "The code was refused"


class NotSignedIn(LaunchnightError):
    code = "not-signed-in"
    title = "A valid session is needed"


# The steps.


class IdentityNumberTaken(LaunchnightError):
    code = "identity-number-taken"
    title = "Another account holds this identity number"


class IdentitySettled(LaunchnightError):
    code = "identity-settled"
    title = "The civil registry has confirmed the identity; it cannot be changed"


class NoCorrectionsLeft(LaunchnightError):
    code = "no-corrections-left"
    title = "The identity data were corrected as often as is possible"


class AssessmentNotStarted(LaunchnightError):
    code = "assessment-not-started"
    title = "The assessment was not started"


class AssessmentOver(LaunchnightError):
    code = "assessment-over"
    title = "The assessment is over"


class StepsMissing(LaunchnightError):
    code = "steps-missing"
    title = "Some steps are missing"


class WaveClosed(LaunchnightError):
    """`closed_at`, and `next_wave`: number and hours of the one after it, null when none is planned yet."""

    code = "wave-closed"
    title = "The wave is closed"


class WaveNotOpen(LaunchnightError):
    code = "wave-not-open"
    title = "The wave is not open yet"
    temporary = True


class NotEligible(LaunchnightError):
    """`reasons`: every rule that is not fulfilled, with its phrase (service.domain.eligibility)."""

    code = "not-eligible"
    title = "Not everybody can take part in the program"


# Photos.


class PhotoTooLarge(LaunchnightError):
    code = "photo-too-large"
    title = "The photo is too large"


class UploadOffsetMismatch(LaunchnightError):
    """`expected`: where the stored upload ends; `provided`: where the chunk starts."""

    code = "upload-offset-mismatch"
    title = "The chunk does not start where the stored upload ends"


class UploadTaken(LaunchnightError):
    code = "upload-taken-over"
    title = "Another request continues this upload"


class TusVersionUnsupported(LaunchnightError):
    code = "tus-version-unsupported"
    title = "Only version 1.0.0 of the tus protocol is spoken here"


class UploadTypeUnsupported(LaunchnightError):
    code = "upload-type-unsupported"
    title = "A chunk must be application/offset+octet-stream"


class StorageFull(LaunchnightError):
    code = "storage-full"
    title = "There is no room for more photos at the moment"
    temporary = True


# Our capacity and our partners.


class QueueFull(LaunchnightError):
    """`queue`: which one."""

    code = "queue-full"
    title = "Too many people are waiting for this step at the moment"
    temporary = True


class Overloaded(LaunchnightError):
    """Turned away at the door: nothing was begun. Named as draft-ietf-httpapi-ratelimit-headers does."""

    code = "temporary-reduced-capacity"
    title = "Too much is asked of the service at the moment"
    temporary = True


class ServiceStopping(LaunchnightError):
    """This replica ends; another one, or its successor, goes on with what was stored."""

    code = "service-stopping"
    title = "The service is being restarted"
    temporary = True


class DatabaseFailure(LaunchnightError):
    """Base of what the database did not do. But for EffectUnknown nothing was done, or everything was undone.

    again: why the whole transaction would probably do well if it were begun once more at once (one of REPEAT_REASONS);
    empty when it had better not be.
    """

    temporary = True

    def __init__(self, detail: str = "", *, retry_after_s: float | None = None, again: str = "") -> None:
        super().__init__(detail, retry_after_s=retry_after_s)
        self.again = again


REPEAT_REASONS = ("deadlock", "serialization", "connection_lost", "commit_undone")


class DatabaseBusy(DatabaseFailure):
    code = "busy"
    title = "Too many requests at the moment"


class DatabaseUnavailable(DatabaseFailure):
    code = "unavailable"
    title = "The service is not available at the moment"


class EffectUnknown(DatabaseFailure):
    """The commit was sent and nobody said what became of it: neither success nor failure, and never simply done again.

    The same request sent again under its key finds the answer that was stored with the effect, or does it for the first
    time; a PUT has the same effect again.
    """

    code = "effect-unknown"
    title = "It is not known whether the request took effect"


class PartnerError(LaunchnightError):
    """A partner's refusal or silence. `temporary` is the instance's own; `unknown`: it may have taken effect."""

    code = "partner-error"
    title = "A partner did not do what was asked"
    temporary: bool  # type: ignore[misc]

    def __init__(
        self,
        detail: str,
        *,
        temporary: bool,
        unknown: bool = False,
        asked: bool = True,
        retry_after_s: float | None = None,
        reason: str = "",
    ) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)
        self.temporary = temporary
        self.unknown = unknown
        self.asked = asked
        """False: the partner was left alone, and knows nothing of this."""
        self.reason = reason
        """The partner's own error code, for example rate_exceeded or allowance_exhausted."""
