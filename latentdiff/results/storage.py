"""How a comparison is stored: as strict JSON and arrays, by one schema for folders and FiftyOne documents, read off the dataclasses.

What was stored and is read again is checked before it is used: it may come from another version, or be damaged.
"""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import numpy as np

from ..compute.files import is_text
from ..errors import CheckpointError, InputError
from ..version import __version__
from .schema import is_number, is_whole, need, pack, unpack

FORMAT = 2
"""A reader of this format reads later ones too where only fields were added; 1 (version 0.1.0) is read as well."""
LEFT_OUT = {
    "missing": "without a vector",
    "bad": "that could not be read or have a broken vector",
    "repeated": "listed again",
}
"""Why images of a side are not compared, by what ``info["left_out"]`` counts them under."""
PER_IMAGE = {"_a": "A", "_b": "B"}
"""An array of a comparison whose name ends so has a row for each image of that side."""


class Newer(CheckpointError):
    """A later version made it, and this one cannot read it; the message goes on after "was"."""


def to_parts(comparison: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A comparison as strict JSON (with the format, and the version that made it) and arrays.

    Raises:
        InputError: a part of it could not be read again.
    """
    arrays: dict[str, np.ndarray] = {}
    head = {"format": FORMAT, "version": __version__, **pack(comparison, arrays)}
    try:
        from_parts(type(comparison), head, arrays)
    except ValueError as e:
        raise InputError(f"the comparison cannot be stored, as it could not be read again: {e}") from e
    return head, arrays


def from_parts(kind: Any, head: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    """The comparison that :func:`to_parts` took apart, checked.

    Args:
        kind: its class.
        head, arrays: what was stored, in this format or in that of version 0.1.0.

    Raises:
        Newer: a later version made it, and this one cannot read it.
        Exception: of whatever kind, where it is damaged.
    """
    try:
        stored = head.get("format", 1)
        if not is_whole(stored) or stored > FORMAT:
            raise ValueError(f"format {stored!r}; this version reads up to {FORMAT}")
        return checked(unpack(kind, *(_first_format(head, arrays) if stored < FORMAT else (head, arrays))))
    except Exception as e:
        said = too_new(head)
        if said:
            raise Newer(said) from e
        raise


def too_new(head: dict[str, Any]) -> str:
    """What to say where a later version or format made what cannot be read; empty where it is not later."""
    made = head.get("version") or ((head.get("info") or {}).get("versions") or {}).get("latentdiff")
    later = isinstance(made, str) and _numbers(made) > _numbers(__version__)
    beyond = is_whole(head.get("format")) and head["format"] > FORMAT
    by = f"latentdiff {made}" if isinstance(made, str) and is_text(made) else "a later version"
    this = f"this is latentdiff {__version__}, which reads format {FORMAT}"
    return f"made by {by}, in format {head.get('format')!r}; {this}. Update latentdiff." if later or beyond else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"[0-9]{1,9}", version.split("+")[0])[:3])


def _first_format(head: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What version 0.1.0 stored, in names of today: in a folder (names of concepts apart), or a FiftyOne document (concepts as lists)."""
    head, arrays = dict(head), dict(arrays)
    concepts = head.get("concepts")
    if concepts is None:
        head["concepts"] = {"name": head["concept_names"]}
    else:
        columns = {name: column for name, column in concepts.items() if name != "name"}
        head["concepts"] = {"name": concepts["name"]}
        arrays |= {f"concepts_{name}": np.asarray(column, np.int32 if name == "concept" else float) for name, column in columns.items()}
        for side in "ab":
            arrays |= {f"shows_{side}_{part}": arrays[f"{part}_{side}"] for part in ("indices", "indptr")}
    for side in "ab":
        arrays[f"shows_{side}_shape"] = np.array([len(arrays[f"shows_{side}_indptr"]) - 1, len(head["candidates"])])
    return head, arrays


def checked(comparison: Any) -> Any:
    """The same comparison, if its parts fit together; each by itself is what its field says already (:func:`unpack`).

    Raises:
        ValueError: naming the first that does not.
    """
    counts = {}
    for side, ratio in (("A", comparison.log_ratio_a), ("B", comparison.log_ratio_b)):
        counts[side] = len(ratio)
    for name in (f.name for f in dataclasses.fields(comparison) if f.name[-2:] in PER_IMAGE):
        value, n = getattr(comparison, name), counts[PER_IMAGE[name[-2:]]]
        need(value is None or value.shape[0] == n, name, getattr(value, "shape", value))
        matrix = value is not None and name.startswith("shows")
        need(not matrix or value.shape[1] == len(comparison.candidates), name, getattr(value, "shape", value))
    for h in comparison.candidates:
        need(all(row < counts[h.side] for row in h.exemplars), "exemplars", h.exemplars)
    table = comparison.concepts
    for name in (f.name for f in dataclasses.fields(table)):
        rows = len(getattr(table, name))
        need(rows == len(table.concept) or (name == "name" and not rows), f"concepts: {name}", rows)
    _info(comparison.info, counts)
    return comparison


def _info(info: Any, counts: dict[str, int]) -> None:
    """The entries that something reads; others are only listed."""
    need(isinstance(info, dict) and all(map(is_text, info)), "info", type(info).__name__)
    names = info.get("names")
    need(names is None or (isinstance(names, (list, tuple)) and len(names) == 2 and all(map(is_text, names))), "names", names)
    for name in ("n_a", "n_b"):
        need(is_whole(info.get(name, 0)) and 0 <= info.get(name, 0) < 2**48, name, info.get(name))
    told = ("left_out", "passed_over", "equal_rows", "dropped_rows", "cards", "exemplars", "versions", "describe", "legend")
    for name in (*told, "given", "fields"):
        need(isinstance(info.get(name) or {}, dict), name, info.get(name))
    deep = info.get("deep") or {}
    spans = list(deep.values()) if isinstance(deep, dict) else [deep]
    need(all(isinstance(s, (list, tuple)) and len(s) == 2 and all(map(is_number, s)) for s in spans), "deep", deep)
    remarks = info.get("remarks") or []
    need(isinstance(remarks, (list, tuple)) and all(map(is_text, remarks)), "remarks", remarks)
    left_out = info.get("left_out") or {}
    inner = [left_out.get(side) or {} for side in "AB"]
    need(all(isinstance(side, dict) for side in inner), "left_out", left_out)
    equal = info.get("equal_rows") or {}
    passed = [(info.get("passed_over") or {}).get(side) or {} for side in "AB"]
    need(all(isinstance(side, dict) and all(map(is_text, side)) for side in passed), "passed_over", passed)
    counted = [n for side in passed for n in side.values()]
    counted += [left_out.get("overlap"), *(side.get(kind) for side in inner for kind in LEFT_OUT)]
    for count in (*counted, *map(equal.get, ("overlap", "A", "B"))):
        need(count is None or (is_whole(count) and 0 <= count < 2**48), "left_out", count)
    for side, n in counts.items():
        need(isinstance((info.get("dropped_rows") or {}).get(side) or [], list), "dropped_rows", side)
        telling = (info.get("exemplars") or {}).get(side) or {}
        rows = (telling.get("rows") or []) if isinstance(telling, dict) else None
        need(isinstance(rows, list) and all(is_whole(row) and 0 <= row < n for row in rows), "exemplars", telling)
    for told in (info.get("legend") or {}).values():
        need(isinstance(told, (list, tuple)) and len(told) == 2 and all(map(is_text, told)), "legend", told)
    _description(info.get("describe") or {})
    _fields(info.get("given") or {}, (info.get("fields") or {}).get("left_out") or {})
    for card in (info.get("cards") or {}).values():
        need(isinstance(card, dict), "cards", card)
        words, together = card.get("words") or [], card.get("cofiring") or []
        need(isinstance(words, list) and isinstance(together, list), "cards", card)
        for other in together:
            need(isinstance(other, dict) and is_text(other.get("label")), "cards", other)
            _share(other.get("share"), "cards")


def _fields(given: dict[str, Any], left_out: Any) -> None:
    names, without = given.get("names") or [], given.get("without") or {}
    need(isinstance(names, (list, tuple)) and all(map(is_text, names)), "given", names)
    need(isinstance(without, dict) and all(is_whole(without.get(side, 0)) for side in "AB"), "given", without)
    need(is_number(given.get("images", 0)), "given", given.get("images"))
    need(isinstance(left_out, dict) and all(map(is_text, left_out)), "fields", left_out)


def _description(told: dict[str, Any]) -> None:
    for name in ("error", "first_failure"):
        need(told.get(name) is None or is_text(told[name]), name, told.get(name))
    need(is_whole(told.get("captions_failed", 0)), "captions_failed", told.get("captions_failed"))
    untested, sent = told.get("untested") or [], told.get("sent") or {}
    need(isinstance(untested, (list, tuple)) and all(map(is_text, untested)), "untested", untested)
    need(isinstance(sent, dict) and all(map(is_text, sent)), "sent", sent)
    for account in sent.values():
        need(isinstance(account, dict), "sent", account)
        for name in ("calls", "failed_calls", "images", "prompt_tokens", "completion_tokens"):
            need(is_whole(account.get(name, 0)), name, account.get(name))


def _share(value: Any, name: str) -> None:
    need(is_number(value) and (math.isnan(value) or -1e-9 <= value <= 1 + 1e-9), name, value)
