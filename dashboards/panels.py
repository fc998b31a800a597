"""A panel as a few plain words, and its translation for Grafana."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from string import ascii_uppercase

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, statetimeline, table
from grafana_foundation_sdk.builders import timeseries as lines_builder
from grafana_foundation_sdk.models import common as choices
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    FieldColorModeId,
    GridPos,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
EMPTY_IS_GOOD = "Empty is good"
"""In the description of a panel, or the name of an annotation, that may show nothing; the reason follows."""

AnyPanel = lines_builder.Panel | stat.Panel | bargauge.Panel | statetimeline.Panel | table.Panel
Steps = tuple[tuple[float | None, str], ...]

GOOD: Steps = ((None, "green"),)
"""Says that no value of this figure is wrong by itself."""


WITHOUT = "without (instance, job)"


def limits(warn: float, bad: float) -> Steps:
    return ((None, "green"), (warn, "orange"), (bad, "red"))


@dataclass(frozen=True)
class Query:
    """expr: PromQL without the label `run`; it is put into every selector."""

    expr: str
    legend: str = "__auto"


@dataclass(frozen=True)
class Panel:
    """kind: lines, stacked, stat, bars, states or table. width: of 24 columns."""

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: str = "lines"
    width: int = 8
    height: int = 8
    limits: Steps = GOOD
    least: float | None = 0
    """Foot of the axis; None where a figure can be negative."""
    most: float | None = None
    """Top of the axis where there is one, 1 for a share."""
    decimals: int | None = None
    empty: str = ""
    """Why it is good when this panel shows nothing; without a reason it must show something."""
    states: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Value -> (word, color), of a panel that shows states."""


_SELECTOR = re.compile(
    r'(?<![\w:"$.])((?:run(?:_\w+)?:)?(?:registration|swarm|partner|rehearsal)_[a-z0-9_:]*[a-z0-9]|up|ALERTS)(?![\w:(])(\{)?'
)


def of_run(expr: str) -> str:
    """`expr` with every selector narrowed to the run that the dashboard shows."""
    return _SELECTOR.sub(lambda found: f'{found[1]}{{run=~"$run"{", " if found[2] else "}"}', expr)


def build(panel: Panel, number: int, x: int, y: int) -> AnyPanel:
    """The panel for Grafana at column x and line y of the grid."""
    builder: AnyPanel = _BUILDERS[panel.kind](panel)
    description = panel.description + (f" {EMPTY_IS_GOOD}: {panel.empty}" if panel.empty else "")
    builder.id(number).title(panel.title).description(description).datasource(SOURCE)
    builder.grid_pos(GridPos(h=panel.height, w=panel.width, x=x, y=y))
    builder.unit(panel.unit)
    builder.thresholds(
        dashboard.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(value=value, color=color) for value, color in panel.limits])
    )
    if panel.least is not None:
        builder.min(panel.least)
    if panel.most is not None:
        builder.max(panel.most)
    if panel.decimals is not None:
        builder.decimals(panel.decimals)
    if panel.states:
        words = {value: ValueMappingResult(text=text, color=color) for value, (text, color) in panel.states.items()}
        builder.mappings([ValueMap(options=words)])
    for letter, query in zip(ascii_uppercase, panel.queries, strict=False):
        target = prometheus.Dataquery().ref_id(letter).expr(of_run(query.expr)).legend_format(query.legend)
        # Over the whole time shown: one figure, not one for every step, each looking back beyond the first.
        builder.with_target(
            target.instant() if panel.kind in {"bars", "table"} or "[$__range" in query.expr else target.range()
        )
        if panel.kind == "table":
            target.format(PromQueryFormat.TABLE)
    return builder


def _lines(panel: Panel) -> lines_builder.Panel:
    builder = (
        lines_builder.Panel()
        .line_width(2)
        .fill_opacity(8)
        .show_points(choices.VisibilityMode.NEVER)
        .span_nulls(False)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .tooltip(common.VizTooltipOptions().mode(choices.TooltipDisplayMode.MULTI).sort(choices.SortOrder.DESCENDING))
        .legend(
            common.VizLegendOptions()
            .display_mode(choices.LegendDisplayMode.TABLE)
            .placement(choices.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull", "max"])
        )
    )
    if panel.limits != GOOD:
        builder.thresholds_style(common.GraphThresholdsStyleConfig().mode(choices.GraphThresholdsStyleMode.DASHED))
    return builder


def _stacked(panel: Panel) -> lines_builder.Panel:
    return (
        _lines(panel).fill_opacity(55).line_width(1).stacking(common.StackingConfig().mode(choices.StackingMode.NORMAL))
    )


def _stat(panel: Panel) -> stat.Panel:
    return (
        stat.Panel()
        .color_mode(choices.BigValueColorMode.BACKGROUND if panel.limits != GOOD else choices.BigValueColorMode.VALUE)
        .graph_mode(choices.BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().values(False).calcs(["lastNotNull"]))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    )


def _bars(panel: Panel) -> bargauge.Panel:
    return (
        bargauge.Panel()
        .orientation(choices.VizOrientation.HORIZONTAL)
        .display_mode(choices.BarGaugeDisplayMode.GRADIENT)
        .value_mode(choices.BarGaugeValueMode.TEXT)
        .show_unfilled(True)
        .reduce_options(common.ReduceDataOptions().values(False).calcs(["lastNotNull"]))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.CONTINUOUS_BLUES))
    )


def _states(panel: Panel) -> statetimeline.Panel:
    return (
        statetimeline.Panel()
        .merge_values(True)
        .show_value(choices.VisibilityMode.AUTO)
        .row_height(0.8)
        .fill_opacity(75)
        .legend(
            common.VizLegendOptions()
            .display_mode(choices.LegendDisplayMode.LIST)
            .placement(choices.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    )


def _table(panel: Panel) -> table.Panel:
    hidden = dict.fromkeys(("Time", "Value", "__name__", "alertstate"), True)
    return (
        table.Panel()
        .show_header(True)
        .with_transformation(DataTransformerConfig(id_val="organize", options={"excludeByName": hidden}))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    )


_BUILDERS: dict[str, Callable[[Panel], AnyPanel]] = {
    "lines": _lines,
    "stacked": _stacked,
    "stat": _stat,
    "bars": _bars,
    "states": _states,
    "table": _table,
}
