"""Inputs of the form that trains a sparse autoencoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import allowed


def choose_training(inputs: Any, params: dict[str, Any]) -> None:
    """The operator's inputs: where to, which kind, and the sizes for those who know them."""
    from . import common as forms

    where = inputs.str("folder", label="Folder", description="Where it is kept; a comparison takes it from there", required=True)
    why = params.get("folder") and allowed.problem(lambda named: allowed.free_folder(allowed.place(named)), params["folder"])
    if why:
        forms.reject(where, why)
    elif params.get("folder") and (Path(params["folder"]).expanduser() / "config.json").exists():
        inputs.bool("overwrite", label="Replace the SAE in this folder", default=False)
        if not params.get("overwrite"):
            forms.reject(where, "This folder already holds an SAE; tick Replace or choose another.")
    labels = ["BatchTopK: one flat list of concepts", "Matryoshka: from coarse to fine concepts"]
    text = "Kind of sparse autoencoder"
    values = ["batchtopk", "matryoshka"]
    forms.choose(inputs, "trainer", "Kind", values, labels=labels, description=text, empty="").default = "batchtopk"
    inputs.int("concepts", label="Concepts", description="Size of the dictionary; empty: chosen from the vectors", required=False, min=1)
    inputs.int("active", label="Active concepts", description="Per image, in the mean; empty: chosen", required=False, min=1)
    inputs.int("seed", label="Seed", description="The same seed gives the same concepts", default=0, required=False)
    inputs.bool("skip_bad", label="Leave out broken vectors", description="Those that hold something that is no number", default=False)


def chosen_training(params: dict[str, Any]) -> dict[str, Any]:
    """What :func:`choose_training` was answered, as :func:`train_sae` takes it; a stopped run is gone on with."""
    folder = allowed.place(params["folder"])
    allowed.free_folder(folder)
    return {
        "folder": folder,
        "resume": folder / "unfinished-training",
        "overwrite": bool(params.get("overwrite")),
        "trainer": params.get("trainer") or "batchtopk",
        "concepts": params.get("concepts") or None,
        "active": params.get("active") or None,
        "seed": int(params.get("seed") or 0),
        "skip_bad": bool(params.get("skip_bad")),
    }
