"""What a PromQL expression selects, read from its syntax tree."""

import re
from dataclasses import dataclass

import promql_parser
from promql_parser import MatchOp


@dataclass(frozen=True)
class Selector:
    """One selection of series."""

    name: str
    matchers: tuple[tuple[str, MatchOp, str], ...]

    def accepts(self, label: str, value: str) -> bool:
        """Whether series with this label value may be among the selected."""
        return all(_holds(op, wanted, value) for name, op, wanted in self.matchers if name == label)


def selectors(expr: str) -> list[Selector]:
    """Every selector of `expr`. Raises ValueError with the place when it is not PromQL."""
    found: list[Selector] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.MatrixSelector):
            visit(node.vector_selector)
        elif isinstance(node, promql_parser.VectorSelector):
            matchers = tuple((one.name, one.op, one.value) for one in node.matchers.matchers)
            selector = Selector(node.name or "", matchers)
            if selector not in found:
                found.append(selector)

    promql_parser.walk(promql_parser.parse(expr), visit)
    return found


def _holds(op: MatchOp, wanted: str, value: str) -> bool:
    if op == MatchOp.Equal:
        return value == wanted
    if op == MatchOp.NotEqual:
        return value != wanted
    matches = re.fullmatch(wanted, value) is not None
    return matches if op == MatchOp.Re else not matches
