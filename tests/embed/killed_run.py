"""Encoding in a process that may be killed; each is forked from one that has imported all that it needs."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO

import open_clip  # noqa: F401  # imported before the fork
import torch  # noqa: F401

from latentdiff.embed.encoder import load_encoder
from latentdiff.embed.storing import encode_to_store
from latentdiff.embed.vectors import VectorStore


def encode(model: Path, listing: Path, folder: Path, told: Connection) -> None:
    """Encode what is listed into a store; tells how many vectors were there, what it has done, and how it ended."""
    with os.fdopen(os.dup(told.fileno()), "w") as say:
        paths = json.loads(listing.read_text())
        encoder = load_encoder(str(model), device="cpu", dtype="float32")
        store = VectorStore(folder, fingerprint=encoder.fingerprint, width=encoder.width)
        print("ready", len(store), file=say, flush=True)

        def progress(fraction: float, label: str) -> None:
            print(label, file=say, flush=True)

        ids = [str(i) for i in range(len(paths))]
        done = encode_to_store(encoder, ids, paths, store, shard_rows=24, batch_size=8, workers=2, progress=progress)
        print("done", done.encoded, done.kept, file=say, flush=True)


@contextmanager
def encoding(model: Path, listing: Path, folder: Path) -> Iterator[tuple[BaseProcess, IO[str]]]:
    """Such a process, and what it tells."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=encode, args=(model, listing, folder, writer))
    process.start()
    writer.close()
    with os.fdopen(os.dup(reader.fileno())) as told:
        yield process, told
    reader.close()
    process.join()
