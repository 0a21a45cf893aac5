"""The tool that takes pictures of every state: it stands on these tests' own helpers, and is run by hand only."""

from __future__ import annotations

import importlib


def test_the_tool_of_states_finds_all_that_it_stands_on() -> None:
    walk = importlib.import_module("tools.states.__main__")
    for part in (walk.panel, walk.many, walk.forms):
        assert part.STATES and all(callable(state) and state.__doc__ for state in part.STATES.values())
