"""The state of an unfinished training run in one file: parameters, Adam's moments, silence of units, schedule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..embed.cache import write_atomic
from ..errors import CheckpointError, InputError
from .schedule import Schedule
from .trainer import Trainer

FORMAT = "latentdiff-sae-training-1"
NAMES = ("w_enc", "b_enc", "w_dec", "b_dec")
MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def save_state(path: Path, trainer: Trainer, schedule: Schedule, step: int, run: dict[str, Any]) -> None:
    """Write everything that the steps from ``step`` on depend on; a reader sees the old file or the new one, never a part."""
    from safetensors.torch import save

    tensors = {name: p.detach().cpu().contiguous() for name, p in zip(NAMES, trainer.parameters, strict=True)}
    for name, p in zip(NAMES, trainer.parameters, strict=True):
        if p in trainer.adam.state:
            tensors |= {f"{name}.{m}": trainer.adam.state[p][m].cpu().contiguous() for m in MOMENTS}
    tensors["silent_for"] = trainer.silent_for.cpu()
    record = {"format": FORMAT, "run": run, "step": step, "schedule": vars(schedule)}
    write_atomic(path, save(tensors, {"latentdiff": json.dumps(record)}))


def load_state(path: Path, trainer: Trainer, run: dict[str, Any]) -> tuple[int, Schedule]:
    """Put a trainer where an interrupted run stopped.

    Args:
        path: file that :func:`save_state` wrote.
        trainer: fresh, of the same sizes.
        run: options and data of this run, which must be those of the file.

    Returns:
        The next step and the schedule.

    Raises:
        CheckpointError: the file cannot be read. InputError: it is of another run.
    """
    import torch
    from safetensors import safe_open

    try:
        with safe_open(path, "pt") as file:
            record = json.loads((file.metadata() or {})["latentdiff"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
        if record["format"] != FORMAT:
            raise ValueError(f"its format is {record['format']!r}")
        theirs, step, schedule = record["run"], int(record["step"]), Schedule(**record["schedule"])
    except Exception as e:
        raise CheckpointError(f"{path} is no interrupted training ({type(e).__name__}: {e}); delete it to train from the start") from e
    for key in run:
        if run[key] != theirs.get(key):
            raise InputError(
                f"{path} is an interrupted training of another kind: {key} is {theirs.get(key)!r} there and {run[key]!r} now; "
                "use another file, or delete it to train from the start"
            )
    with torch.no_grad():
        for name, p in zip(NAMES, trainer.parameters, strict=True):
            p.copy_(tensors[name])
            if f"{name}.step" in tensors:
                trainer.adam.state[p] = {m: tensors[f"{name}.{m}"].to(p.device) for m in MOMENTS}
        trainer.silent_for.copy_(tensors["silent_for"])
    return step, schedule
