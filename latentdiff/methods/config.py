"""One config for everything that is chosen of a comparison, whatever the method: papers' ablations are loops over these."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..config import CompareConfig
from ..describe.config import DescribeConfig
from ..describe.server import checked_url
from ..errors import InputError
from .gsclip import FORMS
from .register import METHODS, named
from .visdiff import VisDiffConfig

PROPOSERS = ("caption", "grid", "feature", "paired-prompts")
RANKERS = ("clip", "caption-qa", "image-vqa")
GENERATORS = ("bank", "rules", "language")
GSCLIPS = (("form", FORMS), ("generator", GENERATORS))


@dataclass(frozen=True)
class MethodConfig:
    """What :func:`latentdiff.compare_with` does. Immutable; JSON in, JSON out; a server's key is never part of it."""

    method: str = "latentdiff"
    """``"latentdiff"``, ``"visdiff"``, ``"gsclip"``, ``"mean"`` (words along the difference of the means), or another that was registered
    (:func:`~latentdiff.methods.register.register_method`)."""
    compare: CompareConfig = field(default_factory=CompareConfig)
    """Level, seed and mix (5 + 0 to 0 + 5), and LatentDiff's own choices."""
    describe: DescribeConfig | None = None
    """Captioner, language model and server, with its budget. LatentDiff: None captions nothing; also number of exemplars and rounds.
    VisDiff: None takes the vocabulary's captions and word statistics; its rounds and samples are those of ``visdiff``."""
    proposer: str = "caption"
    """VisDiff: ``"caption"``, ``"grid"`` (4 x 10 images, to a vision server), ``"feature"`` (a BLIP-2 model, the captioner of
    ``describe``) or ``"paired-prompts"`` (two generators that were given the same prompts)."""
    ranker: str = "clip"
    """VisDiff: ``"clip"``, or a server's answers about every image: ``"caption-qa"`` or ``"image-vqa"``."""
    visdiff: VisDiffConfig = field(default_factory=VisDiffConfig)
    """VisDiff: rounds, samples, phrases, images used, and how the t-test filters."""
    closed_set: tuple[str, ...] | None = None
    """GSCLIP: only these phrases of the bank are ranked, one of which is known to be right."""
    form: str = "negation"
    """GSCLIP: ``"negation"`` (linear in the bank), or ``"pairs"``, every phrase against every other (published form; small banks)."""
    generator: str = "bank"
    """GSCLIP: phrases are the ``"bank"``'s words, made of them and the subject by ``"rules"``, or named by the ``"language"`` model of
    ``describe``, which is sent the subject alone."""
    subject: str = ""
    """GSCLIP: what all images show, for the generators."""

    def __post_init__(self) -> None:
        for name, kind in (("compare", CompareConfig), ("describe", DescribeConfig), ("visdiff", VisDiffConfig)):
            if isinstance(getattr(self, name), dict):
                object.__setattr__(self, name, _built(kind, getattr(self, name), f"MethodConfig.{name}"))
        if self.closed_set is not None:
            object.__setattr__(self, "closed_set", tuple(self.closed_set))
        for name, known in (("method", METHODS), ("proposer", PROPOSERS), ("ranker", RANKERS), *GSCLIPS):
            if getattr(self, name) not in known:
                raise InputError(f"MethodConfig.{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}")
        if self.closed_set is not None and self.method != "gsclip":
            raise InputError(f"a closed set is for gsclip, not for {self.method}")
        self._check_gsclip()
        asks = self.method == "gsclip" and self.generator == "language"
        if self.describe is not None and "captions" not in named(self.method).takes and not asks:
            raise InputError(f"{self.method} reads no captions; leave describe out")
        self._check_visdiff()

    def _check_gsclip(self) -> None:
        if self.method != "gsclip":
            if (self.form, self.generator, self.subject) != ("negation", "bank", ""):
                raise InputError(f"form, generator and subject are GSCLIP's; {self.method} has none")
            return
        if self.generator != "bank" and not self.subject.strip():
            raise InputError(f"the generator {self.generator} needs the subject that all images show: subject='dog'")
        d = self.describe or DescribeConfig()
        if self.generator == "language" and not (d.base_url and d.language_model):
            raise InputError("the generator language asks a model on a server: name its address and model (base_url and language_model)")

    def _check_visdiff(self) -> None:
        d = self.describe or DescribeConfig()
        if self.method != "visdiff":
            if (self.proposer, self.ranker) != ("caption", "clip"):
                raise InputError(f"proposers and rankers are VisDiff's; {self.method} has none")
            return
        if self.proposer == "feature" and d.captioner != "image-to-text":
            raise InputError("the feature proposer needs a BLIP-2 model as captioner: image-to-text with folder or hub id (--captioner)")
        if self.proposer == "feature" and self.ranker == "caption-qa":
            raise InputError("the feature proposer writes no captions; rank by clip or image-vqa")
        asks = [what for what in (self.proposer, self.ranker) if what not in ("caption", "feature", "clip")]
        if asks and not (d.base_url and d.language_model):
            how = "base_url and language_model of describe; --llm-url URL --llm-model NAME"
            raise InputError(f"{asks[0]} asks a model on a server: name its address and model ({how})")

    @property
    def looks(self) -> bool:
        """Whether it reads images, or captions by the images' names, and not their vectors alone."""
        captioned = self.describe is not None and self.describe.captioner != "vocabulary"
        return captioned or self.proposer != "caption" or self.ranker == "image-vqa"

    def refusals(self, *, sae: bool, words: bool, groups: bool = False, fields: bool = False) -> Iterator[tuple[str, str]]:
        """What the method cannot do with, or without: (the choice, the reason).

        Args:
            sae: whether an SAE is given.
            words: whether there are words with vectors, or can be.
            groups: whether images are said to be in groups, or pairs.
            fields: whether there are fields of them, or known differences.
        """
        method = named(self.method)
        if sae and "sae" not in method.takes:
            yield "sae", f"the method {self.method} has no sparse autoencoder; leave the SAE out (--sae)"
        if not words and "vocabulary" in method.needs:
            yield "vocabulary", f"the method {self.method} needs words: --vocabulary FILE, or vocabulary="
        if groups and "groups" not in method.takes:
            yield "groups", f"the method {self.method} tests image by image: it knows neither groups nor pairs; leave them out"
        if fields and "fields" not in method.takes:
            yield "fields", f"the method {self.method} compares pictures alone: leave fields and what is given out (--fields, --given)"

    @property
    def sends(self) -> list[str]:
        """What will leave this machine, in words, to be shown before it does; nothing where empty."""
        d = self.describe
        if d is None:
            return []
        if self.method == "latentdiff":
            return d.sends
        if self.method == "gsclip":
            return [f"the subject ({self.subject}) to {checked_url(d.base_url or '')} ({d.language_model})"]
        v, where = self.visdiff, checked_url(d.base_url) if d.base_url else ""
        to = f"to {where} ({d.language_model})"
        sampled = f"up to {2 * v.rounds * v.sample} images"
        captioned = "all images" if self.ranker == "caption-qa" else sampled
        reads = self.proposer in ("caption", "paired-prompts") or self.ranker == "caption-qa"
        said = {
            f"{captioned} to {where} ({d.captioner_model or d.language_model})": reads and d.captioner == "endpoint",
            f"the captions of {sampled} {to}": self.proposer == "caption" and d.language == "endpoint",
            f"the prompts and captions of {sampled} {to}": self.proposer == "paired-prompts",
            f"{2 * v.rounds} grids of {2 * v.sample} images {to}": self.proposer == "grid",
            f"the captions of all images {to}, once for every phrase": self.ranker == "caption-qa",
            f"all images {to}, once for every phrase": self.ranker == "image-vqa",
        }
        return [what for what, does in said.items() if does]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; ``MethodConfig(**d)`` gives the same config back."""
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        inner = {"compare": self.compare.to_dict(), "describe": self.describe and self.describe.to_dict()}
        closed = None if self.closed_set is None else list(self.closed_set)
        return own | inner | {"visdiff": dataclasses.asdict(self.visdiff), "closed_set": closed}


def method_of(config: MethodConfig | CompareConfig | None) -> MethodConfig:
    """A config of everything from what callers pass: one, the choices of LatentDiff alone, or None for the defaults.

    Raises:
        InputError: something else.
    """
    if isinstance(config, MethodConfig):
        return config
    if not isinstance(config, (CompareConfig, type(None))):
        say = f"; write MethodConfig({config!r})" if isinstance(config, str) else ""
        raise InputError(f"config is a CompareConfig, a MethodConfig or None, not {type(config).__name__}{say}")
    return MethodConfig(compare=config or CompareConfig())


def read_method(path: str | Path) -> MethodConfig:
    """A config from a JSON file; what it leaves out keeps its default.

    Raises:
        InputError: the file cannot be read, or holds a choice that there is not.
    """
    try:
        value = json.loads(Path(path).expanduser().read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as e:
        raise InputError(f"the config {path} cannot be read as JSON: {e}") from e
    if not isinstance(value, dict):
        raise InputError(f'the config {path} is no JSON object such as {{"method": "visdiff", "visdiff": {{"rounds": 1}}}}')
    return _built(MethodConfig, value, str(path))


def _built(kind: Any, values: dict[str, Any], what: str) -> Any:
    known = [f.name for f in dataclasses.fields(kind)]
    unknown = [name for name in values if name not in known]
    if unknown:
        raise InputError(f"{what} has no choice {unknown[0]!r}; there are {', '.join(known)}")
    try:
        return kind(**values)
    except TypeError as e:
        raise InputError(f"{what} holds a value of the wrong kind: {e}") from e
