"""What the operators' listener refuses."""

from service.domain.errors import LaunchnightError


class SignInRefused(LaunchnightError):
    """Says nothing of which of the three was wrong."""

    code = "staff-sign-in-refused"
    title = "Name, password or code is not right"


class TooManySignIns(LaunchnightError):
    code = "too-many-sign-ins"
    title = "Too many wrong sign-ins came from this address, or two are being looked at"
    temporary = True


class TooManyStaffCodes(LaunchnightError):
    code = "too-many-staff-codes"
    title = "Too many wrong codes were given after the right password"
    temporary = True


class RoleTooLow(LaunchnightError):
    """`role`: that of the asker; `needed`: the least that would do."""

    code = "role-too-low"
    title = "This is for people of another role"


class SecondPersonNeeded(LaunchnightError):
    code = "second-person-needed"
    title = "This cannot be taken back: two people of the staff decide it together"


class ProposalOver(LaunchnightError):
    """`reason`: expired, done or left (whoever proposed it is not of the staff any more)."""

    code = "proposal-over"
    title = "What was proposed can be confirmed no more"


class LastAdministrator(LaunchnightError):
    code = "last-administrator"
    title = "Nobody would be left who may rule"
