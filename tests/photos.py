"""Photos that show nobody, real ones and broken ones."""

import io
import random
from typing import Any

from PIL import Image


def grain(width: int, height: int, seed: int = 1) -> Image.Image:
    """A colored picture with the grain that a camera leaves."""
    noise = Image.frombytes("L", (width, height), random.Random(seed).randbytes(width * height))
    light = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", [Image.blend(light, noise, 0.3), light, Image.blend(noise, light, 0.8)])


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def jpeg(width: int = 40, height: int = 30, seed: int = 1) -> bytes:
    return encoded(grain(width, height, seed))
