"""What became of the people of each province, network and patience, and which of these groups stand out.

Who was cut is left out: of them nobody knows what they would have done, and those who never started have no group.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from reports.drawing import Table
from reports.facts import Facts
from reports.names import FATES, named
from reports.terms import Term, of_people
from reports.wording import N_, Said, listed, percent, say
from scenarios.provinces import BY_CODE
from scenarios.record import Fate

ENDED = (Fate.JOINED, Fate.FAILED, Fate.ABANDONED, Fate.REFUSED)
"""Fates of people whose way came to an end of its own."""
SURE = 0.95
"""How sure it is that no group of a table stands out by chance."""
NETWORKS = {
    "urban_4g": N_("4G in a city"),
    "busy_4g": N_("crowded 4G"),
    "rural_3g": N_("3G in the country"),
    "poor_east": N_("poor lines in the east"),
    "home_wifi": N_("Wi-Fi at home"),
}
PATIENCE = {"impatient": N_("impatient"), "normal": N_("normal"), "persistent": N_("persistent")}
_PHOTOS = ("photo_tries", "photos_stored")


@dataclass(frozen=True)
class Group:
    """People of one province, network or patience, without those who were cut. low, high: where the share that joined
    may lie, so wide that by chance none of the groups shown together leaves it (once in twenty runs one does)."""

    label: str
    column: str
    value: int
    fates: Mapping[Fate, int]
    cut: int
    low: float
    high: float

    @property
    def people(self) -> int:
        return sum(self.fates.values())

    @property
    def whole(self) -> Term:
        """Its people."""
        of = {self.column: self.value}
        everybody = of_people("count", self.people + self.cut, **of)
        return everybody - of_people("count", self.cut, **of, fate=Fate.CUT) if self.cut else everybody

    def of(self, fate: Fate) -> Term:
        return of_people("count", self.fates[fate], **{self.column: self.value}, fate=int(fate))

    @property
    def joined(self) -> float:
        return self.fates[Fate.JOINED] / self.people

    def stands_out(self, overall: float) -> bool:
        """Whether chance alone does not explain how its share differs from that of all groups together."""
        return not self.low <= overall <= self.high


def by_province(facts: Facts) -> list[Group]:
    """Most people first."""
    names = {code: province.name for code, province in BY_CODE.items()}
    return sorted(_groups(facts, "province", names), key=lambda one: -one.people)


def by_network(facts: Facts) -> list[Group]:
    return _groups(facts, "network", _words(facts.config["night"].get("networks", {}), NETWORKS))


def by_patience(facts: Facts) -> list[Group]:
    kinds = facts.config["night"].get("population", {}).get("patience", {})
    return _groups(facts, "patience", _words(kinds, PATIENCE))


def _words(kinds: Mapping[str, object], among: dict[str, str]) -> dict[int, str]:
    """Position in the night's table -> words for what stands there."""
    return {place: named(kind, among) for place, kind in enumerate(kinds)}


def _groups(facts: Facts, column: str, names: Mapping[int, str]) -> list[Group]:
    """The groups that anybody is in; none where the night does not name them."""
    width = max(Fate) + 1
    codes = facts.people[column].astype(np.int64) * width + facts.people["fate"]
    counts = np.bincount(codes, minlength=256 * width).reshape(-1, width)
    present = [value for value in names if counts[value, list(ENDED)].sum()]
    found = []
    for value in present:
        fates = {fate: int(counts[value, fate]) for fate in ENDED}
        low, high = interval(fates[Fate.JOINED], sum(fates.values()), len(present))
        found.append(Group(names[value], column, value, fates, int(counts[value, Fate.CUT]), low, high))
    return found


def overall(groups: list[Group]) -> float:
    """The share that joined of all groups together."""
    return sum(one.fates[Fate.JOINED] for one in groups) / sum(one.people for one in groups)


def interval(part: int, whole: int, groups: int) -> tuple[float, float]:
    """Where a share may lie of which `part` of `whole` were seen (Wilson), when `groups` shares are looked at at once
    and all of them are to be inside with SURE (Bonferroni). whole > 0."""
    z = NormalDist().inv_cdf(1 - (1 - SURE) / (2 * groups))
    share = part / whole
    middle = (share + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z / (1 + z * z / whole) * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    return (middle - half if part else 0.0), (middle + half if part < whole else 1.0)  # exact where rounding is not


def differences(groups: list[Group]) -> Said:
    """Which groups stand out, or that chance explains what can be seen."""
    if not groups:
        return Said(("",))
    share = overall(groups)
    out = [one for one in groups if one.stands_out(share)]
    if not out:
        return say(
            "All groups together: {share} joined. No group differs from that by more than chance explains.",
            share=percent(share),
        )
    names = listed(say("{group} ({share})", group=one.label, share=percent(one.joined)) for one in out)
    return say("All groups together: {share} joined. More than chance explains, these differ: {groups}.",
               share=percent(share), groups=names)  # fmt: skip


def province_table(groups: list[Group]) -> Table:
    """Three numbers each: 34 rows are to be read on a phone."""
    rows = [
        [one.label, one.whole.count, (one.of(Fate.JOINED) / one.whole).percent, one.of(Fate.FAILED).count]
        for one in groups
    ]
    return Table([say("province"), say("people"), say("joined"), say("failed")], rows)


def group_table(facts: Facts, groups: list[Group], kind: str) -> Table | None:
    """Fates and tries of each group; None where there is no group. kind: what the groups are, in words."""
    if not groups:
        return None
    column = groups[0].column
    sums = {name: np.bincount(facts.people[column], facts.people[name], minlength=256) for name in _PHOTOS}
    rows = []
    for one in groups:
        tries, stored = (of_people("sum", sums[name][one.value], name, **{column: one.value}) for name in _PHOTOS)
        shares = [(one.of(fate) / one.whole).percent for fate in ENDED]
        rows.append([one.label, one.whole.count, *shares, (tries / stored).number])
    fates = [say(FATES[fate.name.lower()]) for fate in ENDED]
    return Table([kind, say("people"), *fates, say("tries a photo")], rows)
