"""The rules that service, swarm and simulation share, registered so that compiled code can call them.

A function that numba compiles cannot call a plain one, so each rule is registered, dependencies first; the rules
themselves stay plain Python and know nothing of numba. Importing this module registers them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload, register_jitable

from scenarios import journey, networks, returns, setbacks, streams, throttle, uploaders
from service.domain import (
    admission,
    assessment,
    codes,
    gate,
    hashing,
    identity,
    lottery,
    promises,
    queues,
    waiting_room,
    waves,
)

Rule = Callable[..., Any]

RULES: list[Rule] = [
    hashing.mixed,
    streams.digest,
    streams.uniform,
    streams.exponential,
    streams.normal,
    streams.log_normal,
    lottery.lot,
    lottery.place_of,
    queues.smoothed,
    promises.yield_after,
    promises.expected_wait_s,
    promises.poll_interval_s,
    promises.own_share,
    promises.jittered_poll_s,
    promises.poll_pause_s,
    promises.wait_class,
    promises.learned,
    promises.range_end_s,
    promises.scored,
    promises.rise_reason,
    waiting_room.show_after,
    waiting_room.frontier_after,
    waiting_room.may_claim,
    gate.second_limit,
    gate.minute_limit,
    gate.credit_after,
    gate.ceiling,
    gate.pending_before,
    gate.claim_retry_s,
    gate.waits_until_ms,
    admission.load_of_line,
    admission.load_of_answers,
    admission.worse,
    admission.bound_per_s,
    admission.capacity_per_s,
    admission.cut,
    admission.risen,
    admission.line_s,
    admission.kept_up_per_s,
    admission.line_ahead_s,
    admission.aim_per_s,
    admission.steered,
    admission.held,
    admission.eased,
    admission.stands_still,
    queues.accepts,
    queues.fed_to,
    queues.quota_count,
    queues.quota_window_s,
    queues.quota_free,
    queues.renews,
    queues.drain_s,
    queues.retry_delay_s,
    queues.jittered_s,
    queues.retry_after_s,
    codes.life_s,
    codes.code_alive,
    codes.may_try,
    codes.next_generation,
    codes.resend_wait_s,
    waves.join_decision,
    identity.age_years,
    identity.corrections_left,
    assessment.in_time,
    *networks.RULES,
    *uploaders.RULES,
    *throttle.RULES,
    *returns.RULES,
    *setbacks.RULES,
    *journey.RULES,
]
"""Every shared rule, each after those it calls. tests/unit/test_compiled_rules.py compares all of them with Python."""


CALLED: dict[str, Any] = {"no_cfunc_wrapper": True}
"""How rules and helpers are compiled: nobody calls them from C, so there is no second copy of each for that."""
INLINED: dict[str, Any] = {**CALLED, "forceinline": True}
"""How those are that each answer goes through: a state is thirty numbers, which every call would copy."""
_EACH_ANSWER = (journey.step, journey.succeeded, journey.go_on, journey.think_s)


def _u64_for(x: types.Type) -> Rule:
    """numba's version of `hashing.u64`: a cast, which keeps the 64 bits of a negative number."""
    if isinstance(x, types.IntEnumMember):
        return lambda x: np.uint64(x.value)
    return lambda x: np.uint64(x)


# Not strict: numba would compare the annotation of x with that of the lambda, which cannot have one.
overload(hashing.u64, strict=False)(_u64_for)
for _rule in RULES:
    register_jitable(**(INLINED if _rule in _EACH_ANSWER else CALLED))(_rule)
