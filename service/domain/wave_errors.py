"""Refusals of changes to a wave."""

from service.domain.errors import LaunchnightError


class WaveRefused(LaunchnightError):
    """`reasons`: all of them."""

    code = "wave-refused"
    title = "The wave cannot be changed like this"
