"""SIGKILL, of the process or of the database, at any moment: whole or not at all, and again gives what an undisturbed run gives."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.promises.laboratory import Laboratory, Outcome

RUN, LATER = "seasons", "weather"


@dataclass
class Case:
    """One dataset (or two) and what its states look like: "none" before any comparison, "run", "flipped", "renamed"."""

    lab: Laboratory
    name: str
    kind: str

    def __post_init__(self) -> None:
        self.names = (self.name, f"{self.name}-there") if self.kind == "two" else (self.name,)
        for name in self.names:
            self.did(self.lab.do("make", name, self.kind))
        self.states, self.own = {}, self.look()["own"]
        self.states["none"] = self.look()["whole"]
        for state, action in (("run", self.compare), ("flipped", self.flip), ("run", self.unflip), ("renamed", self.rename)):
            self.did(action())
            seen = self.look()["whole"]
            assert self.states.setdefault(state, seen) == seen  # the same again, to the last digit
        self.did(self.lab.do("delete", self.name, LATER))
        assert self.look()["whole"] == self.states["none"] and len(set(self.states.values())) == 4
        self.now = "none"

    def compare(self, **kill: Any) -> Outcome:
        return self.lab.do("compare", self.name, self.kind, **kill)

    def flip(self, **kill: Any) -> Outcome:
        return self.lab.do("compare", self.name, self.kind, overwrite=True, flip=True, **kill)

    def unflip(self, **kill: Any) -> Outcome:
        return self.lab.do("compare", self.name, self.kind, overwrite=True, **kill)

    def rename(self, **kill: Any) -> Outcome:
        return self.lab.do("rename", self.name, LATER, **kill)

    def delete(self, **kill: Any) -> Outcome:
        return self.lab.do("delete", self.name, **kill)

    def commands(self, action: str) -> tuple[str, ...]:
        """The commands to the database that an action takes, undisturbed."""
        method, before, after = ACTIONS[action]
        self.to(before)
        taken = self.did(getattr(self, method)()).commands
        self.now = after
        return taken

    def look(self) -> Any:
        """What an open finds, nothing loose left."""
        found = self.did(self.lab.do("inspect", *self.names)).returned
        assert found["loose"] == 0
        return found

    def did(self, outcome: Outcome) -> Outcome:
        assert outcome.error is None and not outcome.killed and not outcome.ended, outcome
        return outcome

    def to(self, wanted: str) -> None:
        """Come to a state, undisturbed: "none" or "run"."""
        if self.now == wanted:
            return
        if self.now == "renamed":
            self.did(self.lab.do("rename", self.name, RUN, run=LATER))
        elif self.now != "none":
            self.did(self.unflip())
        if wanted == "none":
            self.did(self.delete())
        elif self.now == "none":
            self.did(self.compare())
        self.now = wanted


ACTIONS = {
    "compare": ("compare", "none", "run"),
    "overwrite": ("flip", "run", "flipped"),
    "rename": ("rename", "run", "renamed"),
    "delete": ("delete", "run", "none"),
}
"""What is done, from which state, to which."""


def endure(case: Case, action: str, kill: dict[str, Any]) -> None:
    """One kill; the state that the next open finds is the one before or the one after, and once more makes it the one after."""
    method, before, after = ACTIONS[action]
    case.to(before)
    outcome = getattr(case, method)(kill=kill)
    assert outcome.error in (None, "RunError"), outcome  # one that lives on says in words what happened
    seen = case.look()
    (now,) = [state for state, digest in case.states.items() if digest == seen["whole"]] or ["neither"]
    assert now in (before, after), (action, kill, outcome, seen)
    assert seen["own"] == case.own, (action, kill)
    assert not outcome.ended
    if outcome.error is None and not outcome.killed:
        assert now == after, (action, kill, outcome)
    if now != after:
        case.did(getattr(case, method)())
        assert case.look()["whole"] == case.states[after]
    case.now = after


def moments(total: int, count: int, rng: np.random.Generator) -> list[int]:
    """Different commands at which to kill."""
    return sorted(rng.choice(np.arange(1, total + 1), min(count, total), replace=False).tolist())


@pytest.fixture(scope="module")
def cases(lab: Laboratory) -> dict[str, Case]:
    return {}


@pytest.mark.parametrize("kind", ["plain", "patches", "two"])
@pytest.mark.parametrize("action", list(ACTIONS))
def test_the_process_is_killed(lab, cases, faults, torture, action, kind) -> None:
    """At a random command to the database, sent or answered."""
    if kind not in cases:
        cases[kind] = Case(lab, f"killed-{kind}", kind)
    case, rng = cases[kind], np.random.default_rng(len(action) + len(kind))
    commands = case.commands(action)
    many = (40 if kind == "plain" else 12) if torture else int(kind == "plain")
    written = [i for i, name in enumerate(commands, 1) if name in ("update runs", "delete")]
    inside = int(rng.integers(written[0], written[-1]))  # once its record says that it has begun, and before it says that it is done
    kills = [{"command": command, "after": bool(rng.integers(2))} for command in [*moments(len(commands), many, rng), inside]]
    if "delete" in commands:  # between a run's name, its results and its record
        kills.append({"command": commands.index("delete") + 1, "after": True})
    for kill in kills:
        with faults.trial(f"SIGKILL of the process: {action}"):
            endure(case, action, kill)


@pytest.mark.parametrize("action", list(ACTIONS))
def test_the_database_is_killed(lab, cases, faults, torture, action) -> None:
    """At a random command; started again at once. What had been confirmed is not lost, and who lives on says what happened."""
    if "plain" not in cases:
        cases["plain"] = Case(lab, "killed-plain", "plain")
    case, rng = cases["plain"], np.random.default_rng(5 + len(action))
    for command in moments(len(case.commands(action)), 12 if torture else 1, rng):
        with faults.trial(f"SIGKILL of mongod: {action}"):
            endure(case, action, {"command": command, "after": bool(rng.integers(2)), "who": "database"})


@pytest.mark.parametrize("action", list(ACTIONS))
def test_what_was_confirmed_is_on_the_disk(lab, cases, faults, action) -> None:
    """Killed at the very moment when the last write is answered: it is done, whatever who wrote it is told afterwards."""
    if "plain" not in cases:
        cases["plain"] = Case(lab, "killed-plain", "plain")
    case, (method, before, after) = cases["plain"], ACTIONS[action]
    last = max(i for i, name in enumerate(case.commands(action), 1) if name.startswith(("update", "insert", "delete")))
    with faults.trial(f"SIGKILL of mongod: {action}"):
        case.to(before)
        outcome = getattr(case, method)(kill={"command": last, "after": True, "who": "database"})
        assert not outcome.killed and outcome.error in (None, "RunError"), outcome
        if not outcome.restarted:  # who wrote was done before the database was gone
            lab.revived()
        assert case.look()["whole"] == case.states[after], outcome
        case.now = after


@pytest.mark.parametrize("who", ["process", "database"])
def test_killed_at_any_time(lab, cases, faults, torture, who) -> None:
    """By the clock: while vectors are read and compared, too."""
    if "plain" not in cases:
        cases["plain"] = Case(lab, "killed-plain", "plain")
    rng = np.random.default_rng(9)
    for seconds in rng.uniform(0, 0.4, 20 if torture else 1):
        with faults.trial(f"SIGKILL of {'mongod' if who == 'database' else 'the process'}: compare, at any time"):
            endure(cases["plain"], "compare", {"seconds": float(seconds), "who": who})


@pytest.fixture(scope="module")
def embedded(lab: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A dataset of photographs, an encoder, and what is stored when nothing goes wrong."""
    from PIL import Image

    from tests.embed.models import save_open_clip

    folder = tmp_path_factory.mktemp("photos")
    model, rng, files = save_open_clip(folder / "model"), np.random.default_rng(0), []
    for i in range(48):
        files.append(str(folder / f"{i}.png"))
        Image.fromarray(rng.integers(0, 255, (40, 50, 3)).astype(np.uint8)).save(files[-1])
    Path(files[7]).write_bytes(b"no picture")
    assert lab.do("make", "photos", "photos", files=files).error is None
    own = lab.do("inspect", "photos").returned["own"]
    done = lab.do("embed", "photos", str(model), heard=str(folder / "heard"))
    assert done.error is None
    _nothing_of_pictures(folder / "heard", files)
    return str(model), own, lab.do("inspect", "photos").returned["frame"], lab.do("vectors_of", "photos").returned, len(done.commands)


