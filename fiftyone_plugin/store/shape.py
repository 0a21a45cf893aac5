"""The shape of a record: what another version or damage left otherwise is told, and put right for those who list or delete it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from latentdiff.results.schema import is_number, is_whole

UNKNOWN = "?"
"""What a side is called whose name is lost."""


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds)


def _texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value)


def _count(value: Any) -> bool:
    return is_whole(value) and value >= 0


def _id(value: Any) -> bool:
    from bson import ObjectId

    return isinstance(value, str) and ObjectId.is_valid(value)


ENTRIES: dict[str, Callable[[Any], bool]] = {
    "format": is_whole,
    "overlap": _count,
    "verdict": _is(dict),
    "asked": _is(dict),
    "form": _is(dict),
    "config": _is(dict),
    "encoder": _is(dict),
    "group_names": _texts,
    "remarks": _is(list),
    "embeddings": _is(str),
}
"""Entries that a record may lack, and what each is where it is there."""
OF_VERDICT: dict[str, Callable[[Any], bool]] = {"texts": _texts, "groups": _texts, "hypotheses": _count, "auc": is_number}
OF_SIDE: dict[str, tuple[Callable[[Any], bool], Any]] = {
    "name": (_is(str), UNKNOWN),
    "dataset": (_is(str), UNKNOWN),
    "dataset_id": (_id, None),
    "labels": (_is(str, type(None)), None),
}
"""Entries that each side has, and what stands there where one is lost."""
COUNTS = ("compared", "missing", "bad", "repeated")


def shaped(config: dict[str, Any], dataset_id: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A record's config in which every entry is of its kind, and the entries that were lost or damaged.

    Args:
        config: as it is stored.
        dataset_id: of the dataset that holds it, in which a side lies of which that is lost.
    """
    wrong: list[str] = []
    config = _kept(config, ENTRIES, "", wrong)
    if config.get("verdict") is not None:  # of one that is being written there is none
        config["verdict"] = _kept(config["verdict"], OF_VERDICT, "verdict.", wrong)
    given = config.get("sides")
    if not isinstance(given, dict):
        wrong.append("sides")
    sides: dict[str, Any] = {letter: given.get(letter) if isinstance(given, dict) else {} for letter in "AB"}
    config["sides"] = {letter: _side(letter, side, str(dataset_id), wrong) for letter, side in sides.items()}
    return config, tuple(wrong if isinstance(given, dict) else ["sides"])


def _kept(held: dict[str, Any], rules: dict[str, Callable[[Any], bool]], at: str, wrong: list[str]) -> dict[str, Any]:
    """Entries without those that are not of their kind."""
    bad = [name for name, fits in rules.items() if held.get(name) is not None and not fits(held[name])]
    wrong += [f"{at}{name}" for name in bad]
    return {name: value for name, value in held.items() if name not in bad}


def _side(letter: str, side: Any, dataset_id: str, wrong: list[str]) -> dict[str, Any]:
    if not isinstance(side, dict):
        wrong.append(f"sides.{letter}")
    side = _kept(side if isinstance(side, dict) else {}, dict.fromkeys(COUNTS, _count), f"sides.{letter}.", wrong)
    lost = [name for name, (fits, _) in OF_SIDE.items() if name not in side or not fits(side[name])]
    wrong += [f"sides.{letter}.{name}" for name in lost if f"sides.{letter}" not in wrong]
    return {**side, **{name: dataset_id if name == "dataset_id" else OF_SIDE[name][1] for name in lost}}


def told(damaged: tuple[str, ...]) -> str:
    """What is wrong with a record, as the rest of a sentence."""
    return f"lacks {', '.join(damaged)}, or holds something else there"
