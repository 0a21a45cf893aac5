"""Pictures at their own aspect ratio as a sequence of patches (NaFlex, SigLIP 2: Tschannen et al. 2025)."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from .preprocess import DRAFT_MARGIN, VERSION, flatten

if TYPE_CHECKING:
    from PIL import Image

MOST_PATCHES = 1 << 14
"""Patches of a picture; published models take 256 to 1,024."""
STEP = 1e-5
"""Accuracy to which transformers halves its way to the scale; a finer one would give other sizes."""


@dataclass(frozen=True)
class Patches:
    """Stands where :class:`~latentdiff.embed.preprocess.Preprocess` does: an array of pixels holds a patch in each row.

    A last row holds how many rows and columns of patches the picture has, two bytes each, since they differ from picture to picture.
    """

    patch: int
    """Pixels a side of a patch."""
    patches: int
    """Most patches of a picture; fewer are padded."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    scale: float = 1 / 255
    """Factor of pixel values before ``mean`` is subtracted."""
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        if not (type(self.patch) is int and type(self.patches) is int and 2 <= self.patch <= 256 and 1 <= self.patches <= MOST_PATCHES):
            raise InputError(f"patch size is from 2 to 256, patches from 1 to {MOST_PATCHES}, not {self.patch!r} and {self.patches!r}")
        finite = all(map(math.isfinite, (*self.mean, *self.std, self.scale)))
        if len(self.mean) != 3 or len(self.std) != 3 or not finite or min(self.std) <= 0:
            raise InputError(f"mean and std are three finite numbers each, std above 0, not {self.mean!r} and {self.std!r}")

    @property
    def height(self) -> int:
        """Rows of an array of pixels: one a patch, and the last for the picture's shape."""
        return self.patches + 1

    @property
    def width(self) -> int:
        """Pixels of a patch, one after another."""
        return self.patch**2

    def describe(self) -> str:
        """One line for the fingerprint."""
        parts = " ".join(f"{k}={v}" for k, v in dataclasses.asdict(self).items()).replace(", ", ",")
        return f"v{VERSION} naflex {parts} draft={DRAFT_MARGIN:g}"

    def scaled_size(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) to which a picture is resized: whole patches, as many as are allowed, its sides rounded up."""
        low, high = STEP / 10, 100.0

        def sides(scale: float) -> tuple[int, int]:
            return tuple(max(self.patch, math.ceil(n * scale / self.patch) * self.patch) for n in (width, height))  # type: ignore[return-value]

        while high - low >= STEP:
            middle = (low + high) / 2
            w, h = sides(middle)
            low, high = (middle, high) if (w // self.patch) * (h // self.patch) <= self.patches else (low, middle)
        return sides(low)

    def draft_size(self, width: int, height: int) -> tuple[int, int]:
        """Smallest (width, height) to which a JPEG may be decoded."""
        w, h = self.scaled_size(width, height)
        return math.ceil(w * DRAFT_MARGIN), math.ceil(h * DRAFT_MARGIN)

    def apply(self, image: Image.Image, full: tuple[int, int] | None = None, turn: int = 1) -> np.ndarray:
        """Resize and cut into patches.

        Args:
            image: upright picture in mode L, RGB or RGBA; transparent parts lie on white.
            full: (width, height) of the whole picture where a JPEG was decoded at a fraction of it; None: the picture's own.
            turn: as in ``Preprocess.apply``; a picture that is not cropped has no side to lose.

        Returns:
            (patches + 1, patch * patch, 3) uint8.
        """
        from PIL import Image as pil

        w, h = self.scaled_size(*(full or image.size))
        resample = {"bicubic": pil.Resampling.BICUBIC, "bilinear": pil.Resampling.BILINEAR, "lanczos": pil.Resampling.LANCZOS}
        pixels = np.asarray(flatten(image).resize((w, h), resample[self.interpolation]))
        rows, columns, p = h // self.patch, w // self.patch, self.patch
        if rows * columns > self.patches:
            raise InputError(f"its sides are too unequal ({image.width} x {image.height}) for {self.patches} patches")
        out = np.zeros((self.height, self.width, 3), np.uint8)
        out[: rows * columns] = pixels.reshape(rows, p, columns, p, 3).transpose(0, 2, 1, 3, 4).reshape(rows * columns, p * p, 3)
        out[-1].reshape(-1)[:4] = rows & 255, rows >> 8, columns & 255, columns >> 8
        return out

    def normalise(self, pixels: Any, dtype: Any) -> Any:
        """(b, patches + 1, patch * patch, 3) uint8 tensor -> (b, patches + 1, 3 patch * patch) in ``dtype``; the last row as it is."""
        import torch

        scale = torch.tensor([s / self.scale for s in self.std], device=pixels.device)
        shift = torch.tensor([m / s for m, s in zip(self.mean, self.std, strict=True)], device=pixels.device)
        values = pixels[:, :-1].to(torch.float32).div_(scale).sub_(shift).flatten(2)
        return torch.cat([values, pixels[:, -1:].to(torch.float32).flatten(2)], 1).to(dtype)


def model_inputs(values: Any) -> dict[str, Any]:
    """What a NaFlex model of transformers takes, of the (b, patches + 1, 3 patch * patch) tensor that ``normalise`` gives."""
    import torch

    shape = values[:, -1, :4].to(torch.float32).round().long()
    shapes = torch.stack([shape[:, 0] + 256 * shape[:, 1], shape[:, 2] + 256 * shape[:, 3]], 1)
    mask = (torch.arange(values.shape[1] - 1, device=values.device)[None] < shapes.prod(1, keepdim=True)).to(torch.int32)
    return {"pixel_values": values[:, :-1] * mask[..., None].to(values.dtype), "pixel_attention_mask": mask, "spatial_shapes": shapes}
