"""The profile: three steps, each saved as a draft by itself."""

STEPS = ("personal", "work", "program")
MOST_INCOME = 1_000_000_000
"""Rupiah a month: a bound against typing errors, not a judgement."""
IN_EDUCATION = "student"
"""The employment status of who goes to school or university."""


def is_complete(steps: frozenset[str]) -> bool:
    return steps.issuperset(STEPS)
