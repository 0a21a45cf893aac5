"""Two comparisons beside each other: what their sides are called."""

from __future__ import annotations

from latentdiff.results.changes import called


def test_each_finding_is_told_by_the_sides_that_it_was_found_on() -> None:
    assert called(("day", "night"), ("day", "night")) == {state: {"A": "day", "B": "night"} for state in ("stayed", "new", "gone")}
    assert called(("night", "day"), ("day", "night"))["gone"] == {"A": "day", "B": "night"}
    found = called(("day", "night"), ("day", "dusk"))
    assert found["stayed"] == {"A": "day", "B": "night / dusk"}
    assert found["gone"] == {"A": "day", "B": "night"} and found["new"] == {"A": "day", "B": "dusk"}
