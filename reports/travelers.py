"""The people of a run: how far they came beside what was published, where they stopped, who was lost to closing time.

Every count is one of the rows of people.npz, one for each applicant who was planned. reports.groups has what became of
them by province, network and patience, reports.tries what it took them.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from reports import drawing, funnel
from reports.drawing import Table
from reports.facts import Facts
from reports.funnel import IDENTITY_VERIFIED, LABELS, MAPPING
from reports.groups import by_network, by_patience, differences, group_table
from reports.people_figures import promises, provinces
from reports.statistics import BoolArray
from reports.terms import Term, added, gained, of_people
from reports.tries import tries
from reports.wording import UNKNOWN, Said, clock, count, percent, recorded, say
from scenarios.record import Fate, Furthest, Reason


def reached(facts: Facts, stage: Furthest) -> Term:
    """People who completed a stage."""
    people = np.bincount(facts.people["furthest"], minlength=max(Furthest) + 1)
    return added([of_people("count", people[one], furthest=one) for one in Furthest if one >= stage])


def against_published(facts: Facts) -> Table | None:
    """Shares of the created accounts, ours beside the published ones; None where no account was made."""
    accounts = reached(facts, Furthest.ACCOUNT_CREATED)
    moments = _published(facts)
    if not accounts.value or not moments:
        return None
    rows = []
    for one in MAPPING[1:]:
        if (people := _ours(facts, one.ours)) is None:
            continue
        ours = people / accounts
        theirs = [Term(counts[one.key] / counts["registered"], f"(config:night.funnel.{place}.{one.key}) / "
                       f"(config:night.funnel.{place}.registered)") for place, counts, _ in moments]  # fmt: skip
        rows.append([say(one.theirs), ours.percent, *(each.percent for each in theirs), _points(ours, theirs[-1])])
    head = [say("published stage"), say("this run"), *(moment for _, _, moment in moments), say("against the last")]
    return Table(head, rows)


def _published(facts: Facts) -> list[tuple[int, Mapping[str, float], str]]:
    """(place in the night's funnel, counts, moment in words) of each moment at which the whole was published."""
    moments = {one.registered: one.moment for one in funnel.published(facts)}
    entries = [(place, counts) for place, counts in enumerate(facts.config["night"]["funnel"])]
    known = [(place, counts, moments.get(int(counts["registered"]))) for place, counts in entries]
    return [(place, counts, moment) for place, counts, moment in known if moment]


def _ours(facts: Facts, stage: str) -> Term | None:
    """People of this run at the stage that stands for theirs; None where the service did not count them."""
    if stage == IDENTITY_VERIFIED:
        if not facts.run.samples.select("registration_stage_total", stage=IDENTITY_VERIFIED):
            return None
        return gained(facts, "registration_stage_total", stage=IDENTITY_VERIFIED)
    return reached(facts, Furthest[stage.upper()])


def _points(ours: Term, theirs: Term) -> Said:
    difference = Term(100 * (ours.value - theirs.value), f"(({ours.source}) - ({theirs.source})) * 100")
    if math.isnan(difference.value):
        return Said((UNKNOWN,))
    sign = "+" if difference.value >= 0 else ""
    return say("{sign}{points} points", sign=sign, points=difference.number)


def stopped(facts: Facts) -> Table:
    """How many got no further than each stage without having joined, and why most often."""
    rows = []
    planned = Term(float(facts.planned), "config:planned")
    fate, furthest, reason = (facts.people[name] for name in ("fate", "furthest", "reason"))
    for stage in Furthest:
        here = furthest == stage
        people, joined = int(here.sum()), int((here & (fate == Fate.JOINED)).sum())
        if people == joined:
            continue
        left = of_people("count", people, furthest=stage) - of_people("count", joined, furthest=stage, fate=Fate.JOINED)
        why = np.bincount(reason[here & (fate != Fate.JOINED)])
        label = say(LABELS[stage]) if stage in LABELS else say("nothing yet")
        rows.append([label, left.count, (left / planned).percent, _why(int(why.argmax()), int(why.max()), stage)])
    return Table([say("last thing done"), say("stopped there"), say("of all planned"), say("most often because")], rows)


def _why(reason: int, people: int, stage: Furthest) -> Said:
    known = {int(one): one.phrase for one in Reason}
    times = of_people("count", people, furthest=stage, reason=reason)
    return say("{why} ({people})", why=recorded(known.get(reason, str(reason))), people=times.count)


def lost_to_closing(facts: Facts) -> BoolArray:
    """Who was told that the wave was closed, or was still trying when it closed and then gave up."""
    people = facts.people
    told = people["reason"] == Reason.WAVE_CLOSED
    with np.errstate(invalid="ignore"):
        trying = (people["started"] < facts.close_s) & (people["ended"] >= facts.close_s)
    lost: BoolArray = told | (trying & (people["fate"] == Fate.FAILED))
    return lost


def closing(facts: Facts) -> tuple[Said, Table | None]:
    """What closing time took, in a sentence, and by how far those people had come."""
    lost = lost_to_closing(facts)
    planned = Term(float(facts.planned), "config:planned")
    if facts.end_s < facts.close_s and not lost.any():
        cut = of_people("count", int((facts.people["fate"] == Fate.CUT).sum()), fate=Fate.CUT)
        return (
            say(
                "Nobody: the wave closes {close} after the doors open, and this run was over {early} before that. "
                "{cut} people had not come to an end by then.",
                close=clock(facts.close_s),
                early=clock(facts.close_s - facts.end_s),
                cut=cut.count,
            ),
            None,
        )
    told = of_people("count", int((facts.people["reason"] == Reason.WAVE_CLOSED).sum()), reason=Reason.WAVE_CLOSED)
    sentence = say(
        "{told} people were told that the wave was closed, {share} of all who were planned. With those who were still "
        "trying at that moment and then gave up, {lost} were lost to it.",
        told=told.count,
        share=(told / planned).percent,
        lost=count(float(lost.sum())),
    )
    by_stage = np.bincount(facts.people["furthest"][lost], minlength=max(Furthest) + 1)
    rows = [
        [say(LABELS[stage]) if stage in LABELS else say("nothing yet"), count(by_stage[stage]),
         percent(by_stage[stage] / lost.sum())]
        for stage in Furthest if by_stage[stage]
    ]  # fmt: skip
    table = Table([say("last thing done"), say("lost to closing time"), say("of those lost")], rows)
    return sentence, table if rows else None


def view(facts: Facts) -> dict[str, Any] | None:
    """What the section is filled with; nothing where nobody was planned or all was cut before it was written."""
    if not len(facts.people["number"]):
        return None
    told, lost = closing(facts)
    by = ((say("Fates by network"), by_network(facts), say("network")),
          (say("Fates by patience"), by_patience(facts), say("patience")))  # fmt: skip
    groups = [(title, differences(found), group_table(facts, found, kind)) for title, found, kind in by if found]
    with drawing.styled():
        pictures = [picture for picture in (provinces(facts), promises(facts)) if picture is not None]
    return {
        "published": against_published(facts),
        "stopped": stopped(facts),
        "closing": told,
        "closing_table": lost,
        "groups": groups,
        "tries": tries(facts),
        "pictures": pictures,
    }
