"""Comparisons and embeddings over Parquet shards, on this machine or on a Ray cluster: the very same functions, the same results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..compute.temporary import temporary_folder
from ..config import CompareConfig
from ..embed.encoder import Encoder
from ..embed.filesystem import below, filesystem_of, write_table
from ..embed.fingerprint import disagreement, tell_precisions
from ..embed.grouping import Groups
from ..embed.identity import left_out
from ..embed.parquet import ParquetVectors, to_memmap
from ..embed.ranges import NO_RANGES, tell_ranges
from ..embed.shard_ranges import kept_dtype, with_ranges
from ..embed.sharding import SHARD_ROWS, Shard, ShardEncoder, plan_shards
from ..embed.sides import Sides
from ..embed.vocabulary import Vocabulary
from ..errors import InputError
from ..inputs.field_files import fields_of_tables
from ..inputs.fitting import known_of
from ..progress import First, Progress, silent, then
from ..results.comparison import Comparison
from ..sae.loading import check_encoder
from ..sae.model import SparseAutoencoder
from ..sae.spaces import KEPT, Space, open_sae
from .engine import LOCAL, Engine, engine_of


@contextmanager
def open_sides(
    a: str | ParquetVectors,
    b: str | ParquetVectors,
    *,
    engine: Engine | str = LOCAL,
    skip_bad: bool = False,
) -> Iterator[Sides]:
    """Two sides of vectors in Parquet, checked and ready for any number of passes, for as long as the block runs.

    Rows without a vector, rows whose id was in a row before, and ids on both sides are left out and counted (``left_out``).
    Rows are read by block, never all at once. "local" writes them to a temporary array on disk first (as large as the vectors), which
    passes then map; "ray" has the cluster load them into its object stores.

    Args:
        a, b: what :class:`~latentdiff.embed.parquet.ParquetVectors` takes.
        engine: where passes run, or its kind alone.
        skip_bad: leave out rows that cannot be used (:func:`~latentdiff.embed.usable.bad_in`), in place of an error.

    Raises:
        InputError: sides that cannot be used together, another engine, or no Ray.
    """
    engine = engine_of(engine)
    a, b = (x if isinstance(x, ParquetVectors) else ParquetVectors(x) for x in (a, b))
    other = disagreement(a.fingerprint, b.fingerprint, precision=False) if a.fingerprint and b.fingerprint else ""
    if other:
        raise InputError(f"A and B are by different encoders: {other}; embed both with one")
    if engine.kind == "ray":
        from .ray_sides import ShardedSides, connected

        with connected(engine.address, engine.workers) as found:
            yield ShardedSides(a, b, found, skip_bad, left_out(a, b))
        return
    with temporary_folder() as folder:
        yield Sides(to_memmap(a, Path(folder, "a.npy")), to_memmap(b, Path(folder, "b.npy")), skip_bad, left_out(a, b))


def compare_parquet(
    a: str | ParquetVectors,
    b: str | ParquetVectors,
    *,
    engine: Engine | str = LOCAL,
    sae: SparseAutoencoder | str | Path | None = None,
    vocabulary: Vocabulary | None = None,
    groups_a: Groups = None,
    groups_b: Groups = None,
    paired: bool = False,
    fields: Any = None,
    given: Sequence[Any] = (),
    config: CompareConfig | None = None,
    progress: Progress | None = None,
    first: First | None = None,
) -> Comparison:
    """How do two sets of images differ, for vectors in Parquet: :func:`latentdiff.compare` on this machine or on a Ray cluster.

    Args:
        a, b: vectors of the sides, see :func:`open_sides`.
        engine: where passes run, or its kind alone ("local", "ray"); all give the same result.
        fields: what else is known of the images: "all" other columns of both tables, names of some, or a pair of mappings (A's, B's) with a
            value per row. They are read into memory.
        sae, vocabulary, groups_a, groups_b, paired, given, config, progress, first: as :func:`latentdiff.compare`; columns that ``given``
            names are read. On Ray there is no first answer.

    Raises:
        InputError: sides, vectors, widths or an engine that cannot be used, or an SAE of another encoder.
        CheckpointError: ``sae`` is a folder without a readable SAE.
    """
    from ..comparing.pipeline import compare_sides

    config, engine = config or CompareConfig(), engine_of(engine)
    a, b = (x if isinstance(x, ParquetVectors) else ParquetVectors(x) for x in (a, b))
    used, given = open_sae(sae), known_of(given)
    if isinstance(used, SparseAutoencoder):
        for side in (a, b):
            check_encoder(used, side.fingerprint, side.width, f"the vectors in {side.source}")
    elif used in (None, KEPT) and a.fingerprint and b.fingerprint:
        used = Space.of_encoder(a.fingerprint, asked=used == KEPT)
    own: dict[str, Any] = {"sae": used, "vocabulary": vocabulary, "fields": fields_of_tables(fields, given, (a, b)), "given": given}

    def told(comparison: Comparison) -> Comparison:
        comparison.info["engine"] = engine.kind
        tell_precisions(comparison.info, a.fingerprint, b.fingerprint)
        tell_ranges(comparison.info, a.ranges or NO_RANGES, b.ranges or NO_RANGES)
        return comparison

    with open_sides(a, b, engine=engine, skip_bad=config.skip_bad) as sides:
        sides.group(groups_a, groups_b, paired)
        return told(compare_sides(sides, **own, config=config, progress=progress, first=then(told, first)))


def save(comparison: Comparison, folder: str, a: str | ParquetVectors, b: str | ParquetVectors) -> str:
    """Save a comparison of vectors in Parquet, with the log density ratio of every image by id.

    Writes what :meth:`Comparison.save` does, and ``log_ratio_a.parquet`` and ``log_ratio_b.parquet``: columns ``id`` (as in the side's own
    table) and ``log_ratio`` (float32, out of fold, high = typical of A; NaN where a row was left out).

    Args:
        comparison: of these sides.
        folder: local path or URI.
        a, b: the sides it compared.

    Returns:
        The folder.
    """
    from pyarrow import fs

    filesystem, place = filesystem_of(folder)
    for name, side, values in (("a", a, comparison.log_ratio_a), ("b", b, comparison.log_ratio_b)):
        vectors = side if isinstance(side, ParquetVectors) else ParquetVectors(side)
        write_table(_ratios(vectors, values), below(folder, f"log_ratio_{name}.parquet"))
    if isinstance(filesystem, fs.LocalFileSystem):
        comparison.save(place)
        return folder
    with temporary_folder() as local:
        comparison.save(local / "comparison")
        fs.copy_files(str(local / "comparison"), place, destination_filesystem=filesystem)
    return folder


def _ratios(vectors: ParquetVectors, values: np.ndarray) -> Iterator[Any]:
    """Ids and log ratios, a block at a time."""
    import pyarrow as pa

    at = 0
    for group in vectors.groups:
        for ids in vectors.id_blocks(group):
            yield pa.table({"id": pa.array(ids), "log_ratio": pa.array(values[at : at + len(ids)], pa.float32())})
            at += len(ids)


@dataclass(frozen=True)
class Embedded:
    """What :func:`embed` did."""

    rows: int
    """Images whose shards are there now."""
    failed: int
    """Of these, images that cannot be read: NaN vectors, with the reason in the column ``error``."""
    kept: int
    """Shards that were there already."""
    shards: int


def embed(
    source: str | Sequence[str],
    out: str,
    encoder: str | Encoder,
    pretrained: str | None = None,
    *,
    engine: Engine | str = LOCAL,
    vector_dtype: str = "float16",
    shard_rows: int = SHARD_ROWS,
    device: Any = None,
    like: str | None = None,
    progress: Progress | None = None,
) -> Embedded:
    """Images to Parquet shards of vectors, on this machine or by Ray Data on a cluster; a run that was stopped goes on where it was.

    Args:
        source: image files, or Parquet with pictures or paths, see :func:`~latentdiff.embed.sharding.plan_shards`.
        out: folder of the shards, path or URI; columns ``id``, ``vector``, ``error``.
        encoder: what :func:`~latentdiff.load_encoder` takes; for the engine "local" an :class:`Encoder` too.
        pretrained: weights of the encoder.
        engine: where it runs, or its kind alone; "ray": one encoder a GPU of the cluster, or a processor where it has none.
        vector_dtype: "float16" or "float32".
        shard_rows: images a shard, >= 1.
        device: torch device of the engine "local"; None picks.
        like: vectors in Parquet with which these shall be compared: deep pictures are drawn with the same range, and an encoder that is
            named computes in the same precision; None: with one chosen for these images, or that of the shards that are there.
        progress: ``progress(fraction, label)``.

    Raises:
        InputError: no images, another engine, or no Ray.
        EncoderError: an encoder that cannot be built.
    """
    engine = engine_of(engine)
    if engine.kind == "ray" and not isinstance(encoder, str):
        raise InputError("each worker of a cluster builds the encoder itself: name it, as load_encoder takes it")
    tasks = with_ranges(plan_shards(source, out, shard_rows), out, like)
    dtype = kept_dtype(out, like)
    report, made = progress or silent, []
    if engine.kind == "ray":
        from .ray_embed import embed_shards
        from .ray_sides import connected

        with connected(engine.address, engine.workers):
            made = list(_told(embed_shards(tasks, (encoder, pretrained, None, dtype, vector_dtype)), len(tasks), report))
    else:
        shards = ShardEncoder(encoder, pretrained, device, dtype, vector_dtype)
        made = list(_told(map(shards.make, tasks), len(tasks), report))
    return Embedded(sum(s.rows for s in made), sum(s.failed for s in made), sum(s.kept for s in made), len(made))


def _told(made: Iterator[Shard], count: int, progress: Progress) -> Iterator[Shard]:
    rows = 0
    for i, shard in enumerate(made, 1):
        rows += shard.rows
        progress(i / count, f"{rows:,} images embedded")
        yield shard
