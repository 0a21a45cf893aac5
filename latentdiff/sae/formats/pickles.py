"""The pickle inside a ``.pt`` file, read as data: there is nothing here that could call what a file names.

``torch.load(weights_only=True)`` refuses foreign code too, but allocates whatever a file asks for: a pickle of sixty bytes that says
``torch.Tensor(2**20, 2**20)`` or ``bytearray(2**44)`` made it ask for terabytes (torch 2.15). So the few opcodes that tensors need are
walked here, every global is either in a table of descriptions or refused by name, and the caller checks sizes against the archive.
"""

from __future__ import annotations

import io
import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...errors import CheckpointError
from .numpy_values import DTYPES, Global, Object, StoredTensor, checked_sizes, encoded, numpy_scalar

MAX_PICKLE = 8 << 20
"""Bytes: the pickles of public SAEs, weights apart, have a few thousand."""
STAND_INS = ("vit_prisma.sae.config.VisionModelSAERunnerConfig", "vit_prisma.configs.HookedViTConfig.HookedViTConfig")
"""Config classes that published files hold; read as a dict of their attributes, never imported."""


@dataclass
class _Machine:
    """The pickle machine: a stack, marks and a memo."""

    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    reducers: dict[str, Callable[..., Any]] = field(default_factory=dict)
    """What stands for each function that may be named."""
    storages: dict[str, StoredTensor] = field(default_factory=dict)
    """Every storage that was named, whole, by its key."""

    def since_mark(self) -> list[Any]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def last(self, n: int) -> list[Any]:
        if len(self.stack) < n:
            raise IndexError("the stack of the pickle runs dry")
        items = self.stack[len(self.stack) - n :]
        del self.stack[len(self.stack) - n :]
        return items


def read_pickle(
    data: bytes | io.BytesIO,
    reducers: dict[str, Callable[..., Any]] | None = None,
    storages: dict[str, StoredTensor] | None = None,
) -> Any:
    """Dicts, lists, tuples, numbers, texts and :class:`StoredTensor` of a pickle that ``torch.save`` or ``pickle.dump`` wrote.

    Args:
        data: the archive's ``data.pkl``; or a stream, which is read to the pickle's end.
        reducers: what stands for further functions that the pickle may name.
        storages: gets the storages that it names, by their keys.

    Raises:
        CheckpointError: it names code, uses an instruction that tensors do not need, or is damaged.
    """
    if isinstance(data, bytes) and len(data) > MAX_PICKLE:
        raise CheckpointError(f"its pickle has {len(data):,} bytes beside the weights; a saved SAE needs a few thousand")
    machine = _Machine(reducers={**_REDUCERS, **(reducers or {})}, storages={} if storages is None else storages)
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    try:
        while code := stream.read(1):
            opcode = _OPCODES.get(code.decode("latin-1"))
            name = opcode.name if opcode else repr(code)
            if name == "STOP":
                return machine.stack.pop()
            if opcode is None or name not in _ACTIONS:  # refused before its argument is read
                raise CheckpointError(f"its pickle uses the instruction {name}, which no saved SAE needs")
            _ACTIONS[name](machine, _argument(opcode, stream))
    except CheckpointError:
        raise
    except Exception as e:
        raise CheckpointError(f"its pickle is damaged: {type(e).__name__}: {e}") from e
    raise CheckpointError("its pickle ends before its end")


