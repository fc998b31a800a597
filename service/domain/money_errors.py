"""What is refused to whoever has a grant, or has none."""

from service.domain.errors import LaunchnightError


class NoGrant(LaunchnightError):
    code = "no-grant"
    title = "This account has no grant"


class CourseChosen(LaunchnightError):
    code = "course-chosen"
    title = "This course was chosen before"


class TrainingSpent(LaunchnightError):
    code = "training-spent"
    title = "The course costs more than is left of the training grant"


class CourseCompleted(LaunchnightError):
    code = "course-completed"
    title = "This course was completed with another certificate"


class CertificateTaken(LaunchnightError):
    code = "certificate-taken"
    title = "Another participant has completed the course with this certificate"


class TrainingNotCompleted(LaunchnightError):
    code = "training-not-completed"
    title = "A course must be completed first"


class SurveyNotOpen(LaunchnightError):
    code = "survey-not-open"
    title = "The survey is not open yet"
    temporary = True


class StatementUnreadable(LaunchnightError):
    code = "statement-unreadable"
    title = "The statement of a payout partner cannot be read"


class SurveyAnswered(LaunchnightError):
    code = "survey-answered"
    title = "The survey was answered before, otherwise"
