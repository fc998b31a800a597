"""matplotlib's SVG made small enough to stand inside a page a dozen times.

What a page does not need is left out, coordinates are rounded to a tenth of a unit and told as steps from the point
before, and what many shapes share - stroke, fill, size of the letters - is told once for the whole page.
"""

import re
from collections.abc import Mapping, Sequence

_ROUNDED = re.compile(r'(?<=\s)(x|y|width|height|transform|points)="([^"]*)"')
_NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")
_LOOKS = re.compile(r'(?: clip-path="[^"]*")?(?: style="[^"]*")')
_CLASSES = "abcdefghijklmnopqrstuvwxyz"


def slim(svg: str, variables: Mapping[str, str]) -> str:
    """The drawing without header, metadata and ids that nothing refers to. variables: CSS variables by their color."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style .*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', r'<svg \1 focusable="false" aria-hidden="true">', svg)
    svg = re.sub(r">[^<]+<", lambda found: found[0].replace('"', "&quot;"), svg)  # a name is no attribute
    svg = svg.replace("xlink:href", "href")
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", svg)
    svg = re.sub(r'(?<=\s)d="([^"]*)"', lambda found: f'd="{_steps(found[1])}"', svg)
    svg = _ROUNDED.sub(lambda found: f'{found[1]}="{_NUMBER.sub(_rounded, found[2])}"', svg)
    svg = re.sub(r" font-family: [^;\"]*;| transform=\"rotate\(-?0 [^\"]*\"", "", svg)
    for color, variable in variables.items():
        svg = svg.replace(color, f"var({variable})")
    svg = re.sub(r"; stroke-linejoin: miter|; stroke-linecap: (?:square|butt)", "", svg)
    svg = re.sub(r'<path [^>]*style="fill: none"/>', "", svg)  # a frame that cannot be seen
    return _unwrapped(re.sub(r">\s+<", "><", re.sub(r"<defs>\s*</defs>", "", svg)).strip())


def _rounded(found: re.Match[str]) -> str:
    return _tenths(round(10 * float(found[0])))


def _tenths(tenths: int) -> str:
    """As short as it can be written: 0, 12, 12.3, .3, -.3."""
    whole, rest = divmod(abs(tenths), 10)
    text = (str(whole) if whole or not rest else "") + (f".{rest}" if rest else "")
    return f"-{text}" if tenths < 0 else text


def _steps(path: str) -> str:
    """A path in tenths of a unit; its lines as steps from point to point, where no curve is among them."""
    words = re.findall(r"[A-Za-z]|-?\d+\.?\d*(?:e-?\d+)?", path)
    if not {word for word in words if word.isalpha()} <= {"M", "L", "z"}:
        return re.sub(r"\s*([A-Za-z])\s*", r"\1", _NUMBER.sub(_rounded, path)).strip()
    told, place, at, last = "", 0, (0, 0), ""
    while place < len(words):
        word = words[place]
        if word == "z":
            told, place, last = told + "z", place + 1, word
            continue
        to = (round(10 * float(words[place + 1])), round(10 * float(words[place + 2])))
        x, y = map(_tenths, (to[0] - at[0], to[1] - at[1]) if word == "L" else to)
        begins = "M" if word == "M" else "l" if last != "L" else "" if x.startswith("-") else " "
        told += f"{begins}{x}{'' if y.startswith('-') else ' '}{y}"
        place, at, last = place + 3, to, word
    return told


def _unwrapped(svg: str) -> str:
    """Without groups that say nothing of what is in them."""
    kept, plain = [], []
    for piece in re.split(r"(<g>|<g [^>]*[^/]>|</g>|<g/>)", svg):
        if piece.startswith("<g") and piece != "<g/>":
            plain.append(piece == "<g>")
            kept.append("" if plain[-1] else piece)
        elif piece == "</g>":
            kept.append("" if plain.pop() else piece)
        elif piece != "<g/>":
            kept.append(piece)
    return "".join(kept)


def shared_looks(pieces: Sequence[str]) -> tuple[list[str], str]:
    """Pieces of a page whose drawings name their looks by classes, and the rules of these classes.

    The looks of a shape are its style and the path that it is clipped to.
    """
    names: dict[str, str] = {}

    def named(looks: re.Match[str]) -> str:
        return f' class="{names.setdefault(looks[0], _name(len(names)))}"'

    def drawn(found: re.Match[str]) -> str:
        return _LOOKS.sub(named, found[0])

    told = [re.sub(r"<svg .*?</svg>", drawn, piece, flags=re.DOTALL) for piece in pieces]
    rules = [f".{name}{{{_rule(looks)}}}" for looks, name in names.items()]
    return told, "\n".join(rules)


def _name(number: int) -> str:
    """v and one or two letters: words of the page's own style sheet are longer."""
    high, low = divmod(number, len(_CLASSES))
    return f"v{_CLASSES[high]}{_CLASSES[low]}"


def _rule(looks: str) -> str:
    properties = re.findall(r'(clip-path|style)="([^"]*)"', looks)
    told = [f"clip-path:{value}" if name == "clip-path" else value for name, value in properties]
    return re.sub(r"([:;]) ", r"\1", ";".join(told))
