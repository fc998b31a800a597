"""The parameters of a journey, taken from a night: how everybody behaves, and what is special about one applicant."""

import math

from scenarios.catalogue import Night
from scenarios.fates import Channel
from scenarios.journey_state import ANSWERS, PHOTOS, Habits, Hours, Traits
from scenarios.population import Person, Population
from scenarios.uploaders import Uploader

_PROFILE_STEPS = 3


def habits(night: Night, pace: float, speed: float = 1.0, ends_s: float = math.inf) -> Habits:
    """How people behave in this night; what they do by themselves runs `pace` times faster, its clock `speed` times.

    ends_s: real seconds from the opening to the end of the run. When it ends before the last hours begin, nobody waits
    for these: whoever gives up is gone, as far as this run is concerned.

    The night gives the assessment, the profile and the photos as a whole; here each answer, step and photo has its
    part. Signing in and starting on the identity form is one wait here: the code signs in by itself.
    """
    think, retries, leaving = night.population.think, night.population.retries, night.population.leaving
    browsers, opens_at = night.population.browsers, night.opens_at
    closes_s = (night.closes_at - opens_at).total_seconds() / speed
    rush_from_s = max(0.0, closes_s - retries.rush_s / speed)
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
        hours=Hours(*retries.hourly_weights),
        opens_hour=opens_at.hour + opens_at.minute / 60.0 + opens_at.second / 3600.0,
        hour_s=3600.0 / speed,
        closes_s=closes_s,
        rush_from_s=rush_from_s,
        rush_share=retries.rush_share if rush_from_s < ends_s else 0.0,
        refresh_after_s=retries.refresh_after_s,
        refresh_share=retries.refresh_share,
        switch_share=browsers.switch_share if browsers is not None else 0.0,
        page_lost_share=browsers.page_lost_share if browsers is not None else 0.0,
        late_typing_share=retries.late_typing_share,
    )


def traits(night: Night, person: Person, uploader: Uploader = Uploader.PATIENT) -> Traits:
    """What is special about this applicant; how clients send photos is chosen for the run.

    A browser without JavaScript sends each photo whole, as the last field of a form.
    """
    patience = tuple(night.population.patience.values())[person.patience]
    return Traits(
        tries=patience.tries,
        visits=patience.sessions,
        channel=Channel.EMAIL + 0 if person.channel == "email" else Channel.SMS + 0,
        mistyped=int(person.typed_nik != person.nik),
        manners=person.manners + 0,
        uploader=(Uploader.ONE_SHOT if person.without_javascript else uploader) + 0,
        low_memory=int(person.low_memory),
        think_factor=_think_factor(night.population, person),
    )


def _think_factor(people: Population, person: Person) -> float:
    if person.office >= 0 and people.assisted is not None:
        return people.assisted.think_factor
    return people.older.think_factor if person.is_older and people.older is not None else 1.0
