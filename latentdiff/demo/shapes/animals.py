"""Animals. Each function draws one kind in the unit square, standing at y = 0.95."""

from __future__ import annotations

from ..brush import CREAM, INK, WOOD, Brush, Paint, blend

BEAK = (246, 158, 44)
WHITE = (250, 250, 250)


def _eye(b: Brush, x: float, y: float, r: float = 0.035) -> None:
    b.disc(x, y, r * 1.5, fill=WHITE)
    b.disc(x, y, r, fill=INK)


def cat(b: Brush, p: Paint) -> None:
    b.arc(0.76, 0.66, 0.17, 0.3, 250, 450, fill=p.main, width=0.085)
    b.disc(0.48, 0.74, 0.25, 0.22, fill=p.main)
    b.disc(0.48, 0.78, 0.13, 0.16, fill=p.light)
    b.poly((0.2, 0.4), (0.2, 0.06), (0.44, 0.22), fill=p.main)
    b.poly((0.76, 0.4), (0.76, 0.06), (0.52, 0.22), fill=p.main)
    b.poly((0.25, 0.3), (0.24, 0.14), (0.36, 0.22), fill=(250, 176, 186))
    b.poly((0.71, 0.3), (0.72, 0.14), (0.6, 0.22), fill=(250, 176, 186))
    b.disc(0.48, 0.38, 0.29, 0.22, fill=p.main)
    _eye(b, 0.37, 0.35)
    _eye(b, 0.59, 0.35)
    b.poly((0.44, 0.43), (0.52, 0.43), (0.48, 0.47), fill=(240, 120, 140))
    for y in (0.44, 0.5):
        b.line((0.1, y - 0.02), (0.32, y), fill=p.accent if p.accent != CREAM else WHITE, width=0.013)
        b.line((0.86, y - 0.02), (0.64, y), fill=p.accent if p.accent != CREAM else WHITE, width=0.013)
    b.disc(0.36, 0.93, 0.07, 0.035, fill=p.light)
    b.disc(0.6, 0.93, 0.07, 0.035, fill=p.light)


def dog(b: Brush, p: Paint) -> None:
    b.line((0.12, 0.5), (0.02, 0.32), fill=p.main, width=0.07)
    for x in (0.16, 0.28, 0.54, 0.65):
        b.line((x, 0.7), (x, 0.92), fill=p.dark if x in (0.28, 0.54) else p.main, width=0.09)
    b.box(0.08, 0.46, 0.72, 0.74, fill=p.main, radius=0.13)
    b.disc(0.3, 0.56, 0.12, 0.09, fill=p.light)
    b.disc(0.72, 0.34, 0.19, 0.19, fill=p.main)
    b.box(0.74, 0.33, 0.98, 0.49, fill=p.light, radius=0.07)
    b.disc(0.95, 0.36, 0.045, fill=INK)
    b.disc(0.6, 0.38, 0.085, 0.18, fill=p.dark)
    _eye(b, 0.77, 0.27, 0.03)
    b.poly((0.84, 0.48), (0.92, 0.48), (0.9, 0.58), (0.86, 0.58), fill=(240, 110, 130))
    b.line((0.58, 0.53), (0.74, 0.57), fill=(220, 60, 60) if p.main != (214, 54, 52) else INK, width=0.05)


def bird(b: Brush, p: Paint) -> None:
    b.poly((0.2, 0.55), (0.0, 0.44), (0.0, 0.68), fill=p.dark)
    b.disc(0.48, 0.57, 0.32, 0.17, fill=p.main)
    b.disc(0.5, 0.64, 0.22, 0.09, fill=p.light)
    b.disc(0.78, 0.47, 0.14, fill=p.main)
    b.poly((0.9, 0.43), (1.0, 0.49), (0.9, 0.53), fill=BEAK)
    b.poly((0.4, 0.52), (0.14, 0.06), (0.34, 0.1), (0.62, 0.5), fill=p.dark)
    b.poly((0.36, 0.55), (0.3, 0.95), (0.44, 0.9), (0.6, 0.56), fill=p.dark)
    _eye(b, 0.81, 0.44, 0.028)


def duck(b: Brush, p: Paint) -> None:
    b.poly((0.16, 0.66), (0.02, 0.46), (0.3, 0.58), fill=p.main)
    b.disc(0.46, 0.72, 0.36, 0.21, fill=p.main)
    b.box(0.58, 0.3, 0.76, 0.7, fill=p.main, radius=0.08)
    b.disc(0.69, 0.26, 0.19, 0.18, fill=p.main)
    b.disc(0.42, 0.7, 0.2, 0.11, fill=p.dark)
    b.poly((0.82, 0.24), (1.0, 0.28), (1.0, 0.34), (0.82, 0.36), fill=BEAK)
    b.box(0.56, 0.44, 0.77, 0.49, fill=WHITE)
    _eye(b, 0.73, 0.2, 0.032)
    b.disc(0.36, 0.94, 0.09, 0.025, fill=BEAK)
    b.disc(0.58, 0.94, 0.09, 0.025, fill=BEAK)


