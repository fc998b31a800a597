"""Photos that show nobody: colored fields with the grain that a camera leaves, so that they compress like photos."""

from pathlib import Path

from PIL import Image


def picture(path: Path, width: int, height: int) -> Path:
    """A JPEG or PNG, by the ending of `path`."""
    grain = Image.effect_noise((width, height), 25)
    fields = Image.linear_gradient("L").resize((width, height))
    Image.merge("RGB", (grain, fields, Image.blend(grain, fields, 0.5))).save(path, quality=88)
    return path
