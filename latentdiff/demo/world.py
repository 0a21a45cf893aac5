"""A small drawn world with known truth: scenes, boxes and captions from a seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from ..errors import InputError
from .captions import caption
from .settings import SETTINGS, Setting
from .shapes import KINDS, tile

Box = tuple[float, float, float, float]

AT_HOME = 15.0
"""How many times likelier a kind is in a setting of its own than elsewhere."""


@dataclass(frozen=True)
class Thing:
    """One object of a scene."""

    kind: str
    colour: str
    box: Box
    """(left, top, width, height) as shares of the image: what is inside the image of the object's outline."""


@dataclass(frozen=True)
class Scene:
    """The truth about one drawn image."""

    objects: tuple[Thing, ...]
    setting: str
    caption: str

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds that occur in the scene."""
        return frozenset(o.kind for o in self.objects)


@dataclass(frozen=True)
class Rules:
    """What a scene must or must not have."""

    require: tuple[str, ...] = ()
    """Kinds that it has."""
    forbid: tuple[str, ...] = ()
    """Kinds that it has not."""
    settings: tuple[str, ...] = field(default_factory=lambda: tuple(SETTINGS))
    """Settings to choose from, each equally likely."""
    objects: tuple[int, int] = (1, 4)
    """Fewest and most objects."""
    natural: bool = True
    """Kinds keep to their settings, as in life; False gives every kind anywhere."""

    def __post_init__(self) -> None:
        for name, given, known in (("require", self.require, KINDS), ("forbid", self.forbid, KINDS), ("settings", self.settings, SETTINGS)):
            unknown = [w for w in given if w not in known]
            if unknown:
                raise InputError(f"Rules.{name} has {unknown[0]!r}, which the drawn world does not know; choose from: {', '.join(known)}")
        both = set(self.require) & set(self.forbid)
        if both:
            raise InputError(f"Rules require and forbid {sorted(both)[0]!r}; drop it from one of them")
        if not self.settings:
            raise InputError("Rules.settings is empty; name at least one setting")
        low, high = self.objects
        if not (1 <= low <= high <= 6 and len(self.require) <= high):
            raise InputError(
                f"Rules.objects must be (fewest, most) with 1 <= fewest <= most <= 6 and room for all required, not {self.objects}"
            )


def draw(n: int, seed: int = 0, *, size: int = 256, rules: Rules | Sequence[Rules] | None = None) -> Iterator[tuple[Image.Image, Scene]]:
    """Draw scenes.

    Args:
        n: how many, >= 0.
        seed: scene i depends on (seed, i) and its own rules alone: the same seed gives the same scenes, however many are drawn.
        size: side of the square images in pixels, >= 32.
        rules: for all scenes, or one per scene.

    Returns:
        Iterator over (RGB image of ``size`` x ``size``, :class:`Scene`).

    Raises:
        InputError: for a negative n, a small size, or another number of rules than n.
    """
    if n < 0:
        raise InputError(f"n must be 0 or more, not {n}")
    if size < 32:
        raise InputError(f"size must be at least 32 pixels, not {size}")
    each = [rules or Rules()] * n if rules is None or isinstance(rules, Rules) else list(rules)
    if len(each) != n:
        raise InputError(f"{len(each)} rules for {n} scenes; give one for each scene, or one for all")
    return (draw_one(seed, i, each[i], size) for i in range(n))


def draw_one(seed: int, index: int, rules: Rules, size: int) -> tuple[Image.Image, Scene]:
    """Draw scene ``index`` of a seed, at twice the size, and scale it down."""
    rng = np.random.default_rng([seed, index])
    setting = rules.settings[int(rng.integers(len(rules.settings)))]
    kinds = _kinds(rng, setting, rules)
    canvas = SETTINGS[setting].paint(2 * size, rng)
    things = _place(canvas, kinds, SETTINGS[setting], rng)
    text = caption([(t.kind, t.colour) for t in things], setting, rng)
    return canvas.reduce(2), Scene(tuple(things), setting, text)


def _kinds(rng: np.random.Generator, setting: str, rules: Rules) -> list[str]:
    """The required kinds first, then others by how much they are at home."""
    low, high = rules.objects
    n = max(int(rng.integers(low, high + 1)), len(rules.require))
    free = [k for k in KINDS if k not in rules.require and k not in rules.forbid]
    weight = np.array([AT_HOME if rules.natural and setting in KINDS[k].at_home else 1.0 for k in free])
    chosen = rng.choice(len(free), size=n - len(rules.require), replace=False, p=weight / weight.sum())
    return [*rules.require, *(free[i] for i in chosen)]


def _place(canvas: Image.Image, kinds: list[str], setting: Setting, rng: np.random.Generator) -> list[Thing]:
    """Put the objects where they belong, far ones first; one for which no room is found is left out, unless it is the first."""
    px = canvas.width
    taken: list[tuple[Box, str, str, Image.Image]] = []
    base = rng.uniform(*((0.4, 0.58), (0.34, 0.48), (0.29, 0.4), (0.26, 0.36), (0.24, 0.3), (0.22, 0.28))[len(kinds) - 1])
    for order, kind in enumerate(kinds):
        colour = KINDS[kind].colours[int(rng.integers(len(KINDS[kind].colours)))]
        side = base * KINDS[kind].scale * rng.uniform(0.85, 1.15)
        image = tile(kind, colour, max(8, round(side * px)))
        if rng.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        box = _find_room(image.width / px, image.height / px, kind, setting, [t[0] for t in taken], rng, must=order == 0)
        if box is not None:
            taken.append((box, kind, colour, image))
    taken.sort(key=lambda t: t[0][1] + t[0][3])
    for box, kind, _, image in taken:
        grounded = KINDS[kind].place == "ground" and setting.phrase != "under water"
        _paste(canvas, image, round(box[0] * px), round(box[1] * px), setting, shadow=grounded)
    return [Thing(kind, colour, box) for box, kind, colour, _ in taken]


def _find_room(w: float, h: float, kind: str, setting: Setting, taken: list[Box], rng: np.random.Generator, must: bool) -> Box | None:
    """A place inside the image that covers no more than a tenth of any other object, or None."""
    place = KINDS[kind].place
    for _ in range(40):
        x = rng.uniform(0.01, max(0.99 - w, 0.011))
        if place == "air":
            y = rng.uniform(*setting.air) - h / 2
        else:
            y = rng.uniform(*(setting.water if place == "water" and setting.water else setting.ground)) - h
        y = min(max(y, 0.01), 0.99 - h)
        if all(_overlap((x, y, w, h), other) < 0.1 for other in taken):
            return (x, y, w, h)
    return (x, y, w, h) if must else None


def _overlap(a: Box, b: Box) -> float:
    """Shared area over the area of the smaller box."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(w, 0.0) * max(h, 0.0) / min(a[2] * a[3], b[2] * b[3])


def _paste(canvas: Image.Image, image: Image.Image, x: int, y: int, setting: Setting, shadow: bool) -> None:
    """Paste an object in the setting's light, with a soft shadow at its foot."""
    if shadow:
        w, h = image.width, image.height
        foot = y + h - 1
        ImageDraw.Draw(canvas, "RGBA").ellipse((x, foot - w * 0.07, x + w, foot + w * 0.07), fill=(20, 20, 40, 70))
    lit = image
    if setting.tint != (255, 255, 255):
        lit = ImageChops.multiply(image, Image.new("RGBA", image.size, (*setting.tint, 255)))
    canvas.paste(lit, (x, y), image.getchannel("A"))
