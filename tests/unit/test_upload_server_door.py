"""What the door of the upload server alone makes of a request."""

import pytest

from service.domain.overload import Progress
from service.upload_server import asked


@pytest.mark.parametrize(
    ("method", "path", "rank"),
    [
        ("POST", "/up/", Progress.CONTINUING),
        ("POST", "/up", Progress.CONTINUING),
        ("PATCH", "/up/1", Progress.FINISHING),
        ("HEAD", "/up/1", Progress.FINISHING),
        ("DELETE", "/up/1", Progress.FINISHING),
        ("GET", "/up/1", None),
        ("OPTIONS", "/up/", None),
    ],
)
def test_what_has_been_begun_goes_first(method, path, rank):
    """Its bytes are here already; who only begins has lost nothing. Downloads take no place: the network has their
    time."""
    what = asked("/up/", method, path)
    assert (what and what.progress) == rank
    assert what is None or what.kind == "upload"
