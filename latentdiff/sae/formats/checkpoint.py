"""What was read from disk, before it is understood: tensors by name and shape, config entries, and what the user adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import CheckpointError
from .entries import is_named, leaves, may_change_codes, of_model

NEVER_LEARNT = (
    "its threshold is {value:g}: it was never learnt (training stopped before), so its codes would depend on the batch; "
    "take a later checkpoint, or pass threshold=... if you know it"
)


@dataclass(frozen=True)
class Options:
    """What a user adds where a file does not say it."""

    threshold: float | None = None
    """>= 0."""
    top_k: int | None = None
    """>= 1."""


@dataclass
class Checkpoint:
    """What was read from disk, before it is understood."""

    path: Path
    tensors: dict[str, Any]
    """Names to arrays or plain values of the state dict."""
    config: dict[str, Any] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    used: set[str] = field(default_factory=set)
    """Names of the tensors that went into the equation."""
    heard: set[str] = field(default_factory=set)
    """Names of the config entries that were taken into account; with a dot at the end, of a dict and all in it."""
    beside: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """Other configs that lie beside the file, by name: none of them may say something else."""
    inside: str = ""
    """Name, and a dot, of the dict in the config that holds the SAE's own entries; "" where they stand by themselves."""

    def entry(self, name: str, default: Any = None) -> Any:
        """A config entry, which now counts as taken into account (a dict with all in it); null counts as missing.

        Args:
            name: of the entry; with dots, of one in a dict in the config ("metadata.k").
            default: what stands for a missing one.
        """
        value = self._said(self.inside + name)
        self.heard.add(self.inside + name + ("." if isinstance(value, dict) else ""))
        return default if value is None else value

    def enter(self, name: str) -> None:
        """From now on :meth:`entry` reads the dict of that name; what stands beside it is no less a reason to refuse.

        Raises:
            CheckpointError: it is no dict.
        """
        if not isinstance(self._said(name), dict):
            raise CheckpointError(f"{self.path}: the config's {name} is no object")
        self.inside = f"{name}."

    def _said(self, name: str) -> Any:
        return _within(self.config, name)

    def array(self, name: str, *shape: str, sizes: dict[str, int]) -> np.ndarray:
        """A float tensor of the shape named by ``shape`` ("d", "K"); ``sizes`` is filled on first sight and checked after.

        Raises:
            CheckpointError: it is missing, no tensor, or its shape contradicts another's.
        """
        value = self.tensors.get(name)
        self.used.add(name)
        if value is None:
            raise CheckpointError(f"{self.path} has no tensor {name!r}; it has {', '.join(map(str, list(self.tensors)[:12]))}")
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu" or value.ndim != len(shape):
            raise CheckpointError(f"{self.path}: {name} should be numbers of shape ({', '.join(shape)}), not {_describe(value)}")
        for letter, n in zip(shape, value.shape, strict=True):
            if sizes.setdefault(letter, n) != n or n == 0:
                raise CheckpointError(f"{self.path}: {name} has shape {value.shape}, which contradicts {sizes} of the other tensors")
        with np.errstate(over="ignore"):  # what does not fit into float32 becomes infinite and is refused as such
            return value.astype(np.float32, copy=False)

    def number(self, name: str) -> float | None:
        """A scalar of the state dict, None where it is missing."""
        value = self.tensors.get(name)
        self.used.add(name)
        if value is None or isinstance(value, (int, float)):
            return None if value is None else float(value)
        if not isinstance(value, np.ndarray) or value.size != 1 or value.dtype.kind not in "fiub":
            raise CheckpointError(f"{self.path}: {name} should be one number, not {_describe(value)}")
        return float(value.reshape(()))

    def agree(self, **expected: int) -> None:
        """Refuse a config that states other sizes than the tensors have (a missing entry states nothing)."""
        for name, value in expected.items():
            stated = self.entry(name)
            if stated is not None and stated != value:
                raise CheckpointError(
                    f"{self.path}: the config says {name} = {stated!r:.40}, the tensors say {value}; they are of two checkpoints"
                )

    def text(self, name: str, default: str) -> str:
        """A config entry that names a choice; null counts as missing."""
        value = self.entry(name)
        if value is not None and not isinstance(value, str):
            raise CheckpointError(f"{self.path}: the config's {name} should be a text, not {value!r:.80}")
        return default if value is None else value

    def flag(self, name: str, default: bool) -> bool:
        """A config entry that is true or false; null counts as missing."""
        value = self.entry(name)
        if value is not None and not isinstance(value, bool):
            raise CheckpointError(f"{self.path}: the config's {name} should be true or false, not {value!r:.80}")
        return default if value is None else value

    def threshold(self, name: str = "threshold", unlearnt: float = -1.0) -> np.ndarray:
        """The learnt threshold of the file, or the user's where the file has none, as an array of one number.

        Args:
            name: of the tensor, or of the config entry.
            unlearnt: what it holds before the first step of training.

        Raises:
            CheckpointError: the file has none, or one that was never learnt, and the user gives none.
        """
        value = self.number(name)
        value = self.entry(name) if value is None else value
        if value is not None and type(value) not in (int, float):
            raise CheckpointError(f"{self.path}: {name} should be a number, not {value!r:.80}")
        if value is not None and value >= 0 and value != unlearnt:
            return np.array([value], np.float32)
        if self.options.threshold is not None:
            return np.array([self.options.threshold], np.float32)
        if value is None:
            raise CheckpointError(f"{self.path} has no {name!r}; pass threshold=... if you know it (it is never guessed)")
        raise CheckpointError(f"{self.path}: {NEVER_LEARNT.format(value=value)}")

    def top_k(self, value: Any) -> int:
        """A count of active concepts per row: what the file says, or the user's where it says nothing."""
        value = self.options.top_k if value is None else value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int or value < 1:
            raise CheckpointError(f"{self.path} does not say how many concepts are active per row (k = {value!r:.40}); pass top_k=...")
        return value

    def settle(self, form: str, tensors: tuple[str, ...], entries: tuple[str, ...]) -> None:
        """Refuse what may change the equation and was not used: another architecture is never read as the nearest known one.

        Args:
            form: the format in words.
            tensors: patterns of tensors that do not enter the equation (statistics, counts).
            entries: patterns of config entries that this format's writers are known to write and that do not, with dots between the
                names of nested ones; those that steer training in every library need not be among them.

        Raises:
            CheckpointError: a tensor or a config entry was left over; it is named.
        """
        left = [n for n in map(str, self.tensors) if n not in self.used and not is_named(n, tensors)]
        if left:
            raise CheckpointError(
                f"{self.path} holds {', '.join(left[:8])}, which the equation of {form} does not have: it is another architecture, and is "
                "not read as this one"
            )
        self._settle_entries(form, entries, self.config, "the config")
        for file, config in self.beside.items():
            self._settle_entries(form, entries, {} if of_model(config) else config, file)

    def _settle_entries(self, form: str, known: tuple[str, ...], config: dict[str, Any], whose: str) -> None:
        for path, value in leaves(config):
            name = ".".join(path)
            if not may_change_codes(path, value) or is_named(name.removeprefix(self.inside), known) or self._was_heard(config, path, value):
                continue
            raise CheckpointError(
                f"{self.path}: {whose} says {name:.80} = {value!r:.60}, which the reader of {form} does not know; the file is not read, "
                "since that may change its codes. If it does not, take the entry out of a copy of the config"
            )

    def _was_heard(self, config: dict[str, Any], path: tuple[str, ...], value: Any) -> bool:
        """Whether an entry, or a dict that holds it, was taken into account, and says here what it says there."""
        for outer in (".".join(path[:i]) for i in range(1, len(path))):
            if f"{outer}." in self.heard and _within(config, outer) == self._said(outer):
                return True
        name = ".".join(path)
        said = self._said(name)
        return name in self.heard and (value == said or (isinstance(said, list) and value in said))


