"""SQL in files: each query of `queries/NOUN.sql` has a name and a description.

```sql
-- name: find
-- One upload by its id.
select ... where id = $1;
```
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

QUERIES = Path(__file__).parent / "queries"


@cache
def queries(noun: str) -> Mapping[str, str]:
    """The queries of `queries/<noun>.sql` by name; parsed once. Raises ValueError when the file is not as above."""
    return parse((QUERIES / f"{noun}.sql").read_text(), noun)


def parse(text: str, noun: str) -> Mapping[str, str]:
    """Statements by name, without their comments and the closing semicolon."""
    head, *parts = re.split(r"^-- name:[ \t]*", text, flags=re.MULTILINE)
    if any(line.strip() and not line.startswith("--") for line in head.splitlines()):
        raise ValueError(f"{noun}.sql: a statement stands before the first name")
    found: dict[str, str] = {}
    for part in parts:
        name, _, rest = part.partition("\n")
        name = name.strip()
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in found:
            raise ValueError(f"{noun}.sql: the name {name!r} is not a name, or stands there twice")
        if not re.match(r"--[ \t]*\w", rest):
            raise ValueError(f"{noun}.sql: {name} has no description")
        statement = "\n".join(line for line in rest.splitlines() if not line.lstrip().startswith("--"))
        statement = statement.strip().removesuffix(";").rstrip()
        if not statement or ";" in statement:
            raise ValueError(f"{noun}.sql: {name} must be exactly one statement")
        found[name] = statement
    return MappingProxyType(found)
