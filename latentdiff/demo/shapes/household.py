"""Things of house, garden and camp. Each function draws one kind in the unit square, standing at y = 0.95."""

from __future__ import annotations

import math

from ..brush import CREAM, INK, LEAF, METAL, WOOD, Brush, Paint, blend

WHITE = (250, 250, 250)


def bench(b: Brush, p: Paint) -> None:
    for x in (0.12, 0.88):
        b.line((x, 0.3), (x, 0.93), fill=INK, width=0.05)
    for y in (0.32, 0.45):
        b.box(0.02, y, 0.98, y + 0.09, fill=p.main, radius=0.02)
    b.box(0.0, 0.62, 1.0, 0.72, fill=p.dark, radius=0.02)
    b.box(0.0, 0.62, 1.0, 0.66, fill=p.light, radius=0.02)


def chair(b: Brush, p: Paint) -> None:
    for x in (0.26, 0.74):
        b.line((x, 0.64), (x, 0.92), fill=WOOD, width=0.06)
    b.line((0.36, 0.64), (0.38, 0.86), fill=blend(WOOD, INK, 0.4), width=0.045)
    b.line((0.64, 0.64), (0.62, 0.86), fill=blend(WOOD, INK, 0.4), width=0.045)
    b.box(0.24, 0.05, 0.76, 0.58, fill=p.main, radius=0.14)
    b.box(0.32, 0.13, 0.68, 0.5, fill=p.light, radius=0.1)
    b.box(0.18, 0.54, 0.82, 0.7, fill=p.dark, radius=0.06)


def lamp(b: Brush, p: Paint) -> None:
    b.disc(0.5, 0.38, 0.16, 0.06, fill=(255, 238, 150))
    b.line((0.5, 0.36), (0.5, 0.9), fill=METAL, width=0.045)
    b.box(0.32, 0.88, 0.68, 0.95, fill=INK, radius=0.03)
    b.poly((0.36, 0.04), (0.64, 0.04), (0.8, 0.4), (0.2, 0.4), fill=p.main)
    b.poly((0.36, 0.04), (0.46, 0.04), (0.38, 0.4), (0.2, 0.4), fill=p.light)
    b.box(0.19, 0.37, 0.81, 0.42, fill=p.dark, radius=0.02)


def clock(b: Brush, p: Paint) -> None:
    for side in (-1, 1):
        b.disc(0.5 + side * 0.26, 0.17, 0.13, fill=p.dark)
        b.line((0.5 + side * 0.22, 0.84), (0.5 + side * 0.3, 0.93), fill=INK, width=0.06)
    b.line((0.5, 0.05), (0.5, 0.2), fill=INK, width=0.06)
    b.disc(0.5, 0.54, 0.38, fill=p.main)
    b.disc(0.5, 0.54, 0.29, fill=WHITE)
    for k in range(12):
        c, s = math.cos(k * math.pi / 6), math.sin(k * math.pi / 6)
        b.disc(0.5 + c * 0.24, 0.54 + s * 0.24, 0.018, fill=INK)
    b.line((0.5, 0.54), (0.5, 0.34), fill=INK, width=0.035)
    b.line((0.5, 0.54), (0.64, 0.6), fill=INK, width=0.035)


def cup(b: Brush, p: Paint) -> None:
    for x in (0.32, 0.5):
        b.line((x, 0.3), (x + 0.05, 0.2), (x - 0.01, 0.12), (x + 0.04, 0.03), fill=(225, 228, 236), width=0.03)
    b.arc(0.72, 0.6, 0.22, 0.18, 260, 460, fill=p.dark, width=0.07)
    b.box(0.14, 0.38, 0.74, 0.93, fill=p.main, radius=0.1)
    b.box(0.14, 0.38, 0.74, 0.56, fill=p.main)
    b.disc(0.44, 0.38, 0.3, 0.06, fill=p.dark)
    b.disc(0.44, 0.385, 0.25, 0.04, fill=(92, 56, 36))
    b.box(0.14, 0.64, 0.74, 0.74, fill=p.accent)


