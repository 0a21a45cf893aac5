"""Things that travel, fly or are played with outdoors. Each function draws one kind in the unit square, standing at y = 0.95."""

from __future__ import annotations

import math

from ..brush import CREAM, GLASS, INK, METAL, WOOD, Brush, Paint, blend


def _wheel(b: Brush, x: float, y: float, r: float) -> None:
    b.disc(x, y, r, fill=INK)
    b.disc(x, y, r * 0.5, fill=METAL)


def boat(b: Brush, p: Paint) -> None:
    b.line((0.5, 0.08), (0.5, 0.72), fill=WOOD, width=0.035)
    b.poly((0.54, 0.12), (0.54, 0.64), (0.88, 0.64), fill=CREAM)
    b.poly((0.46, 0.2), (0.46, 0.64), (0.16, 0.64), fill=blend(CREAM, p.main, 0.35))
    b.poly((0.06, 0.7), (0.94, 0.7), (0.78, 0.95), (0.24, 0.95), fill=p.main)
    b.poly((0.06, 0.7), (0.94, 0.7), (0.91, 0.76), (0.1, 0.76), fill=p.dark)
    b.disc(0.5, 0.1, 0.025, fill=p.main)


def car(b: Brush, p: Paint) -> None:
    b.poly((0.22, 0.6), (0.34, 0.4), (0.68, 0.4), (0.82, 0.6), fill=p.main)
    b.poly((0.29, 0.6), (0.37, 0.45), (0.49, 0.45), (0.49, 0.6), fill=GLASS)
    b.poly((0.53, 0.6), (0.53, 0.45), (0.65, 0.45), (0.74, 0.6), fill=GLASS)
    b.box(0.04, 0.58, 0.96, 0.84, fill=p.main, radius=0.1)
    b.box(0.04, 0.74, 0.96, 0.82, fill=p.dark, radius=0.03)
    b.disc(0.91, 0.67, 0.035, fill=(255, 236, 150))
    b.disc(0.08, 0.67, 0.03, fill=(235, 80, 60))
    _wheel(b, 0.26, 0.83, 0.12)
    _wheel(b, 0.74, 0.83, 0.12)


def bus(b: Brush, p: Paint) -> None:
    b.box(0.02, 0.22, 0.98, 0.85, fill=p.main, radius=0.08)
    for i in range(4):
        b.box(0.08 + i * 0.18, 0.3, 0.22 + i * 0.18, 0.5, fill=GLASS, radius=0.02)
    b.box(0.81, 0.3, 0.93, 0.78, fill=GLASS, radius=0.02)
    b.line((0.87, 0.32), (0.87, 0.76), fill=p.dark, width=0.02)
    b.box(0.02, 0.58, 0.78, 0.65, fill=p.accent)
    _wheel(b, 0.24, 0.84, 0.11)
    _wheel(b, 0.68, 0.84, 0.11)


def bicycle(b: Brush, p: Paint) -> None:
    for x in (0.24, 0.76):
        b.ring(x, 0.72, 0.23, fill=INK, width=0.045)
        for k in range(4):
            c, s = math.cos(k * math.pi / 4) * 0.2, math.sin(k * math.pi / 4) * 0.2
            b.line((x - c, 0.72 - s), (x + c, 0.72 + s), fill=METAL, width=0.012)
    frame = ((0.24, 0.72), (0.38, 0.42), (0.67, 0.42), (0.5, 0.72), (0.24, 0.72))
    b.line(*frame, fill=p.main, width=0.055)
    b.line((0.35, 0.36), (0.5, 0.72), fill=p.main, width=0.055)
    b.line((0.64, 0.28), (0.76, 0.72), fill=p.main, width=0.055)
    b.line((0.64, 0.28), (0.76, 0.25), fill=INK, width=0.045)
    b.box(0.26, 0.32, 0.44, 0.38, fill=INK, radius=0.03)
    b.disc(0.5, 0.72, 0.05, fill=METAL)


def train(b: Brush, p: Paint) -> None:
    b.box(0.2, 0.14, 0.32, 0.4, fill=INK)
    b.poly((0.15, 0.1), (0.37, 0.1), (0.32, 0.2), (0.2, 0.2), fill=INK)
    b.box(0.08, 0.36, 0.64, 0.74, fill=p.main, radius=0.1)
    b.box(0.36, 0.36, 0.42, 0.74, fill=p.accent)
    b.box(0.58, 0.12, 0.94, 0.76, fill=p.dark)
    b.box(0.54, 0.08, 0.98, 0.16, fill=p.main, radius=0.03)
    b.box(0.65, 0.24, 0.87, 0.44, fill=GLASS, radius=0.03)
    b.box(0.06, 0.72, 0.96, 0.8, fill=INK)
    b.poly((0.08, 0.78), (0.0, 0.95), (0.16, 0.95), (0.16, 0.78), fill=METAL)
    for x, r in ((0.26, 0.09), (0.48, 0.09), (0.78, 0.13)):
        b.disc(x, 0.95 - r, r, fill=(196, 60, 52))
        b.ring(x, 0.95 - r, r, fill=INK, width=0.03)


