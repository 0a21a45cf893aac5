"""From a decoded picture to the square of pixels that an encoder takes."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError

if TYPE_CHECKING:
    from PIL import Image

DRAFT_MARGIN = 2.0
"""A JPEG is decoded at 1/2, 1/4 or 1/8 only while both sides stay this many times above the size they are resized to."""

LARGEST = 8192
"""Pixels a side that an encoder may ask for; the largest published ones ask for about 1,000."""

VERSION = "1"
"""Raised whenever a change here moves pixels: it is part of every fingerprint."""


@dataclass(frozen=True)
class Preprocess:
    """Resize, crop and normalisation of one encoder (open_clip's ``preprocess_cfg``, transformers' image processor)."""

    height: int
    """Pixels, > 0."""
    width: int
    """Pixels, > 0."""
    mean: tuple[float, float, float]
    """Per channel, of pixels scaled to [0, 1]."""
    std: tuple[float, float, float]
    """Per channel, > 0."""
    interpolation: str = "bicubic"
    """``"bicubic"``, ``"bilinear"`` or ``"lanczos"``, antialiased."""
    resize_mode: str = "shortest"
    """``"shortest"``: shortest side to size, then centre crop; ``"squash"``: both sides; ``"longest"``: longest side, then pad;
    ``"none"``: centre crop alone, smaller pictures padded."""
    fill: int = 0
    """Grey level of the padding, 0..255 (``"longest"`` only)."""
    shortest_edge: int | None = None
    """Length to which ``"shortest"`` resizes before the crop; None: the crop's own side."""
    crop: str = "round"
    """Which way half a pixel of the margin goes: ``"round"`` to even (torchvision), ``"floor"`` (transformers)."""
    scale: float = 1 / 255
    """Factor of pixel values before ``mean`` is subtracted; > 0."""
    alpha: str = "white"
    """Transparency: ``"white"`` lies under the picture (transformers 5), or is dropped after resizing: ``"drop"`` (open_clip)."""

    def __post_init__(self) -> None:
        if self.resize_mode not in ("shortest", "squash", "longest", "none"):
            raise InputError(f'resize_mode must be "shortest", "squash", "longest" or "none", not {self.resize_mode!r}')
        if not (isinstance(self.scale, (int, float)) and math.isfinite(self.scale) and self.scale > 0):
            raise InputError(f"scale is a finite number above 0, not {self.scale!r}")
        if self.interpolation not in ("bicubic", "bilinear", "lanczos"):
            raise InputError(f'interpolation must be "bicubic", "bilinear" or "lanczos", not {self.interpolation!r}')
        if not all(type(n) is int and 1 <= n <= LARGEST for n in (self.height, self.width, self.shortest_edge or 1)):
            raise InputError(f"size must be positive and at most {LARGEST} pixels, not {self.height} x {self.width}")
        numbers = [float(v) if isinstance(v, (int, float)) else math.nan for v in (*self.mean, *self.std)]
        if (len(self.mean), len(self.std)) != (3, 3) or not all(map(math.isfinite, numbers)) or min(numbers[3:]) <= 0:
            raise InputError(f"mean and std are three finite numbers each, std above 0, not {self.mean!r} and {self.std!r}")
        if type(self.fill) is not int or not 0 <= self.fill <= 255:
            raise InputError(f"fill is a grey level from 0 to 255, not {self.fill!r}")

    def describe(self) -> str:
        """One line for the fingerprint."""
        # What came later is said only where it is not as it was: stored vectors stay comparable. alpha goes with the library.
        later = {f.name: f.default for f in dataclasses.fields(self) if f.name in ("crop", "scale")}
        values = {k: v for k, v in dataclasses.asdict(self).items() if v is not None and k != "alpha" and (k not in later or v != later[k])}
        parts = [f"{k}={v}" for k, v in values.items()]
        return f"v{VERSION} " + " ".join(parts).replace(", ", ",") + f" draft={DRAFT_MARGIN:g}"

    def scaled_size(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) to which a picture is resized before it is cropped or padded."""
        if self.resize_mode == "none":
            return width, height
        if self.resize_mode == "squash":
            return self.width, self.height
        if self.resize_mode == "longest":
            ratio = min(self.width / width, self.height / height)
            return max(round(width * ratio), 1), max(round(height * ratio), 1)
        if self.height == self.width or self.shortest_edge:
            edge = self.shortest_edge or self.height  # torchvision's rule: the long side is cut to a whole number
            return (edge, int(edge * height / width)) if width <= height else (int(edge * width / height), edge)
        ratio = max(self.width / width, self.height / height)  # cover a crop that is not square
        return round(width * ratio), round(height * ratio)

    def draft_size(self, width: int, height: int) -> tuple[int, int]:
        """Smallest (width, height) to which a JPEG may be decoded."""
        w, h = self.scaled_size(width, height)
        return int(np.ceil(w * DRAFT_MARGIN)), int(np.ceil(h * DRAFT_MARGIN))

    def apply(self, image: Image.Image, full: tuple[int, int] | None = None, turn: int = 1) -> np.ndarray:
        """Resize and crop.

        Args:
            image: upright picture in mode L, RGB or RGBA.
            full: (width, height) of the whole picture where a JPEG was decoded at a fraction of it; None: the picture's own.
            turn: EXIF orientation that was undone, 1..8: it tells on which side the fraction was rounded up.

        Returns:
            (height, width, 3) uint8.
        """
        from PIL import Image as pil

        resample = {"bicubic": pil.Resampling.BICUBIC, "bilinear": pil.Resampling.BILINEAR, "lanczos": pil.Resampling.LANCZOS}
        # Geometry follows the whole picture: a fraction of it is rounded up to whole pixels, which would shift the crop.
        whole_w, whole_h = full or image.size
        real_w, real_h = whole_w / round(whole_w / image.width), whole_h / round(whole_h / image.height)
        w, h = self.scaled_size(whole_w, whole_h)
        cut_w, cut_h = min(w, self.width), min(h, self.height)
        left, top = self._half(w - cut_w), self._half(h - cut_h)
        x, y = real_w / w, real_h / h
        # The box asks for the cropped part only: same pixels as resize-then-crop, without computing those that are cut away.
        x0 = image.width - real_w if turn in (2, 3, 6, 7) else 0.0
        y0 = image.height - real_h if turn in (3, 4, 7, 8) else 0.0
        right, bottom = min(x0 + (left + cut_w) * x, image.width), min(y0 + (top + cut_h) * y, image.height)
        box = (x0 + left * x, y0 + top * y, right, bottom)
        if image.mode == "RGBA" and self.alpha == "white":
            image = flatten(image)
        small = image.resize((cut_w, cut_h), resample[self.interpolation], box=box).convert("RGB")
        if (cut_w, cut_h) == (self.width, self.height):
            return np.asarray(small)
        canvas = pil.new("RGB", (self.width, self.height), (self.fill,) * 3)
        canvas.paste(small, (self._half(self.width - cut_w), self._half(self.height - cut_h)))
        return np.asarray(canvas)

    def _half(self, margin: int) -> int:
        return margin // 2 if self.crop == "floor" else round(margin / 2)

    def normalise(self, pixels: Any, dtype: Any) -> Any:
        """(b, height, width, 3) uint8 tensor on any device -> (b, 3, height, width) in ``dtype``, arithmetic in float32."""
        import torch

        scale = torch.tensor([s / self.scale for s in self.std], device=pixels.device)
        shift = torch.tensor([m / s for m, s in zip(self.mean, self.std, strict=True)], device=pixels.device)
        return pixels.to(torch.float32).div_(scale).sub_(shift).to(dtype).permute(0, 3, 1, 2)


def flatten(image: Image.Image) -> Image.Image:
    """RGB of a picture in mode L, RGB or RGBA; transparency lies on white, as a viewer shows it."""
    if image.mode != "RGBA":
        return image if image.mode == "RGB" else image.convert("RGB")
    from PIL import Image as pil

    paper = pil.new("RGB", image.size, (255, 255, 255))
    paper.paste(image, mask=image.getchannel("A"))
    return paper
