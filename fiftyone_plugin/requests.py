"""What a request for a comparison says of datasets: its views and the run's name; and what earlier versions were told otherwise."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from latentdiff import CompareRequest
from latentdiff.errors import InputError
from latentdiff.inputs.named import DatasetView
from latentdiff.methods.config import method_of
from latentdiff.scale.engine import Engine

from .store.run import ComparisonRun
from .store.targets import as_dataset, split_name

OLD_KEYWORDS = {
    "method": "config=",
    "describe": "config=MethodConfig(describe=...)",
    "skip_bad": "config=CompareConfig(skip_bad=True)",
    "prompts": "captions=(captions, prompts)",
    "address": "engine=Engine('ray', address=...)",
    "exchange": "engine=Engine('ray', exchange=...)",
}
"""Arguments that ``compare_views`` had, and what to write in their place."""


HANDED_OVER = "handed over as an object"
"""Stands in a record for what cannot be had again by a name."""


def asked_of(request: CompareRequest) -> dict[str, Any]:
    """What a record keeps of a request that its config does not say: words, SAE, fields, captions (whether), and what was looked past."""
    given = [known if isinstance(known, str) else HANDED_OVER for known in request.given]
    fields = request.fields if request.fields is None or isinstance(request.fields, str) else list(request.fields)
    asked = {"vocabulary": _named(request.vocabulary), "sae": _named(request.sae), "fields": fields, "given": given}
    return {**asked, "described": True} if request.config.describe is not None else asked


def _named(given: Any) -> Any:
    if given is None or isinstance(given, str):
        return given
    if isinstance(given, Path):
        return str(given)
    words = isinstance(given, (list, tuple)) and all(isinstance(word, str) for word in given)
    return list(given) if words else HANDED_OVER


def check_same_sae(stored: ComparisonRun, now: str | None) -> None:
    """Refuse to make a comparison again by another SAE's concepts.

    Raises:
        InputError: ``now`` is another SAE's key than the stored one.
    """
    before = stored.config.get("sae")
    if before and before != now:
        another = f"by {now[:8]} it would be another comparison" if now else "without it this would be another comparison"
        raise InputError(
            f"the SAE of comparison {stored.name!r} ({before[:8]}) is gone, and {another}: compare the views again, with words"
        )


def new_options(old: dict[str, Any], options: dict[str, Any]) -> None:
    """What earlier versions were told by arguments of their own, as it is told now."""
    if "method" in old and (options.get("config") is not None or old.get("describe") is not None):
        raise InputError("method holds every choice: leave config and describe out, or pass MethodConfig(compare=..., describe=...)")
    config = method_of(old.get("method") or options.get("config"))
    if old.get("describe") is not None:
        config = dataclasses.replace(config, describe=old["describe"])
    if old.get("skip_bad"):
        config = dataclasses.replace(config, compare=dataclasses.replace(config.compare, skip_bad=True))
    options["config"] = config
    if old.get("prompts") is not None:
        options["captions"] = (options.get("captions"), old["prompts"])
    if old.get("address") or old.get("exchange"):
        options["engine"] = Engine(options.get("engine") or "local", old.get("address"), old.get("exchange"))


def named_views(request: CompareRequest) -> tuple[Any, Any, Any]:
    """The dataset that a request is of, and its two views, as :func:`compare_views` takes them.

    Raises:
        InputError: there is no such dataset, or no such view of another one.
    """
    given = [s if isinstance(s, DatasetView) else DatasetView(*split_name(str(s))) for s in (request.a, request.b)]
    dataset, other = (as_dataset(side.dataset) for side in given)
    view_b = given[1].view
    if other is not dataset:
        if view_b not in other.list_saved_views():
            has = ", ".join(other.list_saved_views()[:20]) or "none"
            raise InputError(f"{other.name!r} has no saved view {view_b!r}; it has {has}")
        view_b = other.load_saved_view(view_b)
    return dataset, given[0].view, view_b


def run_name(view_a: Any, view_b: Any) -> str:
    """A name for a run that was given none: of its views' names ("summer_vs_winter")."""
    names = [view if isinstance(view, str) else view.name or "view" for view in (view_a, view_b)]
    name = "_vs_".join("".join(c if c.isalnum() else "_" for c in side).strip("_") or "view" for side in names)
    return name if name.isidentifier() else f"run_{name}"
