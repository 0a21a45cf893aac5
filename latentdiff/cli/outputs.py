"""Files that a command is to write, looked at before any work: they can be written, and nothing of somebody's is lost by that."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import InputError
from ..report.writing import is_report, start_of
from ..results.groups import HEAD
from .outcome import ITEMS

SAVED = ("comparison.json", HEAD, "arrays.npz", ITEMS, "log_ratio_a.parquet", "log_ratio_b.parquet")
"""What is written where a comparison is saved."""


def check_report(path: str | None, overwrite: bool) -> None:
    """Refuse, before any work, to replace a file that is no report of ours, unless that was asked for.

    Raises:
        InputError: naming it.
    """
    check_output(path, "report", lambda place: overwrite or is_report(place), instead="pass --overwrite or name another file")


def check_save(folder: str | None, overwrite: bool) -> None:
    """Refuse, before any work, to save where files lie that would be replaced, unless that was asked for.

    Raises:
        InputError: naming one.
    """
    there = next((name for name in SAVED if folder and Path(folder).expanduser().joinpath(name).exists()), None)
    if there is not None and not overwrite:
        raise InputError(f"{folder} already holds {there}; pass --overwrite or another folder")


def check_output(
    path: str | None,
    what: str,
    ours: Callable[[Path], bool],
    apart: Iterable[str | None] = (),
    instead: str = "name another file, or remove it",
) -> None:
    """Refuse, before any work, a file that cannot be written, or that holds something else than what is to be written.

    Args:
        path: where to; None: nothing is to be written.
        what: it is called.
        ours: whether a file, which is not empty, may be replaced.
        apart: what else the command reads or writes; None and names of other things than files are looked past.
        instead: what to do about a file that may not be replaced.

    Raises:
        InputError: naming it.
    """
    if not path:
        return
    place = Path(path).expanduser()
    if place.is_dir():
        raise InputError(f"{path} is a folder; name a file in it")
    if place.exists() and not place.is_file():
        raise InputError(f"{path} is no file that could be replaced; name another one")
    other = next((other for other in apart if other and _same(place, Path(other).expanduser())), None)
    if other is not None:
        raise InputError(f"{path} is to hold the {what}, and is named for something else too ({other}); name another file")
    if place.is_file() and place.stat().st_size and not ours(place):
        raise InputError(f"{path} exists and is no {what} of LatentDiff's; {instead}")
    above = next(folder for folder in place.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise InputError(f"{path} cannot be written: {above} is no folder that takes files; name another file")


def carries(*marks: str) -> Callable[[Path], bool]:
    """Whether a file is of the kind that has one of some marks in its first lines."""
    return lambda place: any(mark in start_of(place) for mark in marks)


def _same(a: Path, b: Path) -> bool:
    return os.path.realpath(a) == os.path.realpath(b) or (a.exists() and b.exists() and a.samefile(b))
