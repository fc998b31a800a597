"""What `test_conformance` asks, with the bytes in a bucket.

A file of its own: two workers share the work by files.
"""

import pytest

from tests.uploads.conformance.table import CASES, Outcome, Verdict, outcome


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_s3(bucket, case):
    """Each demand is kept."""
    assert outcome(case, bucket.speaker) == Outcome(Verdict.KEPT)