def book(b: Brush, p: Paint) -> None:
    b.poly((0.0, 0.36), (0.5, 0.46), (0.5, 0.94), (0.0, 0.84), fill=p.main)
    b.poly((1.0, 0.36), (0.5, 0.46), (0.5, 0.94), (1.0, 0.84), fill=p.dark)
    b.poly((0.05, 0.28), (0.28, 0.26), (0.5, 0.36), (0.5, 0.86), (0.28, 0.76), (0.05, 0.78), fill=WHITE)
    b.poly((0.95, 0.28), (0.72, 0.26), (0.5, 0.36), (0.5, 0.86), (0.72, 0.76), (0.95, 0.78), fill=CREAM)
    for k in range(4):
        y = 0.38 + k * 0.1
        b.line((0.11, y), (0.27, y - 0.01), (0.43, y + 0.05), fill=METAL, width=0.022)
        b.line((0.89, y), (0.73, y - 0.01), (0.57, y + 0.05), fill=METAL, width=0.022)


def guitar(b: Brush, p: Paint) -> None:
    b.disc(0.36, 0.72, 0.26, 0.23, fill=p.main)
    b.disc(0.5, 0.5, 0.19, 0.18, fill=p.main)
    b.disc(0.36, 0.72, 0.19, 0.165, fill=p.light)
    b.disc(0.5, 0.5, 0.13, 0.12, fill=p.light)
    b.line((0.44, 0.6), (0.84, 0.14), fill=WOOD, width=0.075)
    b.disc(0.44, 0.6, 0.085, fill=INK)
    b.line((0.8, 0.18), (0.92, 0.05), fill=INK, width=0.12)
    b.line((0.3, 0.78), (0.42, 0.87), fill=INK, width=0.04)
    b.line((0.34, 0.8), (0.9, 0.08), fill=CREAM, width=0.014)


def television(b: Brush, p: Paint) -> None:
    b.line((0.5, 0.24), (0.28, 0.04), fill=INK, width=0.03)
    b.line((0.5, 0.24), (0.74, 0.04), fill=INK, width=0.03)
    for x in (0.22, 0.78):
        b.line((x, 0.84), (x, 0.93), fill=WOOD, width=0.07)
    b.box(0.03, 0.22, 0.97, 0.88, fill=p.main, radius=0.08)
    b.box(0.1, 0.3, 0.72, 0.8, fill=INK, radius=0.07)
    b.box(0.14, 0.34, 0.68, 0.76, fill=(120, 190, 220), radius=0.05)
    b.poly((0.2, 0.7), (0.4, 0.38), (0.5, 0.38), (0.3, 0.7), fill=(190, 228, 242))
    b.disc(0.84, 0.42, 0.055, fill=p.accent)
    b.disc(0.84, 0.6, 0.055, fill=p.accent)


def backpack(b: Brush, p: Paint) -> None:
    b.arc(0.5, 0.13, 0.13, 0.1, 180, 360, fill=INK, width=0.05)
    b.box(0.06, 0.42, 0.2, 0.84, fill=p.dark, radius=0.06)
    b.box(0.8, 0.42, 0.94, 0.84, fill=p.dark, radius=0.06)
    b.box(0.15, 0.1, 0.85, 0.95, fill=p.main, radius=0.22)
    b.box(0.26, 0.55, 0.74, 0.88, fill=p.dark, radius=0.07)
    b.line((0.28, 0.65), (0.72, 0.65), fill=p.accent, width=0.03)
    b.line((0.22, 0.4), (0.78, 0.4), fill=p.accent, width=0.03)
    for x in (0.34, 0.66):
        b.box(x - 0.04, 0.36, x + 0.04, 0.5, fill=WOOD, radius=0.01)


def cake(b: Brush, p: Paint) -> None:
    for x in (0.3, 0.5, 0.7):
        b.line((x, 0.16), (x, 0.38), fill=(120, 190, 230), width=0.045)
        b.leaf(x, 0.15, 0.13, 0.08, 270, fill=(255, 190, 60))
    b.disc(0.5, 0.9, 0.5, 0.05, fill=METAL)
    b.box(0.1, 0.38, 0.9, 0.9, fill=p.main, radius=0.05)
    b.box(0.1, 0.64, 0.9, 0.71, fill=CREAM)
    b.box(0.1, 0.36, 0.9, 0.48, fill=p.accent, radius=0.05)
    for k in range(5):
        b.disc(0.18 + k * 0.16, 0.48, 0.07, 0.075, fill=p.accent)


