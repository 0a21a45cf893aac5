"""One request for a comparison, whoever asks: the command line, the App's form, the page, or Python."""

from __future__ import annotations

import dataclasses
import functools
import os
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .compute.temporary import make_folder, remove_folder, temporary_folder
from .describe.captions import texts_by_path
from .describe.config import DescribeConfig
from .embed.fingerprint import tell_precisions
from .errors import InputError
from .inputs.field_files import fields_of
from .inputs.fitting import PARQUET, TABLE, VIEWS, of_groups, of_language, of_sides, refusals
from .inputs.named import kind, open_encoder
from .inputs.opening import Opened, add_left_out, groups_by_row, names_of, open_both, words_of
from .inputs.views import of_datasets
from .methods.config import MethodConfig, method_of
from .methods.register import named
from .methods.run import compare_with
from .progress import First, Progress, part, silent, then
from .results.comparison import Comparison
from .results.outcome import Outcome
from .sae.shipped import strangers
from .sae.spaces import of_encoder, open_sae
from .scale.engine import LOCAL, Engine, engine_of

Kinds = tuple[str, str]


@dataclass(frozen=True, eq=False)
class CompareRequest:
    """What is to be compared, and how. ``check()`` says what does not go together; ``run()`` compares.

    Example:
        >>> CompareRequest("summer/", "winter.zip", encoder="fast", alpha=0.01).run().comparison.differs
        True
    """

    a: Any
    """A side: an (n, d) array of image vectors, a ``.npy`` file of one, Parquet of vectors (file, folder, URI), a folder or ``.zip`` of
    images, a list of image files, ``"dataset:saved_view"``; alone, a ``.csv`` with the columns ``path`` and ``group_name``."""
    b: Any = None
    """The other side; None where ``a`` is such a table."""
    encoder: Any = None
    """Of images, and of words without vectors: what ``load_encoder`` takes, a pair (name, weights), or an ``Encoder``."""
    vocabulary: Any = None
    """Words: a ``Vocabulary``, an ``.npz`` of words and vectors, a text file or a list of words that the encoder gives vectors, "common";
    None: common English words where there is an encoder, else none."""
    vocabulary_vectors: Any = None
    """``.npy`` file of a text file's vectors (v, d)."""
    sae: Any = None
    """A sparse autoencoder, or what ``load_sae`` takes; "kept": the one that is kept for the encoder or field; "pair": one that is
    trained on both sides alone; None: of few vectors the pair's, of many the kept one (:mod:`latentdiff.sae.spaces`)."""
    sae_trainer: str | None = None
    """Kind of the SAE that is trained, see ``CompareConfig.sae_trainer``; None: as ``method`` says."""
    method: MethodConfig = field(default_factory=MethodConfig)
    """Method, its parts, and every other choice."""
    alpha: float | None = None
    """Level, in place of the method's own."""
    seed: int | None = None
    """Seed, in place of the method's own."""
    skip_bad: bool = False
    """Leave out images that cannot be read or have broken vectors, and count them."""
    captions: Any = None
    """Captions by file path, or a file of them; views: also the field that holds them, as a text."""
    prompts: Any = None
    """The same of the prompts from which images were generated (VisDiff's paired prompts)."""
    groups: Any = None
    """Which images are no independent evidence: (labels of A's rows, of B's), sequences or files with one a line; views: a field."""
    paired: bool = False
    """Whether row i of A and row i of B are one thing seen twice."""
    fields: Any = None
    """What else is known of the images: (fields of A's rows, of B's), mappings or tables (``.csv``, ``.parquet``) with a row per image; one
    table with a column ``path``; "measures" of the pictures; views: "all", or names of fields; Parquet: the same of its columns."""
    given: Sequence[Any] = ()
    """Known differences to look past, as :func:`latentdiff.compare` takes them."""
    table_sides: Sequence[str] | None = None
    """The two groups of a table that are compared, where it has more."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Of Parquet: ``vector`` and ``id``, the columns to read; those that are left out are found."""
    engine: Engine = LOCAL
    """Where it runs; Ray takes Parquet and views."""
    embeddings: str | None = None
    """Views: field of the image vectors."""
    stored_as: str | None = None
    """Views: name under which their dataset stores the comparison."""
    names: tuple[str, str] | None = None
    """What people call the sides; None: as they are named."""
    overwrite: bool = False
    """Views: replace a stored comparison of that name."""
    key: str | None = field(default=None, repr=False)
    """Key of a server; None: from the environment."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "engine", engine_of(self.engine))
        object.__setattr__(self, "given", () if self.given is None else self.given)

    @property
    def kinds(self) -> Kinds:
        """Kind of each side, see :func:`latentdiff.inputs.named.kind`; ("table", "table") for a table of both.

        Raises:
            InputError: a side that is none.
        """
        return TABLE if self.b is None and isinstance(self.a, (str, os.PathLike)) else (kind(self.a), kind(self.b))

    @property
    def config(self) -> MethodConfig:
        """Every choice in one config."""
        given: dict[str, Any] = {"alpha": self.alpha, "seed": self.seed, "sae_trainer": self.sae_trainer, "skip_bad": self.skip_bad or None}
        method = method_of(self.method)
        compare = dataclasses.replace(method.compare, **{name: value for name, value in given.items() if value is not None})
        told = method.describe is None and self.captions is not None and "captions" in named(method.method).takes
        return dataclasses.replace(method, compare=compare, describe=DescribeConfig(captioner="given") if told else method.describe)

    def check(self) -> Kinds:
        """The kinds of both sides, after everything that can be known to be wrong before anything is read.

        Raises:
            InputError: choices that do not go together; the first of them, and what to do.
        """
        for _, refusal in self.refusals():
            raise InputError(refusal)
        return self.kinds

    def refusals(self) -> list[tuple[str, str]]:
        """All that :meth:`check` would say, for forms: the choice that is to be changed, and the reason.

        Raises:
            InputError: a side that is none, or a method and captions that do not go together.
        """
        return list(refusals(self, self.kinds, self.config))

    def run(self, progress: Progress | None = None, first: First | None = None) -> Outcome:
        """Compare. What differs between views is stored with them.

        Args:
            progress: ``progress(fraction, label)``; raise :class:`~latentdiff.errors.Cancelled` in it to stop.
            first: given a first ``Outcome``, as :func:`latentdiff.compare` takes it.

        Raises:
            InputError: as :meth:`check`, and sides that cannot be used. Others as :func:`latentdiff.compare_with`.
            MissingPackageError: views, where the FiftyOne plugin or FiftyOne is not installed.
        """
        kinds, report = self.check(), progress or silent
        if kinds == VIEWS:
            return Outcome.of_run(of_datasets("compare")(self, report, then(Outcome.of_run, first)))
        if kinds == PARQUET:
            return self._run_parquet(report, first)
        captions, prompts = texts_by_path(self.captions, "caption"), texts_by_path(self.prompts, "prompt")
        folder = make_folder() if "zip" in kinds else None
        try:
            opened = open_both(self, kinds, self.config.compare.skip_bad, folder, part(report, 0.0, 0.5))
            outcome = self._run_vectors(opened, captions, prompts, part(report, 0.5, 1.0), first)
        except BaseException:
            if folder is not None:
                remove_folder(folder)
            raise
        if folder is not None:
            weakref.finalize(outcome, remove_folder, folder)  # a report shows its images
        return outcome

    def check_question(self) -> None:
        """Everything that can be known to be wrong before the sides are asked about: method, SAE and engine play no part.

        Raises:
            InputError: sides or words that do not go together, and what to do.
        """
        for _, refusal in (*of_sides(self, self.kinds), *of_language(self, self.kinds), *of_groups(self, self.kinds)):
            raise InputError(refusal)

    def open(self, progress: Progress | None = None) -> Opened:
        """Vectors of both sides and the words, to ask about them.

        Args:
            progress: ``progress(fraction, label)``.

        Raises:
            InputError: as :meth:`check_question`, and sides or words that cannot be used.
            MissingPackageError: views, where the FiftyOne plugin or FiftyOne is not installed.
        """
        self.check_question()
        kinds, report = self.kinds, progress or silent
        if kinds == VIEWS:
            return of_datasets("open")(self, report)
        with temporary_folder() as folder:
            opened = open_both(self, kinds, self.config.compare.skip_bad, folder, report)
        # What was unpacked is gone with the folder: its rows have no names.
        a, b = (dataclasses.replace(x, items=None) if how == "zip" else x for x, how in zip((opened.a, opened.b), kinds, strict=True))
        return dataclasses.replace(opened, a=a, b=b)

    def _run_vectors(self, opened: Opened, captions: Any, prompts: Any, progress: Progress, first: First | None) -> Outcome:
        sae, encoder = open_sae(self.sae), opened.encoder
        if encoder is not None and "sae" in named(self.method.method).takes:
            sae = of_encoder(sae, encoder.fingerprint, "what --encoder encodes", self.config.compare.sae_trainer)
        fields, remarks = fields_of(self.fields, opened.items, self.config.compare.skip_bad, part(progress, 0.0, 0.2))
        told = functools.partial(self._told, opened, remarks)
        comparison = compare_with(
            self.config,
            opened.a.vectors,
            opened.b.vectors,
            sae=sae,
            vocabulary=opened.vocabulary,
            encode_texts=encoder.encode_texts if encoder is not None else None,
            images=None if any(items is None for items in opened.items) else opened.items,
            captions=captions,
            prompts=prompts,
            **opened.groups,
            **fields,
            given=self.given,
            key=self.key,
            progress=progress if self.fields is None else part(progress, 0.2, 1.0),
            first=then(told, first),
        )
        return told(comparison)

    def _told(self, opened: Opened, remarks: Sequence[str], comparison: Comparison) -> Outcome:
        """With what is known of its images beside their vectors."""
        encoder = opened.encoder
        comparison.info["names"] = list(opened.names)
        if encoder is not None:
            worth = strangers(encoder.fingerprint, opened.a.vectors, opened.b.vectors), getattr(encoder, "assumed", "")
            remarks = [*filter(None, worth), *remarks]
        comparison.info["remarks"] = [*remarks, *(comparison.info.get("remarks") or ())]
        tell_precisions(comparison.info, opened.a.encoder, opened.b.encoder)
        add_left_out(comparison.info, opened.left_out)
        comparison.info.update(opened.ranges.as_info())
        if encoder is not None:
            comparison.info["encoder"] = dict(encoder.fingerprint)
        return Outcome(comparison, opened.names, items=opened.items)

    def _run_parquet(self, progress: Progress, first: First | None) -> Outcome:
        from .scale.parquet import ParquetVectors, compare_parquet

        a, b = (ParquetVectors(os.fspath(side), **self.columns) for side in (self.a, self.b))
        encoder = open_encoder(self.encoder)[0] if self.encoder is not None else None
        own = {"vocabulary": words_of(self, encoder, part(progress, 0.0, 0.1)), "sae": self.sae, "fields": self.fields}
        own |= {"given": self.given, **groups_by_row(self), "config": self.config.compare, "progress": part(progress, 0.1, 1.0)}

        def told(comparison: Comparison) -> Outcome:
            comparison.info["names"] = list(names := names_of(self, (self.a, self.b), PARQUET))
            return Outcome(comparison, names, items=(a.ids, b.ids))

        return told(compare_parquet(a, b, engine=self.engine, **own, first=then(told, first)))
