"""The row about photos: whether they arrive, and whether they are inspected."""

from dashboards.frame import Row
from dashboards.panels import WITHOUT, Panel, Query, limits

PHOTOS = Row(
    "Do photos arrive?",
    (
        Panel(
            "Photo bytes", "Bytes acknowledged a second: whatever was acknowledged is on disk.", "Bps",
            (Query("sum(rate(registration_upload_bytes_total[$__rate_interval]))", "bytes"),),
        ),
        Panel(
            "Uploads under way", "Photos that are receiving bytes now. Many uploads with few bytes: phones, or a disk "
            "that does not keep up.",
            "locale", (Query("sum(registration_uploads_open)", "uploads"),), decimals=0,
        ),
        Panel(
            "Uploads taken over",
            "Uploads a second that a reconnecting phone got back while its old request still hung, by how. fenced: who "
            "held it did not let go within half a second. Many of those: replicas are stuck, stopped or killed, or "
            "cannot hear each other over the database.",
            "ops",
            (Query("sum by (how) (rate(registration_upload_takeovers_total[$__rate_interval]))", "{{how}}"),),
        ),
        Panel(
            "People with both photos", "People a second whose second photo arrived whole.", "cps",
            (Query('sum(rate(registration_stage_total{stage="photos_uploaded"}[$__rate_interval]))', "people"),),
        ),
        Panel(
            "Photos inspected",
            "Photos a second, by what they were found to be. failed: the inspector was killed before it came to a "
            "verdict, and the photo is tried again.",
            "ops",
            (Query("sum by (outcome) (rate(registration_photo_inspections_total[$__rate_interval]))", "{{outcome}}"),),
        ),
        Panel(
            "Inspectors at work",
            "Photos being inspected now, and how many can be at once. All at work for long: photos wait, and more "
            "workers or cores would help.",
            "locale",
            (
                Query("sum(registration_photo_inspectors_busy)", "at work"),
                Query("sum(registration_photo_inspectors_limit)", "there are"),
            ),
            decimals=0,
        ),
        Panel(
            "Time of an inspection",
            "95 of 100 inspections take no longer. A picture of 12 megapixels takes 0.1 s of an idle core.", "s",
            (Query("histogram_quantile(0.95, sum by (le) "
                   "(rate(registration_photo_inspection_seconds_bucket[$__rate_interval])))", "95 of 100"),),
        ),
        Panel(
            "Oldest photo waiting", "People go on meanwhile; the verdict must come before the wave closes.", "s",
            (Query(f'max {WITHOUT} (registration_queue_oldest_age_seconds{{queue="photo"}})', "oldest"),),
            limits=limits(1800, 3600),
        ),
        Panel(
            "Time of a request to the bucket",
            "95 of 100 take no longer; whoever sends a photo waits for a write. 10 s is the end of patience. Empty is "
            "good: photos do not lie in a bucket.", "s",
            (Query("histogram_quantile(0.95, sum by (le, kind) "
                   "(rate(registration_photo_bucket_seconds_bucket[$__rate_interval]))) >= 0", "{{kind}}"),),
            limits=limits(1, 5),
        ),
        Panel(
            "Failed requests to the bucket",
            "A second, repeats included in each. write: people are told to send again later; remove: bytes stay that "
            "nobody needs.",
            "reqps",
            (Query("sum by (kind) (rate(registration_photo_bucket_failures_total[$__rate_interval]))", "{{kind}}"),),
        ),
        Panel(
            "Uploads erased",
            "Uploads whose bytes were erased, an hour: they expired, or were given up. failed: the disk or the bucket "
            "did not do it, and it is tried again.",
            "locale",
            (
                Query("sum by (why) (increase(registration_uploads_erased_total[1h]))", "{{why}}"),
                Query("sum(increase(registration_upload_erasures_failed_total[1h]))", "failed"),
            ),
            decimals=0,
        ),
        Panel(
            "Longest overdue erasure", "Photos of identity cards that nobody needs any more shall be gone within five "
            "minutes.", "s",
            (Query(f"max {WITHOUT} (registration_upload_erasure_overdue_seconds)", "overdue"),),
            limits=limits(60, 300),
        ),
    ),
)  # fmt: skip
