"""The funnel: how far people came, beside the shares that were published in April 2020."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from reports import statistics
from reports.facts import Facts
from reports.wording import N_, number, say
from scenarios.record import Furthest


@dataclass(frozen=True)
class Stage:
    """One stage of ours. people: how many completed it; share: of those who created an account."""

    id: str
    label: str
    people: int
    share: float


@dataclass(frozen=True)
class Published:
    """Counts published at one moment. shares: of "registered", by the id of our stage that stands for theirs."""

    moment: str
    registered: int
    shares: dict[str, float]


LABELS = {
    Furthest.TICKETED: N_("ticket taken"),
    Furthest.ADMITTED: N_("admitted"),
    Furthest.ACCOUNT_CREATED: N_("account created"),
    Furthest.CODE_VERIFIED: N_("first code verified"),
    Furthest.IDENTITY_SUBMITTED: N_("identity submitted"),
    Furthest.PROFILE_COMPLETED: N_("profile completed"),
    Furthest.PHOTOS_UPLOADED: N_("photos uploaded"),
    Furthest.PHONE_VERIFIED: N_("phone verified"),
    Furthest.ASSESSED: N_("assessment taken"),
    Furthest.WAVE_JOINED: N_("wave joined"),
}
IDENTITY_VERIFIED = "identity_verified"
IDENTITY_VERIFIED_LABEL = N_("identity verified")


@dataclass(frozen=True)
class Mapped:
    """A published stage and ours that stands for it. key: its name in the night file."""

    key: str
    theirs: str
    ours: str
    remark: str


MAPPING = (
    Mapped("registered", N_("registered"), "account_created", N_("The same moment: the account exists.")),
    Mapped(
        "email_verified",
        N_("e-mail verified"),
        "code_verified",
        N_("Our first code may also come by SMS; theirs came by e-mail only."),
    ),
    Mapped(
        "identity_verified",
        N_("identity number (NIK) verified"),
        IDENTITY_VERIFIED,
        N_("The civil registry answered that it matches; ours lets people go on meanwhile."),
    ),
    Mapped("joined", N_("joined the wave"), "wave_joined", N_("Told that the join was accepted.")),
)


def stages(facts: Facts) -> list[Stage]:
    """Our stages in the order of the journey, identity verified (counted by the service) among them."""
    reached = {stage: int(np.isfinite(facts.people[stage.column]).sum()) for stage in LABELS}
    accounts = reached[Furthest.ACCOUNT_CREATED]

    def share(people: int) -> float:
        return people / accounts if accounts else float("nan")

    found = [Stage(stage.name.lower(), say(LABELS[stage]), reached[stage], share(reached[stage])) for stage in LABELS]
    if facts.run.samples.select("registration_stage_total", stage=IDENTITY_VERIFIED):
        verified = round(statistics.total(facts.run.samples, "registration_stage_total", stage=IDENTITY_VERIFIED))
        place = 1 + next(i for i, stage in enumerate(found) if stage.id == "identity_submitted")
        found.insert(place, Stage(IDENTITY_VERIFIED, say(IDENTITY_VERIFIED_LABEL), verified, share(verified)))
    return found


def published(facts: Facts) -> list[Published]:
    """The moments at which the whole funnel was published, from the night file, first to last."""
    night = facts.config["night"]
    opens_at = datetime.fromisoformat(night["opens_at"])
    found = []
    for counts in night["funnel"]:
        known = {mapped.ours: counts[mapped.key] for mapped in MAPPING if counts.get(mapped.key)}
        if len(known) == len(MAPPING):
            hours = (datetime.fromisoformat(counts["at"]) - opens_at).total_seconds() / 3600
            shares = {ours: people / counts["registered"] for ours, people in known.items()}
            found.append(
                Published(say("April 2020 after {hours} h", hours=number(hours)), int(counts["registered"]), shares)
            )
    return sorted(found, key=lambda one: one.registered)
