"""What the text of a setting may be; each function raises ValueError with what would be right."""

import os
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from service.domain.bucket_address import BucketAddress, parse_bucket


def positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise ValueError("must be greater than 0")
    return value


def positive_or_none(text: str) -> float | None:
    return positive(text) if text else None


def token_or_none(text: str) -> str:
    if text and (len(text) < 32 or not text.isascii() or not text.isprintable()):
        raise ValueError("must be at least 32 printable ASCII characters, or empty")
    return text


def count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError("must be a whole number of at least 1")
    return value


def count_or_0(text: str) -> int:
    return count(text) if text else 0


def processes(text: str) -> int:
    """auto: a core is left for everything else."""
    return max(1, len(os.sched_getaffinity(0)) - 1) if text == "auto" else count(text)


def port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65535:
        raise ValueError("must be a port from 0 (any free one) to 65535")
    return value


def switch(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off"}:
        return False
    raise ValueError("must be on or off")


def address_or_none(text: str) -> str:
    return str(ip_address(text)) if text else ""


def folder_or_off(text: str) -> Path | None:
    return Path(text) if text else None


def bucket_or_none(text: str) -> BucketAddress | None:
    return parse_bucket(text) if text else None


def instant(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError("must name its zone, for example 2020-04-16T16:00:00+07:00")
    return value


def key(text: str) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != 32:
        raise ValueError("must be 64 hexadecimal digits (32 bytes)")
    return value


def detail(text: str) -> str:
    if text not in {"default", "calibration"}:
        raise ValueError("must be default or calibration")
    return text