def _argument(opcode: pickletools.OpcodeInfo, stream: io.BytesIO) -> Any:
    """What an instruction is given; an escape that no pickle writes is damage, not a warning on the user's screen."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return opcode.arg.reader(stream) if opcode.arg else None


def _push(machine: _Machine, value: Any) -> None:
    machine.stack.append(value)


def _put(machine: _Machine, index: Any) -> None:
    machine.memo[int(index)] = machine.stack[-1]


def _global(machine: _Machine, argument: str) -> None:
    name = argument.replace(" ", ".")
    if name not in machine.reducers and not _plain_global(name):
        raise CheckpointError(
            f"it is a pickle that would run code: it names {name}. Such a file is never opened; "
            "ask its author for safetensors, or save only the state dict in an environment you can lose"
        )
    machine.stack.append(Global(name))


def _plain_global(name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    torch_type = module == "torch" and (attribute in DTYPES or attribute in ("float64", "float32", "float16", "bfloat16"))
    return torch_type or name in STAND_INS or name == "numpy.ndarray"


def _stack_global(machine: _Machine, _: Any) -> None:
    module, attribute = machine.last(2)
    if not isinstance(module, str) or not isinstance(attribute, str):
        raise ValueError("a global whose name is no text")
    _global(machine, f"{module} {attribute}")


def _reduce(machine: _Machine, _: Any) -> None:
    function, arguments = machine.last(2)
    if not isinstance(function, Global) or function.name not in machine.reducers:
        raise CheckpointError(f"it is a pickle that would call {getattr(function, 'name', type(function).__name__)}; it is not opened")
    machine.stack.append(machine.reducers[function.name](*arguments))


def _new_object(machine: _Machine, _: Any) -> None:
    kind, arguments = machine.last(2)
    if not isinstance(kind, Global) or kind.name not in STAND_INS:
        raise CheckpointError(f"it is a pickled object ({getattr(kind, 'name', type(kind).__name__)}), not a state dict; it is not opened")
    machine.stack.append(Object(kind.name, tuple(arguments)))


def _build(machine: _Machine, _: Any) -> None:
    (state,) = machine.last(1)
    target = machine.stack[-1]
    if isinstance(target, Object):
        target.state = state
    elif not isinstance(target, dict):  # an OrderedDict's own attributes (a state dict's _metadata) say nothing of the weights
        raise CheckpointError(f"its pickle sets the state of a {type(target).__name__}")


def _set_items(machine: _Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, dict) or len(items) % 2:
        raise ValueError("items are set on something that is no dict")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, (str, int)):
            raise TypeError(f"a key is of type {type(key).__name__}")
        target[key] = value


def _append(machine: _Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, list):
        raise ValueError("items are appended to something that is no list")
    target.extend(items)


def _storage(machine: _Machine, _: Any) -> None:
    (reference,) = machine.last(1)
    kind, storage_type, key, _place, elements, *view = reference
    if kind != "storage" or not isinstance(storage_type, Global) or not isinstance(key, str) or type(elements) is not int or any(view):
        raise ValueError("a reference that is no storage")
    dtype = DTYPES[storage_type.name.rpartition(".")[2]]
    machine.stack.append(StoredTensor(key, dtype, elements, 0, (elements,), (1,)))
    machine.storages[key] = machine.stack[-1]


def _rebuild(storage: StoredTensor, offset: int, shape: Any, strides: Any, *_: Any) -> StoredTensor:
    if not isinstance(storage, StoredTensor):
        raise ValueError("a tensor without a storage")
    sizes, steps = checked_sizes(shape), checked_sizes(strides)
    if len(sizes) != len(steps):
        raise ValueError(f"a tensor of shape {sizes} with strides {steps}")
    return StoredTensor(storage.key, storage.dtype, storage.elements, checked_sizes((offset,))[0], sizes, steps, storage.numbers)


_REDUCERS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor_v2": _rebuild,
    "torch._utils._rebuild_parameter": lambda data, *_: data,
    "collections.OrderedDict": dict,
    "torch.device": lambda *place: str(place[0]),
    "numpy.dtype": lambda *arguments: Object("numpy.dtype", arguments),
    "numpy._core.multiarray.scalar": numpy_scalar,
    "numpy.core.multiarray.scalar": numpy_scalar,
    "numpy._core.multiarray._reconstruct": lambda *_: Object("numpy.ndarray"),
    "numpy.core.multiarray._reconstruct": lambda *_: Object("numpy.ndarray"),
    "_codecs.encode": encoded,
}
"""What stands for each function that a state dict names: descriptions, in place of calls."""

_OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}
_VALUES: tuple[str, ...] = ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINSTRING", "BINSTRING")
_VALUES += ("SHORT_BINUNICODE", "BINUNICODE8", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8")
_ACTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda m, a: None,
    "FRAME": lambda m, a: None,
    "MEMOIZE": lambda m, a: _put(m, len(m.memo)),
    "STACK_GLOBAL": _stack_global,
    "MARK": lambda m, a: m.marks.append(len(m.stack)),
    "EMPTY_DICT": lambda m, a: _push(m, {}),
    "EMPTY_TUPLE": lambda m, a: _push(m, ()),
    "NONE": lambda m, a: _push(m, None),
    "NEWTRUE": lambda m, a: _push(m, True),
    "NEWFALSE": lambda m, a: _push(m, False),
    "EMPTY_LIST": lambda m, a: _push(m, []),
    "BINPUT": _put,
    "LONG_BINPUT": _put,
    "BINGET": lambda m, a: _push(m, m.memo[a]),
    "LONG_BINGET": lambda m, a: _push(m, m.memo[a]),
    "GLOBAL": _global,
    "REDUCE": _reduce,
    "NEWOBJ": _new_object,
    "BUILD": _build,
    "BINPERSID": _storage,
    "TUPLE": lambda m, a: _push(m, tuple(m.since_mark())),
    "TUPLE1": lambda m, a: _push(m, tuple(m.last(1))),
    "TUPLE2": lambda m, a: _push(m, tuple(m.last(2))),
    "TUPLE3": lambda m, a: _push(m, tuple(m.last(3))),
    "SETITEM": lambda m, a: _set_items(m, m.last(2)),
    "SETITEMS": lambda m, a: _set_items(m, m.since_mark()),
    "APPEND": lambda m, a: _append(m, m.last(1)),
    "APPENDS": lambda m, a: _append(m, m.since_mark()),
    **dict.fromkeys(_VALUES, _push),
}
