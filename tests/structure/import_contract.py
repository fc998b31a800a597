"""An import-linter contract: what a package may import directly, as an allow-list (the table of our layout)."""

import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class AllowList(Contract):
    """What stands below `sources` (less `excluding`) imports only itself, `ours` (less `never`), `third` and the
    standard library."""

    type_name = "allow_list"
    sources: Any = fields.SetField(subfield=fields.StringField())
    excluding: Any = fields.SetField(subfield=fields.StringField(), required=False, default=set())
    ours: Any = fields.SetField(subfield=fields.StringField(), required=False, default=set())
    never: Any = fields.SetField(subfield=fields.StringField(), required=False, default=set())
    third: Any = fields.SetField(subfield=fields.StringField(), required=False, default=set())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        faults = [
            f"{module}:{line['line_number']} may not import {target}"
            for module in sorted(graph.modules)
            if _below(module, self.sources) and not _below(module, self.excluding)
            for target in sorted(graph.find_modules_directly_imported_by(module))
            if not self._allowed(target)
            for line in graph.get_import_details(importer=module, imported=target)
        ]
        return ContractCheck(kept=not faults, metadata={"faults": faults})

    def _allowed(self, target: str) -> bool:
        if _below(target, self.never):
            return False
        standard = target.partition(".")[0] in sys.stdlib_module_names
        return standard or _below(target, self.sources | self.ours | self.third)

    def render_broken_contract(self, check: ContractCheck) -> None:
        for fault in check.metadata["faults"]:
            output.print_error(fault)


def _below(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)
