"""One interface for captions of images: whatever the captioner, a list of texts, and failures as values (method section 6).

    VocabularyCaptioner    no model: the words nearest to an image's vector        reads vectors
    GivenCaptions          captions that exist already, by file, id or row         reads keys
    ImageToTextCaptioner   a transformers model on this machine (BLIP-2, BLIP, GIT) reads images
    EndpointCaptioner      an OpenAI-compatible vision server                      reads images, and sends them
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..errors import InputError
from ..progress import Progress, silent

LONGEST = 2000
"""Characters kept of one caption: more is a runaway model."""


@dataclass(frozen=True)
class CaptionFailure:
    """In place of the caption of one image: why there is none. Never cached."""

    reason: str


Caption = str | CaptionFailure


class Captioner(Protocol):
    """Images to captions."""

    name: str
    """What made the captions, for reports: kind and model."""
    reads: str
    """What ``captions`` takes: ``"images"`` (paths or PIL images), ``"vectors"`` ((m, d) raw image vectors) or ``"keys"``."""
    sends: str
    """What leaves this machine, in words; "" where nothing does."""

    def captions(self, images: Sequence[Any], *, progress: Progress = silent) -> list[Caption]:
        """One caption or :class:`CaptionFailure` per image, in their order.

        Args:
            images: m images, as ``reads`` says.
            progress: called as the work goes on; raise :class:`~latentdiff.errors.Cancelled` in it to stop.
        """
        ...


class GivenCaptions:
    """Captions that exist already.

    Args:
        captions: caption, or several captions, by whatever names an image: a file's path, a sample's id, a row number.
    """

    reads, sends, name = "keys", "", "given captions"

    def __init__(self, captions: Mapping[Any, str | Sequence[str]]) -> None:
        self._captions = {k: v if isinstance(v, str) else ". ".join(v) for k, v in captions.items()}

    def __len__(self) -> int:
        return len(self._captions)

    def captions(self, images: Sequence[Any], *, progress: Progress = silent) -> list[Caption]:
        """Captions of images by their keys."""
        return [tidy(self._captions[i]) if i in self._captions else CaptionFailure(f"no caption is given for {i!r}") for i in images]


def read_captions(path: str | os.PathLike, column: str = "caption") -> dict[str, list[str]]:
    """Captions from a file: CSV with the columns ``path`` and ``caption``, or JSON lines ``{"path": ..., "caption": ...}``.

    An image may have several lines. Relative paths are taken from the file's own folder.

    Args:
        path: the file.
        column: what the texts are called: ``"prompt"`` reads prompts alike.

    Returns:
        Texts by absolute path.

    Raises:
        InputError: where the file cannot be read, or a line has not both (says which).
    """
    path = Path(path).expanduser()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"the {column}s {path} cannot be read as UTF-8 text: {e}") from e
    # Not by splitlines(): a text in quotes may go on in the next line, and JSON may hold separators that are none here.
    rows = csv.DictReader(io.StringIO(text, newline="")) if path.suffix.lower() == ".csv" else map(_json_line, text.split("\n"))
    out: dict[str, list[str]] = {}
    try:
        for number, row in enumerate(rows, 2 if path.suffix.lower() == ".csv" else 1):
            if row is None:
                continue
            name, caption = row.get("path"), row.get(column)
            if not isinstance(name, str) or not isinstance(caption, str) or not name.strip():
                raise InputError(f"line {number} of {path} has no path and {column}; write path,{column} (CSV) or JSON lines with both")
            out.setdefault(os.path.abspath(path.parent / name.strip()), []).append(caption)
    except csv.Error as e:
        raise InputError(f"{path} is no readable CSV: {e}") from e
    if not out:
        raise InputError(f"{path} holds no {column}s")
    return out


def _json_line(line: str) -> dict[str, Any] | None:
    if not line.strip():
        return None
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def tidy(text: str) -> Caption:
    """One line of printable text, at most ``LONGEST`` characters; a failure where nothing is left."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST]
    return text or CaptionFailure("the caption is empty")


def texts_by_path(given: Any, column: str) -> Mapping[Any, str | Sequence[str]] | None:
    """Captions (or prompts, one text each) by file path, from a mapping or a file of them."""
    if not isinstance(given, (str, os.PathLike)):
        return given
    read = read_captions(given, column)
    return {path: " ".join(texts) for path, texts in read.items()} if column == "prompt" else read
