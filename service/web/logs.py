"""Logs of every role: one JSON line for each event on standard error. Fields pass by name; personal data has none."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED = frozenset(
    {
        "timestamp", "level", "event", "role", "code", "error", "where", "route", "method", "queue", "partner",
        "outcome", "attempts", "count", "seconds", "host", "port", "metrics_port", "reason", "detail", "version",
    }
)  # fmt: skip
"""`reason` and `detail` are words of ours, never input."""


def keep_allowed(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop every field that is not allowed, and say that some were."""
    dropped = [name for name in event if name not in ALLOWED]
    for name in dropped:
        del event[name]
    if dropped:
        event["event"] = f"{event.get('event', '')} ({len(dropped)} fields withheld)"
    return event


def configure() -> None:
    """For a whole process; standard output stays free for the ready line."""
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of each bad form, which we refuse anyway
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            keep_allowed,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