def _nothing_of_pictures(heard: Path, files: list[str]) -> None:
    """The database gets vectors, names of fields, records: nothing of what is in the files."""
    sent = heard.read_bytes()
    assert len(sent) > 48 * 4 and b"clip" in sent
    parts = [data[i : i + 24] for data in (Path(name).read_bytes() for name in files) for i in range(64, len(data) - 24, 997)]
    assert len(parts) > 100 and not any(part in sent for part in parts)


def test_what_the_database_gets_of_a_comparison(lab, tmp_path) -> None:
    """Fields, records and results, by the commands that it is sent; names of files are its own and stay where they are."""
    assert lab.do("make", "told", "plain").error is None
    assert lab.do("compare", "told", "plain", heard=str(tmp_path / "heard")).error is None
    sent = (tmp_path / "heard").read_bytes()
    assert b"seasons_log_ratio" in sent and b"latentdiff" in sent and b"/nowhere/" not in sent
    for name in ("HOME", "PATH", "LATENTDIFF_CACHE", "PYTHONPATH"):
        assert os.environ[name].encode() not in sent


@pytest.mark.parametrize("who", ["process", "database"])
def test_killed_while_embedding(lab, embedded, faults, torture, who) -> None:
    model, own, frame, vectors, total = embedded
    assert sum(row is None for row in vectors) == 1
    rng = np.random.default_rng(3)
    for command in moments(total, 50 if torture else 1, rng):
        with faults.trial(f"SIGKILL of {'mongod' if who == 'database' else 'the process'}: embed"):
            assert lab.do("strip", "photos").error is None
            outcome = lab.do("embed", "photos", model, kill={"command": command, "after": bool(rng.integers(2)), "who": who})
            assert outcome.error in (None, "RunError"), outcome
            assert lab.do("inspect", "photos").returned["own"] == own
            stored = lab.do("vectors_of", "photos").returned
            assert all(row is None or row == expected for row, expected in zip(stored, vectors, strict=True))
            if outcome.error is None and not outcome.killed:
                assert stored == vectors
            assert lab.do("embed", "photos", model).error is None
            assert lab.do("inspect", "photos").returned["frame"] == frame
            for row, expected in zip(lab.do("vectors_of", "photos").returned, vectors, strict=True):  # in other batches: other last digits
                assert (row is None) == (expected is None) and (row is None or np.allclose(row, expected, atol=1e-5))
