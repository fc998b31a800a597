"""The photo store that the settings ask for: a folder, or a bucket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.metrics import Metrics
from service.settings import Settings
from service.storage.photos import LocalPhotoStore
from service.storage.photos_s3 import S3PhotoStore


@asynccontextmanager
async def open_photo_store(
    settings: Settings, metrics: Metrics | None = None
) -> AsyncIterator[LocalPhotoStore | S3PhotoStore]:
    """Raises OSError when the folder or the bucket cannot be used; a bucket that does not answer may do so later."""
    if settings.photo_s3 is None:
        store = LocalPhotoStore(settings.photo_dir)
        try:
            yield store
        finally:
            store.close()
        return

    def done(kind: str, seconds: float, ok: bool) -> None:
        if metrics is not None:
            metrics.bucket_seconds.labels(kind).observe(seconds)
            if not ok:
                metrics.bucket_failures.labels(kind).inc()

    key, secret = settings.aws_access_key_id, settings.aws_secret_access_key
    bucket = S3PhotoStore(settings.photo_s3, key=key, secret=secret, done=done)
    await bucket.check()
    yield bucket
