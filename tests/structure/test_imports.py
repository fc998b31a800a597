"""The import contracts cover the tree, and they bite."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXEMPT = {
    "service",
    "service.app",
    "service.partners",
    "service.__main__",
    "service.commands",
    "service.running",
    "service.upload_server",
    "loadtests.cli",
}


def test_every_module_stands_under_a_contract():
    """A new package cannot slip past the table of who may import whom."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    sources = [source for contract in contracts for source in contract["sources"]]
    uncovered = []
    for root in ("service", "scenarios", "loadtests", "reports"):
        for path in (ROOT / root).rglob("*.py"):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if module not in EXEMPT and not any(module == each or module.startswith(each + ".") for each in sources):
                uncovered.append(module)
    assert uncovered == []


def test_a_forbidden_import_is_refused(tmp_path):
    """Negative control: a rule that reaches for a database breaks the contract, by name and line."""
    for name in ("tests/structure", "service/domain"):
        (tmp_path / name).mkdir(parents=True)
    for name in (
        "tests/__init__.py",
        "tests/structure/__init__.py",
        "service/__init__.py",
        "service/domain/__init__.py",
    ):
        (tmp_path / name).touch()
    contract = (ROOT / "tests/structure/import_contract.py").read_text()
    (tmp_path / "tests/structure/import_contract.py").write_text(contract)
    (tmp_path / "service/domain/rule.py").write_text("import math\n\nimport asyncpg\n")
    (tmp_path / "pyproject.toml").write_text(
        """
        [tool.importlinter]
        root_packages = ["service"]
        include_external_packages = true
        contract_types = ["allow_list: tests.structure.import_contract.AllowList"]
        [[tool.importlinter.contracts]]
        name = "domain"
        type = "allow_list"
        sources = ["service.domain"]
        """
    )
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "service.domain.rule:3 may not import asyncpg" in done.stdout