def cactus(b: Brush, p: Paint) -> None:
    for points in (((0.5, 0.62), (0.2, 0.62), (0.2, 0.36)), ((0.5, 0.52), (0.8, 0.52), (0.8, 0.24))):
        b.line(*points, fill=p.main, width=0.15)
    b.box(0.36, 0.04, 0.64, 0.95, fill=p.main, radius=0.14)
    for x in (0.45, 0.55):
        b.line((x, 0.16), (x, 0.9), fill=p.dark, width=0.022)
    b.disc(0.5, 0.06, 0.06, fill=(250, 120, 160))
    b.disc(0.8, 0.18, 0.045, fill=(250, 120, 160))


def mushroom(b: Brush, p: Paint) -> None:
    b.box(0.36, 0.44, 0.64, 0.95, fill=CREAM, radius=0.1)
    b.box(0.54, 0.5, 0.64, 0.9, fill=blend(CREAM, WOOD, 0.35), radius=0.05)
    b.pie(0.5, 0.56, 0.47, 0.5, 180, 360, fill=p.main)
    b.box(0.03, 0.52, 0.97, 0.6, fill=p.dark, radius=0.04)
    for x, y, r in ((0.5, 0.22, 0.085), (0.26, 0.38, 0.075), (0.74, 0.38, 0.075), (0.5, 0.44, 0.06)):
        b.disc(x, y, r, fill=p.accent)


def flower(b: Brush, p: Paint) -> None:
    b.line((0.5, 0.4), (0.5, 0.94), fill=LEAF, width=0.05)
    b.leaf(0.5, 0.86, 0.36, 0.16, 205, fill=LEAF)
    b.leaf(0.5, 0.76, 0.36, 0.16, 330, fill=blend(LEAF, INK, 0.15))
    for k in range(6):
        c, s = math.cos(k * math.pi / 3), math.sin(k * math.pi / 3)
        b.disc(0.5 + c * 0.2, 0.3 + s * 0.19, 0.125, fill=p.main if k % 2 else p.light)
    b.disc(0.5, 0.3, 0.12, fill=(250, 200, 60) if p.main != (250, 209, 56) else (150, 90, 40))


def snowman(b: Brush, p: Paint) -> None:
    b.line((0.3, 0.5), (0.06, 0.36), fill=WOOD, width=0.035)
    b.line((0.7, 0.5), (0.94, 0.36), fill=WOOD, width=0.035)
    b.disc(0.5, 0.76, 0.29, 0.2, fill=p.main)
    b.disc(0.5, 0.5, 0.22, 0.18, fill=p.main)
    b.disc(0.5, 0.29, 0.17, 0.15, fill=p.main)
    b.box(0.3, 0.13, 0.7, 0.19, fill=INK, radius=0.02)
    b.box(0.37, 0.0, 0.63, 0.16, fill=INK)
    b.box(0.34, 0.38, 0.66, 0.44, fill=(214, 54, 52), radius=0.03)
    b.box(0.56, 0.4, 0.64, 0.58, fill=(214, 54, 52), radius=0.02)
    b.disc(0.44, 0.26, 0.024, fill=INK)
    b.disc(0.56, 0.26, 0.024, fill=INK)
    b.poly((0.49, 0.29), (0.49, 0.34), (0.68, 0.33), fill=(246, 138, 40))
    for y in (0.5, 0.58, 0.74):
        b.disc(0.47, y, 0.022, fill=INK)


def vase(b: Brush, p: Paint) -> None:
    for x, y, d in ((0.36, 0.14, 250), (0.64, 0.14, 290), (0.5, 0.06, 270)):
        b.line((0.5, 0.46), (x, y + 0.04), fill=LEAF, width=0.03)
        b.leaf(x, y + 0.1, 0.14, 0.12, d, fill=LEAF)
    b.box(0.4, 0.34, 0.6, 0.6, fill=p.main)
    b.box(0.34, 0.3, 0.66, 0.37, fill=p.dark, radius=0.03)
    b.disc(0.5, 0.68, 0.28, 0.24, fill=p.main)
    b.box(0.36, 0.86, 0.64, 0.95, fill=p.dark, radius=0.02)
    b.box(0.24, 0.62, 0.76, 0.68, fill=p.accent)
    b.disc(0.4, 0.6, 0.05, 0.1, fill=p.light)
