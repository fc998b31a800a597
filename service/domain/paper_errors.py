"""What the paper intake refuses."""

from service.domain.errors import LaunchnightError


class PaperClaimRefused(LaunchnightError):
    """`reason`: wrong (the code or the birth date), expired or too-many-tries."""

    code = "paper-claim-refused"
    title = "The invitation was refused"


class PaperClaimed(LaunchnightError):
    code = "paper-claimed"
    title = "An account was already made with this invitation"
