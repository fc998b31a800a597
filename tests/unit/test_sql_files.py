"""SQL in files: names, descriptions, one statement each."""

import pytest

from service.storage.sql import QUERIES, parse, queries

GOOD = """-- What these are about.

-- name: find
-- One row.
select a -- a comment at the end stays
from t
-- a comment of its own goes
where id = $1;

-- name: remove
-- Gone.
delete from t;
"""


def test_statements_are_found_by_name():
    """Without comment lines and the closing semicolon, which would only be sent over and over again."""
    assert dict(parse(GOOD, "things")) == {
        "find": "select a -- a comment at the end stays\nfrom t\nwhere id = $1",
        "remove": "delete from t",
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("select 1;", "before the first name"),
        ("-- name: find\nselect 1;", "find has no description"),
        ("-- name: find\n-- One.\nselect 1;\n-- name: find\n-- Two.\nselect 2;", "stands there twice"),
        ("-- name: Find It\n-- One.\nselect 1;", "is not a name"),
        ("-- name: find\n-- One.\nselect 1; select 2;", "exactly one statement"),
        ("-- name: find\n-- One.\n", "exactly one statement"),
    ],
)
def test_files_that_break_the_form_are_refused(text, fault):
    with pytest.raises(ValueError, match=fault):
        parse(text, "things")


def test_every_file_has_the_form():
    for path in QUERIES.glob("*.sql"):
        assert queries(path.stem)
        assert queries(path.stem) is queries(path.stem)  # parsed once
