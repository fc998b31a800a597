"""Style sheet, script and icon of the pages: served under names that carry their content's hash, so kept for a year."""

from hashlib import sha256
from pathlib import Path

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from service.web.http import Rendered, send_rendered
from service.web.pages.language import ROOT

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": b"text/css; charset=utf-8", ".js": b"text/javascript; charset=utf-8", ".svg": b"image/svg+xml"}
_HASH_DIGITS = 12


class Assets:
    """The files of `static/`, read once at start."""

    def __init__(self) -> None:
        self._urls: dict[str, str] = {}
        self.routes: list[Route] = []
        for path in sorted(_FOLDER.iterdir()):
            if path.suffix in _TYPES:
                content = path.read_bytes()
                digest = sha256(content).hexdigest()[:_HASH_DIGITS]
                url = self._urls[path.name] = f"{ROOT}static/{path.stem}-{digest}{path.suffix}"
                self.routes.append(Route(url, _Asset(content, _TYPES[path.suffix])))

    def url(self, name: str) -> str:
        """The address of `static/NAME`. Raises KeyError."""
        return self._urls[name]


class _Asset:
    def __init__(self, content: bytes, content_type: bytes) -> None:
        headers = [
            (b"content-type", content_type),
            (b"cache-control", b"public, max-age=31536000, immutable"),
            (b"x-content-type-options", b"nosniff"),
        ]
        self._answer = Rendered(200, headers, content)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_rendered(send, self._answer)
