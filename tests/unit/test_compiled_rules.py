"""Each rule that the simulation shares gives the same digits compiled by numba as in plain Python."""

import typing
from collections.abc import Callable
from enum import IntEnum
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import njit

from scenarios import journey, networks, returns, setbacks, streams, throttle, uploaders
from scenarios.fates import Furthest, Manners
from scenarios.journey_state import Action, Habits, Hours, Result
from scenarios.simulation.rules import RULES, Rule
from scenarios.uploaders import Uploader
from service.domain import assessment, codes, gate, hashing, identity, lottery, promises, queues, waiting_room, waves

INPUTS = 30_000
"""For each rule; more find nothing more, and take a minute of every run."""

FEW = 64
"""Enough to see of what kind the results are: of as many hashes one needs all 64 bits."""

HASHES = {"mixed", "digest", "uniform"}
"""Rules that take any 64 bits; the others get whole numbers below 2**53, which is all they are meant for."""

FLOATS: dict[str, tuple[float, float]] = {
    "u": (0.0, 1.0),
    "sigma": (0.0, 3.0),
    "mean": (0.0, 5000.0),
    "median": (0.0, 5000.0),
    "rate_per_s": (-2.0, 2000.0),
    "window_s": (0.0, 100.0),
    "base_s": (0.0, 10.0),
    "cap_s": (0.0, 100.0),
    "share": (0.0, 1.0),
    "think_factor": (1.0, 4.0),
}
"""Ranges of the float parameters by name; any other gets instants and durations of either sign."""

WHOLES: dict[str, tuple[int, int]] = {
    "action": (min(Action), max(Action)),
    "result": (min(Result), max(Result)),
    "furthest": (min(Furthest), max(Furthest)),
    "channel": (1, 2),
    "failures": (0, 8),
    "attempt": (0, 80),
    "sends": (0, 6),
    "eligible": (0, 1),
    "assessed": (0, 1),
    "phone_verified": (0, 1),
    "photos": (0, 3),
    "birth_y": (1900, 2020),
    "y": (2020, 2100),
    "birth_m": (1, 12),
    "m": (1, 12),
    "birth_d": (1, 31),
    "d": (1, 31),
    "tries": (0, 6),
    "visits": (-1, 4),
    "busy": (0, 9),
    "retries": (0, 40),
    "send": (0, 40),
    "repeats": (0, 4),
    "mishaps": (0, 10),
    "browser": (0, 3),
    "pages": (0, 10),
    "low_memory": (0, 1),
    "manners": (min(Manners), max(Manners)),
    "uploader": (min(Uploader), max(Uploader)),
    "requests": (0, 40),
    "requests_before": (0, 40),
    "accepted": (0, 40),
    "accepted_before": (0, 40),
    "attempts": (0, 400),
    "is_held_back": (0, 1),
    "silences": (0, 9),
    "signed_in": (0, 1),
    "mistyped": (0, 1),
    "photo": (0, 2),
    "answers": (0, 18),
    "fate": (0, 5),
    "reason": (0, 40),
    "part": (0, 20),
}
"""Ranges of the whole parameters by name, both ends included."""

HABITS = Habits(
    think_sigma=0.5, account_s=40.0, code_s=30.0, identity_s=30.0, profile_step_s=30.0, photo_s=30.0, phone_s=20.0,
    answer_s=83.3, join_s=10.0, retry_median_s=12.0, retry_sigma=1.0, return_median_s=4500.0, return_sigma=1.0,
    late_code_s=60.0, resend_share=0.6, resend_limit=4, silence_limit=5, new_photo_share=0.3, busy_limit=8,
    line_median_s=900.0, line_sigma=1.0, leave_share=0.1,
    hours=Hours(*(0.1 * hour for hour in range(24))), opens_hour=19.5, hour_s=360.0, closes_s=40_000.0,
    rush_from_s=39_000.0, rush_share=0.5, refresh_after_s=15.0, refresh_share=0.5, switch_share=0.5,
    page_lost_share=0.5, late_typing_share=0.5,
)  # fmt: skip
"""How people behave does not vary between inputs; what happens to them does."""

JOURNEY = {
    rule.__name__ for module in (uploaders, throttle, returns, setbacks, journey) for rule in module.RULES
}  # fmt: skip
SIGNED, UNSIGNED = np.dtype(np.int64), np.dtype(np.uint64)


