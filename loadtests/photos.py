"""The corpus of photos that the crowd uploads: valid JPEGs, most of them as after a downscale, some as cameras write.

Noise blended into a gradient compresses like a photo and can be made to any size. Pictures are the same for the same
figures of the night, and kept on disk, so that a second run or worker only reads them.
"""

import hashlib
import io
import math
import os
import random
from pathlib import Path

from PIL import Image

from scenarios.population import Photos
from scenarios.streams import log_normal

_QUALITY = 85
_BYTES_PER_PIXEL = 0.267
"""Of the pictures made here, measured; the size of one comes out within a few percent."""
_ROTATED = 6
_VERSION = 1
"""Part of the key of the kept files: raise it when the pictures change."""


def corpus(photos: Photos, folder: Path) -> tuple[bytes, ...]:
    """The corpus, read from below `folder` or made there. Raises OSError where nothing can be written."""
    kept = folder / hashlib.sha256(f"{_VERSION} {photos}".encode()).hexdigest()[:16]
    kept.mkdir(parents=True, exist_ok=True)
    return tuple(_kept(kept / f"{index:03}.jpg", size, raw, index) for index, (size, raw) in enumerate(sizes(photos)))


def sizes(photos: Photos) -> list[tuple[int, bool]]:
    """Bytes of each picture, and whether it is raw: evenly spread quantiles of the two distributions."""
    raw = round(photos.count * photos.raw_share)
    small = photos.count - raw
    return [(round(log_normal((i + 0.5) / small, photos.median_bytes, photos.sigma)), False) for i in range(small)] + [
        (round(log_normal((i + 0.5) / raw, photos.raw_median_bytes, photos.raw_sigma)), True) for i in range(raw)
    ]


def _kept(path: Path, size: int, raw: bool, seed: int) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        made = picture(size, raw, seed)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_bytes(made)
    draft.replace(path)
    return made


def picture(size_bytes: int, raw: bool, seed: int) -> bytes:
    """A JPEG of about `size_bytes`; a raw one carries the orientation mark of a camera held upright."""
    pixels = size_bytes / _BYTES_PER_PIXEL
    width = max(16, round(math.sqrt(pixels * 4 / 3)))
    height = max(16, round(pixels / width))
    noise = Image.frombytes("L", (width, height), random.Random(seed).randbytes(width * height))
    light = Image.linear_gradient("L").resize((width, height))
    image = Image.merge("RGB", [Image.blend(light, noise, 0.3), light, Image.blend(noise, light, 0.8)])
    file = io.BytesIO()
    exif = Image.Exif()
    if raw:
        exif[0x0112] = _ROTATED
    image.save(file, "JPEG", quality=_QUALITY, exif=exif)
    return file.getvalue()
