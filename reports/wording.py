"""Numbers as people read them: one way for screen, summary and report."""

import math


def percent(share: float | None, digits: int = 1) -> str:
    """0.954 -> "95.4 %", 0.95 -> "95 %"; an en dash for what is not known."""
    if share is None or math.isnan(share):
        return "–"
    text = f"{100 * share:.{digits}f}"
    return (text.rstrip("0").rstrip(".") if digits else text) + " %"


def seconds(value: float | None) -> str:
    """Three significant digits, in milliseconds below one second: "4.2 ms", "1.35 s"; "> ..." for infinity."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "beyond the last edge"
    if value and abs(value) < 0.9995:
        return f"{_three(1000 * value)} ms"
    return f"{_three(value)} s"


def count(value: float | None) -> str:
    """1234.6 -> "1,235"."""
    return "–" if value is None or math.isnan(value) else f"{value:,.0f}"


def number(value: float | None) -> str:
    """Three significant digits, thousands separated."""
    return "–" if value is None or math.isnan(value) else _three(value)


def clock(value: float) -> str:
    """Seconds since the opening as hours, minutes and seconds: 754 -> "0:12:34"."""
    minutes, rest = divmod(round(value), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _three(value: float) -> str:
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(digits, 4)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
