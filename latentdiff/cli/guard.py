"""``latentdiff guard``: fail a pipeline where a batch differs from a reference in something that matters."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib
import json
from pathlib import Path
from typing import Any

from ..compute.files import strict_json as dump
from ..errors import InputError
from ..report.guard import Guarded, guard_annotation, guard_junit
from ..report.watch import JUNIT
from ..report.writing import is_report, replace_file
from ..request import CompareRequest
from .outcome import progress_bar, write_outcome
from .outputs import carries, check_output

FAILS = 1
"""Exit status where the batch differs in something that matters."""
TEXTS = ("reference", "batch", "encoder", "weights", "vocabulary", "vocabulary_vectors", "sae", "embeddings", "fields", "run")
REPORTS = ("report", "junit")
KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys((*TEXTS, *REPORTS), (str,)),
    "tolerate": (list,),
    "smallest": (int, float),
    "alpha": (int, float),
    "seed": (int,),
    "skip_bad": (bool,),
}
"""Entries of the file, and what each may be."""
NEEDED = {"run": "embeddings", "weights": "encoder"}
"""Entries that say nothing without another one."""
SIDES = ("the batch", "the reference")
"""Names of the sides, by which a stored comparison is known as a guard's."""
PLACES = ("reference", "batch", "vocabulary", "vocabulary_vectors", "sae", *REPORTS)
"""Entries that may name files: relative ones lie beside the file that names them."""


def guard_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``latentdiff guard``."""
    parser.add_argument("file", metavar="FILE", help="guard.toml: reference, batch, encoder, vocabulary, tolerate, smallest, alpha, ...")
    parser.add_argument("--batch", metavar="SET", help="in place of the file's: .npy, Parquet, folder or .zip of images, dataset:view")
    parser.add_argument("--report", metavar="FILE", help="in place of the file's: .html, .md, .csv or .json")
    parser.add_argument("--junit", metavar="FILE", help="in place of the file's: a JUnit file, with a failure where the batch fails")
    parser.add_argument("--annotations", action="store_true", help="also print a line that a workflow's log shows as an error")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, for machines")


def run_guard(args: argparse.Namespace) -> int:
    """Hold the batch against the reference, say what matters, and exit with 1 where something does."""
    asked = read_guard(args.file) | {name: getattr(args, name) for name in ("batch", *REPORTS) if getattr(args, name)}
    for name in ("reference", "batch"):
        if not asked.get(name):
            raise InputError(f"{args.file} names no {name}" + ("; name it there, or with --batch" if name == "batch" else ""))
    report, junit = asked.get("report"), asked.get("junit")
    check_output(report, "report", is_report)
    check_output(junit, "JUnit file", carries(JUNIT), apart=(report,))
    for name, needed in NEEDED.items():
        if asked.get(name) and not asked.get(needed):
            raise InputError(f"{args.file} names {name} without {needed}, and would not use it; name {needed} too, or leave {name} out")
    request = request_of(asked)
    request.check()
    if asked.get("embeddings"):
        check_run(str(asked["batch"]), str(request.stored_as))
    with progress_bar() as progress:
        outcome = request.run(progress)
    found = Guarded(outcome.comparison, float(asked.get("smallest", 0.0)))
    if report:
        write_outcome(outcome, report)
    if junit:
        replace_file(Path(junit).expanduser(), guard_junit(found, str(asked["batch"])))
    if args.annotations:
        print(guard_annotation(found))
    print(dump(found.to_dict()) if args.json else "\n".join(found.sentences()))
    return 0 if found.passes else FAILS


def read_guard(path: str) -> dict[str, Any]:
    """The entries of a guard file, checked; files that it names are taken to lie beside it.

    Raises:
        InputError: no such file, no TOML, or entries that are unknown or of another kind.
    """
    file = Path(path).expanduser()
    try:
        given = _parsed(file.read_text(encoding="utf-8-sig"), file.suffix.lower() == ".json")
    except UnicodeDecodeError as e:
        raise InputError(f"{path} cannot be read as UTF-8 text: {e}") from e
    except OSError as e:
        raise InputError(f"{path} cannot be read: {e}") from e
    except ValueError as e:
        raise InputError(f"{path} is no TOML (or JSON, where it ends in .json): {e}") from e
    if not isinstance(given, dict):
        raise InputError(f"{path} holds a {type(given).__name__}; it lists entries such as reference and batch")
    for name, value in given.items():
        if name not in KINDS:
            near = difflib.get_close_matches(name, KINDS, 1)
            meant = f"; did you mean {near[0]}?" if near else f"; it may have {', '.join(KINDS)}"
            raise InputError(f"{path} has an unknown entry {name!r}{meant}")
        if not isinstance(value, KINDS[name]) or (isinstance(value, bool) and bool not in KINDS[name]):
            raise InputError(f"{path}: {name} is {' or '.join(kind.__name__ for kind in KINDS[name])}, not {value!r}")
    if not 0 <= given.get("smallest", 0) < 1:
        raise InputError(f"{path}: smallest is a difference of shares in [0, 1), such as 0.03, not {given['smallest']!r}")
    if not all(isinstance(known, str) for known in given.get("tolerate", [])):
        raise InputError(f'{path}: tolerate lists phrases, or fields and their values ("camera = 2"), as texts')
    return {name: _beside(file, value) if name in PLACES else value for name, value in given.items()}


def _parsed(text: str, is_json: bool) -> Any:
    """TOML, which Python reads from 3.11 on (before, the package tomli does), or the same entries as JSON."""
    if is_json:
        return json.loads(text)
    for name in ("tomllib", "tomli"):
        with contextlib.suppress(ModuleNotFoundError):
            return importlib.import_module(name).loads(text)
    raise InputError("Python 3.10 reads no TOML: pip install tomli, or write the same entries as JSON (guard.json)")


def _beside(file: Path, named: str) -> str:
    """A relative path as it lies beside the file, if it is there (or is to be written there); a name of something else as it is."""
    place = file.parent / Path(named).expanduser()
    return str(place) if place.exists() or Path(named).suffix in (".html", ".md", ".csv", ".json", ".xml") else named


def check_run(batch: str, run: str) -> None:
    """Refuse to replace a stored comparison that no guard made.

    Args:
        batch: "dataset:view".
        run: under which the guard's comparison is to be stored.

    Raises:
        InputError: the name is taken by another one.
    """
    from fiftyone_plugin import list_comparisons
    from fiftyone_plugin.store.targets import split_name

    dataset, _ = split_name(batch)
    for known in list_comparisons(dataset):
        if known == run and known.config.get("sides") and (known.groups or known.views != SIDES):
            raise InputError(f"{dataset!r} has a comparison {run!r} that no guard made; name another run for the guard's")


def request_of(asked: dict[str, Any]) -> CompareRequest:
    """The comparison of batch (A) and reference (B) that a guard file asks for."""
    encoder = (asked["encoder"], asked.get("weights")) if asked.get("encoder") else None
    of_datasets = {"stored_as": asked.get("run", "guard"), "overwrite": True} if asked.get("embeddings") else {}
    return CompareRequest(
        asked["batch"],
        asked["reference"],
        encoder=encoder,
        vocabulary=asked.get("vocabulary"),
        vocabulary_vectors=asked.get("vocabulary_vectors"),
        sae=asked.get("sae"),
        embeddings=asked.get("embeddings"),
        fields=asked.get("fields"),
        given=tuple(asked.get("tolerate", ())),
        alpha=asked.get("alpha"),
        seed=asked.get("seed"),
        skip_bad=bool(asked.get("skip_bad")),
        names=SIDES,
        **of_datasets,
    )
