"""What the App's form and the page offer beside the sides, and the choices of a request that their answers make.

Answers are plain values by the inputs' names, as a form holds them; what is missing was not answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latentdiff.describe.config import DescribeConfig, describe_by
from latentdiff.errors import InputError
from latentdiff.methods.config import MethodConfig
from latentdiff.methods.register import METHODS
from latentdiff.report.content import version_text
from latentdiff.sae.kept import PREFIX, kept_saes
from latentdiff.sae.public import REGISTRY
from latentdiff.sae.spaces import KEPT, PAIR
from latentdiff.scale.engine import ENGINES, LOCAL, Engine

LATENTDIFF = "latentdiff"
TRAIN, TREE, OWN = "train", "train a tree", "own"
"""What stands in ``concepts`` for an SAE that is trained (flat, or from coarse to fine; of many images once, see
:mod:`latentdiff.sae.spaces`), and for one named in ``sae``; ``KEPT`` and ``PAIR`` stand for themselves."""
NOT, FIELD, MODEL, WORDS, SERVER = "no", "field", "model", "words", "server"
HOW = {
    NOT: "No: by the words alone",
    FIELD: "By captions that exist",
    MODEL: "By a captioning model on this machine",
    WORDS: "By each image's nearest words",
    SERVER: "By a vision server, which is sent images",
}
"""Whether captions of the most telling images propose phrases, and who writes them: what stands in ``describe``."""
BETWEEN = ";"
"""What stands between several things in one answer: words and values may hold commas."""
WHERE = {ENGINES[0]: "On this machine", ENGINES[1]: "On a Ray cluster: for millions of images"}
OFF = "-"
"""Stands in lists for nothing chosen: the App draws no text for an empty value."""
ANSWERS = {"method", "concepts", "sae", "alpha", "seed", "skip_bad", "groups", "engine", "address", "exchange"}
ANSWERS |= {"fields", "given"}
ANSWERS |= {"describe", "captions", "captioner", "ask_model", "llm_url", "llm_model"}
"""Names of the inputs. A key is none of them: what a form holds is stored."""


def method_titles() -> dict[str, str]:
    """Method → what people read."""
    return {name: method.title for name, method in METHODS.items()}


def concept_titles() -> dict[str, str]:
    """What may stand in ``concepts`` → what people read: an SAE that is trained, one's own, and the published ones by name."""
    published = {name: f"{name}: published, for {next(iter(layers.values())).encoder}" for name, layers in REGISTRY.items()}
    own = {KEPT: "Learnt once for all such image vectors, and kept", PAIR: "Learnt from these two sides alone, however many"}
    own[OWN] = "A sparse autoencoder of mine"
    first = "The encoder's own, else learnt from these images"
    return {TRAIN: first, TREE: "Learnt from these images, from coarse to fine", **own, **published}


def kept_titles() -> dict[str, str]:
    """The kept SAEs of this machine: what may stand in ``concepts`` → what people read."""
    return {
        PREFIX + s.key: f"Kept: {s.name}, {s.concepts:,} concepts of {s.vectors:,} vectors ({version_text(s.version, s.why)})"
        for s in kept_saes()
    }


def choices_of(answers: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a :class:`latentdiff.CompareRequest` that do not hang on where its sides lie.

    Raises:
        InputError: answers that do not go together, or that still lack something.
    """
    concepts = answers.get("concepts") or (OWN if answers.get("sae") else TRAIN)
    if concepts == OWN and not answers.get("sae"):
        raise InputError("name the sparse autoencoder: its folder, file or hub id")
    return {
        "sae": {TRAIN: None, TREE: None, OWN: answers.get("sae")}.get(concepts, concepts),
        "sae_trainer": "matryoshka" if concepts == TREE else None,
        "method": MethodConfig(answers.get("method") or LATENTDIFF, describe=chosen_description(answers)),
        "alpha": answers.get("alpha"),
        "seed": answers.get("seed"),
        "skip_bad": bool(answers.get("skip_bad")),
        "groups": chosen(answers.get("groups")),
        "fields": chosen_fields(answers),
        "given": chosen_given(answers),
        "engine": chosen_engine(answers),
    }


def chosen_description(answers: Mapping[str, Any]) -> DescribeConfig | None:
    """How images are to be described, None where they are not.

    Raises:
        InputError: a model or server that is not named.
    """
    how = answers.get("describe") or NOT
    if how == NOT:
        return None
    if how not in HOW:
        raise InputError(f"describe is one of {', '.join(HOW)}, not {how!r}")
    if how == MODEL and not answers.get("captioner"):
        raise InputError("name the captioning model: its folder or hub id")
    url, name = (answers.get(what) or None for what in ("llm_url", "llm_model"))
    asks = how == SERVER or answers.get("ask_model")
    if asks and not (url and name):
        raise InputError("name the server and its model")
    captioner = {MODEL: answers.get("captioner"), WORDS: "vocabulary", SERVER: "endpoint"}.get(how)
    return describe_by(captioner=captioner, captions=how == FIELD, **({"url": url, "model": name} if asks else {}))


def chosen(answer: Any) -> Any:
    """An answer, None where nothing is chosen."""
    return None if answer in (None, "", OFF) else answer


def chosen_fields(answers: Mapping[str, Any]) -> Any:
    """Which fields of the images are tested: "all", names, or None."""
    names = listed(chosen(answers.get("fields")))
    return (names[0] if len(names) == 1 else names) or None


def chosen_given(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """What is looked past."""
    return listed(answers.get("given"))


def listed(answer: Any) -> tuple[str, ...]:
    """An answer that holds several: a list, or a text with ``BETWEEN`` between them."""
    parts = answer.split(BETWEEN) if isinstance(answer, str) else map(str, answer or ())
    return tuple(part.strip() for part in parts if part.strip())


def chosen_engine(answers: Mapping[str, Any]) -> Engine:
    """Where it is to run."""
    kind = answers.get("engine") or LOCAL.kind
    return LOCAL if kind == LOCAL.kind else Engine(kind, answers.get("address") or None, answers.get("exchange") or None)
