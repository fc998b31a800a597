"""What a night must achieve, by stable id; a night file may set other bounds, and says why where it loosens one."""

from typing import NamedTuple


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


def is_looser(name: str, bound: float) -> bool:
    """Whether `bound` asks less than the default of `name` (one of DEFAULTS)."""
    default = DEFAULTS[name]
    return bound > default.bound if default.at_most else bound < default.bound
