"""The panel's states, by name; every one can be entered from any other."""

from __future__ import annotations

from . import reading, working
from .stage import State

STATES: dict[str, State] = {
    name: made
    for module in (reading, working)
    for name, made in vars(module).items()
    if getattr(made, "__module__", "") == module.__name__ and not name.startswith("_")
}
