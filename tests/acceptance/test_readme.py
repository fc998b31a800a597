"""The README's lines are run as they stand: `serve`, then one applicant's whole way by curl."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.children import child_process
from tests.tools import need

ROOT = Path(__file__).parents[2]


def test_the_walk_by_curl_joins_the_wave(tmp_path):
    """Every block after `make serve` is run in one shell; the last answer says that the wave was joined."""
    need("curl", package="curl")
    bash = need("bash", package="bash")
    walk = (ROOT / "README.md").read_text().partition("## The service by hand")[2].partition("make serve")[2]
    blocks = re.findall(r"^```sh\n(.*?)^```", walk, re.M | re.S)
    launchnight = Path(sys.executable).with_name("launchnight")
    with child_process(
        [launchnight, "serve", "--port", "0", "--partners-port", "0"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as serving:  # fmt: skip
        assert serving.stdout is not None
        said = [serving.stdout.readline() for _ in range(2)]
        api, inbox = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in said)
        assert api and inbox, said
        script = "\n".join(blocks).replace(".venv/bin/python", sys.executable)
        script = script.replace("http://127.0.0.1:8000", api.group()).replace("http://127.0.0.1:8100", inbox.group())
        done = subprocess.run(
            [bash, "-eu", "-o", "pipefail", "-c", script],
            cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        serving.terminate()
        serving.wait(30)
    assert done.returncode == 0, done.stderr
    assert "problems/" not in done.stdout, done.stdout
    me = json.loads(done.stdout[done.stdout.rindex('{"account_id"') :])
    assert me["wave"]["joined_at"] is not None
    assert {photo["slot"]: photo["reason"] for photo in me["photos"]} == {"identity_card": None, "selfie": None}
