"""The address of a bucket, as it stands in the settings."""

import pytest

from service.domain.bucket_address import BucketAddress, parse_bucket
from service.settings import SettingsError, load

NEEDED = {"DATABASE_URL": "postgresql://nowhere", "REGISTRATION_SECRET_KEY": "00" * 32}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("s3://photos", BucketAddress("photos")),
        ("s3://photos/", BucketAddress("photos")),
        ("s3://photos/night/one/", BucketAddress("photos", "night/one")),
        (
            "s3://photos/night?endpoint=http://127.0.0.1:9000&region=ap-southeast-3",
            BucketAddress("photos", "night", "http://127.0.0.1:9000", "ap-southeast-3"),
        ),
    ],
)
def test_an_address_names_bucket_prefix_and_server(text, address):
    assert parse_bucket(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "photos",
        "http://photos",
        "s3:///photos",
        "s3://key:secret@photos",  # it would be printed
        "s3://photos:9000",
        "s3://photos?endpoint=127.0.0.1:9000",
        "s3://photos?secret=x",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_at_the_start(text):
    """With what is wrong, and without what may be a secret."""
    with pytest.raises(SettingsError) as caught:
        load(NEEDED | {"REGISTRATION_PHOTO_S3": text})
    assert caught.value.faults[0].startswith("REGISTRATION_PHOTO_S3: must") or "knows endpoint" in str(caught.value)
    assert "key:secret" not in str(caught.value)


def test_without_an_address_photos_lie_in_the_folder():
    assert load(NEEDED).photo_s3 is None


def test_credentials_may_stand_in_files(tmp_path):
    """As an engine hands secrets over."""
    (tmp_path / "secret").write_text("synthetic\n")
    settings = load(NEEDED | {"AWS_SECRET_ACCESS_KEY_FILE": str(tmp_path / "secret")})
    assert settings.aws_secret_access_key == "synthetic"
