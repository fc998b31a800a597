"""Settings of the service: one table, parsed once from a mapping, frozen; a bad start lists every fault at once.

Each setting is read from the variable of its name, or from the file that `NAME_FILE` names (secrets).
`docs/settings.md` is made from this table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from service.domain.bucket_address import BucketAddress
from service.setting_values import (
    address_or_none,
    bucket_or_none,
    count,
    count_or_0,
    detail,
    folder_or_off,
    instant,
    key,
    port,
    positive,
    positive_or_none,
    processes,
    switch,
    token_or_none,
)


class SettingsError(ValueError):
    """The settings cannot be used; `faults` holds one line for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("settings refused:\n" + "\n".join(f"  {fault}" for fault in faults))
        self.faults = faults


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
        "REGISTRATION_SECRET_KEY", key, None, "hex", "Master key, kept outside the database; others derive from it."
    ),
    Setting("REGISTRATION_HOST", str, "127.0.0.1", "", "Address of the public listener."),
    Setting("REGISTRATION_PORT", port, "8000", "", "Port of the public listener; 0 takes a free one and says which."),
    Setting("REGISTRATION_METRICS_HOST", str, "127.0.0.1", "", "Metrics stay on loopback or an internal network."),
    Setting("REGISTRATION_METRICS_PORT", port, "0", "", "One metrics port per process."),
    Setting(
        "REGISTRATION_METRICS_DETAIL", detail, "default", "", "calibration: about 64 histogram edges instead of 19."
    ),
    Setting(
        "REGISTRATION_METRICS_TARGETS",
        folder_or_off,
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
        bucket_or_none,
        "",
        "s3://BUCKET/PREFIX",
        "A bucket for photo bytes, shared by all replicas; `?endpoint=http://HOST:PORT` when it is not Amazon's. Empty "
        "means the folder above.",
    ),
    Setting("AWS_ACCESS_KEY_ID", str, "", "", "Of the bucket. Empty: looked for where AWS's own tools look."),
    Setting("AWS_SECRET_ACCESS_KEY", str, "", "", "Goes with it."),
    Setting(
        "REGISTRATION_PHOTO_MAX_BYTES",
        count,
        str(8 * 1024 * 1024),
        "bytes",
        "Raw camera photos have a median of 2.6 MB, few pass 8.",
    ),
    Setting(
        "REGISTRATION_UPLOAD_LIFETIME",
        positive,
        "86400",
        "s",
        "An unfinished upload is given up so long after its last byte: who failed tonight tries again tomorrow.",
    ),
    Setting(
        "REGISTRATION_DATABASE_CONNECTIONS",
        count,
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
    Setting("REGISTRATION_PARTNER_TIMEOUT", positive, "5", "s", "Twice the registry's 99th percentile, plus a little."),
    Setting(
        "REGISTRATION_PARTNER_GUARD",
        switch,
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
        "REGISTRATION_CIVIL_REGISTRY_RATE", positive, "15", "1/s", "The agreed rate; the worker never asks for more."
    ),
    Setting("REGISTRATION_EMAIL_RATE", positive, "500", "1/s", "The provider's agreed throughput."),
    Setting("REGISTRATION_SMS_RATE", positive, "1000", "1/s", "The provider's agreed throughput."),
    Setting(
        "REGISTRATION_ANNOUNCEMENT_RATE",
        positive,
        "50",
        "1/s",
        "Messages that tell what a draw came to, on the provider's route for many at once: two million in half a day.",
    ),
    Setting(
        "REGISTRATION_PAYOUT_RATE",
        positive,
        "100",
        "1/s",
        "The payout gateway's agreed throughput: 200,000 instalments in 34 minutes.",
    ),
    Setting("REGISTRATION_IDENTITY_QUEUE_LIMIT", count, "500000", "jobs", "That night's backlog was 439,000."),
    Setting(
        "REGISTRATION_EMAIL_QUEUE_LIMIT", count, "60000", "jobs", "Two minutes at 500/s: later a code is of no use."
    ),
    Setting(
        "REGISTRATION_SMS_QUEUE_LIMIT", count, "120000", "jobs", "Two minutes at 1,000/s: later a code is of no use."
    ),
    Setting(
        "REGISTRATION_PHOTO_QUEUE_LIMIT",
        count,
        "200000",
        "jobs",
        "Photos that wait to be inspected: 300 GB of originals at the 1.5 MB that one has on average.",
    ),
    Setting(
        "REGISTRATION_ANNOUNCEMENT_QUEUE_LIMIT",
        count,
        "6000",
        "jobs",
        "Two minutes at 50/s. It is filled to half from rows that can wait, so what is stopped stops within a minute.",
    ),
    Setting(
        "REGISTRATION_PAYOUT_QUEUE_LIMIT",
        count,
        "60000",
        "jobs",
        "Ten minutes at 100/s. It is filled to half from rows that can wait, so questions about accounts find room.",
    ),
    Setting(
        "REGISTRATION_PHOTO_INSPECTORS",
        processes,
        "auto",
        "processes",
        "Photos that a worker inspects at once, each on a core; auto: all cores but one.",
    ),
    Setting(
        "REGISTRATION_PHOTO_MAX_PIXELS",
        count,
        "40000000",
        "pixels",
        "Read from the header before anything is decoded; phones of 48 megapixels store 12 of them.",
    ),
    Setting(
        "REGISTRATION_INVITATION_RATE",
        positive,
        "20",
        "1/s",
        "Invitations of people who applied on paper, on the route of announcements: a thousand in a minute.",
    ),
    Setting(
        "REGISTRATION_INVITATION_QUEUE_LIMIT",
        count,
        "100000",
        "jobs",
        "All papers of a province; an hour and a half at 20/s. It is filled to half; the others are asked for again.",
    ),
    Setting("REGISTRATION_BOUNDED_QUEUES", switch, "on", "", "Off: a queue takes what comes, and whoever asks waits."),
    Setting("REGISTRATION_PARTNER_PACING", switch, "on", "", "Off: partners are asked as fast as workers can."),
    Setting(
        "REGISTRATION_DROP_ABANDONED_WORK", switch, "on", "", "Off: codes are sent even when nobody waits for them."
    ),
    Setting(
        "REGISTRATION_IDEMPOTENCY",
        switch,
        "on",
        "",
        "Off: keys are asked for and ignored; a request sent again takes effect again, where nothing else forbids it.",
    ),
    Setting(
        "REGISTRATION_RESUMABLE_UPLOADS",
        switch,
        "on",
        "",
        "Off: a photo is one request, as on that night; who is cut off begins anew. For comparison.",
    ),
    Setting("REGISTRATION_WAITING_ROOM", switch, "on", "", "Off: whoever comes may come in at once. For comparison."),
    Setting(
        "REGISTRATION_GATE_RATE",
        positive,
        "600",
        "people/s",
        "Most that the waiting room lets in; within it the rate follows what the stages behind it keep up with.",
    ),
    Setting(
        "REGISTRATION_GATE_PLANNED_RATE",
        positive_or_none,
        "",
        "people/s",
        "What all stages are known to keep up with, from a rehearsal: there the rate begins, and more is tried with "
        "care. Empty: it begins at the most.",
    ),
    Setting(
        "REGISTRATION_INSIDE_LIMIT", count_or_0, "", "people", "Most inside, for as long as passes live. Empty: any."
    ),
    Setting(
        "REGISTRATION_OPERATOR_TOKEN",
        token_or_none,
        "",
        "text",
        "At least 32 characters, for programs; people sign in. It opens the operators' listener at the gatekeeper. "
        "Empty: there is none.",
    ),
    Setting("REGISTRATION_OPERATOR_HOST", str, "127.0.0.1", "", "Address of the operators' listener."),
    Setting("REGISTRATION_OPERATOR_PORT", port, "8200", "", "Port of the operators' listener; one at each gatekeeper."),
    Setting(
        "REGISTRATION_OPERATOR_PROXY",
        address_or_none,
        "",
        "",
        "Address of what ends TLS in front of it, as its connections show it: its header Caller-Address is believed.",
    ),
    Setting("REGISTRATION_COMPLAINT_PROMISE", positive, "604800", "s", "Complaints are answered within; pages say so."),
    Setting(
        "REGISTRATION_WAVE_ID", count, "1", "", "The wave that is put at the start, until an operator sets it by hand."
    ),
    Setting(
        "REGISTRATION_WAVE_OPENS_AT", instant, "2020-04-11T19:00:00+07:00", "instant", "Joining before is refused."
    ),
    Setting(
        "REGISTRATION_WAVE_CLOSES_AT", instant, "2100-01-01T00:00:00+07:00", "instant", "One second late is refused."
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
        switch,
        "off",
        "",
        "Accept identity numbers of district 99, which does not exist.",
    ),
    Setting(
        "REGISTRATION_OVERLOAD_LIMIT",
        switch,
        "on",
        "",
        "Off: everything that comes is begun at once, and at too much of it every answer is late.",
    ),
    Setting(
        "REGISTRATION_STOP_GRACE", positive, "20", "s", "uvicorn would wait for ever; the engine kills after 30 s."
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
    announcement_rate: float
    payout_rate: float
    identity_queue_limit: int
    email_queue_limit: int
    sms_queue_limit: int
    photo_queue_limit: int
    invitation_rate: float
    invitation_queue_limit: int
    announcement_queue_limit: int
    payout_queue_limit: int
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
    operator_proxy: str
    complaint_promise: float
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
    return tuple(attribute(setting.name) for setting in TABLE if setting.parse is switch)


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
