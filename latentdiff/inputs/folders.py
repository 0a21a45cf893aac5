"""Folders of images and tables of paths → sides with vectors: what the command line and the Gradio page share."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..embed.opening import SUFFIXES, said_unread, unread
from ..embed.ranges import Ranges, common_ranges
from ..errors import InputError
from ..progress import Progress, silent

KNOWN = (".jpg", ".png", ".webp", ".tif")
"""Suffixes that are named where a folder holds no images; the others are counted."""
COMPANIONS = frozenset(
    {"@eadir", "__macosx", "#recycle", "@recycle", "$recycle.bin", "lost+found", "#snapshot", "@recently-snapshot", "@tmp"}
)
"""Folders that systems put beside images: thumbnails, what was deleted, and earlier states of all that is there."""


LINKS, BROKEN = "links to folders", "broken links"
"""What links are counted as that are not followed, since they may go round in a circle, and those that lead nowhere."""


@dataclass(frozen=True)
class ImageSide:
    """One side of a comparison, as files."""

    name: str
    """What people call it."""
    paths: tuple[Path, ...]
    """Its images, in the order of the comparison's rows."""
    passed_over: Mapping[str, int] = field(default_factory=dict)
    """Images in formats that are not read: how many of which ending; ``LINKS`` and ``BROKEN`` ones."""
    entries: Mapping[Path, str] = field(default_factory=dict)
    """What people know its files by, where that is not their path: the names that an archive gives to what was unpacked of it."""


def hidden(parts: Iterable[str]) -> bool:
    """Whether a file below a folder, or in an archive, is a companion of what is meant: hidden, or in a folder of such.

    Args:
        parts: of its path, below the folder or in the archive.
    """
    return any(part.startswith(".") or part.lower() in COMPANIONS for part in parts)


def counted_unread(names: Iterable[str]) -> dict[str, int]:
    """How many images are in formats that are not read, by ending, the most first, equally many by name."""
    return dict(Counter(sorted(Path(name).suffix.lower() for name in names if unread(name))).most_common())


def image_files(folder: str | Path, roots: Sequence[Path] | None = None, progress: Progress = silent) -> tuple[Path, ...]:
    """The images of :func:`image_folder`."""
    return image_folder(folder, roots, progress).paths


def image_folder(folder: str | Path, roots: Sequence[Path] | None = None, progress: Progress = silent) -> ImageSide:
    """All images below a folder, sorted; links to folders are counted and not followed, hidden files and companions of systems left aside.

    Args:
        folder: to look in.
        roots: resolved folders that may be read; None: every folder.
        progress: ``progress(fraction, label)``, once a folder: a whole disk takes minutes.

    Raises:
        InputError: no folder, no images, or something that leads out of ``roots``.
    """
    top = allowed(folder, roots)
    if not top.is_dir():
        raise InputError(f"there is no folder {folder}")
    found: list[Path] = []
    others: list[str] = []
    links = broken = 0
    for where, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if not hidden([name]))
        names = [name for name in names if not hidden([name])]
        images = [Path(where, name) for name in sorted(names) if name.lower().endswith(SUFFIXES)]
        others += names
        broken += sum(path.is_symlink() and not path.exists() for path in images)
        links += sum(Path(where, name).is_symlink() for name in folders)
        # A link inside may lead anywhere; what lies there by itself is inside already.
        found += [path for path in images if path.is_file() and (roots is None or not path.is_symlink() or _inside(path, roots))]
        progress(0.0, f"looking for images: {len(found):,} so far")
    passed_over = counted_unread(others) | {why: count for why, count in ((LINKS, links), (BROKEN, broken)) if count}
    if not found:
        raise InputError(f"{folder} holds no images that are read here ({no_images(passed_over)})")
    return ImageSide(top.name or str(top), tuple(sorted(found)), passed_over)


def no_images(passed_over: Mapping[str, int]) -> str:
    """What is there, or what was looked for, where a folder or an archive holds no images."""
    return said_unread(passed_over) or f"{', '.join(KNOWN)} and {len(set(SUFFIXES) - set(KNOWN))} more kinds of files"


def allowed(path: str | Path, roots: Sequence[Path] | None) -> Path:
    """A path as it may be read: absolute, ``~`` written out.

    Raises:
        InputError: it leads out of ``roots``, or is no path at all.
    """
    if not str(path).strip() or "\0" in str(path):
        raise InputError(f"{str(path)!r} is no path; name a folder or a file")
    try:
        given = Path(path).expanduser().absolute()
        inside = roots is None or _inside(given, roots)
    except (OSError, RuntimeError) as e:
        raise InputError(f"{path} cannot be opened: {e}") from e
    if not inside:
        where = ", ".join(map(str, roots or ())) or "none"
        raise InputError(f"{path} is outside the folders that may be read here ({where}); start with --root FOLDER to allow another")
    return given


def encode_side(
    encoder: Any,
    paths: Sequence[Path],
    what: str,
    *,
    entries: Mapping[Path, str] | None = None,
    skip_bad: bool = False,
    ranges: Ranges | None = None,
    progress: Progress = silent,
) -> np.ndarray:
    """Vectors of one side's images.

    Args:
        encoder: from :func:`latentdiff.load_encoder`.
        paths: n image files.
        what: what the side is called in messages.
        entries: what files are called in messages, where that is not their path.
        skip_bad: leave NaN rows where images cannot be read, in place of an error.
        ranges: what is black and white in deep pictures of all sides; None: chosen for this one.
        progress: ``progress(fraction, label)``.

    Returns:
        (n, d) float32.

    Raises:
        InputError: images that cannot be read, unless ``skip_bad``.
    """
    encoded = encoder.encode_images(paths, ranges=ranges, progress=progress)
    if encoded.failures and not skip_bad:
        row, reason = next(iter(encoded.failures.items()))
        count, called = len(encoded.failures), (entries or {}).get(paths[row], paths[row])
        raise InputError(
            f"{count} image{'' if count == 1 else 's'} of {what} cannot be read, first {called}: {reason}; "
            "mend them, or leave bad images out (skip_bad, --skip-bad)"
        )
    return encoded.vectors


def ranges_of(sides: Iterable[Any]) -> Ranges:
    """What is black and white in the deep pictures of all sides that are compared; each side counts alike.

    Args:
        sides: those that are :class:`ImageSide` are looked at.
    """
    return common_ranges(*(side.paths for side in sides if isinstance(side, ImageSide)))


def distinct_names(names: Iterable[str], fallback: Iterable[str]) -> tuple[str, str]:
    """What people call the sides: the short names, or the long ones where the short are equal."""
    a, b = names
    if a != b:
        return a, b
    a, b = fallback
    return (a, b) if a != b else (f"{a} (A)", f"{b} (B)")


def may_be_read(path: str | Path, roots: Sequence[Path] | None) -> bool:
    """Whether a file lies below one of ``roots``, links followed; None: every file does."""
    return roots is None or _inside(Path(path), roots)


def _inside(path: Path, roots: Sequence[Path]) -> bool:
    resolved = path.resolve()
    return any(resolved.is_relative_to(root) for root in roots)
