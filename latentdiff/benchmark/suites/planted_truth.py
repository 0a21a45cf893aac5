"""``planted``: power and calibration on vectors whose every difference is known (see :mod:`latentdiff.benchmark.planted`)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...config import CompareConfig
from ...progress import Progress
from ...sae.model import SparseAutoencoder
from ..planted import PlantedWorld, WorldConfig
from ..spaces import kept_sae
from ..suite import Curves, Plot, Record, Report, Suite, Table, Task

RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
SIZES = (1_000, 5_000, 20_000)
JUDGED = {0.01: 0.95, 0.005: 0.80}
"""Recall that is asked for at 20,000 images a side; these rates get ``FULL_RUNS`` comparisons there, the others ``FEW_RUNS``."""
FULL_RUNS, RUNS, FEW_RUNS = 40, 10, 5
NULL_SIZE, NULL_RUNS = 2_000, 200
MODES, MODE_RATES, MODE_RUNS = 3, (0.005, 0.01, 0.05), 20
"""Several true modes: so many a side, at rates drawn from these, at 20,000 images a side."""
TRAINED_ON, CONCEPTS, ACTIVE = 20_000, 1_024, 8
SECONDS = {1_000: 1.0, 2_000: 1.2, 5_000: 2.0, 20_000: 6.0}


class PlantedTruth(Suite):
    """Recall among five by rate and size, false alarms on equal populations, false discoveries beside several true modes."""

    name = "planted"
    own_options = frozenset({"runs", "sizes"})
    help = "Vectors of a generative model with known differences: recall by rate and size, false alarms, false discoveries."

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.config = WorldConfig(seed=options.seed)
        self._world: PlantedWorld | None = None
        self._sae: SparseAutoencoder | None = None

    @property
    def world(self) -> PlantedWorld:
        """The population, made when first needed."""
        if self._world is None:
            self._world = PlantedWorld(self.config)
        return self._world

    @property
    def sae(self) -> SparseAutoencoder:
        """One SAE, trained on the ordinary population, for all comparisons."""
        if self._sae is None:
            self._sae = kept_sae(self.world.sample(TRAINED_ON, 1), concepts=CONCEPTS, active=ACTIVE)
        return self._sae

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "world": str(self.config), "sae": [TRAINED_ON, CONCEPTS, ACTIVE]}

    def tasks(self) -> list[Task]:
        out, sizes = [], self.options.sizes or SIZES
        for n in sizes:
            for rate in RATES:
                runs = self.options.runs or (RUNS if n < max(SIZES) else FULL_RUNS if rate in JUDGED else FEW_RUNS)
                out += [self._task("power", f"power n={n}", n, rate, run) for run in range(runs)]
        for run in range(self.options.runs or NULL_RUNS):
            out.append(self._task("null", "null", min(NULL_SIZE, max(sizes)), 0.0, run))
        for run in range(self.options.runs or MODE_RUNS):
            out.append(self._task("several", "several modes", max(sizes), 0.0, run))
        cells = Counter((t.group, t.payload["rate"]) for t in out)
        # All cells fill up alike: stopped midway, each has some.
        return sorted(out, key=lambda t: t.payload["run"] / cells[t.group, t.payload["rate"]])

    def _task(self, kind: str, group: str, n: int, rate: float, run: int) -> Task:
        seconds = SECONDS.get(n, n / 3_000)
        return Task(f"{kind} n={n} rate={rate:g} run={run}", group, seconds, {"kind": kind, "n": n, "rate": rate, "run": run})

    def prepare(self, progress: Progress) -> dict[str, float]:
        start = time.perf_counter()
        progress(0.0, "training the SAE on the population")
        assert self.sae.concepts
        return {"SAE": round(time.perf_counter() - start, 3)}

    def run(self, task: Task) -> Record:
        from ...comparing.pipeline import compare

        p, start = task.payload, time.perf_counter()
        rng = np.random.default_rng([self.options.seed, p["run"], p["n"], round(1e6 * p["rate"]), len(p["kind"])])
        modes = self._modes(p, rng)
        seeds = rng.integers(0, 2**31, 2)
        both = frozenset((*modes["A"], *modes["B"]))
        a, b = (self.world.sample(p["n"], int(seed), modes[side], both) for side, seed in zip("AB", seeds, strict=True))
        drawn = time.perf_counter()
        # The words are arbitrary, so a compound of two of them names nothing.
        config = CompareConfig(seed=p["run"], compounds=False)
        c = compare(a, b, sae=self.sae, vocabulary=self.world.vocabulary, config=config)
        seconds = {"drawing": round(drawn - start, 3), "comparing": round(time.perf_counter() - drawn, 3)}
        true = {side: {self.world.words[k] for k in modes[side]} for side in "AB"}
        top = {side: [h.text for h in c.top(side, 5, gated=False)] for side in "AB"}
        return {
            **p,
            "modes": len(modes["A"]) + len(modes["B"]),
            "in_top": sum(len(true[side] & set(top[side])) for side in "AB"),
            "reported": len(c.hypotheses),
            "true": sum(h.text in true[h.side] for h in c.hypotheses),
            "false": {s: sum(h.text not in true[h.side] for h in c.hypotheses if h.source == s) for s in ("sae", "dre")},
            "differs": bool(c.differs),
            "p_value": c.two_sample.p_value,
            "seconds": seconds,
        }

    def _modes(self, p: dict[str, Any], rng: np.random.Generator) -> dict[str, dict[int, float]]:
        """Concept → rate of each side's own modes."""
        count = {"power": 1, "null": 0, "several": MODES}[p["kind"]]
        ids = rng.choice(self.config.concepts, 2 * count, replace=False).tolist()
        rates = [p["rate"]] * (2 * count) if p["kind"] == "power" else rng.choice(MODE_RATES, 2 * count).tolist()
        return {side: dict(zip(ids[i::2], rates[i::2], strict=True)) for i, side in enumerate("AB")}

    def report(self, records: Sequence[Record]) -> Report:
        tables: list[Table] = []
        plots: dict[str, Plot] = {}
        figures: dict[str, float] = {}
        alpha = CompareConfig().alpha
        for table, plot, numbers in (_power(records), equal_populations(records, alpha), _several(records, alpha)):
            tables.append(table)
            plots |= plot
            figures |= numbers
        return Report(tuple(tables), plots, (), figures)


