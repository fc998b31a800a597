"""Who may take part: one rule beside the other, so that whoever is left out learns of each that failed.

They are asked twice: at the join about what will not change by itself, at the freeze about everything.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from service.domain.identity import IdentityStatus, is_old_enough


class Rule(StrEnum):
    CITIZEN = "citizen"
    AGE = "age"
    EDUCATION = "education"
    ASSESSED = "assessed"
    IDENTITY = "identity"
    GRANT = "grant"
    PROVINCE = "province"


PHRASES: Mapping[Rule, str] = {
    Rule.CITIZEN: "The civil registry knows no citizen with this identity number, family card and birth date.",
    Rule.AGE: "The program is for people who are 18 or older on the day that counts.",
    Rule.EDUCATION: "The program is for people who are not at school or university.",
    Rule.ASSESSED: "The assessment was not taken.",
    Rule.IDENTITY: "The civil registry had not confirmed the identity when the wave froze.",
    Rule.GRANT: "There is one grant for a person, for ever, and this one was given.",
    Rule.PROVINCE: "No province of residence was given, and seats go by provinces.",
}

AT_JOIN = (Rule.AGE, Rule.EDUCATION, Rule.GRANT)
"""What keeps an applicant from joining. The rest is either a step that can still be taken, or the registry's to say."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an applicant."""

    identity: int
    """An IdentityStatus; -1: none was given."""
    confirmed: bool
    """The registry's match came before the freeze."""
    birth_date: date | None
    in_education: bool
    assessed: bool
    granted: bool
    """The identity number has a grant, of whatever wave."""
    resident: bool
    """Lives in a province that there is."""


def failed(facts: Facts, on: date, among: Collection[Rule] = tuple(Rule)) -> tuple[Rule, ...]:
    """The rules that an applicant does not fulfil, in their order; none: may take part.

    on: the day on which age counts. Who is born on 29 February is a year older on 1 March of the years without one.
    """
    broken = {
        Rule.CITIZEN: facts.identity == IdentityStatus.MISMATCH,
        Rule.AGE: facts.birth_date is not None and not is_old_enough(facts.birth_date, on),
        Rule.EDUCATION: facts.in_education,
        Rule.ASSESSED: not facts.assessed,
        Rule.IDENTITY: facts.identity != IdentityStatus.MISMATCH and not facts.confirmed,
        Rule.GRANT: facts.granted,
        Rule.PROVINCE: not facts.resident,
    }
    return tuple(rule for rule in among if broken[rule])
