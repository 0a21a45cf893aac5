"""What was asked on the page, and the choices of a request that it makes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiftyone_plugin.forms.choices import FIELD, LATENTDIFF, MODEL, NOT, OFF, OWN, SERVER, TRAIN, choices_of
from latentdiff.errors import InputError
from latentdiff.inputs.folders import allowed
from latentdiff.sae.hub import copy_of
from latentdiff.sae.public import find
from latentdiff.scale.engine import LOCAL

from .settings import DEMO, PageSettings

FOLDERS, ZIPS, TABLE, VIEWS = "folders", "zips", "table", "views"
"""The ways to name two sides: the page's tabs."""
STARTED = "started"
"""Stands in ``concepts`` for the SAE that the page was started with, or one that is trained where there is none."""


@dataclass(frozen=True)
class Asked:
    """All inputs of the page when Compare was clicked."""

    way: str = FOLDERS
    folder_a: str = ""
    folder_b: str = ""
    zip_a: str | None = None
    """Path of the uploaded file."""
    zip_b: str | None = None
    table: str | None = None
    """Path of the uploaded CSV."""
    table_base: str = ""
    """Folder to which its relative paths refer."""
    group_a: str | None = None
    """The group of the table that is side A; None with ``group_b``: the table has two."""
    group_b: str | None = None
    dataset: str | None = None
    view_a: str | None = None
    view_b: str | None = None
    field: str | None = None
    """Vector field of the dataset."""
    run: str = ""
    """Name under which the dataset stores the comparison; empty makes one of the views' names."""
    groups: str = ""
    """Field of the dataset that says which images are no independent evidence."""
    engine: str = LOCAL.kind
    """Where views are compared, with the cluster's ``address`` and the ``exchange`` folder that it can read."""
    address: str = ""
    exchange: str = ""
    encoder: str = "fast"
    weights: str = ""
    """Where the encoder's weights lie, where it is not on this machine: a file of them, or a model's folder."""
    photographs: bool = False
    """Whether the demo's encoder is to look at what is no drawn scene all the same."""
    words: str = ""
    """Own words, one a line; none: common English words."""
    method: str = LATENTDIFF
    concepts: str = STARTED
    """SAE, as :func:`~fiftyone_plugin.forms.choices.concept_titles` has them; STARTED: the page's own."""
    sae: str = ""
    """Where one's own SAE lies."""
    fields: str = OFF
    """Whether what else is known of the images is tested too: ALL, else nothing."""
    describe: str = NOT
    """How images are described, as :data:`~fiftyone_plugin.forms.choices.HOW` has it."""
    captions: str = ""
    """File of captions that exist."""
    captioner: str = ""
    """Captioning model: a folder or hub id."""
    ask_model: bool = False
    """Whether a language model on a server compares the captions."""
    llm_url: str = ""
    llm_model: str = ""
    llm_key: str = dataclasses.field(default="", repr=False)
    """The server's key; empty: none, or that of the environment where the page was started with this server."""
    alpha: float = 0.05
    seed: int = 0
    skip_bad: bool = False


def choices(asked: Asked, settings: PageSettings) -> dict[str, Any]:
    """The choices of a request beside its sides.

    Raises:
        InputError: inputs that do not go together, or that reach beyond what this page may read or speak to.
    """
    started = asked.concepts == STARTED
    answers = {**dataclasses.asdict(asked), "concepts": TRAIN if started else asked.concepts}
    answers |= {"sae": asked.sae.strip() if asked.concepts == OWN else "", "groups": asked.groups.strip() if asked.way == VIEWS else ""}
    answers["engine"] = asked.engine if asked.way == VIEWS else LOCAL.kind
    check_reach(answers, settings)
    given = choices_of(answers)
    ours = bool(settings.llm_url) and asked.llm_url.strip() == settings.llm_url
    method = given["method"]
    if method.describe is not None and not settings.loopback:  # texts about visitors' pictures stay nowhere
        given["method"] = dataclasses.replace(method, describe=dataclasses.replace(method.describe, keep=False))
    key = asked.llm_key.strip() or (None if ours else "")  # the environment's key goes to no server that a visitor names
    return {**given, "captions": _captions(asked, settings), "key": key}


def _captions(asked: Asked, settings: PageSettings) -> str | Path | None:
    """The file of captions that was named; of views, their field of it too."""
    named = asked.captions.strip()
    if asked.describe != FIELD or not named:
        return None
    if asked.way == ZIPS:
        raise InputError("captions go by the images' files, which a zip file has not; name the folders")
    return named if asked.way == VIEWS and named.isidentifier() else allowed(named, settings.roots)


def would_be_fetched(concepts: str) -> bool:
    """Whether concepts are those of a published SAE that is not on this machine."""
    return find(concepts) is not None and not copy_of(concepts).is_dir()


def check_reach(answers: dict[str, Any], settings: PageSettings) -> None:
    """Off loopback the page reads its folders alone, speaks to no server but the one it was started with, and asks no hub.

    Raises:
        InputError: something else was named.
    """
    if settings.loopback:
        return
    if answers["concepts"] == OWN:
        allowed(answers["sae"], settings.roots)
    if would_be_fetched(answers["concepts"]):
        raise InputError(f"this page fetches nothing for its visitors, and {answers['concepts']!r} is not here; choose other concepts")
    if answers["way"] != VIEWS and answers["encoder"] not in (settings.encoder, DEMO):
        raise InputError(f"this page has no other encoder than the one it was started with ({settings.encoder})")
    if answers["weights"].strip():
        raise InputError("weights can be named only where the page is open to its own machine alone")
    if answers["describe"] == MODEL:
        allowed(answers["captioner"], settings.roots)
    asks = answers["describe"] == SERVER or (answers["describe"] != NOT and answers["ask_model"])
    if asks and (answers["llm_url"].strip(), answers["llm_model"].strip()) != (settings.llm_url, settings.llm_model):
        raise InputError("this page may ask no other server than the one it was started with (--llm-url, --llm-model)")
    if answers["engine"] != LOCAL.kind:
        raise InputError("a cluster can be chosen only where the page is open to its own machine alone")
