"""Two plots as SVG text: the log density ratios of both sides, and all concepts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..results.comparison import Comparison
from ..results.levels import shown_q_values
from .text import escape, isolated, p_text, unmarked

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 18, 44
BINS = 40
POINTS = 3000
"""Concepts drawn; of the untested rest, which lie on each other, every n-th."""
FLOOR = 1e-20
"""q-values below this are drawn at it: the axis would else be one point's."""
NAMED = 3
"""Concepts per side that get their name in the volcano plot."""


def histogram_svg(comparison: Comparison, names: Mapping[str, str]) -> str:
    """Out-of-fold log density ratios of both sides, as shares of each side (0 = no more typical of one than of the other).

    Args:
        comparison: the result.
        names: what people call "A" and "B".

    Returns:
        One ``<svg>`` element; colours by the classes ``a`` and ``b``.
    """
    sides = {"a": comparison.log_ratio_a, "b": comparison.log_ratio_b}
    finite = {side: np.asarray(x, np.float64)[np.isfinite(x)] for side, x in sides.items()}
    every = np.concatenate(list(finite.values()))
    if not len(every):
        return _frame("Scores of all images, by side", "", "", "No image has a score.")
    low, high = np.quantile(every, [0.001, 0.999])
    low, high = min(low, -0.1), max(high, 0.1)
    edges = np.linspace(low, high, BINS + 1)
    shares = {s: np.histogram(np.clip(x, low, high), edges)[0] / max(len(x), 1) for s, x in finite.items()}
    top = max(float(max(s.max() for s in shares.values())), 1e-9)

    def x(value: float) -> float:
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(share: float) -> float:
        return HEIGHT - BOTTOM - share / top * (HEIGHT - TOP - BOTTOM)

    body = [_tick_y(y(v), f"{100 * v:.3g}%") for v in _ticks(0.0, top, 4)]  # below all else
    body.append(_vertical(x(0.0), "middle"))
    for side, share in shares.items():
        steps = [f"M{x(low):.1f} {y(0):.1f}"]
        for i, s in enumerate(share):
            steps.append(f"L{x(edges[i]):.1f} {y(s):.1f}L{x(edges[i + 1]):.1f} {y(s):.1f}")
        steps.append(f"L{x(high):.1f} {y(0):.1f}Z")
        body.append(f'<path class="area {side}" d="{"".join(steps)}"><title>{escape(names[side.upper()])}</title></path>')
    body += [_tick_x(x(v), f"{v:g}") for v in _ticks(low, high)]
    axis = f"← typical of {names['B']}    score    typical of {names['A']} →"
    return _frame("Scores of all images, by side", "".join(body), axis, "")


def volcano_svg(comparison: Comparison, names: Mapping[str, str]) -> str:
    """All tested concepts: difference of rates (A minus B, in points) against -log10 of q. Arguments as :func:`histogram_svg`."""
    table = comparison.concepts
    if not len(table.concept):
        return _frame("All concepts", "", "", "No concept fires in enough images to be tested.")
    difference = 100 * (np.asarray(table.rate_a, np.float64) - np.asarray(table.rate_b, np.float64))
    q = shown_q_values(comparison)
    strength = -np.log10(np.clip(np.nan_to_num(q, nan=1.0), FLOOR, 1.0))
    passed = q <= comparison.config.alpha
    span = max(float(np.abs(difference).max()) * 1.08, 1.0)
    top = max(float(strength.max()) * 1.08, 2.0)

    def x(value: float) -> float:
        return LEFT + (value + span) / (2 * span) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)

    gate = y(-np.log10(comparison.config.alpha))
    body = [_tick_y(y(v), f"{v:g}") for v in _ticks(0.0, top, 4)]  # below all else: a line across a name cannot be read
    body += [_vertical(x(0.0), "middle"), f'<line class="gate" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{gate:.1f}" y2="{gate:.1f}"/>']
    body.append(f'<text class="tick" x="{WIDTH - RIGHT}" y="{gate - 4:.1f}" text-anchor="end">q = {comparison.config.alpha:g}</text>')
    for i in _drawn(strength):
        kind = "none" if not passed[i] else "a" if table.gap[i] > 0 else "b"
        name = table.name[i] if table.name else f"concept {table.concept[i]}"
        rates = (f"{100 * rate[i]:.1f}% of {names[side]}" for side, rate in (("A", table.rate_a), ("B", table.rate_b)))
        said = f"{name}: {', '.join(rates)}, {p_text(float(q[i]), 'q')}"
        body.append(
            f'<circle class="dot {kind}" cx="{x(difference[i]):.1f}" cy="{y(strength[i]):.1f}" r="4"><title>{escape(said)}</title></circle>'
        )
    body += [_label(x(difference[i]), y(strength[i]), table.name[i]) for i in _named(comparison, difference, strength, passed)]
    body += [_tick_x(x(v), f"{v:+g}" if v else "0") for v in _ticks(-span, span)]
    axis = f"← more in {names['B']}    difference in points    more in {names['A']} →"
    title = "All tested concepts: difference of rates against strength of evidence"
    return _frame(title, "".join(body), axis, "", up="how sure (−log10 q)")


