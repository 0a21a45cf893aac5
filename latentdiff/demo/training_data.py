"""Scenes for training the demo's encoder: small images with their labels, and texts with what they are true of."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np

from .brush import COLOURS
from .captions import FILLERS, article, caption, words
from .settings import SETTINGS
from .shapes import KINDS
from .world import Rules, Scene, draw_one

CURRICULUM = (
    Rules(objects=(1, 1), natural=False),
    Rules(objects=(1, 4), natural=False),
    Rules(objects=(2, 4), natural=False),
    Rules(objects=(1, 4)),
)
"""Kinds of training scenes, equally many of each.

Three in four have any kind in any setting: else the encoder sees the setting and guesses the kind.
"""

_KIND_PROMPTS = ("{w}", "{w}", "{a}", "the {w}", "a photo of {a}", "a picture of {a}", "a drawing of {a}", "an image with {a}", "one {w}")
_SETTING_PROMPTS = ("{w}", "{w}", "{p}", "a picture {p}", "a photo taken {p}", "a scene {p}", "{w} scene", "a view of the {w}")
_COLOUR_PROMPTS = ("{w}", "{w}", "something {w}", "{a} thing", "{a} object", "the colour {w}", "a picture with something {w}")
_FILLER_PROMPTS = ("{w}", "{w}", "{a}", "the {w}")


@dataclass
class ScenePool:
    """Rendered training scenes.

    Attributes:
        pixels: (n, size, size, 3) uint8.
        scenes: the truth of each, without the images.
        truth: (n, words) float32, 1 where a word of :func:`~latentdiff.demo.captions.words` is true of the scene, 0.5 for fillers.
    """

    pixels: np.ndarray
    scenes: list[Scene]
    truth: np.ndarray


def _render(job: tuple[int, int, int, int]) -> tuple[np.ndarray, list[Scene]]:
    seed, start, stop, size = job
    drawn = [draw_one(seed, i, CURRICULUM[i % len(CURRICULUM)], size) for i in range(start, stop)]
    return np.stack([np.asarray(image) for image, _ in drawn]), [scene for _, scene in drawn]


def render_pool(n: int, seed: int, size: int, workers: int = 2) -> ScenePool:
    """Draw n training scenes of all kinds of :data:`CURRICULUM` (seed as in :func:`~latentdiff.demo.world.draw`)."""
    pixels = np.empty((n, size, size, 3), np.uint8)
    scenes: list[Scene] = []
    jobs = [(seed, start, min(start + 500, n), size) for start in range(0, n, 500)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for images, part in pool.map(_render, jobs):
            pixels[len(scenes) : len(scenes) + len(part)] = images
            scenes += part
    return ScenePool(pixels, scenes, truth_table(scenes))


def truth_table(scenes: list[Scene]) -> np.ndarray:
    """(n, words) float32: which words are true of which scene; fillers say nothing (0.5)."""
    column = {w: i for i, w in enumerate(words())}
    table = np.zeros((len(scenes), len(column)), np.float32)
    table[:, [column[w] for w in FILLERS]] = 0.5
    for row, scene in zip(table, scenes, strict=True):
        row[column[scene.setting]] = 1
        for thing in scene.objects:
            row[[column[thing.kind], column[thing.colour]]] = 1
    return table


def scene_caption(scene: Scene, rng: np.random.Generator) -> str:
    """A fresh caption of a scene, half of the time without colours."""
    return caption([(t.kind, t.colour) for t in scene.objects], scene.setting, rng, colours=rng.random() < 0.5)


def word_prompts(rng: np.random.Generator) -> list[str]:
    """Every word of the vocabulary in a random wording, bare words included."""
    return [_prompt(w, _templates(w), rng) for w in words()]


def _templates(word: str) -> tuple[str, ...]:
    if word in KINDS:
        return _KIND_PROMPTS
    if word in SETTINGS:
        return _SETTING_PROMPTS
    return _COLOUR_PROMPTS if word in COLOURS else _FILLER_PROMPTS


def _prompt(word: str, templates: tuple[str, ...], rng: np.random.Generator) -> str:
    phrase = SETTINGS[word].phrase if word in SETTINGS else ""
    return templates[int(rng.integers(len(templates)))].format(w=word, a=article(word), p=phrase)


def coloured_prompts(scenes: list[Scene], n: int, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """Prompts such as "a red boat", half of them (or all there are) true of some scene of the batch.

    Returns:
        (n texts, (scenes, n) float32 truth).
    """
    pairs: set[tuple[str, str]] = set()
    kinds, colours = list(KINDS), list(COLOURS)
    there = {(t.colour, t.kind) for s in scenes for t in s.objects}
    while len(pairs) < n:
        if len(pairs) % 2 and not there <= pairs:
            scene = scenes[int(rng.integers(len(scenes)))]
            thing = scene.objects[int(rng.integers(len(scene.objects)))]
            pairs.add((thing.colour, thing.kind))
        else:
            pairs.add((colours[int(rng.integers(len(colours)))], kinds[int(rng.integers(len(kinds)))]))
    chosen = sorted(pairs)
    column = {pair: i for i, pair in enumerate(chosen)}
    table = np.zeros((len(scenes), n), np.float32)
    for row, scene in zip(table, scenes, strict=True):
        for thing in scene.objects:
            if (thing.colour, thing.kind) in column:
                row[column[thing.colour, thing.kind]] = 1
    texts = [f"{c} {k}" if rng.random() < 0.5 else article(f"{c} {k}") for c, k in chosen]
    return texts, table
