"""What an evaluation is made of: options, tasks, records, and the tables and plots that they become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..progress import Progress

Record = dict[str, Any]
"""What one task found: plain JSON values, with ``"task"`` and ``"seconds"`` (stage → seconds)."""


@dataclass(frozen=True)
class Options:
    """What a person may choose of an evaluation; a suite uses what concerns it."""

    data: Path | None = None
    """Folder of the suite's data; None: the suite's own default."""
    out: Path = Path("evaluation")
    """Where tables, plots and records go, one folder per suite."""
    pairs: int | None = None
    """Pairs per parent (group), all where there are no more; None: the suite's own number."""
    runs: int | None = None
    """Repetitions, where a suite draws at random; None: the suite's own number."""
    methods: tuple[str, ...] = ()
    """Names of methods; empty: all that the suite has."""
    encoder: str | None = None
    """Encoder of images, as ``load_encoder`` takes it; None: the paper's."""
    pretrained: str | None = None
    sae: str | Path | None = None
    """A sparse autoencoder of that encoder, as ``load_sae`` takes it (the paper's: ``"pach"``); None trains one on the suite's images and
    keeps it."""
    vocabulary: Path | None = None
    """Text file of words; None: the suite's own, else the package's 20,000."""
    captions: Path | None = None
    """Captions of the images (CSV or JSON lines with path and caption), for the methods that read captions."""
    captioner: str | None = None
    """Image-to-text model (the paper's: BLIP-2) that captions the images which ``captions`` leaves out; its folder or hub id."""
    judge: str | None = None
    """Sentence-transformers model that scores phrases; None: all-MiniLM-L6-v2."""
    endpoint: str | None = None
    """``BASE_URL,MODEL`` of an OpenAI-compatible chat server that proposes, describes exemplars, and judges Acc@k; None: none."""
    calls: int = 100_000
    """Requests to it at most, in one call."""
    split: str | None = None
    """Split of the data set, where it has several."""
    sizes: tuple[int, ...] = ()
    """Numbers of images, where a suite varies them."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError(f"the seed of an evaluation is a whole number of at least 0, not {self.seed!r}")
        for name in ("pairs", "runs", "calls", "sizes"):
            given = getattr(self, name)
            wrong = [n for n in (given if name == "sizes" else (given,)) if n is not None and n < 1]
            if wrong:
                raise InputError(f"{name} of an evaluation must be at least 1, not {wrong[0]!r}")


TYPED = {"calls": "llm-calls"}
"""Options whose flag has another name."""


@dataclass(frozen=True)
class Task:
    """One piece of work: done once, then remembered."""

    key: str
    """Names it within its suite."""
    group: str
    seconds: float
    """What it is expected to cost, for the plan."""
    payload: Any = None


@dataclass(frozen=True)
class Table:
    """A table of results; numbers stay numbers until they are printed."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Bars:
    """Bars per group, one series after another, with what stands for ±1 standard deviation."""

    title: str
    groups: tuple[str, ...]
    series: Mapping[str, Sequence[float]]
    errors: Mapping[str, Sequence[float]]
    y: str
    lines: Mapping[str, float] = field(default_factory=dict)
    """Horizontal lines by name: floors and the papers' figures."""


@dataclass(frozen=True)
class Points:
    """Clouds of points (cosine against scarcity)."""

    title: str
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    x: str
    y: str


@dataclass(frozen=True)
class Curves:
    """Lines over a common kind of axis."""

    title: str
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    x: str
    y: str
    log_x: bool = False
    lines: Mapping[str, float] = field(default_factory=dict)


Plot = Bars | Points | Curves


@dataclass(frozen=True)
class Report:
    """What an evaluation found."""

    tables: tuple[Table, ...]
    plots: Mapping[str, Plot]
    """File stem → plot."""
    notes: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
    """The few numbers that matter, by name."""


@dataclass(frozen=True)
class Published:
    """The work on a suite's data as published, for the plan of those who do not have them yet."""

    groups: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    """Group → tasks and their expected seconds; empty where that is not known."""
    images: int = 0
    """Photographs to embed, about."""


class Suite:
    """An evaluation: subclass it, list it in :mod:`latentdiff.benchmark.suites`."""

    name = ""
    help = ""
    own_options: frozenset[str] = frozenset()
    """Names of :class:`Options` that count here, beside those of every suite of its kind."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def uses(self) -> frozenset[str]:
        """Names of :class:`Options` that count for what was asked for."""
        return self.own_options | {"out", "seed"}

    def unused(self) -> list[str]:
        """What to say of options that were passed and do not count here: nothing is ignored in silence."""
        default, uses = Options(), self.uses()
        if self.options.endpoint is None:
            uses -= {"calls"}  # of no server
        passed = [f.name for f in fields(Options) if getattr(self.options, f.name) != getattr(default, f.name)]
        idle = [f"--{TYPED.get(name, name)}" for name in passed if name not in uses]
        return [f"{self.name} has no use for {', '.join(idle)} with these methods: without effect here."] if idle else []

    def sends(self) -> str:
        """What a server of ``--endpoint`` is sent, in words; "" where none is asked."""
        return "captions, phrases and labels" if self.options.endpoint and "endpoint" in self.uses() else ""

    def missing(self) -> list[str]:
        """What is not there, one line each, with what to fetch and where to put it; empty where the suite can run."""
        return []

    def downloads(self) -> list[str]:
        """Weights that are not on this machine and would be fetched, one line each, with what to do without a network."""
        return []

    def published(self) -> Published:
        """The work on the published data."""
        return Published()

    def images(self) -> int:
        """Photographs that are embedded before the first task."""
        return 0

    def preparation(self, images: int) -> list[tuple[str, int, float]]:
        """What comes before the first task, for the plan: what, how many, expected seconds (NaN where unknown)."""
        return []

    def about(self) -> list[Table]:
        """What there is to say of the data before anything is run; printed by the plan and put after the results."""
        return []

    def settings(self) -> dict[str, Any]:
        """What a record depends on beside its task; records of other settings are not mixed with these."""
        return {"seed": self.options.seed}

    def tasks(self) -> list[Task]:
        """All the work, in its order."""
        raise NotImplementedError

    def prepare(self, progress: Progress) -> dict[str, float]:
        """Load and embed what all tasks need; returns seconds per stage. Called once, before the first task that is not done yet."""
        return {}

    def run(self, task: Task) -> Record:
        """Do one task."""
        raise NotImplementedError

    def report(self, records: Sequence[Record]) -> Report:
        """Tables and plots of whatever is done."""
        raise NotImplementedError
