"""What must hold of a night's objectives: stages there are, windows that are spans, reasons where less is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from scenarios import objectives
from scenarios.objectives import DEFAULTS, STAGE_BOUNDS, STAGES, WINDOW_BOUNDS, StageBounds, Window

Found = Iterator[tuple[str, str]]

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
"""Names of windows are parts of ids."""


def check(night: SimpleNamespace) -> Found:
    """Faults (key, text) of the objectives of a night as read."""
    asked, reasons = night.objectives, night.objective_reasons
    for name in DEFAULTS:
        bound, reason = getattr(asked, name), reasons.get(name)
        yield from _loose(f"objectives.{name}", name, "", bound, reason, f"objective_reasons.{name}")
    for name in reasons:
        if name not in DEFAULTS:
            yield f"objective_reasons.{name}", f"unknown objective; known are {', '.join(DEFAULTS)}"
    yield from _stages("objectives.stage", asked.stage)
    names: set[str] = set()
    for i, window in enumerate(asked.window):
        key = f"objectives.window[{i}]"
        if not _NAME.fullmatch(window.name):
            yield f"{key}.name", "must be 1 to 64 of a-z, 0-9 and -, not beginning with -"
        if window.name in names:
            yield f"{key}.name", f"another window is called {window.name}"
        names.add(window.name)
        yield from _window(key, window)


def _window(key: str, window: Window) -> Found:
    if not window.start_s < window.end_s:
        yield f"{key}.end_s", "must be after start_s"
    if not window.stage and all(getattr(window, name) is None for name in WINDOW_BOUNDS):
        yield key, f"demands nothing: give one of {', '.join(WINDOW_BOUNDS)}, or a table stage"
    yield from _bounds(key, window, WINDOW_BOUNDS, "")
    yield from _stages(f"{key}.stage", window.stage)


def _stages(key: str, stages: Mapping[str, StageBounds]) -> Found:
    for stage, bounds in stages.items():
        if stage not in STAGES:
            yield f"{key}.{stage}", f"no such stage; there are {', '.join(STAGES)}"
            continue
        if all(getattr(bounds, name) is None for name in STAGE_BOUNDS):
            yield f"{key}.{stage}", f"demands nothing: give one of {', '.join(STAGE_BOUNDS)}"
        yield from _bounds(f"{key}.{stage}", bounds, STAGE_BOUNDS, stage)


def _bounds(key: str, table: Any, names: tuple[str, ...], stage: str) -> Found:
    for name in names:
        yield from _loose(f"{key}.{name}", name, stage, getattr(table, name), table.reason, f"{key}.reason")


def _loose(key: str, name: str, stage: str, bound: float | None, reason: str | None, where: str) -> Found:
    if bound is not None and not reason and objectives.is_looser(name, bound, stage):
        default = objectives.default_of(name).bound
        yield key, f"{bound:g} is looser than the default {default:g}: give the reason as {where}"