def _within(config: dict[str, Any], name: str) -> Any:
    """What stands in a config under names between dots."""
    if name in config:
        return config[name]
    value: Any = config
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def bare_parameters(c: Checkpoint, bias: str = "b_enc") -> tuple[dict[str, Any], dict[str, int]]:
    """``W_enc``, ``W_dec``, ``b_dec`` and a bias under those names, and their sizes."""
    sizes: dict[str, int] = {}
    w_enc = c.array("W_enc", "d", "K", sizes=sizes)
    w_dec = c.array("W_dec", "K", "d", sizes=sizes)
    return {"w_enc": w_enc, "b_enc": c.array(bias, "K", sizes=sizes), "w_dec": w_dec, "b_dec": c.array("b_dec", "d", sizes=sizes)}, sizes


def gated(
    c: Checkpoint, parts: dict[str, Any], sizes: dict[str, int], names: tuple[str, str, str] = ("b_mag", "r_mag", "b_gate")
) -> dict[str, Any]:
    """A gate that shares its weights is a jump-ReLU (Rajamanoharan et al. 2024a, appendix D).

    With p the shared product, ``p + b_gate > 0`` is ``e^r p + b_mag > b_mag - e^r b_gate``; ``parts["b_enc"]`` is b_mag plus what
    else was folded into it, which p has to carry with factor ``e^r``. ``names`` are those of b_mag, r and b_gate in the file.
    """
    magnitude, rate, gate = names
    b_mag = c.array(magnitude, "K", sizes=sizes).astype(np.float64)
    gain = np.exp(c.array(rate, "K", sizes=sizes).astype(np.float64))
    b_gate = c.array(gate, "K", sizes=sizes).astype(np.float64)
    folded = parts["b_enc"] - b_mag
    return {
        "w_enc": parts["w_enc"] * gain.astype(np.float32),
        "b_enc": b_mag + gain * folded,
        "threshold": b_mag - gain * b_gate,
    }


def product(row: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Row times matrix in float64, a block of columns at a time (the whole matrix in float64 would double the memory)."""
    wide = row.astype(np.float64)
    return np.concatenate([wide @ matrix[:, s : s + 4096].astype(np.float64) for s in range(0, matrix.shape[1], 4096)])


def _describe(value: Any) -> str:
    return f"{value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
