"""JSON over HTTP to a program on this machine, with the standard library."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from loadtests.harness.errors import HarnessError

TIMEOUT = 10.0


class Unanswered(HarnessError):
    """The other side did not answer, or not with success."""


def ask(method: str, url: str, body: object = None, *, form: str | None = None, timeout: float = TIMEOUT) -> Any:
    """The JSON answer to a request; `body` goes as JSON, `form` as a URL-encoded form.

    Raises Unanswered with the address and what went wrong.
    """
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=timeout)
    headers = {"Accept": "application/json"}
    content: str | None = None
    if form is not None:
        content, headers["Content-Type"] = form, "application/x-www-form-urlencoded"
    elif body is not None:
        content, headers["Content-Type"] = json.dumps(body), "application/json"
    try:
        connection.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, content, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise Unanswered(f"{method} {url}: status {answer.status}: {text[:200].decode(errors='replace')}")
        return json.loads(text)
    except (OSError, http.client.HTTPException, ValueError) as fault:
        raise Unanswered(f"{method} {url}: {fault}") from None
    finally:
        connection.close()
