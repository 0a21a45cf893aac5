"""Captions of a pair's images and the language model of an evaluation, as the methods take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..describe.captions import Caption, Captioner, GivenCaptions
from ..describe.config import DescribeConfig
from ..describe.describer import Describer
from ..describe.language import LanguageModel
from ..describe.word_statistics import WordStatistics
from ..errors import InputError
from ..progress import Progress, silent
from .cases import Case, Space

Rows = tuple[list[Any], list[Any]]
"""Per side, what a captioner takes for every row."""


class GivenOrMade:
    """Captions that exist, and a model's for the images that have none.

    Args:
        given: caption or captions by file.
        model: captioner that reads images.
    """

    reads = "images"

    def __init__(self, given: Mapping[str, Sequence[str]], model: Captioner) -> None:
        self._given, self.model, self._texts = given, model, GivenCaptions(given)
        self.name = f"given captions and {model.name}" if given else model.name
        self.sends = model.sends

    def captions(self, images: Sequence[Any], *, progress: Progress = silent) -> list[Caption]:
        """Captions of files."""
        lacking = [i for i in images if i not in self._given]
        made = dict(zip(lacking, self.model.captions(lacking, progress=progress), strict=True)) if lacking else {}
        return [made[i] if i in made else self._texts.captions([i])[0] for i in images]


def captions_of(space: Space, case: Case) -> tuple[Captioner | None, Rows]:
    """A captioner for a case, None where captions come from the vocabulary; and what each row is: its file, else its number."""
    rows = case.rows_a.tolist(), case.rows_b.tolist()
    paths = space.paths
    names: Rows = rows if paths is None else ([paths[i] for i in rows[0]], [paths[i] for i in rows[1]])
    if space.captioner is not None and paths is not None:
        return space.captioner, names
    if space.captions is not None:
        every = zip([*names[0], *names[1]], [*rows[0], *rows[1]], strict=True)
        return GivenCaptions({name: space.captions[i] for name, i in every}), names
    return None, names


def language_of(space: Space) -> LanguageModel:
    """The server's language model, or word statistics."""
    return space.language_model or WordStatistics()


def describer_of(space: Space, case: Case, config: DescribeConfig) -> Describer:
    """What describes the exemplars of a case.

    Args:
        space: its captions and language model.
        case: the pair.
        config: sizes; its captioner and language are the space's, whatever it says.
    """
    captioner, images = captions_of(space, case)
    return Describer(language_of(space), captioner, space.encode_texts, images, config)


def described_phrases(told: Mapping[str, Any], case: Case) -> dict[str, list[str]]:
    """By side, what the language model said of the exemplars, in its order.

    Args:
        told: what a describer did.
        case: the pair.

    Raises:
        InputError: describing ended early. Finished tasks are kept, so a server that is mended costs nothing twice.
    """
    if told.get("error"):
        raise InputError(f"the exemplars of {case.key} could not be described: {told['error']}; mend it and run again, to go on from here")
    return {side: list(told["phrases"][side]) for side in "AB"}


def load_captioner(model: str | None, given: Mapping[str, Sequence[str]]) -> Captioner | None:
    """The image-to-text model of an evaluation, for the images without a given caption; None where none is asked for."""
    if model is None:
        return None
    from ..describe.image_to_text import load_image_to_text

    return GivenOrMade(given, load_image_to_text(Path(model).expanduser() if Path(model).expanduser().is_dir() else model))
