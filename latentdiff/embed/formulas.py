"""Picture quality from pixels: one published formula a function.

Pixels are (h, w, 3) float32 in 0..255, luma (h, w) by ITU-R BT.601.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.fft import dctn

COLOURLESS = 8.0
"""Levels by which the channels of a pixel may differ without colour: what JPEG adds to grey."""
UNIFORM = 3.0
"""Standard deviation, in levels, of a row or column that is a border."""
STEP = 8.0
"""Levels by which a picture differs from its border."""
EDGE = 3
"""Rows or columns over which a border may fade into the picture."""
CALM = 16
"""Side of the blocks on which noise is measured."""
BLOCK = 8
"""Side of a block of JPEG."""
DARK = 32.0
"""Levels of the brightest channel below which a pixel's colour is mostly noise."""
HASH = 8


def luma(pixels: np.ndarray) -> np.ndarray:
    """(h, w) brightness as the eye weighs the channels, ``.299 R + .587 G + .114 B``."""
    return np.asarray(pixels @ np.array([0.299, 0.587, 0.114], np.float32))


def sharpness(y: np.ndarray) -> float:
    """Energy of the Laplacian over that of the gradient (both by Subbarao, Choi and Nikzad 1993), as the ratio of their roots: how fine the
    finest detail is. Neither the darker nor the flatter of two pictures is the blurrier one by it. NaN for a picture of one colour."""
    if min(y.shape) < 3:
        return math.nan
    middle = y[1:-1, 1:-1]
    across, down = y[1:-1, 2:] - y[1:-1, :-2], y[2:, 1:-1] - y[:-2, 1:-1]
    laplacian = y[1:-1, 2:] + y[1:-1, :-2] + y[2:, 1:-1] + y[:-2, 1:-1] - 4 * middle
    gradient = float(np.square(across).mean() + np.square(down).mean()) / 4
    return math.sqrt(float(np.square(laplacian).mean()) / gradient) if gradient > 0 else math.nan


def noise(y: np.ndarray) -> float:
    """Standard deviation of the noise in levels (Immerkaer 1996) where the picture is calm: by a mask that is blind to planes, on blocks of
    16 x 16 of which a tenth shows less. Texture would count as noise elsewhere."""
    h, w = y.shape
    if h < 3 or w < 3:
        return math.nan
    row = y[:, :-2] - 2 * y[:, 1:-1] + y[:, 2:]
    mask = np.abs(row[:-2] - 2 * row[1:-1] + row[2:])
    side = min(CALM, *mask.shape)
    high, wide = mask.shape[0] // side, mask.shape[1] // side
    blocks = mask[: high * side, : wide * side].reshape(high, side, wide, side).mean((1, 3), dtype=np.float64)
    return float(math.sqrt(math.pi / 2) * np.quantile(blocks, 0.1) / 6)


def colourfulness(pixels: np.ndarray) -> float:
    """Hasler and Suesstrunk (2003), their third metric: 0 none, about 60 quite, 110 extremely colourful."""
    r, g, b = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    rg, yb = r - g, (r + g) / 2 - b
    return float(math.hypot(rg.std(), yb.std()) + 0.3 * math.hypot(rg.mean(), yb.mean()))


def hue_and_saturation(pixels: np.ndarray) -> tuple[float, float]:
    """Mean hue in degrees, 0 red, 120 green, 240 blue: the angle of the mean chroma (NaN for grey); mean HSV saturation in [0, 1]."""
    high, low = pixels.max(-1), pixels.min(-1)
    saturation = float(np.divide(high - low, high, out=np.zeros_like(high), where=high > 0).mean())
    r, g, b = (float(pixels[..., i].mean()) for i in range(3))
    x, y = r - (g + b) / 2, math.sqrt(3) / 2 * (g - b)
    return (math.degrees(math.atan2(y, x)) % 360 if math.hypot(x, y) > 0.5 else math.nan), saturation


def greyscale(pixels: np.ndarray) -> float:
    """Share of the pixels without colour, in [0, 1]."""
    return float((pixels.max(-1) - pixels.min(-1) <= COLOURLESS).mean())


def blockiness(y: np.ndarray) -> float:
    """How much larger, in levels, steps across the borders of JPEG's blocks are than others (Wang, Bovik and Evans 2000, in space): 0 none.
    As a difference and not a ratio: in a smooth or dark picture faint borders would count for much.

    Args:
        y: luma whose first pixel is the first of a block.
    """
    excess = []
    for axis in (0, 1):
        step = np.abs(np.diff(y, axis=axis)).mean(1 - axis, dtype=np.float64)
        across = np.arange(len(step)) % BLOCK == BLOCK - 1
        if across.any() and not across.all():
            excess.append(step[across].mean() - step[~across].mean())
    return float(np.mean(excess)) if excess else math.nan