def floats(rng: np.random.Generator, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    low, high = FLOATS.get(name, (-1000.0, 500_000.0))
    values = rng.uniform(low, high, INPUTS)
    # Whole numbers and -1 ("none") make the ties and edges that random digits never meet.
    if name not in FLOATS:
        values = np.where(rng.random(INPUTS) < 0.3, np.rint(values / 1000.0), values)
        values[rng.random(INPUTS) < 0.05] = -1.0
    values[rng.random(INPUTS) < 0.02] = max(low, 0.0)
    return values


def bits(rng: np.random.Generator, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    ends = np.iinfo(dtype)
    return rng.integers(ends.min, ends.max, INPUTS, dtype=dtype, endpoint=True)


def wholes(rng: np.random.Generator, name: str, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    least = 0 if dtype == UNSIGNED else -(2**40)
    low, high = WHOLES.get(name, (least, 2**40))
    values = rng.integers(max(low, least), high, INPUTS, endpoint=True)
    if name not in WHOLES:
        values = np.where(rng.random(INPUTS) < 0.5, rng.integers(max(-3, least), 40, INPUTS), values)
    return values.astype(dtype)


@cache
def values_of(name: str, hint: Any, dtype: np.dtype[Any], any_bits: bool) -> np.ndarray[Any, Any]:
    """INPUTS values of a parameter or field that is a number."""
    rng = np.random.default_rng(list(name.encode()))
    if hint is float:
        return floats(rng, name)
    if hint is bool:
        return rng.random(INPUTS) < 0.5
    return bits(rng, dtype) if any_bits else wholes(rng, name, dtype)


class Table:
    """Columns of numbers, one 2-D array for each kind, and the text that reads arguments from row i of them."""

    KINDS = (SIGNED, UNSIGNED, np.dtype(np.float64), np.dtype(np.bool_))
    NAMES = ("signed", "unsigned", "real", "yes")

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.columns: tuple[list[np.ndarray[Any, Any]], ...] = ([], [], [], [])
        self.names: dict[str, Any] = {"HABITS": HABITS}

    def number(self, values: np.ndarray[Any, Any]) -> str:
        kind = self.KINDS.index(values.dtype)
        self.columns[kind].append(values[: self.rows])
        return f"{self.NAMES[kind]}[{len(self.columns[kind]) - 1}, i]"

    def made(self, cls: type, parts: list[str]) -> str:
        self.names[cls.__name__] = cls
        return f"{cls.__name__}({', '.join(parts)})"

    def stacked(self) -> list[np.ndarray[Any, Any]]:
        return [
            np.array(columns) if columns else np.empty((0, self.rows), kind)
            for columns, kind in zip(self.columns, self.KINDS, strict=True)
        ]


@cache
def plain_values(name: str, hint: Any, dtype: np.dtype[Any], any_bits: bool) -> list[Any]:
    """INPUTS values of one parameter for plain Python."""
    if hint is Habits:
        return [HABITS] * INPUTS
    if is_tuple(hint):
        fields = typing.get_type_hints(hint).items()
        rows = zip(*(plain_values(field, each, SIGNED, False) for field, each in fields), strict=True)
        return [hint(*row) for row in rows]
    return list(values_of(name, hint, dtype, any_bits).tolist())


def parameter(table: Table, name: str, hint: Any, dtype: np.dtype[Any], any_bits: bool) -> str:
    """The text that reads the same values from the table."""
    if hint is Habits:
        return "HABITS"
    if is_tuple(hint):
        fields = typing.get_type_hints(hint).items()
        return table.made(hint, [parameter(table, field, each, SIGNED, False) for field, each in fields])
    return table.number(values_of(name, hint, dtype, any_bits))


def is_tuple(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, tuple)


def result(table: Table, hint: Any, values: list[Any]) -> str:
    """The text that reads the wanted result, which goes into the table."""
    if is_tuple(hint):
        fields = enumerate(typing.get_type_hints(hint).values())
        return table.made(hint, [result(table, each, [value[i] for value in values]) for i, each in fields])
    return table.number(np.array(values))


def kinds(rule: Rule) -> tuple[np.dtype[Any], ...]:
    """What whole numbers it is given, one after the other."""
    if rule is hashing.mixed:
        return (UNSIGNED,)  # what `u64` gives
    hints = typing.get_type_hints(rule)
    hints.pop("return")
    whole = any(hint not in (float, bool) and not is_tuple(hint) for hint in hints.values())
    return (SIGNED, UNSIGNED) if whole and rule.__name__ not in JOURNEY else (SIGNED,)


def kinds_of(rule: Rule, name: str, dtype: np.dtype[Any]) -> tuple[np.dtype[Any], bool]:
    """How whole numbers of a parameter are drawn: their type, and whether from all 64 bits."""
    if rule.__name__ not in JOURNEY:
        return dtype, rule.__name__ in HASHES
    # Seeds of either sign and unsigned numbers of applicants at once; what a state counts is an ordinary integer.
    return (UNSIGNED if name == "number" else SIGNED), name in ("seed", "number")


class Case(NamedTuple):
    """A rule with inputs to try it with."""

    rule: Rule
    table: Table
    differs: str
    """Whether compiled and plain rule disagree about row i of the table, as the text of an expression."""
    arguments: list[list[Any]]
    wanted: list[Any]


def case_of(rule: Rule, dtype: np.dtype[Any], name: str, inputs: int = INPUTS) -> Case:
    """dtype: of whole numbers. name: of the rule in the text."""
    hints = typing.get_type_hints(rule)
    returned = hints.pop("return")
    table = Table(inputs)
    parameters = [(each, hint, *kinds_of(rule, each, dtype)) for each, hint in hints.items()]
    arguments = [plain_values(*each)[:inputs] for each in parameters]
    wanted = list(map(rule, *arguments))
    assert len(wanted) == inputs
    table.names[name] = rule if rule in RULES else njit(rule)
    call = f"{name}({', '.join(parameter(table, *each) for each in parameters)})"
    return Case(rule, table, f"{call} != {result(table, returned, wanted)}", arguments, wanted)


def differing(*tried: tuple[Rule, np.dtype[Any]]) -> list[tuple[Any, ...]]:
    """Of each rule that gives other digits compiled: its name, the first such arguments, and the plain result.

    All of them are compared in one compiled function: numba links and optimizes whatever such a function calls anew for
    each, which would take minutes of every run. Arguments are put together and results compared in there: handing
    NamedTuples over from Python takes longer still.
    """
    lines = [f"def first(which, {', '.join(Table.NAMES)}):", "    count = yes.shape[1]"]
    names: dict[str, Any] = {}
    for place, (rule, dtype) in enumerate(tried):
        few = case_of(rule, dtype, f"rule{place}", FEW)
        names |= few.table.names
        lines += [
            f"    if which == {place}:",
            "        for i in range(count):",
            f"            if {few.differs}:",
            "                return i",
        ]
    exec("\n".join([*lines, "    return -1"]), names)  # noqa: S102
    first = njit(names["first"])
    found = []
    for place, (rule, dtype) in enumerate(tried):
        case = case_of(rule, dtype, f"rule{place}")
        i = first(place, *case.table.stacked())
        if i >= 0:
            name = f"{rule.__module__}.{rule.__name__}"
            found.append((name, *(values[i] for values in case.arguments), case.wanted[i]))
    return found


IN_JOURNEYS = [rule for rule in RULES if rule.__name__ in JOURNEY]
ELSEWHERE = [rule for rule in RULES if rule.__name__ not in JOURNEY]


@pytest.mark.timeout(300)  # it compiles for most of a minute, and longer where others want the cores, too
@pytest.mark.parametrize("rules", [IN_JOURNEYS, ELSEWHERE], ids=["journeys", "the others"])
def test_compiled_rules_give_the_digits_of_the_plain_ones(rules: list[Rule]) -> None:
    """On random signed and as many unsigned inputs each; floats bit for bit."""
    assert differing(*((rule, dtype) for rule in rules for dtype in kinds(rule))) == []


class Pair(NamedTuple):
    bits: int
    half: float


def test_without_the_mask_signed_seeds_would_differ() -> None:
    """The negative control of u64 and of this comparison: the hash without its mask gives other digits compiled."""

    def unmasked(z: int) -> int:
        return ((z ^ (z >> 3)) * 0x3C79AC492BA7B653) >> 40

    def unmasked_pair(z: int) -> Pair:
        return Pair(((z ^ (z >> 3)) * 0x3C79AC492BA7B653) >> 40, 0.5)

    found = differing((unmasked, SIGNED), (unmasked_pair, SIGNED), (streams.uniform, SIGNED))
    assert len(found) == 2


def test_each_rule_stands_after_those_it_calls() -> None:
    """numba compiles at the first call, so the order is for readers; still it must be one that could be compiled."""
    known: set[str] = set()
    names = {rule.__name__ for rule in RULES}
    for rule in RULES:
        called = set(rule.__code__.co_names) & names - {rule.__name__}
        assert called <= known, f"{rule.__name__} calls {called - known} before it is registered"
        known.add(rule.__name__)


def test_every_shared_rule_is_listed() -> None:
    """No function of the shared modules that takes and returns only numbers is left out."""
    listed = set(RULES)
    ours = (streams, networks, uploaders, throttle, returns, journey, setbacks)
    for module in (hashing, lottery, promises, waiting_room, gate, queues, codes, waves, identity, assessment, *ours):
        for function in vars(module).values():
            is_own = isinstance(function, Callable) and getattr(function, "__module__", "") == module.__name__  # type: ignore[arg-type]
            if is_own and not isinstance(function, type) and is_numeric(function):
                assert function in listed or function is hashing.u64, f"{module.__name__}.{function.__name__}"


def is_numeric(function: Any) -> bool:
    def fits(hint: Any) -> bool:
        return hint in (int, float, bool) or (isinstance(hint, type) and issubclass(hint, IntEnum))

    return all(fits(hint) for hint in typing.get_type_hints(function).values())
