"""One template for loopback and containers: its variables, its comment and what fills it in agree."""

import re

import pytest

from loadtests.harness import proxy

GIVEN = {
    "PROXY_LISTEN": "127.0.0.1:8080",
    "PROXY_SERVERS": "server 127.0.0.1:1;",
    "PROXY_UPLOAD_LIMIT": "9m",
    "PROXY_LOG_LEVEL": "crit",
    "PROXY_WORKERS": "1",
    "PROXY_WORK": "/work-of-a-run",
}


def test_the_template_says_which_variables_it_wants() -> None:
    text = proxy.TEMPLATE.read_text()
    comment = re.findall(r"^#   (PROXY_[A-Z_]+) ", text, re.MULTILINE)
    assert sorted(comment) == sorted(GIVEN) == sorted(set(proxy.VARIABLE.findall(text)))


def test_only_these_are_replaced() -> None:
    """nginx's own variables stay what they are."""
    text = proxy.rendered(GIVEN)
    assert "${PROXY" not in text and "$http_host" in text and "listen 127.0.0.1:8080 " in text
    without = {name: value for name, value in GIVEN.items() if name != "PROXY_WORK"}
    with pytest.raises(KeyError, match="PROXY_WORK"):
        proxy.rendered(without)


def test_all_of_nginx_s_files_lie_in_its_folder() -> None:
    paths = re.findall(r"^\s*(?:pid|\w+_path) (\S+?)[; ]", proxy.rendered(GIVEN), re.MULTILINE)
    assert len(paths) == 7 and all(path.startswith("/work-of-a-run/") for path in paths)


def test_a_photo_as_large_as_the_service_takes_passes() -> None:
    megabytes = int(proxy.UPLOAD_LIMIT.removesuffix("m"))
    assert megabytes * 2**20 > 8 * 2**20 + 4096, "the photo, and what a form puts around it"
