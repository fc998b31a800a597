"""The parameters of a journey, taken from a night: how everybody behaves, and what is special about one applicant."""

from scenarios.catalogue import Night
from scenarios.fates import Channel
from scenarios.journey_state import ANSWERS, PHOTOS, Habits, Traits
from scenarios.population import Person
from scenarios.uploaders import Uploader

_PROFILE_STEPS = 3


def habits(night: Night, pace: float) -> Habits:
    """How people behave in this night; what they do by themselves runs `pace` times faster.

    The night gives the assessment, the profile and the photos as a whole; here each answer, step and photo has its
    part. Signing in and starting on the identity form is one wait here: the code signs in by itself.
    """
    think, retries, leaving = night.population.think, night.population.retries, night.population.leaving
    return Habits(
        think_sigma=think.sigma,
        account_s=think.account_s / pace,
        code_s=think.code_s / pace,
        identity_s=(think.session_s + think.identity_s) / pace,
        profile_step_s=think.profile_s / _PROFILE_STEPS / pace,
        photo_s=think.photos_s / PHOTOS / pace,
        phone_s=think.phone_s / pace,
        answer_s=think.assessment_s / ANSWERS / pace,
        join_s=think.join_s / pace,
        retry_median_s=retries.short_median_s,
        retry_sigma=retries.short_sigma,
        return_median_s=retries.long_median_s / pace,
        return_sigma=retries.long_sigma,
        late_code_s=retries.resend_after_s,
        resend_share=retries.resend_share,
        resend_limit=retries.resend_limit,
        silence_limit=retries.silence_limit,
        new_photo_share=retries.new_photo_share,
        busy_limit=retries.busy_limit,
        line_median_s=leaving.line_median_s,
        line_sigma=leaving.line_sigma,
        leave_share=leaving.after_stage_share,
    )


def traits(night: Night, person: Person, uploader: Uploader = Uploader.PATIENT) -> Traits:
    """What is special about this applicant; how clients send photos is chosen for the run."""
    patience = tuple(night.population.patience.values())[person.patience]
    return Traits(
        tries=patience.tries,
        visits=patience.sessions,
        channel=Channel.EMAIL + 0 if person.channel == "email" else Channel.SMS + 0,
        mistyped=int(person.typed_nik != person.nik),
        manners=person.manners + 0,
        uploader=uploader + 0,
    )
