"""The nights on the screen: a list, a drawn curve, every figure with its source, and a small SVG."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from loadtests import curve_drawing, nights_view
from scenarios import catalogue

NAME = "prakerja-wave-1"
NIGHT = catalogue.load(NAME)


def test_list_names_every_night(capsys: pytest.CaptureFixture[str]) -> None:
    """With its opening and its people."""
    assert nights_view.list_nights() == 0
    out = capsys.readouterr().out
    assert all(name in out for name in catalogue.names())
    assert "5,965,048" in out


def test_show_prints_curve_and_figures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Readings, bars, each figure's table, status and source."""
    path = tmp_path / "night.svg"
    assert nights_view.show(NAME, str(path)) == 0
    out = capsys.readouterr().out
    for words in ("331,000", "571,500", "81,754", "█", "partners.as-launched.email  assumption  kompasiana-12-april"):
        assert words in out
    assert "curve.anchors  fact  statement-12-april" in out
    for source in NIGHT.sources:
        assert f"  {source}: " in out
    flat = " ".join(out.split())
    for figure in NIGHT.figures:
        assert f"{figure.value:,.10g}" in flat, figure.key
    assert path.stat().st_size < 30_000


def test_svg_is_well_formed_and_draws_each_reading() -> None:
    """One line for each reading in both panels, inside the picture, and a circle for each published total."""
    root = ElementTree.fromstring(curve_drawing.svg(NIGHT))
    space = "{http://www.w3.org/2000/svg}"
    lines = root.findall(f"{space}polyline")
    assert len(lines) == 2 * len(NIGHT.curve.readings)
    for line in lines:
        points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        assert len(points) <= 200
        assert all(0 <= x <= curve_drawing.WIDTH and 0 <= y <= curve_drawing.HEIGHT for x, y in points)
    assert len(root.findall(f"{space}circle")) == len(NIGHT.curve.anchors)


def test_svg_that_cannot_be_written_is_one_clear_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """With the fix, and the exit code of usage."""
    assert nights_view.show(NAME, str(tmp_path / "none" / "night.svg")) == 2
    assert "name another file with --svg" in capsys.readouterr().err


def test_a_name_with_a_path_in_it_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The curve is drawn in a file called after the night, here and nowhere else."""
    monkeypatch.chdir(tmp_path)
    text = (Path(catalogue.__file__).parent / "nights" / f"{NAME}.toml").read_text()
    (tmp_path / "x").mkdir()
    (tmp_path / "night.toml").write_text(text.replace(f'name = "{NAME}"', 'name = "x/../y"'))
    with pytest.raises(catalogue.NightError, match="name: must be"):
        nights_view.show("night.toml")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["night.toml", "x"]


def test_bars_fill_the_height_of_the_largest() -> None:
    """Two rows: full, half, a sixteenth, none."""
    assert curve_drawing.bars([16.0, 8.0, 1.0, 0.0], rows=2) == ["█", "██▁"]
    assert curve_drawing.bars([0.0, 0.0], rows=1) == [""]


def test_bins_hold_everybody() -> None:
    """The bars of the whole night sum to its people."""
    curve = NIGHT.curve.reading("harsh")
    assert sum(curve_drawing.people_in_bins(curve, curve.length_s, 59)) == pytest.approx(curve.total)
