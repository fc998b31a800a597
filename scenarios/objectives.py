"""What a night must achieve: as a whole, at a stage of the journey, in a window of time.

A night file may set other bounds than the defaults and demand more at stages and in windows; it says why wherever it
asks less than the defaults. What stages and windows demand comes on top: the night's own bounds hold over all of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scenarios.figures import Bound, Seconds, Share


class Objective(NamedTuple):
    """`bound` is the most (`at_most`) or the least that is allowed."""

    bound: float
    at_most: bool
    text: str


DEFAULTS: dict[str, Objective] = {
    "api_p95_s": Objective(1.0, True, "95 % of API answers within this, from the intended start, uploads apart"),
    "api_p99_s": Objective(3.0, True, "99 % of API answers within this, from the intended start, uploads apart"),
    "server_error_ratio": Objective(0.001, True, "share of 5xx answers other than 503 with Retry-After"),
    "codes_within_10s_ratio": Objective(0.95, False, "codes handed to the gateway within 10 s, unless quota-bound"),
    "photos_stored_ratio": Objective(0.99, False, "started photos that were stored"),
    "photo_tries_median": Objective(1.1, True, "median tries for each stored photo"),
    "admitted_joined_ratio": Objective(0.95, False, "people admitted in time, not abandoned or refused, who joined"),
    "waits_in_range_ratio": Objective(0.75, False, "waits inside the range shown, judged from 200 waits on"),
    "lost": Objective(0, True, "acknowledged, but not in the ledger"),
    "doubled": Objective(0, True, "done twice"),
}

STAGES: dict[str, tuple[str, ...]] = {
    "line": ("tickets", "place", "claims", "pages-line"),
    "account": ("accounts", "pages-account"),
    "code": ("codes", "sessions", "pages-code", "pages-sign-in"),
    "identity": ("identity", "pages-identity"),
    "profile": ("profile", "pages-profile"),
    "photos": ("files-create", "files-patch", "files-head", "files-put", "files-form", "pages-photo"),
    "phone": ("phone-verification", "pages-phone"),
    "assessment": ("assessment", "answers", "submission", "pages-test"),
    "join": ("join", "pages-join"),
}
"""Stages in the order of the journey, each with its routes in the swarm's figures; looks at the start page and at the
status belong to none."""
UPLOADS = "photos"
"""The stage whose answers the night's own bounds leave out: their time is mostly the phone's."""

_LIKE = {"p95_s": "api_p95_s", "p99_s": "api_p99_s", "completed_ratio": "admitted_joined_ratio"}
"""What a stage's bounds are held against; the others bear the name of their default."""


@dataclass(frozen=True)
class StageBounds:
    """What one stage must achieve; None: nothing is demanded."""

    p95_s: Seconds | None = None
    """95 % of its answers within this, from the intended start."""
    p99_s: Seconds | None = None
    server_error_ratio: Share | None = None
    completed_ratio: Share | None = None
    """Of the people who began it in time, and neither left nor were refused: those who completed it."""
    reason: str = ""
    """Why a bound asks less than its default."""


@dataclass(frozen=True)
class Window:
    """What must hold in [start_s, end_s), seconds of the night's clock since the doors open."""

    name: str
    start_s: Seconds
    end_s: Seconds
    api_p95_s: Seconds | None = None
    api_p99_s: Seconds | None = None
    server_error_ratio: Share | None = None
    codes_within_10s_ratio: Share | None = None
    admitted_joined_ratio: Share | None = None
    """Of the people admitted in it."""
    waits_in_range_ratio: Share | None = None
    """Of the waits that ended in it."""
    stage: dict[str, StageBounds] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Objectives:
    """All that a night demands."""

    api_p95_s: Seconds = DEFAULTS["api_p95_s"].bound
    api_p99_s: Seconds = DEFAULTS["api_p99_s"].bound
    server_error_ratio: Share = DEFAULTS["server_error_ratio"].bound
    codes_within_10s_ratio: Share = DEFAULTS["codes_within_10s_ratio"].bound
    photos_stored_ratio: Share = DEFAULTS["photos_stored_ratio"].bound
    photo_tries_median: Bound = DEFAULTS["photo_tries_median"].bound
    admitted_joined_ratio: Share = DEFAULTS["admitted_joined_ratio"].bound
    waits_in_range_ratio: Share = DEFAULTS["waits_in_range_ratio"].bound
    lost: Bound = DEFAULTS["lost"].bound
    doubled: Bound = DEFAULTS["doubled"].bound
    stage: dict[str, StageBounds] = field(default_factory=dict)
    """By name of STAGES."""
    window: tuple[Window, ...] = ()


