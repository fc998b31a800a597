"""Photos that show nobody, real ones and broken ones."""

import io
import random
from typing import Any

from PIL import Image, ImageChops


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


SEEN = Image.new("RGB", (64, 32), "red")
SEEN.paste("blue", (0, 0, 32, 16))  # the upper left quarter
TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def held(mark: int) -> bytes:
    """A photo of one scene by a camera that was held as the orientation mark says, 1 to 8."""
    exif = Image.Exif()
    exif[0x0112] = mark
    stored = SEEN.transpose(TURNED[mark]) if mark in TURNED else SEEN
    return encoded(stored, exif=exif, quality=95)


def stands_upright(photo: bytes) -> bool:
    """Whether it shows that scene as it was seen, without any mark."""
    with Image.open(io.BytesIO(photo)) as image:
        if image.size != SEEN.size or image.getexif():
            return False
        spots = [(x, y, x + 1, y + 1) for x in (8, 56) for y in (4, 28)]
        differences = [ImageChops.difference(SEEN.crop(spot), image.crop(spot)).convert("L") for spot in spots]
        return all(one.tobytes()[0] < 20 for one in differences)
