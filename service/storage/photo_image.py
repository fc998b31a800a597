"""One photo, decoded and made anew. Runs only in a process that may die of it (`photo_inspector`).

What comes out was written by us, pixel by pixel: no orientation to obey, no place and time of day, no thumbnail of what
was cropped away, no second picture, nothing behind the end.
"""

import io
import math
from importlib import import_module

from PIL import ExifTags, Image

from service.domain.photos import PhotoVerdict, may_be_photo

LONGEST_SIDE = 3000
"""Pixels of a clean copy: the text of a card that fills half of the picture is still 20 pixels high. A picture of 12
megapixels is halved to 2000 x 1500, which makes it a sixth of its size and of its time."""
MOST_SIDE = 10_000
"""Pixels of an original. Longer ones are panoramas, or made to harm."""
QUALITY = 85
FORMATS = ("JPEG", "PNG")
"""Pillow knows fifty; each decoder more is one that can be attacked."""
_LATE = ("ImageColor", "MpoImagePlugin", "TiffImagePlugin")
"""Parts that Pillow loads when it first needs them: white, several pictures in a JPEG, marks of the camera."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By the orientation mark: how the camera was held."""


def preload() -> None:
    """Load all that `inspect` may need: a process that inspects can open no file."""
    Image.preinit()
    for part in _LATE:
        import_module(f"PIL.{part}")


def inspect(data: bytes, most_pixels: int) -> tuple[PhotoVerdict, bytes]:
    """The verdict, and the clean copy of a photo that is accepted (a JPEG), else b"".

    most_pixels: compared with what the header says, before anything is decoded. Memory and time are the process's own.
    """
    if not may_be_photo(data):
        return PhotoVerdict.WRONG_TYPE, b""
    Image.MAX_IMAGE_PIXELS = None  # compared below; Pillow would only warn
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > most_pixels or max(width, height) > MOST_SIDE:
                return PhotoVerdict.TOO_MANY_PIXELS, b""
            return PhotoVerdict.ACCEPTED, _clean_copy(image)
    except MemoryError:
        return PhotoVerdict.TOO_MANY_PIXELS, b""
    except Exception:  # whatever a decoder says of bytes that somebody made up
        return PhotoVerdict.UNREADABLE, b""


def _clean_copy(image: Image.Image) -> bytes:
    times = _times_too_long(image)
    image.draft("RGB", (image.width // times, image.height // times))  # a JPEG can be decoded smaller at once
    image.load()
    upright = _upright(image)
    pixels = _on_white(image)
    times = _times_too_long(pixels)
    if times > 1:
        pixels = pixels.reduce(times)
    if upright is not None:
        pixels = pixels.transpose(upright)
    pixels.info.clear()  # a comment would be taken over
    clean = io.BytesIO()
    pixels.save(clean, "JPEG", quality=QUALITY)
    return clean.getvalue()


def _times_too_long(image: Image.Image) -> int:
    return math.ceil(max(image.size) / LONGEST_SIDE)


def _upright(image: Image.Image) -> Image.Transpose | None:
    """What turns the picture the way it was seen. None: it stands upright, as far as one can tell."""
    try:
        return _UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a broken mark does not make a photo unreadable
        return None


def _on_white(image: Image.Image) -> Image.Image:
    """The picture in 3 x 8 bits; what is transparent is white, as pages show it."""
    if image.mode.startswith("I"):  # 16 bits of gray; `convert` would cut them off at 255
        image = image.point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        image = image if image.mode == "RGBA" else image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image)
        return white
    return image if image.mode == "RGB" else image.convert("RGB")
