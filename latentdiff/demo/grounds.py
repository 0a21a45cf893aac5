"""How the ground of each setting is painted."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from .brush import INK, LEAF, RGB, WOOD, Brush, blend, gradient

Random = np.random.Generator
Span = tuple[float, float]


def _pick(rng: Random, *options: RGB) -> RGB:
    return options[int(rng.integers(len(options)))]


def _sky(px: int, rng: Random, *tops: RGB, low: RGB = (236, 246, 252)) -> Brush:
    """A sky with a few clouds and, half the time, a sun."""
    b = Brush(gradient(px, _pick(rng, *tops), low), blended=True)
    if rng.random() < 0.5:
        x, y = rng.uniform(0.1, 0.9), rng.uniform(0.08, 0.25)
        b.disc(x, y, 0.09, fill=(255, 240, 180, 90))
        b.disc(x, y, 0.06, fill=(255, 226, 110))
    for _ in range(int(rng.integers(0, 4))):
        x, y, s = rng.uniform(0.05, 0.95), rng.uniform(0.06, 0.3), rng.uniform(0.5, 1.1)
        for dx, dy, r in ((-0.07, 0.01, 0.035), (0.0, -0.015, 0.05), (0.07, 0.01, 0.04)):
            b.disc(x + dx * s, y + dy * s, r * 1.3 * s, r * s, fill=(255, 255, 255, 215))
    return b


def _hills(b: Brush, rng: Random, y: float, height: float, fill: RGB) -> None:
    """A rolling skyline that is filled down to the bottom edge."""
    phase, waves = rng.uniform(0, 6.3), rng.uniform(1.0, 2.2)
    line = [(x / 24, y - height * (0.5 + 0.5 * math.sin(phase + waves * 6.3 * x / 24))) for x in range(25)]
    b.poly(*line, (1, 1), (0, 1), fill=fill)


def _specks(b: Brush, rng: Random, n: int, low: float, high: float, size: Span, *fills: RGB) -> None:
    """Small flat clutter on the ground."""
    for _ in range(n):
        r = rng.uniform(*size)
        b.disc(rng.random(), rng.uniform(low, high), r, r * 0.6, fill=_pick(rng, *fills))


def _pine(b: Brush, x: float, y: float, h: float, fill: RGB) -> None:
    b.box(x - 0.03 * h, y - 0.2 * h, x + 0.03 * h, y, fill=blend(WOOD, INK, 0.4))
    for k in range(3):
        top, w = y - h + k * 0.24 * h, (0.16 + 0.07 * k) * h
        b.poly((x, top), (x + w, top + 0.4 * h), (x - w, top + 0.4 * h), fill=fill)


def beach(px: int, rng: Random) -> Image.Image:
    """Beach, px pixels square."""
    b = _sky(px, rng, (112, 196, 240), (134, 206, 250), (250, 190, 150))
    b.box(0, 0.4, 1, 1, fill=(44, 148, 196))
    b.box(0, 0.5, 1, 1, fill=(70, 178, 210))
    for _ in range(8):
        x, y = rng.random(), rng.uniform(0.42, 0.58)
        b.box(x, y, x + rng.uniform(0.05, 0.14), y + 0.007, fill=(255, 255, 255, 120))
    _hills(b, rng, 0.65, 0.05, (232, 246, 246))
    _hills(b, rng, 0.68, 0.05, (240, 218, 164))
    _specks(b, rng, 26, 0.7, 1, (0.003, 0.007), (214, 188, 130), (252, 238, 204))
    for _ in range(int(rng.integers(0, 4))):
        x, y = rng.random(), rng.uniform(0.75, 0.97)
        b.pie(x, y, 0.025, 0.025, 200, 340, fill=(250, 176, 160))
    return b.image


def snow(px: int, rng: Random) -> Image.Image:
    """Snow, px pixels square."""
    b = Brush(gradient(px, _pick(rng, (168, 196, 224), (188, 206, 228), (150, 180, 216)), (232, 240, 248)), blended=True)
    _hills(b, rng, 0.55, 0.16, (214, 228, 242))
    for _ in range(int(rng.integers(1, 6))):
        x, y, h = rng.random(), rng.uniform(0.55, 0.64), rng.uniform(0.16, 0.3)
        _pine(b, x, y, h, (84, 128, 124))
        b.poly((x, y - h), (x + 0.08 * h, y - 0.8 * h), (x - 0.08 * h, y - 0.8 * h), fill=(250, 252, 255))
    _hills(b, rng, 0.65, 0.06, (246, 250, 255))
    _hills(b, rng, 0.86, 0.08, (234, 241, 250))
    _specks(b, rng, 60, 0, 1, (0.005, 0.011), (255, 255, 255))
    return b.image


def night(px: int, rng: Random) -> Image.Image:
    """Night, px pixels square."""
    b = Brush(gradient(px, _pick(rng, (14, 18, 54), (22, 18, 60), (10, 26, 58)), (52, 56, 110)), blended=True)
    for _ in range(50):
        r = rng.uniform(0.002, 0.006)
        b.disc(rng.random(), rng.uniform(0, 0.55), r, fill=(255, 250, 214))
    x, y = rng.uniform(0.12, 0.88), rng.uniform(0.1, 0.24)
    b.disc(x, y, 0.12, fill=(255, 248, 200, 40))
    b.disc(x, y, 0.075, fill=(250, 240, 200))
    for dx, dy, r in ((-0.02, -0.02, 0.016), (0.025, 0.01, 0.02), (-0.01, 0.035, 0.012)):
        b.disc(x + dx, y + dy, r, fill=(226, 214, 170))
    _hills(b, rng, 0.6, 0.14, (36, 40, 84))
    _hills(b, rng, 0.68, 0.06, (30, 42, 66))
    for _ in range(int(rng.integers(6, 16))):
        b.disc(rng.random(), rng.uniform(0.56, 0.66), 0.006, fill=(255, 214, 110))
    _specks(b, rng, 20, 0.72, 1, (0.004, 0.01), (40, 54, 80), (24, 34, 56))
    return b.image


def street(px: int, rng: Random) -> Image.Image:
    """Street, px pixels square."""
    b = _sky(px, rng, (170, 206, 232), (186, 202, 216), (246, 200, 170))
    x = -0.05
    while x < 1:
        w, top = rng.uniform(0.14, 0.26), rng.uniform(0.12, 0.36)
        wall = _pick(rng, (200, 118, 92), (222, 186, 140), (150, 140, 150), (186, 150, 160), (128, 152, 170), (226, 206, 178))
        b.box(x, top, x + w, 0.64, fill=wall)
        b.box(x, top, x + w, top + 0.02, fill=blend(wall, INK, 0.35))
        for row in np.arange(top + 0.05, 0.58, 0.08):
            for column in np.arange(x + 0.025, x + w - 0.035, 0.055):
                lit = rng.random() < 0.25
                b.box(column, row, column + 0.03, row + 0.045, fill=(255, 232, 150) if lit else blend(wall, (70, 90, 120), 0.6))
        x += w + 0.005
    b.box(0, 0.62, 1, 0.7, fill=(196, 194, 192))
    b.box(0, 0.69, 1, 1, fill=(104, 106, 114))
    b.box(0, 0.69, 1, 0.7, fill=(150, 150, 154))
    start = rng.uniform(-0.15, 0)
    for k in range(6):
        b.box(start + k * 0.22, 0.84, start + k * 0.22 + 0.12, 0.86, fill=(240, 236, 220))
    return b.image


def forest(px: int, rng: Random) -> Image.Image:
    """Forest, px pixels square."""
    b = Brush(gradient(px, _pick(rng, (176, 214, 178), (196, 222, 170), (150, 200, 180)), (206, 228, 180)), blended=True)
    for depth in range(3):
        green = blend((112, 168, 118), (36, 92, 60), depth / 2)
        for _ in range(6):
            x = rng.random()
            if rng.random() < 0.5:
                _pine(b, x, 0.58 + depth * 0.05, rng.uniform(0.4, 0.6), green)
                continue
            b.box(x - 0.016, 0.3, x + 0.016, 0.58 + depth * 0.05, fill=blend(WOOD, INK, 0.25 + 0.15 * depth))
            for dx, dy in ((-0.06, 0.02), (0.06, 0.02), (0, -0.06)):
                b.disc(x + dx, 0.25 + dy + depth * 0.04, 0.09, fill=green)
        _hills(b, rng, 0.62 + depth * 0.05, 0.05, blend((104, 150, 84), (70, 112, 58), depth / 2))
    for _ in range(14):
        x, y = rng.random(), rng.uniform(0.74, 1)
        for degrees in (235, 270, 305):
            b.leaf(x, y, 0.045, 0.016, degrees, fill=(52, 96, 48))
    _specks(b, rng, 12, 0.72, 1, (0.006, 0.012), (146, 104, 60), (170, 126, 66))
    return b.image


def room(px: int, rng: Random) -> Image.Image:
    """Room, px pixels square."""
    wall = _pick(rng, (244, 224, 200), (214, 228, 226), (236, 214, 220), (226, 222, 240), (238, 232, 200))
    b = Brush(gradient(px, wall, blend(wall, (255, 255, 255), 0.3)), blended=True)
    stripe = blend(wall, (255, 255, 255), 0.45)
    for k in range(10):
        b.box(k / 10, 0, k / 10 + 0.04, 0.62, fill=stripe)
    x = rng.uniform(0.06, 0.62)
    b.box(x, 0.1, x + 0.3, 0.44, fill=(255, 255, 255))
    b.box(x + 0.02, 0.12, x + 0.28, 0.42, fill=_pick(rng, (150, 206, 240), (176, 216, 232), (250, 208, 160)))
    b.box(x + 0.142, 0.12, x + 0.158, 0.42, fill=(255, 255, 255))
    b.box(x + 0.02, 0.26, x + 0.28, 0.275, fill=(255, 255, 255))
    curtain = _pick(rng, (196, 92, 84), (90, 130, 160), (150, 120, 170), (110, 150, 110))
    b.poly((x - 0.05, 0.08), (x + 0.06, 0.08), (x + 0.0, 0.48), (x - 0.06, 0.48), fill=curtain)
    b.poly((x + 0.24, 0.08), (x + 0.35, 0.08), (x + 0.36, 0.48), (x + 0.3, 0.48), fill=curtain)
    b.box(x - 0.08, 0.065, x + 0.38, 0.085, fill=WOOD)
    other = (x + 0.6) % 1
    b.box(other - 0.07, 0.18, other + 0.07, 0.34, fill=blend(WOOD, INK, 0.3))
    b.box(other - 0.055, 0.195, other + 0.055, 0.325, fill=_pick(rng, (240, 220, 180), (180, 210, 200), (230, 180, 170)))
    b.box(0, 0.6, 1, 0.635, fill=(252, 250, 246))
    floor = _pick(rng, (190, 138, 90), (170, 120, 80), (204, 160, 112))
    b.box(0, 0.635, 1, 1, fill=floor)
    for y in (0.7, 0.78, 0.87):
        b.box(0, y, 1, y + 0.006, fill=blend(floor, INK, 0.25))
    if rng.random() < 0.6:
        b.disc(0.5, 0.84, 0.42, 0.1, fill=blend(curtain, (255, 255, 255), 0.4))
        b.disc(0.5, 0.84, 0.34, 0.075, fill=blend(curtain, (255, 255, 255), 0.65))
    return b.image


def desert(px: int, rng: Random) -> Image.Image:
    """Desert, px pixels square."""
    b = Brush(gradient(px, _pick(rng, (246, 170, 104), (250, 196, 120), (124, 190, 226)), (255, 232, 180)), blended=True)
    b.disc(rng.uniform(0.15, 0.85), rng.uniform(0.12, 0.3), 0.08, fill=(255, 246, 210))
    x, w = rng.uniform(0.1, 0.9), rng.uniform(0.16, 0.3)
    b.poly((x - w, 0.62), (x - w * 0.7, 0.4), (x + w * 0.7, 0.4), (x + w, 0.62), fill=(198, 104, 72))
    b.poly((x - w * 0.86, 0.52), (x + w * 0.86, 0.52), (x + w, 0.62), (x - w, 0.62), fill=(178, 88, 62))
    _hills(b, rng, 0.6, 0.1, (232, 168, 96))
    _hills(b, rng, 0.72, 0.1, (238, 186, 112))
    _hills(b, rng, 0.9, 0.1, (226, 166, 92))
    _specks(b, rng, 16, 0.68, 1, (0.006, 0.016), (190, 126, 72), (168, 108, 64))
    for _ in range(int(rng.integers(0, 3))):
        x, y = rng.random(), rng.uniform(0.7, 0.95)
        b.line((x, y), (x + 0.08, y), fill=(246, 240, 220), width=0.014)
    return b.image


def field(px: int, rng: Random) -> Image.Image:
    """Field, px pixels square."""
    b = _sky(px, rng, (120, 194, 244), (150, 210, 246), (250, 206, 160))
    _hills(b, rng, 0.58, 0.12, (156, 204, 112))
    if rng.random() < 0.4:
        x = rng.uniform(0.1, 0.9)
        b.box(x - 0.05, 0.46, x + 0.05, 0.55, fill=(200, 72, 60))
        b.poly((x - 0.065, 0.47), (x, 0.4), (x + 0.065, 0.47), fill=(120, 60, 54))
    for k in range(4):
        _hills(b, rng, 0.62 + k * 0.11, 0.05, ((128, 190, 82), (140, 200, 92), (118, 182, 76), (132, 194, 88))[k])
    for _ in range(30):
        x, y = rng.random(), rng.uniform(0.64, 1)
        b.leaf(x, y, 0.03, 0.01, rng.uniform(250, 290), fill=LEAF)
    _specks(b, rng, 24, 0.66, 1, (0.005, 0.009), (255, 255, 255), (250, 220, 90), (240, 150, 170))
    return b.image


def mountain(px: int, rng: Random) -> Image.Image:
    """Mountain, px pixels square."""
    b = _sky(px, rng, (120, 170, 220), (150, 190, 230), (240, 180, 170), low=(222, 232, 244))
    for k in range(5):
        x, top, w = rng.uniform(0, 1), rng.uniform(0.1, 0.3) + (0.06 if k > 2 else 0), rng.uniform(0.26, 0.4)
        rock = _pick(rng, (112, 120, 148), (128, 132, 156), (98, 108, 138))
        b.poly((x - w, 0.68), (x, top), (x + w, 0.68), fill=rock)
        b.poly((x, top), (x + w, 0.68), (x + w * 0.25, 0.68), fill=blend(rock, INK, 0.25))
        s = 0.27
        cap = [(x - w * s, top + (0.68 - top) * s), (x - w * 0.1, top + 0.08), (x, top + 0.13), (x + w * 0.12, top + 0.08)]
        b.poly((x, top), *cap, (x + w * s, top + (0.68 - top) * s), fill=(250, 252, 255))
    _hills(b, rng, 0.66, 0.06, (122, 142, 116))
    _hills(b, rng, 0.8, 0.08, (136, 152, 120))
    for _ in range(int(rng.integers(5, 12))):
        x, y, r = rng.random(), rng.uniform(0.68, 0.98), rng.uniform(0.012, 0.03)
        b.poly((x - r, y), (x - r * 0.5, y - r), (x + r * 0.6, y - r * 0.8), (x + r, y), fill=(150, 150, 158))
    return b.image


def underwater(px: int, rng: Random) -> Image.Image:
    """Underwater, px pixels square."""
    b = Brush(gradient(px, _pick(rng, (72, 190, 220), (60, 170, 214), (84, 200, 206)), (14, 72, 130)), blended=True)
    for _ in range(3):
        x = rng.uniform(0, 0.9)
        b.poly((x, 0), (x + 0.1, 0), (x + 0.26, 0.85), (x + 0.02, 0.85), fill=(255, 255, 255, 22))
    _hills(b, rng, 0.88, 0.06, (196, 184, 140))
    for _ in range(int(rng.integers(4, 9))):
        x, h = rng.random(), rng.uniform(0.12, 0.3)
        sway = rng.uniform(-0.03, 0.03)
        stem = [(x + sway * math.sin(t * 1.1), 0.95 - h * t / 6) for t in range(7)]
        b.line(*stem, fill=_pick(rng, (40, 130, 96), (60, 150, 90), (226, 110, 120)), width=0.022)
    for _ in range(14):
        x, y, r = rng.random(), rng.uniform(0.02, 0.85), rng.uniform(0.008, 0.02)
        b.disc(x, y, r, fill=(255, 255, 255, 70))
        b.disc(x - r * 0.3, y - r * 0.3, r * 0.3, fill=(255, 255, 255, 190))
    return b.image
