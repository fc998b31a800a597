"""What the dashboards share: rows that are questions, variables, annotations, links, and the JSON."""

import json
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.panels import EMPTY_IS_GOOD, SOURCE, Panel, build, of_run

COLUMNS = 24
STEP = "2s"
"""Of annotation queries: marks further apart than this are two regions. The default, 60 s, hides a fault of 10 s."""


@dataclass(frozen=True)
class Row:
    """A question, and the panels that answer it, from left to right."""

    question: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    since: str
    """The time first shown, as now-1h."""
    refresh: str
    """How often it looks again; empty: never by itself."""
    one_run: bool
    """Shows one run of several; else whatever there is."""


def to_json(board: Dashboard, others: tuple[Dashboard, ...]) -> str:
    """The dashboard as Grafana's classic JSON, the same text each time. others: what it links to."""
    builder = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags(["launchnight"])
        .readonly()
        .timezone("browser")
        .time(board.since, "now")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .timepicker(dashboard.TimePicker().refresh_intervals(["2s", "5s", "10s", "30s", "1m", "5m"]))
    )
    if board.refresh:
        builder.refresh(board.refresh)
    for variable in _variables(board):
        builder.with_variable(variable)
    for annotation in _annotations():
        builder.annotation(annotation)
    for other in others:
        builder.link(
            dashboard.DashboardLink(other.title)
            .type(DashboardLinkType.LINK)
            .url(f"/d/{other.uid}")
            .keep_time(True)
            .include_vars(True)
        )
    _lay(builder, board.rows)
    return json.dumps(builder.build(), cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _lay(builder: dashboard.Dashboard, rows: tuple[Row, ...]) -> None:
    """Rows from top to bottom, panels from left to right, a new line where the next one does not fit."""
    number, y = 0, 0
    for row in rows:
        number += 1
        builder.with_row(dashboard.Row(row.question).id(number).grid_pos(GridPos(h=1, w=COLUMNS, x=0, y=y)))
        x, y, tallest = 0, y + 1, 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            number += 1
            builder.with_panel(build(panel, number, x, y))
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest


def _variables(board: Dashboard) -> list[dashboard.DatasourceVariable | dashboard.QueryVariable]:
    source = (
        dashboard.DatasourceVariable("datasource")
        .label("Data source")
        .description("The Prometheus that is asked.")
        .type("prometheus")
        .current(VariableOption(text="Prometheus", value="prometheus"))
    )
    run = (
        dashboard.QueryVariable("run")
        .label("Run")
        .datasource(SOURCE)
        .query("label_values(up, run)")
        .definition("label_values(up, run)")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_DESC)
    )
    if board.one_run:
        run.description("A rehearsal: its folder's name begins with date and hour. Newest first.")
    else:
        run.description("All, unless a rehearsal plays against this very system.")
        run.include_all(True).all_value(".*").current(VariableOption(text="All", value="$__all", selected=True))
    return [source, run]


def _annotations() -> list[dashboard.AnnotationQuery]:
    return [
        _regions("Phases", "blue", "rehearsal_phase_active == 1", "{{phase}}", "phase"),
        _regions("Faults", "red", "rehearsal_fault_active == 1", "{{fault}} of {{target}}", "fault,target"),
        _regions(
            f"Pages ({EMPTY_IS_GOOD}: nobody was called)",
            "orange",
            'ALERTS{alertstate="firing", severity="page"}',
            "{{alertname}}",
            "alertname",
        ),
    ]


def _regions(name: str, color: str, expr: str, title: str, tags: str) -> dashboard.AnnotationQuery:
    """A region wherever `expr` has samples, without gaps."""
    return (
        dashboard.AnnotationQuery()
        .name(name)
        .datasource(SOURCE)
        .enable(True)
        .icon_color(color)
        .expr(of_run(expr))
        .title_format(title)
        .text_format(title)
        .tag_keys(tags)
        .step(STEP)
    )
