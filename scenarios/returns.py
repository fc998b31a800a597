"""When somebody who went away comes back: by night later than by day, and in the last hours before the close.

Long returns are drawn in waking time: an hour of the night's clock in which half as much happens passes like half an
hour. So they follow the hourly weights of the night file, and one draw is enough whatever the hour.

Compiled by numba as it stands (DESIGN section 2, compiled rules).
"""

import math

from scenarios.journey_state import Habits
from scenarios.streams import Purpose, log_normal, uniform

_DAY = 24


def elapsed_s(habits: Habits, now_s: float, waking_s: float) -> float:
    """Seconds from `now_s` in which `waking_s` seconds of waking time pass.

    now_s: real seconds since the doors opened; the hour of the day is that of the night's clock. Where all hours weigh
    1 the result is `waking_s`; where all weigh 0 too, because then there is nothing to go by.
    """
    day = 0.0
    for hour in range(_DAY):
        day += habits.hours[hour]
    if day <= 0.0:
        return waking_s
    days = math.floor(waking_s / (day * habits.hour_s))
    left = waking_s - days * day * habits.hour_s
    elapsed = days * _DAY * habits.hour_s
    clock = habits.opens_hour + now_s / habits.hour_s
    hour = math.floor(clock)
    rest = (hour + 1 - clock) * habits.hour_s
    # The hour that has begun, 23 whole ones, and what was missing of the first: a day.
    for _ in range(_DAY + 1):
        weight = habits.hours[hour % _DAY]
        if weight > 0.0 and left <= weight * rest:
            return elapsed + left / weight
        left -= weight * rest
        elapsed += rest
        hour += 1
        rest = habits.hour_s
    return elapsed


def rush_s(habits: Habits, seed: int, number: int, visit: int, now_s: float) -> float:
    """Seconds from `now_s`, which is before the close, to a moment in what is left of the last hours, all alike."""
    begins = max(now_s, habits.rush_from_s)
    return begins - now_s + uniform(seed, number, Purpose.RUSH_AT, visit) * (habits.closes_s - begins)


def return_s(habits: Habits, seed: int, number: int, visit: int, now_s: float) -> float:
    """Seconds until somebody who comes back for visit number `visit` is there again.

    Whoever would come too late knows the last day, and comes in its last hours instead.
    """
    drawn = uniform(seed, number, Purpose.LONG_RETURN, visit)
    delay_s = elapsed_s(habits, now_s, log_normal(drawn, habits.return_median_s, habits.return_sigma))
    if now_s < habits.closes_s <= now_s + delay_s:
        return rush_s(habits, seed, number, visit, now_s)
    return delay_s


def is_over(habits: Habits, now_s: float) -> bool:
    """Whether the wave has closed; never where the close is of no concern."""
    return 0.0 <= habits.closes_s <= now_s


def comes_for_the_close(habits: Habits, seed: int, number: int, now_s: float) -> bool:
    """Whether somebody who has given up comes once more in the last hours, which have not begun yet."""
    if now_s >= habits.rush_from_s:
        return False
    return uniform(seed, number, Purpose.RUSH, 0) < habits.rush_share


RULES = (elapsed_s, rush_s, return_s, is_over, comes_for_the_close)
"""Every function of the returns, each after those it calls."""
