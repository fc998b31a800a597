"""All randomness of a night: every draw is a pure function of (seed, applicant, purpose, attempt).

Nothing is drawn in sequence, so the same seed gives the same people with 1 worker or 30, and a retry more or a server
less changes nobody else's luck. The functions are compiled by numba as they stand (DESIGN section 2, compiled rules):
64-bit values pass through `u64` (service.domain.hashing).
`uniforms` is the same draw for a whole array of applicants.
"""

import math
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from service.domain.hashing import GOLDEN, MIX_1, MIX_2, mixed, u64

_ONE_IN_2_53 = 1.0 / 9007199254740992.0
_LEAST = 0.5 * _ONE_IN_2_53
"""Half a step of `uniform`: stands for 0 where a logarithm is taken."""


class Purpose(IntEnum):
    """What a draw is for. Numbers are part of every recorded seed: add, never renumber."""

    ARRIVAL = 1

    # population: who somebody is
    PROVINCE = 100
    REGENCY = 101
    SEX = 102
    AGE = 103
    UNDER_AGE = 104
    NAME = 105
    HAS_EMAIL = 106
    CHANNEL = 107
    WRONG_DIGIT = 108
    PATIENCE = 109
    NETWORK = 110
    DEVICE = 111
    IDENTITY_CARD_PHOTO = 112
    SELFIE_PHOTO = 113
    FAMILY_CARD = 114
    PROFILE = 115
    MANNERS = 116
    ASSISTED = 117
    LOW_MEMORY = 118
    WITHOUT_JAVASCRIPT = 119

    # journey: what somebody does
    THINK = 200
    SHORT_RETRY = 201
    LONG_RETURN = 202
    RESEND = 203
    NEW_PHOTO = 204
    ANSWER = 205
    GIVE_UP = 206
    POLL = 207
    BACKOFF = 208
    HOLD_BACK = 209
    CUT = 210
    CUT_KIND = 211
    UPLOAD_PAUSE = 212
    SWITCH = 213
    PAGE_LOST = 214
    LATE_TYPING = 215
    REFRESH = 216
    RUSH = 217
    RUSH_AT = 218
    LINE_PATIENCE = 219

    # onlookers: who only looks
    ONLOOKER_ARRIVAL = 240
    ONLOOKER_PAGES = 241
    ONLOOKER_LINK = 242
    ONLOOKER_READING = 243

    # partners: what happens to a message or a check
    EMAIL_DELAY = 300
    EMAIL_LOSS = 301
    SMS_DELAY = 302
    SMS_LOSS = 303
    REGISTRY_LATENCY = 304
    REGISTRY_ERROR = 305
    ANNOUNCEMENT_DELAY = 306
    ANNOUNCEMENT_LOSS = 307
    PAYOUT_ERROR = 308

    # service, in virtual time: what a request costs, who is kept out, when to come back
    SERVICE = 400
    DOOR_PLACE = 401
    RETRY_AFTER = 402
    PARTNER_FAILURE = 403
    PARTNER_RETRY = 404


def digest(seed: int, applicant: int, purpose: int, attempt: int) -> int:
    """64 bits for this draw. Any integers; each is taken modulo 2**64."""
    z = mixed(u64(seed) + GOLDEN)
    z = mixed(z + u64(applicant))
    z = mixed(z + u64(purpose))
    return mixed(z + u64(attempt))


def uniform(seed: int, applicant: int, purpose: int, attempt: int) -> float:
    """A number in [0, 1) with 53 random bits."""
    return float(digest(seed, applicant, purpose, attempt) >> 11) * _ONE_IN_2_53


def exponential(u: float, mean: float) -> float:
    """The exponential variate of uniform `u` in [0, 1): -mean ln(1 - u)."""
    return -mean * math.log(1.0 - u) if u > 0.0 else 0.0


def normal(u: float) -> float:
    """The standard normal variate of uniform `u` in [0, 1); relative error below 1.2e-9.

    Source: P. J. Acklam's rational approximation of the inverse normal distribution function, 2003.
    """
    if u < _LEAST:
        u = _LEAST
    if u < 0.02425 or u > 0.97575:
        q = math.sqrt(-2.0 * math.log(min(u, 1.0 - u)))
        top = -7.784894002430293e-03 * q - 3.223964580411365e-01
        top = (((top * q - 2.400758277161838e00) * q - 2.549732539343734e00) * q + 4.374664141464968e00) * q
        bottom = (7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996e00
        tail = (top + 2.938163982698783e00) / ((bottom * q + 3.754408661907416e00) * q + 1.0)
        return tail if u < 0.5 else -tail
    q = u - 0.5
    r = q * q
    top = (-3.969683028665376e01 * r + 2.209460984245205e02) * r - 2.759285104469687e02
    top = ((top * r + 1.383577518672690e02) * r - 3.066479806614716e01) * r + 2.506628277459239e00
    bottom = (-5.447609879822406e01 * r + 1.615858368580409e02) * r - 1.556989798598866e02
    bottom = ((bottom * r + 6.680131188771972e01) * r - 1.328068155288572e01) * r + 1.0
    return top * q / bottom


def log_normal(u: float, median: float, sigma: float) -> float:
    """The log-normal variate of uniform `u` in [0, 1): median * exp(sigma * normal(u))."""
    return median * math.exp(sigma * normal(u))


def uniforms(seed: int, applicants: NDArray[np.integer], purpose: int, attempt: int) -> NDArray[np.float64]:
    """`uniform` for each of `applicants`, float64 of the same shape, the same digits."""
    z = np.uint64(mixed(u64(seed) + GOLDEN)) + applicants.astype(np.uint64)
    for part in (purpose, attempt):
        z = _mixed_array(z) + np.uint64(u64(part))
    return (_mixed_array(z) >> np.uint64(11)).astype(np.float64) * _ONE_IN_2_53


def _mixed_array(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(MIX_1)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(MIX_2)
    return z ^ (z >> np.uint64(31))
