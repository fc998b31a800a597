"""The nights that come with the project, and those that say only how they differ from one of them."""

import json
from pathlib import Path

import pytest

from scenarios import catalogue
from scenarios.catalogue import Night, NightError

NAME = "prakerja-wave-1"
NIGHT = catalogue.load(NAME)


def test_a_night_like_another_says_only_what_differs(tmp_path: Path) -> None:
    """Key by key of each table; what stands inside a key is one's own or the other's, never a mixture."""
    path = tmp_path / "mine.toml"
    path.write_text(f"""
        like = "{NAME}"
        name = "mine"
        [sources]
        mine = "asked"
        [population]
        source = "mine"
        status = "fact"
        share_women = 0.5
        provinces = {{ 52 = 1.0 }}
    """)
    night = catalogue.load(str(path))
    assert (night.name, night.title, night.curve) == ("mine", NIGHT.title, NIGHT.curve)
    assert (night.population.share_women, night.population.provinces) == (0.5, {"52": 1.0})
    assert night.population.patience == NIGHT.population.patience
    assert Night.from_dict(json.loads(json.dumps(night.to_dict()))) == night

    path.write_text('name = "mine"\nlike = "nobody"\n')
    with pytest.raises(NightError) as error:
        catalogue.load(str(path))
    assert error.value.faults == [
        f"{path}:2: like: no night is called nobody; there are {', '.join(catalogue.names())}"
    ]


@pytest.mark.parametrize("name", catalogue.names())
def test_each_night_that_comes_with_the_project_can_be_played(name: str) -> None:
    """Read whole, named like its file, with people in it, and the same after a record."""
    night = catalogue.load(name)
    assert night.name == name
    assert night.curve.reading(night.curve.default).total > 1000
    assert Night.from_dict(json.loads(json.dumps(night.to_dict()))) == night
