"""A calibration as a table that people read."""

from collections.abc import Iterable, Sequence

from scenarios.calibration_file import TABLE, Calibration, Cost, Estimate, Role, Times


def text(found: Calibration) -> str:
    """All of it, on lines of a terminal."""
    parts = [_runs(found), *(_role(role) for role in found.roles), _times(found.times)]
    if found.doubts:
        parts.append("\n".join(f"note: {each}" for each in found.doubts))
    return "\n\n".join(part for part in parts if part) + "\n"


def _runs(found: Calibration) -> str:
    lines = [f"calibration {found.name}: windows of {found.window_s:g} s"]
    for each in found.runs:
        used = f"{each.steady} steady windows, {each.calm} of them calm"
        lines.append(f"  {each.run}: {used}; {each.cpus} processors, {each.replicas} web (digest {each.digest[:16]})")
        lines += [f"    refused {one.start_s:.0f} to {one.end_s:.0f} s: {one.why}" for one in each.refused]
    seen = found.seen
    lines.append(
        f"  holds for {seen.requests_per_s_low:.3g} to {seen.requests_per_s_high:.3g} requests a second, "
        f"{seen.busy_low:.0%} to {seen.busy_high:.0%} of a core wanted by the busiest web loop; beyond is extrapolated"
    )
    return "\n".join(lines)


def _role(role: Role) -> str:
    """Processor time of a role: a table, dearest first, kinds that were told together below each other."""
    growth = f", times {1:g} {role.load_term:+.2f} u at a share u of the cores busy" if role.load_term else ""
    head = (
        f"processor time of {role.role}: idle {_estimate(role.idle, 1.0, 'cores')}{growth}\n"
        f"  {role.windows} windows, condition number {role.condition:.1f}, "
        f"{role.explained:.1%} of the variance explained, {role.residual:.1%} left over"
    )
    spent = {group: sum(_total(cost) for cost in role.costs if cost.group == group) for group in _groups(role)}
    costs = sorted(role.costs, key=lambda cost: (-spent[cost.group], cost.group, -_total(cost)))
    rows = [
        [
            f"{cost.name} {cost.outcome}",
            f"{cost.counted:,.0f}",
            _estimate(cost.seconds, 1e3, "ms"),
            "" if cost.loop_s is None else f"{cost.loop_s * 1e3:.3g} ms",
            f"{cost.group}",
        ]
        for cost in costs
    ]
    return head + _table(["work", "counted", "each", "on the loop", "group"], rows)


def _groups(role: Role) -> set[int]:
    return {cost.group for cost in role.costs}


def _total(cost: Cost) -> float:
    return cost.counted * cost.seconds.value


def _times(times: Iterable[Times]) -> str:
    rows = [
        [
            f"{each.name} {each.outcome}",
            f"{each.counted:,.0f}",
            each.family + (f" of {len(each.steps)} steps" if each.family == TABLE else ""),
            _estimate(each.mean, 1e3, "ms"),
            _estimate(each.p50, 1e3, "ms"),
            _estimate(each.p99, 1e3, "ms"),
            f"{each.gap:.3f}",
        ]
        for each in times
    ]
    head = ["what", "counted", "family", "mean", "half within", "99 % within", "gap"]
    return "service times where nothing waits" + _table(head, rows) if rows else ""


def _estimate(one: Estimate, times: float, unit: str) -> str:
    told = f"{one.value * times:.3g}"
    if one.low is not None and one.high is not None:
        told += f" ({one.low * times:.3g} to {one.high * times:.3g})"
    return f"{told} {unit}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they must be: the first to the left, figures to the right."""
    lines = [head, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    told = []
    for first, *others in lines:
        cells = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        told.append("  ".join((first.ljust(widths[0]), *cells)))
    return "".join(f"\n  {line}" for line in told)
