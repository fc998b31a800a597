"""Where a bucket of an S3 server is: `s3://BUCKET/PREFIX?endpoint=http://HOST:PORT&region=REGION`."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class BucketAddress:
    bucket: str
    prefix: str = ""
    """Names of objects begin with it and a slash; "" when they stand at the top."""
    endpoint: str | None = None
    """None: Amazon's own of the region."""
    region: str | None = None
    """None: as AWS_REGION says."""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


def parse_bucket(text: str) -> BucketAddress:
    """Raises ValueError with what is wrong. Credentials have no place in it: addresses are printed."""
    url = urlsplit(text)
    if url.scheme != "s3" or not url.netloc or url.fragment:
        raise ValueError("must look like s3://bucket/prefix?endpoint=http://host:port")
    if "@" in url.netloc or ":" in url.netloc:
        raise ValueError("must name the bucket alone; credentials are given by AWS_ACCESS_KEY_ID and its like")
    options = dict(parse_qsl(url.query, keep_blank_values=True))
    unknown = sorted(set(options) - {"endpoint", "region"})
    if unknown:
        raise ValueError(f"knows endpoint and region behind the question mark, not {', '.join(unknown)}")
    endpoint = options.get("endpoint") or None
    if endpoint is not None and (urlsplit(endpoint).scheme not in {"http", "https"} or not urlsplit(endpoint).netloc):
        raise ValueError("must have an endpoint that begins with http:// or https://")
    return BucketAddress(url.netloc, url.path.strip("/"), endpoint, options.get("region") or None)
