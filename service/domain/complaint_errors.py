"""What is refused about complaints."""

from service.domain.errors import LaunchnightError


class TooManyComplaints(LaunchnightError):
    code = "too-many-complaints"
    title = "Too many complaints were filed from here"
    temporary = True


class ComplaintsFull(LaunchnightError):
    code = "complaints-full"
    title = "Too many complaints are filed at the moment"
    temporary = True


class ComplaintSettled(LaunchnightError):
    """`state`: where it has come to by now."""

    code = "complaint-settled"
    title = "The complaint was forwarded or answered before"
