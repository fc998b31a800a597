"""What a person types into the long forms: identity data, and the profile in three steps."""

from typing import Any

from scenarios.journey_state import Action
from scenarios.population import Person

_PAYOUTS = ("gopay", "bni", "linkaja", "ovo")
_EMPLOYMENT = ("laid_off", "furloughed", "job_seeker", "employed", "self_employed")


def identity(person: Person, action: Action) -> dict[str, Any]:
    """The identity data of IDENTITY, or of CORRECT: those as they should be."""
    return {
        "nik": person.nik if action is Action.CORRECT else person.typed_nik,
        "family_card_number": person.family_card_number,
        "birth_date": person.birth_date,
    }


def profile(person: Person, step: Action) -> dict[str, Any]:
    """A step of the profile: PERSONAL, WORK or PROGRAM."""
    pick = person.number
    if step is Action.PERSONAL:
        return {
            "mother_name": f"Ibu {person.name}",
            "education": ("junior_high", "senior_high", "diploma", "bachelor")[pick % 4],
            "province": person.province,
            "regency": person.regency,
            "address": f"Jalan Contoh {pick % 200 + 1}",
        }
    if step is Action.WORK:
        return {
            "employment_status": _EMPLOYMENT[pick % len(_EMPLOYMENT)],
            "sector": "retail",
            "last_income": 1_000_000 + pick % 40 * 100_000,
        }
    return {
        "training_interest": "digital",
        "payout_method": _PAYOUTS[pick % len(_PAYOUTS)],
        "reason": "Saya ingin belajar dan bekerja lagi.",
    }
