"""Write a report file, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..compute.files import strict_json
from ..errors import InputError
from ..results.comparison import Comparison
from ..results.groups import GroupComparison
from ..results.trends import Trends
from .content import CARDS, Content, content
from .finding import SIDES
from .groups import FIRST_OF_GROUPS, group_report
from .html import GENERATOR, document
from .tables import FIRST, as_dict, csv_text, markdown
from .text import MADE_BY, apart, isolated
from .thumbnails import Images
from .trends import FIRST_OF_TRENDS, trends_report

_HEADS = "|".join(map(re.escape, (",".join(FIRST[:6]), FIRST_OF_GROUPS, FIRST_OF_TRENDS)))
MARKS = {
    ".html": rf"\A<!doctype html>\s*<html[^>]*><head>.{{0,200}}{re.escape(GENERATOR)}",
    ".md": rf"\A<!-- {MADE_BY} -->\n|\A# .*\n\n\*\*.*\n## More in .+ images?\)\n\n(\| what \| in |Nothing is found)",
    ".csv": rf"\A\ufeff?({_HEADS})",
    ".json": rf'\A\{{\s*("made_by": "{MADE_BY}"|"title": ".*"differs": (true|false),\s*"verdict": ".*"smallest_detectable": )',
}
"""By suffix, how every report begins, those of earlier versions too: others are not ours to replace unasked."""
SUFFIXES = tuple(MARKS)


def write_report(
    comparison: Comparison | GroupComparison | Trends,
    path: str | os.PathLike[str],
    *,
    images: Mapping[str, Images | None] | Images | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    cards: int = CARDS,
) -> Path:
    """Write what a comparison found to a file that needs nothing else.

    Args:
        comparison: the result; of groups, and of what changes over time, too (``images`` is then one list, a path or PIL image a row).
        path: where to; its suffix says what: ``.html`` (one self-contained page: thumbnails, plots, settings), ``.md``, ``.csv`` or
            ``.json``. A file that is there is replaced in one step; missing folders are made.
        images: where the images are: (A's, B's), or {"A": ..., "B": ...}; each a list with a path or PIL image per row, or a mapping
            of some rows. None: a report without thumbnails.
        names: what people call A and B; None: as stored with the comparison, else "A" and "B".
        title: headline; None makes one of the names.
        cards: differences shown per side in HTML and Markdown, >= 1; CSV and JSON hold all that pass.

    Returns:
        The path.

    Raises:
        InputError: another suffix, or a path that cannot be written.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"a report is one of {', '.join(SUFFIXES)}, which the file's name has to end in, not {path.name!r}")
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it")
    if isinstance(comparison, GroupComparison):
        made = group_report(comparison, path.suffix.lower(), images, title, cards)
    elif isinstance(comparison, Trends):
        made = trends_report(comparison, path.suffix.lower(), images, title)
    else:
        called = [str(name) for name in names or comparison.info.get("names") or SIDES]
        if path.suffix.lower() in (".html", ".md"):  # data keeps texts as they are
            comparison, called = apart(comparison), list(map(isolated, called))
        made = _report(path.suffix.lower(), _by_side(images), content(comparison, called, title, cards))
    replace_file(path, made)
    return path


def is_report(path: Path) -> bool:
    """Whether a file carries the mark of a report of its suffix."""
    mark = MARKS.get(path.suffix.lower())
    return mark is not None and re.search(mark, start_of(path), re.DOTALL) is not None


def start_of(path: Path) -> str:
    """The first 4 kB of a file as text; empty where it cannot be read."""
    try:
        with path.open("rb") as found:
            return found.read(4096).decode("utf8", "replace")
    except OSError:
        return ""


def _report(suffix: str, at: dict[str, Images | None], said: Content) -> str:
    return {
        ".html": lambda: document(said, at),
        ".md": lambda: markdown(said),
        ".csv": lambda: csv_text(said, at),
        ".json": lambda: strict_json(as_dict(said, at)) + "\n",
    }[suffix]()


def _by_side(images: Any) -> dict[str, Images | None]:
    if images is None:
        return {"A": None, "B": None}
    if isinstance(images, Mapping):
        return {"A": images.get("A"), "B": images.get("B")}
    if len(images) != 2:
        raise InputError(f"images are two lists, A's and B's, not {len(images)}")
    return {"A": images[0], "B": images[1]}


def replace_file(path: Path, text: str) -> None:
    """Write a file: a reader sees the old file or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf8", newline="\n", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as e:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise InputError(f"the report {path} cannot be written: {e.strerror or e}") from e
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