def _drawn(strength: np.ndarray) -> np.ndarray:
    """Rows that are drawn: all, or the strongest half of ``POINTS`` and every n-th of the others."""
    order = np.argsort(-strength, kind="stable")
    if len(order) <= POINTS:
        return order[::-1]
    rest = order[POINTS // 2 :]
    return np.concatenate([rest[:: -(-len(rest) // (POINTS // 2))], order[: POINTS // 2]])


def _named(comparison: Comparison, difference: np.ndarray, strength: np.ndarray, passed: np.ndarray) -> list[int]:
    """Rows of the concepts on the first cards whose labels do not lie on another's."""
    if not comparison.concepts.name:
        return []
    place = {int(k): i for i, k in enumerate(comparison.concepts.concept)}
    chosen: list[int] = []
    for side in "AB":
        concepts = [place[h.concept] for h in comparison.top(side, 10) if h.concept is not None and h.concept in place and not h.weak]
        mine: list[int] = []
        for i in concepts:
            near = any(abs(strength[i] - strength[j]) < 0.07 * max(strength.max(), 1.0) for j in chosen + mine)
            if passed[i] and not near and len(mine) < NAMED:
                mine.append(i)
        chosen += mine
    return chosen


def _ticks(low: float, high: float, count: int = 6) -> list[float]:
    """Round numbers within [low, high], about ``count`` of them."""
    rough = (high - low) / count
    scale = 10.0 ** np.floor(np.log10(rough))
    step = scale * next(m for m in (1, 2, 5, 10) if m * scale >= rough * 0.999)
    return [round(k * step, 12) for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def _vertical(x: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'


def _tick_x(x: float, text: str) -> str:
    return f'<text class="tick" x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{text}</text>'


def _tick_y(y: float, text: str) -> str:
    line = f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return f'{line}<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'


def _label(x: float, y: float, text: str) -> str:
    text = unmarked(text)
    short = text if len(text) <= 20 else text[:19] + "…"
    anchor, x = ("end", x + 5) if x > WIDTH / 2 else ("start", x - 5)  # above its dot, towards the middle of the plot
    return f'<text class="label" x="{x:.1f}" y="{max(y - 8, TOP):.1f}" text-anchor="{anchor}">{escape(isolated(short))}</text>'


def _frame(title: str, body: str, axis: str, empty: str, up: str = "") -> str:
    """The whole ``<svg>``: title for screen readers, axes, and a sentence where there is nothing to draw."""
    note = f'<text class="tick" x="{WIDTH / 2}" y="{HEIGHT / 2}" text-anchor="middle">{escape(empty)}</text>' if empty else ""
    across = f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(axis)}</text>'
    middle = HEIGHT / 2 - 12
    turned = f'<text class="axis" x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">{escape(up)}</text>'
    start = f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg">'
    return f"{start}<title>{escape(title)}</title>{body}{note}{across}{turned if up else ''}</svg>"
