"""Settings of the service: one table, parsed once from a mapping, frozen; a bad start lists every fault at once.

Each setting is read from the variable of its name, or from the file that `NAME_FILE` names (secrets).
`docs/settings.md` is made from this table.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from service.domain.bucket_address import BucketAddress, parse_bucket


class SettingsError(ValueError):
    """The settings cannot be used; `faults` holds one line for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("settings refused:\n" + "\n".join(f"  {fault}" for fault in faults))
        self.faults = faults


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise ValueError("must be greater than 0")
    return value


def _positive_or_none(text: str) -> float | None:
    return _positive(text) if text else None


def _token_or_none(text: str) -> str:
    if text and (len(text) < 32 or not text.isascii() or not text.isprintable()):
        raise ValueError("must be at least 32 printable ASCII characters, or empty")
    return text


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError("must be a whole number of at least 1")
    return value


def _count_or_0(text: str) -> int:
    return _count(text) if text else 0


def _processes(text: str) -> int:
    """auto: a core is left for everything else."""
    return max(1, len(os.sched_getaffinity(0)) - 1) if text == "auto" else _count(text)


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65535:
        raise ValueError("must be a port from 0 (any free one) to 65535")
    return value


def _switch(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off"}:
        return False
    raise ValueError("must be on or off")


def _folder_or_off(text: str) -> Path | None:
    return Path(text) if text else None


def _bucket_or_none(text: str) -> BucketAddress | None:
    return parse_bucket(text) if text else None


def _instant(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError("must name its zone, for example 2020-04-16T16:00:00+07:00")
    return value


def _key(text: str) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != 32:
        raise ValueError("must be 64 hexadecimal digits (32 bytes)")
    return value


def _detail(text: str) -> str:
    if text not in {"default", "calibration"}:
        raise ValueError("must be default or calibration")
    return text


@dataclass(frozen=True)
class Setting:
    name: str
    parse: Callable[[str], Any]
    default: str | None
    """As it would be written; None = required."""
    unit: str
    reason: str


TABLE: tuple[Setting, ...] = (
    Setting("DATABASE_URL", str, None, "", "PostgreSQL 15 to 18; holds all state but photo bytes."),
    Setting(
        "REGISTRATION_SECRET_KEY", _key, None, "hex", "Master key, kept outside the database; others derive from it."
    ),
    Setting("REGISTRATION_HOST", str, "127.0.0.1", "", "Address of the public listener."),
    Setting("REGISTRATION_PORT", _port, "8000", "", "Port of the public listener; 0 takes a free one and says which."),
    Setting("REGISTRATION_METRICS_HOST", str, "127.0.0.1", "", "Metrics stay on loopback or an internal network."),
    Setting("REGISTRATION_METRICS_PORT", _port, "0", "", "One metrics port per process."),
    Setting(
        "REGISTRATION_METRICS_DETAIL", _detail, "default", "", "calibration: about 64 histogram edges instead of 19."
    ),
    Setting(
        "REGISTRATION_METRICS_TARGETS",
        _folder_or_off,
        "",
        "folder",
        "Where each process says where its metrics are, for Prometheus to find (file discovery); empty: nowhere.",
    ),
    Setting(
        "REGISTRATION_PHOTO_DIR",
        Path,
        "photos",
        "folder",
        "Where photo bytes lie; another file system than the database's.",
    ),
    Setting(
        "REGISTRATION_PHOTO_S3",
        _bucket_or_none,
        "",
        "s3://BUCKET/PREFIX",
        "A bucket for photo bytes, shared by all replicas; `?endpoint=http://HOST:PORT` when it is not Amazon's. Empty "
        "means the folder above.",
    ),
    Setting("AWS_ACCESS_KEY_ID", str, "", "", "Of the bucket. Empty: looked for where AWS's own tools look."),
    Setting("AWS_SECRET_ACCESS_KEY", str, "", "", "Goes with it."),
    Setting(
        "REGISTRATION_PHOTO_MAX_BYTES",
        _count,
        str(8 * 1024 * 1024),
        "bytes",
        "Raw camera photos have a median of 2.6 MB, few pass 8.",
    ),
    Setting(
        "REGISTRATION_UPLOAD_LIFETIME",
        _positive,
        "86400",
        "s",
        "An unfinished upload is given up so long after its last byte: who failed tonight tries again tomorrow.",
    ),
    Setting(
        "REGISTRATION_DATABASE_CONNECTIONS",
        _count,
        "16",
        "connections",
        "Per process; a request holds one for a few ms.",
    ),
    Setting(
        "REGISTRATION_PARTNERS_URL",
        str,
        "http://127.0.0.1:8100",
        "",
        "Civil registry, e-mail and SMS gateway stand below it.",
    ),
    Setting(
        "REGISTRATION_PARTNER_TIMEOUT", _positive, "5", "s", "Twice the registry's 99th percentile, plus a little."
    ),
    Setting(
        "REGISTRATION_PARTNER_GUARD",
        _switch,
        "on",
        "",
        "Off: a partner that fails or hangs is asked as before; no circuit, no limit of calls that adapts.",
    ),
    Setting(
        "REGISTRATION_EMAIL_SECOND_URL",
        str,
        "",
        "",
        "A second e-mail provider with the same wire and at least the first one's rate; empty: none.",
    ),
    Setting(
        "REGISTRATION_SMS_SECOND_URL",
        str,
        "",
        "",
        "A second SMS provider with the same wire and at least the first one's rate; empty: none.",
    ),
    Setting(
        "REGISTRATION_CIVIL_REGISTRY_RATE", _positive, "15", "1/s", "The agreed rate; the worker never asks for more."
    ),
    Setting("REGISTRATION_EMAIL_RATE", _positive, "500", "1/s", "The provider's agreed throughput."),
    Setting("REGISTRATION_SMS_RATE", _positive, "1000", "1/s", "The provider's agreed throughput."),
    Setting("REGISTRATION_IDENTITY_QUEUE_LIMIT", _count, "500000", "jobs", "That night's backlog was 439,000."),
    Setting(
        "REGISTRATION_EMAIL_QUEUE_LIMIT", _count, "60000", "jobs", "Two minutes at 500/s: later a code is of no use."
    ),
    Setting(
        "REGISTRATION_SMS_QUEUE_LIMIT", _count, "120000", "jobs", "Two minutes at 1,000/s: later a code is of no use."
    ),
    Setting(
        "REGISTRATION_PHOTO_QUEUE_LIMIT",
        _count,
        "200000",
        "jobs",
        "Photos that wait to be inspected: 300 GB of originals at the 1.5 MB that one has on average.",
    ),
    Setting(
        "REGISTRATION_PHOTO_INSPECTORS",
        _processes,
        "auto",
        "processes",
        "Photos that a worker inspects at once, each on a core; auto: all cores but one.",
    ),
    Setting(
        "REGISTRATION_PHOTO_MAX_PIXELS",
        _count,
        "40000000",
        "pixels",
        "Read from the header before anything is decoded; phones of 48 megapixels store 12 of them.",
    ),
    Setting("REGISTRATION_BOUNDED_QUEUES", _switch, "on", "", "Off: a queue takes what comes, and whoever asks waits."),
    Setting("REGISTRATION_PARTNER_PACING", _switch, "on", "", "Off: partners are asked as fast as workers can."),
    Setting(
        "REGISTRATION_DROP_ABANDONED_WORK", _switch, "on", "", "Off: codes are sent even when nobody waits for them."
    ),
    Setting(
        "REGISTRATION_IDEMPOTENCY",
        _switch,
        "on",
        "",
        "Off: keys are asked for and ignored; a request sent again takes effect again, where nothing else forbids it.",
    ),
    Setting(
        "REGISTRATION_RESUMABLE_UPLOADS",
        _switch,
        "on",
        "",
        "Off: a photo is one request, as on that night; who is cut off begins anew. For comparison.",
    ),
    Setting("REGISTRATION_WAITING_ROOM", _switch, "on", "", "Off: whoever comes may come in at once. For comparison."),
    Setting(
        "REGISTRATION_GATE_RATE",
        _positive,
        "600",
        "people/s",
        "Most that the waiting room lets in; within it the rate follows what the stages behind it keep up with.",
    ),
    Setting(
        "REGISTRATION_GATE_PLANNED_RATE",
        _positive_or_none,
        "",
        "people/s",
        "What all stages are known to keep up with, from a rehearsal: there the rate begins, and more is tried with "
        "care. Empty: it begins at the most.",
    ),
    Setting(
        "REGISTRATION_INSIDE_LIMIT", _count_or_0, "", "people", "Most inside, for as long as passes live. Empty: any."
    ),
    Setting(
        "REGISTRATION_OPERATOR_TOKEN",
        _token_or_none,
        "",
        "text",
        "At least 32 characters, shared by the operators of the waiting room: opens their API at the gatekeeper. "
        "Empty: there is none.",
    ),
    Setting("REGISTRATION_OPERATOR_HOST", str, "127.0.0.1", "", "Address of the operators' listener."),
    Setting(
        "REGISTRATION_OPERATOR_PORT", _port, "8200", "", "Port of the operators' listener; one at each gatekeeper."
    ),
    Setting("REGISTRATION_WAVE_ID", _count, "1", "", "The wave now open."),
    Setting(
        "REGISTRATION_WAVE_OPENS_AT", _instant, "2020-04-11T19:00:00+07:00", "instant", "Joining before is refused."
    ),
    Setting(
        "REGISTRATION_WAVE_CLOSES_AT", _instant, "2100-01-01T00:00:00+07:00", "instant", "One second late is refused."
    ),
    Setting(
        "REGISTRATION_AGE_ON",
        date.fromisoformat,
        "2020-04-11",
        "date",
        "Who is 18 on this day may apply: the day the program opened, so nobody's answer changes overnight.",
    ),
    Setting(
        "REGISTRATION_SYNTHETIC_PEOPLE",
        _switch,
        "off",
        "",
        "Accept identity numbers of district 99, which does not exist.",
    ),
    Setting(
        "REGISTRATION_OVERLOAD_LIMIT",
        _switch,
        "on",
        "",
        "Off: everything that comes is begun at once, and at too much of it every answer is late.",
    ),
    Setting(
        "REGISTRATION_STOP_GRACE", _positive, "20", "s", "uvicorn would wait for ever; the engine kills after 30 s."
    ),
)


class Settings(SimpleNamespace):
    """Attributes are the table's names in lower case without the prefix: `settings.gate_rate`, for example."""

    database_url: str
    secret_key: bytes
    host: str
    port: int
    metrics_host: str
    metrics_port: int
    metrics_detail: str
    metrics_targets: Path | None
    photo_dir: Path
    photo_s3: BucketAddress | None
    aws_access_key_id: str
    aws_secret_access_key: str
    photo_max_bytes: int
    upload_lifetime: float
    database_connections: int
    partners_url: str
    partner_timeout: float
    partner_guard: bool
    email_second_url: str
    sms_second_url: str
    civil_registry_rate: float
    email_rate: float
    sms_rate: float
    identity_queue_limit: int
    email_queue_limit: int
    sms_queue_limit: int
    photo_queue_limit: int
    photo_inspectors: int
    photo_max_pixels: int
    bounded_queues: bool
    partner_pacing: bool
    drop_abandoned_work: bool
    waiting_room: bool
    gate_rate: float
    gate_planned_rate: float | None
    inside_limit: int
    operator_token: str
    operator_host: str
    operator_port: int
    wave_id: int
    wave_opens_at: datetime
    wave_closes_at: datetime
    age_on: date
    synthetic_people: bool
    overload_limit: bool
    idempotency: bool
    resumable_uploads: bool
    stop_grace: float

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"settings are frozen; {name} cannot change while running")


def switches() -> tuple[str, ...]:
    """Attributes of `Settings` that are on or off."""
    return tuple(attribute(setting.name) for setting in TABLE if setting.parse is _switch)


def attribute(name: str) -> str:
    return name.removeprefix("REGISTRATION_").lower()


def load(variables: Mapping[str, str]) -> Settings:
    """Settings from `variables` (the environment, or a test's dict).

    Raises SettingsError with every fault at once: missing, unparsable, unknown REGISTRATION_ names, unreadable files.
    """
    faults: list[str] = []
    values: dict[str, Any] = {}
    names = {setting.name for setting in TABLE}
    for name in variables:
        if name.startswith("REGISTRATION_") and name.removesuffix("_FILE") not in names:
            faults.append(f"{name}: unknown setting")
    for setting in TABLE:
        text = variables.get(setting.name)
        source = variables.get(f"{setting.name}_FILE")
        if source is not None and text is None:
            try:
                text = Path(source).read_text().strip()
            except OSError as error:
                faults.append(f"{setting.name}_FILE: {error.strerror}: {source}")
                continue
        text = setting.default if text is None else text
        if text is None:
            faults.append(f"{setting.name}: required ({setting.reason})")
            continue
        try:
            values[attribute(setting.name)] = setting.parse(text)
        except ValueError as error:
            # The value itself is not echoed: it may be a secret.
            faults.append(
                f"{setting.name}: {error}"
                if setting.unit != "hex"
                else f"{setting.name}: must be 64 hexadecimal digits"
            )
    if faults:
        raise SettingsError(faults)
    return Settings(**values)