STAGE_BOUNDS = ("p95_s", "p99_s", "server_error_ratio", "completed_ratio")
WINDOW_BOUNDS = (
    "api_p95_s", "api_p99_s", "server_error_ratio", "codes_within_10s_ratio", "admitted_joined_ratio",
    "waits_in_range_ratio",
)  # fmt: skip


@dataclass(frozen=True)
class Demand:
    """One bound of a night."""

    name: str
    """What is bounded: one of DEFAULTS, STAGE_BOUNDS, WINDOW_BOUNDS."""
    bound: float
    path: str
    """Where it stands below `objectives` in the night's document: `window.0.stage.code.p95_s`."""
    stage: str = ""
    """One of STAGES; empty: the whole journey."""
    window: str = ""
    """Its name; empty: the whole night."""
    start_s: float = 0.0
    end_s: float = math.inf
    """Of the night's clock."""
    reason: str = ""
    """Why it asks less than the default; empty where it does not."""

    @property
    def id(self) -> str:
        """`api_p95_s`, `stage.code.p95_s`, `window.opening.stage.code.p95_s`."""
        within = [*(("window", self.window) if self.window else ()), *(("stage", self.stage) if self.stage else ())]
        return ".".join([*within, self.name])


def demands(document: Mapping[str, Any], reasons: Mapping[str, str]) -> list[Demand]:
    """Every bound of a night: its own, then those of stages in the order of the journey, then windows as written.

    document: a night's objectives as run.json has them; reasons: its `objective_reasons`.
    """
    own = [Demand(name, float(document[name]), name, reason=_reason(name, document, reasons)) for name in DEFAULTS]
    found = [*own, *_of_stages(document.get("stage") or {}, "")]
    for i, window in enumerate(document.get("window") or ()):
        place = f"window.{i}."
        span: dict[str, Any] = {
            "window": window["name"], "start_s": float(window["start_s"]), "end_s": float(window["end_s"]),
        }  # fmt: skip
        found += [
            Demand(name, float(window[name]), place + name, reason=_loosened(name, "", window), **span)
            for name in WINDOW_BOUNDS
            if window.get(name) is not None
        ]
        found += _of_stages(window.get("stage") or {}, place, **span)
    return found


def _of_stages(stages: Mapping[str, Any], place: str, **span: Any) -> Iterator[Demand]:
    for stage in (each for each in STAGES if each in stages):
        bounds = stages[stage]
        for name in STAGE_BOUNDS:
            if bounds.get(name) is not None:
                path = f"{place}stage.{stage}.{name}"
                yield Demand(name, float(bounds[name]), path, stage, reason=_loosened(name, stage, bounds), **span)


def _reason(name: str, document: Mapping[str, Any], reasons: Mapping[str, str]) -> str:
    return reasons.get(name, "") if is_looser(name, float(document[name])) else ""


def _loosened(name: str, stage: str, table: Mapping[str, Any]) -> str:
    return str(table.get("reason") or "") if is_looser(name, float(table[name]), stage) else ""


def default_of(name: str) -> Objective:
    """What a bound of that name, a stage's too, is held against."""
    return DEFAULTS[_LIKE.get(name, name)]


def is_looser(name: str, bound: float, stage: str = "") -> bool:
    """Whether `bound` asks less than the default of `name`; of the times of uploads there is none."""
    if stage == UPLOADS and name in ("p95_s", "p99_s"):
        return False
    default = default_of(name)
    return bound > default.bound if default.at_most else bound < default.bound


def stage_of(route: str) -> str:
    """The stage that a route of the swarm's figures belongs to; empty for none."""
    return _STAGE_OF.get(route, "")


_STAGE_OF = {route: stage for stage, routes in STAGES.items() for route in routes}