def inside(y: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the picture within its borders (letterbox, frame, padding).

    A border is uniform rows or columns of one brightness along an edge that end in a step: at least half of the next ones differ clearly.
    A bare sky or wall, which the picture enters little by little, is none, nor is a border that nothing tells from the picture.
    """
    flat = [y.std(1 - axis) <= UNIFORM for axis in (0, 1)]
    if any(f.all() for f in flat):
        return slice(0, 0), slice(0, 0)
    (top, bottom), (left, right) = ((_border(z, f), _border(z[::-1], f[::-1])) for z, f in zip((y, y.T), flat, strict=True))
    return slice(top, len(y) - bottom), slice(left, y.shape[1] - right)


def _border(lines: np.ndarray, flat: np.ndarray) -> int:
    """How many of the first lines are a border."""
    count = int(flat.argmin())
    if not count:
        return 0
    level = lines[:count].mean(1)
    next_ones = np.abs(lines[count : count + EDGE] - level.mean()) > STEP
    one = np.abs(level - level.mean()).max() <= UNIFORM
    return count if one and next_ones.mean(1).max() >= 0.5 else 0


def borders(y: np.ndarray) -> float:
    """Share of the picture that is borders, in [0, 1], by :func:`inside`; a picture of one colour is nothing else."""
    return 1.0 - y[inside(y)].size / y.size


def highlights(y: np.ndarray) -> float:
    """How bright the brightest hundredth is at least, in levels: the white point. Most photographs hold something light; one that was
    darkened as a whole does not."""
    return float(np.quantile(y, 0.99))


def vividness(pixels: np.ndarray) -> float:
    """Span of the channels (chroma), in levels, of the most colourful thousandth at least: most photographs hold something colourful."""
    return float(np.quantile(pixels.max(-1) - pixels.min(-1), 0.999))


def purity(pixels: np.ndarray) -> float:
    """How saturated the most saturated thousandth is at least, 0 to 1: span of the channels over the brightest, where that is not dark.

    In most photographs one channel is all but missing somewhere, in a shadow for instance; in one that was desaturated as a whole, nowhere.
    """
    brightest = pixels.max(-1)
    return float(np.quantile((brightest - pixels.min(-1)) / np.maximum(brightest, DARK), 0.999))


def tilt(y: np.ndarray) -> float:
    """By how many degrees, 0 to 45, a picture's lines lie off upright and level.

    The mean direction of its gradients, where directions a quarter turn apart are one (their fourth circular moment, Mardia and Jupp 2000),
    each weighing as much as it is steep. NaN for a picture of one colour.
    """
    if min(y.shape) < 3:
        return math.nan
    g = (y[1:-1, 2:] - y[1:-1, :-2]) + 1j * (y[2:, 1:-1] - y[:-2, 1:-1])
    steep = np.abs(g)
    total = complex((np.square(np.square(g)) / np.maximum(steep, 1e-6) ** 3).sum())
    return abs(math.degrees(math.atan2(total.imag, total.real))) / 4 if total else math.nan


def perceptual_hash(small: np.ndarray) -> int:
    """64 bits that near-duplicates share (pHash, Zauner 2010): signs, about their median, of the lowest frequencies of (32, 32) luma."""
    low = dctn(small, norm="ortho")[: HASH + 1, : HASH + 1].ravel()[1 : HASH * HASH + 1]
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")


def near_copies(hashes: np.ndarray, bits: int = 3) -> np.ndarray:
    """(n,) how many other hashes differ in at most ``bits`` (0 to 3) of their 64 bits; two such share one of four quarters.

    Args:
        hashes: (n,) uint64.
        bits: how many may differ.
    """
    unique, place, count = np.unique(hashes, return_inverse=True, return_counts=True)
    found = (count - 1).astype(np.int64)
    pairs = set()
    for part in range(4):
        quarter = (unique >> np.uint64(16 * part)) & np.uint64(0xFFFF)
        order = np.argsort(quarter, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(quarter[order])) + 1):
            for at, i in enumerate(rows[:-1].tolist()):
                others = rows[at + 1 :]
                near = others[np.bitwise_count(unique[others] ^ unique[i]) <= bits]
                pairs |= {(min(i, j), max(i, j)) for j in near.tolist()}
    for i, j in pairs:
        found[i] += count[j]
        found[j] += count[i]
    return np.asarray(found[place])
