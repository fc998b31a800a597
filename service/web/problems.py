"""Errors as `application/problem+json` (RFC 9457): the only place with error status numbers."""

import math

import msgspec
from starlette.types import Receive, Scope, Send

from service.domain import (
    codes,
    complaint_errors,
    errors,
    money_errors,
    offices,
    paper_errors,
    staff,
    staff_errors,
    uploads,
    wave_errors,
)
from service.domain.errors import LaunchnightError

TYPE_PREFIX = "https://launchnight.example/problems/"
CONTENT_TYPE = b"application/problem+json"

STATUS: dict[type[LaunchnightError], int] = {
    errors.InvalidFields: 422,
    errors.MalformedBody: 400,
    errors.BodyTooLarge: 413,
    errors.BodyTooSlow: 408,
    errors.LengthRequired: 411,
    errors.UnsupportedMediaType: 415,
    errors.CrossSiteRequest: 403,
    errors.NotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.InternalError: 500,
    errors.IdempotencyKeyMissing: 400,
    errors.IdempotencyKeyInvalid: 400,
    errors.IdempotencyKeyReused: 422,
    errors.DuplicateAnswer: 409,
    errors.OrderRefused: 409,
    errors.ChangedMeanwhile: 409,
    errors.TicketInvalid: 401,
    errors.PlaceTokenInvalid: 401,
    errors.TooEarly: 429,
    errors.TurnNotReached: 409,
    errors.PassInvalid: 401,
    errors.PassUsed: 409,
    errors.OfficeCodeRefused: 422,
    errors.TooManyOfficeCodes: 429,
    errors.OfficeFull: 409,
    complaint_errors.TooManyComplaints: 429,
    complaint_errors.ComplaintsFull: 503,
    complaint_errors.ComplaintSettled: 409,
    errors.AddressTaken: 409,
    errors.TooManyCodes: 429,
    errors.ResendTooEarly: 429,
    errors.CodeRefused: 422,
    errors.NotSignedIn: 401,
    errors.IdentityNumberTaken: 409,
    errors.IdentitySettled: 409,
    errors.NoCorrectionsLeft: 409,
    errors.AssessmentNotStarted: 409,
    errors.AssessmentOver: 409,
    errors.StepsMissing: 409,
    errors.WaveClosed: 409,
    money_errors.NoGrant: 403,
    money_errors.CourseChosen: 409,
    money_errors.TrainingSpent: 409,
    money_errors.CourseCompleted: 409,
    money_errors.CertificateTaken: 409,
    money_errors.TrainingNotCompleted: 409,
    money_errors.SurveyNotOpen: 409,
    money_errors.SurveyAnswered: 409,
    money_errors.StatementUnreadable: 422,
    errors.WaveNotOpen: 409,
    errors.NotEligible: 403,
    wave_errors.WaveRefused: 409,
    paper_errors.PaperClaimRefused: 422,
    paper_errors.PaperClaimed: 409,
    errors.PhotoTooLarge: 413,
    errors.UploadOffsetMismatch: 409,
    errors.UploadTaken: 409,
    errors.TusVersionUnsupported: 412,
    errors.UploadTypeUnsupported: 415,
    staff_errors.SignInRefused: 422,
    staff_errors.TooManySignIns: 429,
    staff_errors.TooManyStaffCodes: 429,
    staff_errors.RoleTooLow: 403,
    staff_errors.SecondPersonNeeded: 409,
    staff_errors.ProposalOver: 409,
    staff_errors.LastAdministrator: 409,
    uploads.UploadHeadersInvalid: 400,
    uploads.TooManyUploads: 403,
    uploads.PhotoTypeUnsupported: 415,
    uploads.UploadExpired: 410,
    uploads.UploadKept: 403,
    uploads.UploadChecksumMismatch: 460,
    uploads.StorageFailed: 503,
    errors.StorageFull: 503,
    errors.QueueFull: 503,
    errors.Overloaded: 503,
    errors.ServiceStopping: 503,
    errors.DatabaseBusy: 503,
    errors.DatabaseUnavailable: 503,
    errors.EffectUnknown: 503,
    errors.PartnerError: 503,
}

UNREAD = (errors.BodyTooLarge, errors.BodyTooSlow)
"""After these the rest of a body may still trickle in: the answer ends its connection, or it would be held for ever."""

QUOTAS: dict[type[LaunchnightError], bytes] = {
    errors.TooManyCodes: b'"codes";q=%d;w=%d' % (codes.MOST_PER_HOUR, codes.HOUR_S),
    errors.ResendTooEarly: b'"resends";q=1;w=%d' % codes.resend_wait_s(1),
    errors.TooEarly: b'"place";q=1',
    errors.TooManyOfficeCodes: b'"office-codes";q=%d;w=%d' % (offices.MOST_FAILURES, offices.HOUR_S),
    staff_errors.TooManyStaffCodes: b'"staff-codes";q=%d;w=%d' % (staff.MOST_FAILURES, staff.HOUR_S),
}
"""What a 429 is a quota of (draft-ietf-httpapi-ratelimit-headers): name, how many, in how many seconds."""

Headers = list[tuple[bytes, bytes]]


def status_of(error: LaunchnightError | type[LaunchnightError]) -> int:
    return STATUS[error if isinstance(error, type) else type(error)]


def document(error: LaunchnightError, detail: str | None = None) -> dict[str, object]:
    """The problem document as RFC 9457 names its members; facts are extra members. detail: other words than its own."""
    members: dict[str, object] = {
        "type": TYPE_PREFIX + error.code,
        "title": error.title,
        "status": status_of(error),
    }
    if detail or error.detail:
        members["detail"] = detail or error.detail
    return members | error.facts


def retry_headers(error: LaunchnightError) -> Headers:
    """Retry-After in whole seconds, never earlier than meant; nothing when the error names no time.

    A quota says beside it what it allows, and that nothing of it is left until then.
    """
    if error.retry_after_s is None:
        return []
    seconds = max(1, math.ceil(error.retry_after_s))
    headers = [(b"retry-after", b"%d" % seconds)]
    if policy := QUOTAS.get(type(error)):
        headers.append((b"ratelimit-policy", policy))
        headers.append((b"ratelimit", b"%s;r=0;t=%d" % (policy.partition(b";")[0], seconds)))
    return headers


def render(error: LaunchnightError, detail: str | None = None) -> tuple[int, Headers, bytes]:
    """Status, headers and body that tell the client about `error`, or in the words of `detail`."""
    status = status_of(error)
    body = msgspec.json.encode(document(error, detail))
    headers = [
        (b"content-type", CONTENT_TYPE),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    headers += retry_headers(error)
    if isinstance(error, UNREAD):
        headers.append((b"connection", b"close"))
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    return status, headers, body


async def send_problem(error: LaunchnightError, send: Send, more_headers: Headers | None = None) -> None:
    status, headers, body = render(error)
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *(more_headers or [])]})
    await send({"type": "http.response.body", "body": body})


class Problem:
    """An ASGI answer for one error: what Starlette's exception handlers return."""

    def __init__(self, error: LaunchnightError, headers: Headers | None = None) -> None:
        self.error = error
        self.headers = headers or []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_problem(self.error, send, self.headers)