Part = tuple[Table, dict[str, Plot], dict[str, float]]


def _power(records: Sequence[Record]) -> Part:
    rows, series, figures = [], {}, {}
    for n in dict.fromkeys(r["n"] for r in records if r["kind"] == "power"):
        x, y = [], []
        for rate in RATES:
            own = [r for r in records if r["kind"] == "power" and r["n"] == n and r["rate"] == rate]
            if not own:
                continue
            modes = sum(r["modes"] for r in own)
            recall, reported = sum(r["in_top"] for r in own) / modes, sum(r["true"] for r in own) / modes
            wanted = JUDGED.get(rate) if n == max(SIZES) else None
            rows.append((f"{n:,}", f"{100 * rate:g} %", modes, recall, float(np.sqrt(recall * (1 - recall) / modes)), reported, wanted))
            x.append(100 * rate)
            y.append(recall)
            figures[f"recall@5, n={n}, {100 * rate:g} %"] = recall
        series[f"{n:,} images a side"] = (x, y)
    header = ("images a side", "rate of the mode", "modes", "recall@5", "standard error", "passes the gate", "asked for")
    plot = Curves("Modes found among the top five", series, "rate of the mode in its side (%)", "recall@5", log_x=True)
    table = Table("Power", header, tuple(rows), "The other side has none of it; every comparison has one mode a side.")
    return table, {"power": plot}, figures


def equal_populations(records: Sequence[Record], alpha: float) -> Part:
    """How often something is claimed where nothing differs, of the records of kind "null"."""
    own = [r for r in records if r["kind"] == "null"]
    if not own:
        return Table("Equal populations", ("what", "share"), ()), {}, {}
    shares = {
        "a hypothesis passes the gate": float(np.mean([r["reported"] > 0 for r in own])),
        "the verdict is that they differ": float(np.mean([r["differs"] for r in own])),
        "the two-sample test alone has p <= alpha": float(np.mean([r["p_value"] <= alpha for r in own])),
    }
    error = float(np.sqrt(alpha * (1 - alpha) / len(own)))
    rows = tuple((what, len(own), share, alpha, error) for what, share in shares.items())
    table = Table("Equal populations", ("what", "comparisons", "share", "level", "standard error at the level"), rows)
    p = np.sort([r["p_value"] for r in own])
    series = {"observed": (p.tolist(), ((np.arange(len(p)) + 1) / len(p)).tolist()), "uniform": ([0.0, 1.0], [0.0, 1.0])}
    plot = Curves("Two-sample p-values of equal populations", series, "p", "share of comparisons with a p below")
    return table, {"null": plot}, {f"null: {what}": share for what, share in shares.items()}


def _several(records: Sequence[Record], alpha: float) -> Part:
    own = [r for r in records if r["kind"] == "several"]
    if not own:
        return Table("Several true modes", ("what", "mean"), ()), {}, {}

    def proportions(sources: Sequence[str]) -> list[float]:
        return [sum(r["false"][s] for s in sources) / max(1, r["true"] + sum(r["false"][s] for s in sources)) for r in own]

    kinds = {"all": ("sae", "dre"), "concepts": ("sae",), "exemplar phrases": ("dre",)}
    values = {name: proportions(sources) for name, sources in kinds.items()}
    recall = sum(r["true"] for r in own) / sum(r["modes"] for r in own)
    rows = [(f"false discovery proportion, {name}", len(own), float(np.mean(v)), float(np.max(v)), alpha) for name, v in values.items()]
    rows.append(("modes that pass the gate", len(own), float(recall), float("nan"), float("nan")))
    table = Table(
        f"{MODES} true modes a side", ("what", "comparisons", "mean", "largest", "level"), tuple(rows),
        "A discovery is false where its name is not a planted concept of its side.",
    )
    series = {name: (list(range(1, len(v) + 1)), sorted(v)) for name, v in values.items()}
    plot = Curves("False discovery proportion of each comparison", series, "comparison (sorted)", "proportion", lines={"alpha": alpha})
    figures = {f"FDP, {name}": float(np.mean(v)) for name, v in values.items()}
    return table, {"several": plot}, {**figures, "several: recall of the gate": float(recall)}