def penguin(b: Brush, p: Paint) -> None:
    b.disc(0.38, 0.93, 0.12, 0.04, fill=BEAK)
    b.disc(0.62, 0.93, 0.12, 0.04, fill=BEAK)
    b.leaf(0.28, 0.42, 0.44, 0.16, 112, fill=p.dark)
    b.leaf(0.72, 0.42, 0.44, 0.16, 68, fill=p.dark)
    b.disc(0.5, 0.6, 0.28, 0.33, fill=p.main)
    b.disc(0.5, 0.26, 0.22, 0.22, fill=p.main)
    b.disc(0.5, 0.66, 0.19, 0.26, fill=WHITE)
    b.disc(0.42, 0.28, 0.1, 0.11, fill=WHITE)
    b.disc(0.58, 0.28, 0.1, 0.11, fill=WHITE)
    b.disc(0.43, 0.26, 0.032, fill=INK)
    b.disc(0.57, 0.26, 0.032, fill=INK)
    b.poly((0.42, 0.32), (0.58, 0.32), (0.5, 0.43), fill=BEAK)


def butterfly(b: Brush, p: Paint) -> None:
    for side in (-1, 1):
        b.disc(0.5 + side * 0.25, 0.34, 0.23, 0.24, fill=p.main)
        b.disc(0.5 + side * 0.19, 0.7, 0.17, 0.2, fill=p.dark)
        b.disc(0.5 + side * 0.28, 0.32, 0.1, fill=p.accent)
        b.disc(0.5 + side * 0.2, 0.72, 0.065, fill=p.accent)
        b.line((0.5, 0.28), (0.5 + side * 0.12, 0.06), fill=INK, width=0.02)
        b.disc(0.5 + side * 0.12, 0.06, 0.025, fill=INK)
    b.disc(0.5, 0.54, 0.045, 0.3, fill=INK)


def turtle(b: Brush, p: Paint) -> None:
    skin = blend(p.light, (150, 190, 110), 0.6)
    b.poly((0.12, 0.78), (0.0, 0.88), (0.16, 0.88), fill=skin)
    b.box(0.2, 0.74, 0.34, 0.95, fill=skin, radius=0.05)
    b.box(0.56, 0.74, 0.7, 0.95, fill=skin, radius=0.05)
    b.box(0.7, 0.56, 0.84, 0.8, fill=skin, radius=0.06)
    b.disc(0.86, 0.54, 0.13, 0.12, fill=skin)
    b.pie(0.45, 0.8, 0.38, 0.5, 180, 360, fill=p.main)
    b.box(0.05, 0.76, 0.85, 0.83, fill=p.dark, radius=0.03)
    for x, y, r in ((0.45, 0.48, 0.08), (0.27, 0.64, 0.065), (0.63, 0.64, 0.065), (0.45, 0.67, 0.06)):
        b.disc(x, y, r, fill=p.dark)
    _eye(b, 0.89, 0.51, 0.026)


def fish(b: Brush, p: Paint) -> None:
    b.poly((0.26, 0.52), (0.02, 0.24), (0.08, 0.52), (0.02, 0.8), fill=p.dark)
    b.poly((0.36, 0.36), (0.52, 0.14), (0.68, 0.34), fill=p.dark)
    b.poly((0.42, 0.68), (0.44, 0.88), (0.6, 0.7), fill=p.dark)
    b.disc(0.56, 0.52, 0.38, 0.23, fill=p.main)
    b.arc(0.4, 0.52, 0.24, 0.24, 300, 420, fill=p.accent, width=0.07)
    b.arc(0.24, 0.52, 0.24, 0.2, 310, 410, fill=p.accent, width=0.06)
    _eye(b, 0.8, 0.45, 0.042)
    b.arc(0.92, 0.58, 0.08, 0.05, 90, 200, fill=INK, width=0.02)


def crab(b: Brush, p: Paint) -> None:
    for side in (-1, 1):
        for k, y in enumerate((0.68, 0.76, 0.82)):
            b.line(
                (0.5 + side * 0.2, y - 0.06),
                (0.5 + side * (0.4 - 0.02 * k), y),
                (0.5 + side * (0.44 - 0.04 * k), y + 0.11),
                fill=p.dark,
                width=0.04,
            )
        b.line((0.5 + side * 0.24, 0.58), (0.5 + side * 0.36, 0.4), fill=p.main, width=0.06)
        b.disc(0.5 + side * 0.37, 0.26, 0.13, 0.14, fill=p.main)
        b.poly((0.5 + side * 0.37, 0.28), (0.5 + side * 0.28, 0.08), (0.5 + side * 0.42, 0.08), fill=(0, 0, 0, 0))
        b.line((0.5 + side * 0.1, 0.52), (0.5 + side * 0.1, 0.4), fill=p.dark, width=0.03)
        _eye(b, 0.5 + side * 0.1, 0.38, 0.032)
    b.disc(0.5, 0.67, 0.3, 0.18, fill=p.main)
    b.disc(0.42, 0.6, 0.08, 0.035, fill=p.light)
    b.arc(0.5, 0.66, 0.12, 0.1, 30, 150, fill=INK, width=0.022)


def snail(b: Brush, p: Paint) -> None:
    body = blend(WOOD, CREAM, 0.55)
    b.box(0.04, 0.8, 0.92, 0.95, fill=body, radius=0.07)
    b.line((0.84, 0.88), (0.86, 0.5), fill=body, width=0.15)
    b.line((0.83, 0.48), (0.78, 0.26), fill=body, width=0.035)
    b.line((0.89, 0.48), (0.96, 0.26), fill=body, width=0.035)
    b.disc(0.78, 0.25, 0.035, fill=INK)
    b.disc(0.96, 0.25, 0.035, fill=INK)
    b.disc(0.42, 0.54, 0.35, fill=p.main)
    b.ring(0.45, 0.56, 0.24, fill=p.dark, width=0.055)
    b.ring(0.47, 0.58, 0.12, fill=p.dark, width=0.055)
