"""Drawings made small: what they show stays, to a tenth of a unit."""

import re

import pytest

from reports.svg import shared_looks, slim

NUMBER = r"-?(?:\d+\.?\d*|\.\d+)"


def points(path: str) -> list[tuple[float, float]]:
    """Where a path of moves, lines and steps leads, read as a browser does."""
    found: list[tuple[float, float]] = []
    at = (0.0, 0.0)
    for letter, numbers in re.findall(r"([MLlz])([^MLlz]*)", path):
        values = [float(one) for one in re.findall(NUMBER, numbers)]
        for x, y in zip(values[::2], values[1::2], strict=True):
            at = (at[0] + x, at[1] + y) if letter == "l" else (x, y)
            found.append(at)
    return found


@pytest.mark.parametrize(
    "path",
    [
        "M 0 710 L 370 710 L 370 0 L 0 0 L 0 710 z ",
        "M 1.24 2.26 \nL 1.3 2.2 \nL 1.049 -0.3 \nM 5 5 \nL 6 4.96 ",
        "M 12.345678 9.5 L 12.4 9.5 L -0.04 1e-05 L 0.05 100.55",
    ],
)
def test_steps_lead_where_the_lines_led(path: str) -> None:
    """No error adds up along the way: each point is right to half a tenth."""
    drawn = f'<?xml?><svg width="1" viewBox="0 0 370 710" height="2"><path d="{path}" style="fill: none; a: b"/></svg>'
    (small,) = re.findall(r' d="([^"]*)"', slim(drawn, {}))
    assert len(small) < len(path)
    for (x, y), (real_x, real_y) in zip(points(small), points(re.sub(r"1e-05", "0", path)), strict=True):
        assert abs(x - real_x) <= 0.0501 and abs(y - real_y) <= 0.0501
    assert small.count("z") == path.count("z")


def test_groups_that_say_nothing_are_left_out_and_the_others_stay_around_what_they_held() -> None:
    inside = '<g><g clip-path="url(#a)"><g><use href="#m" x="1.25" y="0.04"/></g></g><g/></g>'
    frame = '<path d="M 0 0 L 1 1" style="fill: none"/>'
    drawn = f'<svg viewBox="0 0 1 1"><g>{frame}<g id="x">{inside}</g></g><defs><path id="m" d=""/></defs></svg>'
    (small,) = re.findall(r"<svg [^>]*>(.*)</svg>", slim(drawn, {}))
    assert small == '<g clip-path="url(#a)"><use href="#m" x="1.2" y="0"/></g><defs><path id="m" d=""/></defs>'


def test_what_many_shapes_share_is_told_once() -> None:
    """And only in drawings: the page's own elements keep their styles."""
    shape = '<path d="M0 0" clip-path="url(#p)" style="fill: none; stroke: var(--c1)"/>'
    text = '<text x="1" style="font-size: 10px">p95</text>'
    pieces, rules = shared_looks([f"<svg a>{shape}{shape}{text}</svg>", f'<b style="x: y"></b><svg b>{text}</svg>'])
    assert pieces == [
        '<svg a><path d="M0 0" class="vaa"/><path d="M0 0" class="vaa"/><text x="1" class="vab">p95</text></svg>',
        '<b style="x: y"></b><svg b><text x="1" class="vab">p95</text></svg>',
    ]
    assert rules == ".vaa{clip-path:url(#p);fill:none;stroke:var(--c1)}\n.vab{font-size:10px}"


def test_a_name_that_looks_like_an_attribute_stays_text() -> None:
    """Names come out of records, and a record may come from elsewhere: none may write the page's style sheet."""
    name = ' style="}*{background:url(http://elsewhere.example/)}" id="answer"'
    (piece,), rules = shared_looks([slim(f'<svg viewBox="0 0 1 1"><text x="1">{name}</text></svg>', {})])
    assert rules == "" and name.replace('"', "&quot;") in piece