def airplane(b: Brush, p: Paint) -> None:
    b.poly((0.1, 0.48), (0.02, 0.18), (0.14, 0.18), (0.3, 0.48), fill=p.dark)
    b.disc(0.5, 0.52, 0.46, 0.13, fill=p.main)
    b.poly((0.42, 0.42), (0.34, 0.2), (0.44, 0.2), (0.6, 0.42), fill=p.dark)
    b.poly((0.38, 0.54), (0.24, 0.88), (0.38, 0.88), (0.64, 0.54), fill=p.light)
    b.pie(0.84, 0.5, 0.08, 0.08, 180, 360, fill=GLASS)
    for i in range(5):
        b.disc(0.36 + i * 0.09, 0.49, 0.026, fill=GLASS)


def balloon(b: Brush, p: Paint) -> None:
    b.line((0.32, 0.56), (0.42, 0.82), fill=WOOD, width=0.02)
    b.line((0.68, 0.56), (0.58, 0.82), fill=WOOD, width=0.02)
    b.disc(0.5, 0.36, 0.34, 0.33, fill=p.main)
    b.poly((0.2, 0.5), (0.8, 0.5), (0.6, 0.74), (0.4, 0.74), fill=p.main)
    b.disc(0.5, 0.36, 0.2, 0.33, fill=p.accent)
    b.poly((0.32, 0.5), (0.68, 0.5), (0.55, 0.74), (0.45, 0.74), fill=p.accent)
    b.disc(0.5, 0.36, 0.08, 0.33, fill=p.main)
    b.poly((0.43, 0.5), (0.57, 0.5), (0.52, 0.74), (0.48, 0.74), fill=p.main)
    b.box(0.39, 0.8, 0.61, 0.95, fill=WOOD, radius=0.03)
    b.box(0.38, 0.8, 0.62, 0.84, fill=blend(WOOD, INK, 0.3), radius=0.01)


def kite(b: Brush, p: Paint) -> None:
    tail = tuple((0.42 - 0.34 * t / 10 + 0.05 * math.sin(t), 0.62 + 0.32 * t / 10) for t in range(11))
    b.line(*tail, fill=INK, width=0.018)
    for t in (3, 6, 9):
        x, y = tail[t]
        b.poly((x, y), (x - 0.07, y - 0.05), (x - 0.07, y + 0.05), fill=p.dark)
        b.poly((x, y), (x + 0.07, y - 0.05), (x + 0.07, y + 0.05), fill=p.dark)
    top, right, low, left, mid = (0.72, 0.04), (0.94, 0.42), (0.42, 0.64), (0.38, 0.16), (0.6, 0.32)
    b.poly(top, right, mid, fill=p.main)
    b.poly(right, low, mid, fill=p.accent)
    b.poly(low, left, mid, fill=p.main)
    b.poly(left, top, mid, fill=p.light)


def umbrella(b: Brush, p: Paint) -> None:
    b.line((0.5, 0.1), (0.5, 0.94), fill=WOOD, width=0.045)
    b.pie(0.5, 0.48, 0.46, 0.4, 180, 360, fill=p.main)
    b.pie(0.5, 0.48, 0.28, 0.4, 180, 360, fill=p.accent)
    b.pie(0.5, 0.48, 0.12, 0.4, 180, 360, fill=p.main)
    b.disc(0.5, 0.07, 0.025, fill=p.dark)


def ball(b: Brush, p: Paint) -> None:
    b.disc(0.5, 0.53, 0.42, fill=p.main)
    for k in range(3):
        b.pie(0.5, 0.53, 0.42, 0.42, k * 120 + 15, k * 120 + 75, fill=p.accent)
    b.disc(0.5, 0.53, 0.09, fill=p.light)
    b.arc(0.5, 0.53, 0.36, 0.36, 200, 250, fill=(255, 255, 255), width=0.035)


def tent(b: Brush, p: Paint) -> None:
    b.line((0.5, 0.14), (0.56, 0.06), fill=WOOD, width=0.03)
    b.line((0.5, 0.14), (0.44, 0.06), fill=WOOD, width=0.03)
    b.poly((0.5, 0.12), (0.98, 0.95), (0.02, 0.95), fill=p.main)
    b.poly((0.5, 0.12), (0.98, 0.95), (0.82, 0.95), fill=p.dark)
    b.poly((0.5, 0.38), (0.7, 0.95), (0.3, 0.95), fill=INK)
    b.poly((0.5, 0.38), (0.38, 0.95), (0.24, 0.95), fill=p.light)


def sled(b: Brush, p: Paint) -> None:
    b.line((0.06, 0.9), (0.78, 0.9), (0.9, 0.84), (0.96, 0.72), (0.92, 0.62), (0.84, 0.62), fill=INK, width=0.05)
    for x in (0.2, 0.45, 0.7):
        b.line((x, 0.68), (x, 0.9), fill=WOOD, width=0.05)
    b.box(0.04, 0.56, 0.82, 0.7, fill=p.main, radius=0.04)
    b.box(0.04, 0.61, 0.82, 0.65, fill=p.light)
    b.line((0.86, 0.62), (0.74, 0.36), (0.5, 0.3), fill=blend(WOOD, CREAM, 0.3), width=0.022)
