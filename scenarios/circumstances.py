"""What makes the way harder for some: age, a phone short of memory, no phone of one's own.

The tables of a night's population that hold it; a night without one of them has nobody of the kind.
"""

from dataclasses import dataclass

from scenarios.figures import Ratio, Seconds, Share, Years


@dataclass(frozen=True)
class Browsers:
    """How people come to stand there with nothing of what the site had given them."""

    switch_share: Share
    """Of the failed visits after which people come back: the share with another browser."""
    low_memory: dict[str, Share]
    """By device, the share short of memory; a device that is not named has none."""
    page_lost_share: Share
    """Of the times that camera or messages are opened on such a phone: the share in which the page is lost."""


@dataclass(frozen=True)
class Older:
    """People from an age on: they take longer over forms and make more mistakes in them."""

    from_years: Years
    think_factor: Ratio
    wrong_digit_share: Share


@dataclass(frozen=True)
class Assisted:
    """People for whom somebody at their labor office types: mostly without e-mail, slower, one after the other."""

    share: Share
    share_with_email: Share
    think_factor: Ratio
    wrong_digit_share: Share
    helper_s: Seconds
    """How long the one helper of an office is taken by one of them."""
