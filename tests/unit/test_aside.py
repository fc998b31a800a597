"""Reckoning beside the rest: the same page comes of it, whatever becomes of the second process."""

import os
from pathlib import Path

import pytest

import reports
from reports import html
from reports.aside import Aside
from tests.unit.synthetic_run import SyntheticRun


def test_the_page_is_the_same_to_the_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = SyntheticRun(planned=100).write(tmp_path)
    reports.write(folder, "id")
    alone = (folder / "report.html").read_bytes()
    monkeypatch.setattr(html, "MANY", 1)
    reports.write(folder, "id")
    assert (folder / "report.html").read_bytes() == alone


def test_another_process_reckons_and_this_one_where_that_dies() -> None:
    here = os.getpid()
    assert Aside(os.getpid).result() != here
    assert Aside(lambda: os.getpid() if os.getpid() == here else os._exit(1)).result() == here
