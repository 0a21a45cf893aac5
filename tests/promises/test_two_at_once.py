"""Two at work on one dataset: a correct result for what each started from, or a clear error; never half of anything."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.promises.laboratory import Laboratory, Outcome


@pytest.fixture
def name(lab) -> Iterator[str]:
    """A dataset of planted vectors."""
    made = f"two-{uuid.uuid4().hex[:8]}"
    fine(lab.do("make", made, "plain"))
    yield made
    left = [lab.do("change", one, "delete the dataset").error for one in (made, f"{made}-renamed")]
    assert left.count(None) <= 1


@pytest.fixture(scope="module")
def alone(lab) -> dict[str, Any]:
    """What a comparison stores when nobody disturbs it, and how many commands that takes."""
    fine(lab.do("make", "alone", "plain"))
    done = fine(lab.do("compare", "alone", "plain"))
    return {**fine(lab.do("values", "alone")).returned, "commands": done.commands}


def fine(outcome: Outcome) -> Outcome:
    assert outcome.error is None and not outcome.killed and not outcome.ended, outcome
    return outcome


def look(lab: Laboratory, name: str) -> Any:
    found = fine(lab.do("inspect", name)).returned
    assert found["loose"] == 0
    return found


def halts(commands: tuple[str, ...], count: int, rng: np.random.Generator) -> list[int]:
    """Commands at which one halts for the other: those that make its record and its fields (every second for one), and some at random."""
    first, filled = commands.index("update runs") + 1, commands.index("update samples")
    making = [i + 1 for i in range(first, filled) if commands[i] == "update datasets"][:: 2 if count == 1 else 1]
    return sorted({first, *making, *rng.integers(1, first, 1 + count // 5).tolist(), *rng.integers(first, len(commands), count).tolist()})


def both(lab: Laboratory, name: str) -> str:
    """What two comparisons look like that were made one after the other."""
    for run, flip in (("one", False), ("other", True)):
        fine(lab.do("compare", name, "plain", run=run, flip=flip))
    expected = str(look(lab, name)["whole"])
    for run in ("one", "other"):
        fine(lab.do("delete", name, run))
    return expected


def test_two_comparisons_start_together(lab, name, faults, torture) -> None:
    expected = both(lab, name)
    for _ in range(25 if torture else 2):
        with faults.trial("two comparisons of one dataset"):
            orders = [("compare", (name, "plain"), {"run": run, "flip": flip}) for run, flip in (("one", False), ("other", True))]
            for outcome in lab.at_once(*orders):
                fine(outcome)
            assert look(lab, name)["whole"] == expected
        for run in ("one", "other"):
            fine(lab.do("delete", name, run))


def test_one_waits_in_mid_write_for_the_other(lab, name, alone, faults, torture) -> None:
    expected = both(lab, name)
    for at in halts(alone["commands"], 25 if torture else 1, np.random.default_rng(0)):
        with faults.trial("two comparisons of one dataset"):
            first = lab.start("compare", name, "plain", kill={"command": at, "halt": True}, run="one")
            assert lab.halted(first)
            fine(lab.do("compare", name, "plain", run="other", flip=True))
            fine(lab.end(first))
            assert look(lab, name)["whole"] == expected
        for run in ("one", "other"):
            fine(lab.do("delete", name, run))


@pytest.mark.parametrize("overwrite", [False, True])
def test_both_want_the_same_name(lab, name, alone, faults, torture, overwrite) -> None:
    """One of them gets it, whole; who does not is told."""
    whole = []
    for flip in (False, True):
        fine(lab.do("compare", name, "plain", flip=flip))
        whole.append(look(lab, name)["whole"])
        fine(lab.do("delete", name))
    assert whole[0] != whole[1]
    first = alone["commands"].index("update runs") + 1  # the other one is sure to be quicker then
    checked = first - 2  # the name was found to be free, and the record is not made yet
    for at in (0, checked, first, *(halts(alone["commands"], 20, np.random.default_rng(1)) if torture else ())):
        with faults.trial("two comparisons of one name"):
            if overwrite:
                fine(lab.do("compare", name, "plain"))
            if at:
                job = lab.start("compare", name, "plain", kill={"command": at, "halt": True}, overwrite=overwrite)
                assert lab.halted(job)
                outcomes = [lab.do("compare", name, "plain", overwrite=overwrite, flip=True), lab.end(job)]
            else:
                orders = [("compare", (name, "plain"), {"flip": flip, "overwrite": overwrite}) for flip in (False, True)]
                outcomes = lab.at_once(*orders)
            errors = [outcome.error for outcome in outcomes]
            assert set(errors) <= {None, "RunError"} and errors.count(None) >= 1, outcomes
            assert overwrite or errors.count(None) == 1, outcomes
            assert look(lab, name)["whole"] in whole
        fine(lab.do("delete", name))


def test_one_waits_in_mid_replacing_for_another_that_would(lab, name, faults, torture) -> None:
    """Whatever the one has done by then: one of them gets the name, whole, and nobody's field stays."""
    fine(lab.do("compare", name, "plain"))
    whole = [look(lab, name)["whole"]]
    commands = fine(lab.do("compare", name, "plain", overwrite=True, flip=True)).commands
    whole.append(look(lab, name)["whole"])
    replacing = [i + 1 for i, command in enumerate(commands) if i > commands.index("insert fs") and command != "find"]
    for at in replacing if torture else replacing[1::9]:
        with faults.trial("two comparisons that replace one"):
            job = lab.start("compare", name, "plain", kill={"command": at, "halt": True}, overwrite=True)
            assert lab.halted(job)
            outcomes = [lab.do("compare", name, "plain", overwrite=True, flip=True), lab.end(job)]
            errors = [outcome.error for outcome in outcomes]
            assert set(errors) <= {None, "RunError"} and errors.count(None) >= 1, outcomes
            one_got_it = [whole[1 - i] for i, error in enumerate(errors) if error is None]  # the second order is the first comparison's
            assert look(lab, name)["whole"] in one_got_it, outcomes


def test_threads_of_one_server(lab, name, faults, torture) -> None:
    for _ in range(5 if torture else 1):
        with faults.trial("comparisons in threads of one process"):
            fine(lab.do("threads", name, ["one", "two", "three"]))
            found = fine(lab.do("inspect", name)).returned
            assert found["runs"] == ["one", "three", "two"] and found["loose"] == 0
        for run in found["runs"]:
            fine(lab.do("delete", name, run))


CHANGES = ["rename the view", "delete samples", "add samples", "add a field", "rename the dataset"]


@pytest.mark.parametrize("what", CHANGES)
def test_changed_while_a_comparison_runs(lab, alone, faults, torture, what) -> None:
    """The result is that of what it read."""
    commands = alone["commands"]
    read = commands.index("update runs")  # by then both sides are read
    rng = np.random.default_rng(len(what))
    for at in (read + 2, *rng.integers(read + 1, len(commands), 8 if torture else 1).tolist()):  # as it takes its name, and later
        made = f"changed-{uuid.uuid4().hex[:8]}"
        fine(lab.do("make", made, "plain"))
        with faults.trial(f"while comparing: {what}"):
            job = lab.start("compare", made, "plain", kill={"command": at, "halt": True})
            assert lab.halted(job)
            fine(lab.do("change", made, what))
            fine(lab.end(job))
            now = f"{made}-renamed" if what == "rename the dataset" else made
            found = fine(lab.do("values", now)).returned
            assert found["runs"] == ["seasons"] and found["told"] == alone["told"]
            assert [f for f in found["declared"] if f != "yours"] == alone["declared"]
            gone = {str(i) for i in range(0, 140, 7)} if what == "delete samples" else set()
            assert {i: v for i, v in found["samples"].items() if int(i) < 1000} == {
                i: v for i, v in alone["samples"].items() if i not in gone
            }
            assert all(not v for i, v in found["samples"].items() if int(i) >= 1000)
            assert ("yours" in found["declared"]) == (what == "add a field") and ("july" in found["views"]) == (what == "rename the view")
            look(lab, now)
        fine(lab.do("change", now, "delete the dataset"))


def test_the_dataset_is_deleted_while_a_comparison_runs(lab, alone, faults, torture) -> None:
    commands, rng = alone["commands"], np.random.default_rng(4)
    for at in rng.integers(3, len(commands) - 25, 25 if torture else 3).tolist():
        made = f"deleted-{uuid.uuid4().hex[:8]}"
        fine(lab.do("make", made, "plain"))
        with faults.trial("while comparing: delete the dataset"):
            job = lab.start("compare", made, "plain", kill={"command": at, "halt": True})
            assert lab.halted(job)
            fine(lab.do("change", made, "delete the dataset"))
            outcome = lab.end(job)
            assert outcome.error in ("RunError", "InputError"), (at, outcome)
            assert "deleted" in outcome.message or "there is no dataset" in outcome.message or "empty" in outcome.message, (at, outcome)
            assert fine(lab.do("leftovers")).returned == []
            look(lab, "alone")


def test_the_run_is_deleted_while_it_is_written(lab, name, alone, faults, torture) -> None:
    before, commands = look(lab, name)["whole"], alone["commands"]
    first = commands.index("update runs") + 2  # its record is there
    for at in np.random.default_rng(6).integers(first + 1, len(commands) - 25, 25 if torture else 2).tolist():
        with faults.trial("while comparing: delete the run"):
            job = lab.start("compare", name, "plain", kill={"command": at, "halt": True})
            assert lab.halted(job)
            fine(lab.do("delete", name))
            outcome = lab.end(job)
            assert outcome.error == "RunError" and "meanwhile" in outcome.message, (at, outcome)
            assert look(lab, name)["whole"] == before


@pytest.fixture(scope="module")
def photos(lab, tmp_path_factory) -> dict[str, Any]:
    """A dataset of photographs with vectors to compare by and none of an encoder yet, and two encoders."""
    import torch
    from PIL import Image

    from tests.embed.models import save_open_clip

    folder, rng, files = tmp_path_factory.mktemp("photos"), np.random.default_rng(0), []
    for i in range(48):
        files.append(str(folder / f"{i}.png"))
        Image.fromarray(rng.integers(0, 255, (40, 50, 3)).astype(np.uint8)).save(files[-1])
    models = []
    for i in range(2):
        torch.manual_seed(i)
        models.append(str(save_open_clip(folder / f"model{i}", seed=i)))
    fine(lab.do("make", "album", "photos", files=files))
    done = fine(lab.do("embed", "album", models[0]))
    fine(lab.do("compare", "album", "photos", field="given"))
    whole = look(lab, "album")["whole"]
    vectors = [fine(lab.do("vectors_of", "album")).returned]
    fine(lab.do("delete", "album"))
    fine(lab.do("embed", "album", models[1], overwrite=True))
    vectors.append(fine(lab.do("vectors_of", "album")).returned)
    fine(lab.do("strip", "album"))
    assert vectors[0] != vectors[1]
    return {"models": models, "vectors": vectors, "whole": whole, "commands": done.commands}


def test_embed_and_compare_together(lab, photos, alone, faults, torture) -> None:
    rng = np.random.default_rng(8)
    for i, at in enumerate([0, *rng.integers(5, len(photos["commands"]), 15 if torture else 2).tolist()]):
        with faults.trial("embed and compare together"):
            embed, compare = ("embed", ("album", photos["models"][0]), {}), ("compare", ("album", "photos"), {"field": "given"})
            if at:
                waits, goes = (embed, compare) if i % 2 else (compare, embed)
                job = lab.start(waits[0], *waits[1], kill={"command": at, "halt": True}, **waits[2])
                lab.halted(job)
                outcomes = [lab.do(goes[0], *goes[1], **goes[2]), lab.end(job)]
            else:
                outcomes = lab.at_once(embed, compare)
            for outcome in outcomes:
                fine(outcome)
            assert look(lab, "album")["whole"] == photos["whole"]
        fine(lab.do("delete", "album"))
        fine(lab.do("strip", "album"))


def test_compared_by_vectors_that_are_being_made(lab, photos, faults, torture) -> None:
    """The result counts the images that had a vector by then; or says that there are too few."""
    commands = photos["commands"]
    for at in np.random.default_rng(10).integers(len(commands) // 2, len(commands), 12 if torture else 2).tolist():
        with faults.trial("embed and compare together"):
            job = lab.start("embed", "album", photos["models"][0], kill={"command": at, "halt": True})
            assert lab.halted(job)
            outcome = lab.do("bare", "album")
            if outcome.error is None:
                counts = fine(lab.do("values", "album")).returned["counts"]
                assert all(counts[side]["compared"] + counts[side]["missing"] == 24 for side in "AB"), counts
                assert all(counts[side]["compared"] >= 20 for side in "AB")
                fine(lab.do("delete", "album"))
            else:
                assert outcome.error == "InputError" and ("at least 20" in outcome.message or "has a vector" in outcome.message), outcome
            fine(lab.end(job))
            assert fine(lab.do("vectors_of", "album")).returned == photos["vectors"][0]
        fine(lab.do("strip", "album"))


def test_two_encoders_never_mix(lab, photos, faults, torture) -> None:
    """A run that replaces another encoder's vectors while that one is still at work."""
    commands = photos["commands"]
    for at in np.random.default_rng(11).integers(8, len(commands), 20 if torture else 3).tolist():
        with faults.trial("two encoders for one field"):
            job = lab.start("embed", "album", photos["models"][0], kill={"command": at, "halt": True})
            assert lab.halted(job)
            second = lab.do("embed", "album", photos["models"][1], overwrite=True)
            first = lab.end(job)
            fine(second)
            assert first.error in (None, "RunError", "InputError"), first
            stored = fine(lab.do("vectors_of", "album")).returned
            assert stored == photos["vectors"][1], (at, first)
        fine(lab.do("strip", "album"))


def test_the_first_encoder_takes_back_what_it_wrote_too_late(lab, photos, faults) -> None:
    """Another one took the field over, for some of the images, after the first had last asked whose it is."""
    first, second = photos["models"]
    writes = [i + 1 for i, name in enumerate(photos["commands"]) if name == "update samples"]
    with faults.trial("two encoders for one field"):
        job = lab.start("embed", "album", first, kill={"command": writes[1], "halt": True})
        assert lab.halted(job)
        fine(lab.do("embed", "album", second, overwrite=True, limit=8))
        late = lab.end(job)
        assert late.error == "RunError" and "another encoder" in late.message, late
        stored = fine(lab.do("vectors_of", "album")).returned
        assert stored[:8] == photos["vectors"][1][:8] and stored[8:] == [None] * 40
    fine(lab.do("strip", "album"))


def test_another_encoder_takes_a_field_over_while_the_first_goes_on(lab, photos, faults) -> None:
    """It has removed what was there, and halts before it says whose the field is: what comes in between goes, too."""
    first, second = photos["models"]
    fine(lab.do("embed", "album", first, limit=16))
    commands = fine(lab.do("embed", "album", second, overwrite=True, limit=8)).commands
    fine(lab.do("strip", "album"))
    cleared = commands.index("update samples")
    with faults.trial("two encoders for one field"):
        fine(lab.do("embed", "album", first, limit=16))
        recording = {"command": commands.index("update datasets", cleared) + 1, "halt": True}
        job = lab.start("embed", "album", second, kill=recording, overwrite=True, limit=8)
        assert lab.halted(job)
        fine(lab.do("embed", "album", first))
        fine(lab.end(job))
        stored = fine(lab.do("vectors_of", "album")).returned
        assert stored[:8] == photos["vectors"][1][:8] and stored[8:] == [None] * 40
    fine(lab.do("strip", "album"))


def test_what_is_embedded_goes_away(lab, photos, faults, torture) -> None:
    commands, rng = photos["commands"], np.random.default_rng(12)
    files = [f"/nowhere/{i}.png" for i in range(24)]
    for what in ("delete the vectors", "delete the dataset"):
        for at in rng.integers(len(commands) // 3, 2 * len(commands) // 3, 8 if torture else 1).tolist():
            made = f"gone-{uuid.uuid4().hex[:8]}"
            fine(lab.do("make", made, "photos", files=files))
            with faults.trial(f"while embedding: {what}"):
                job = lab.start("embed", made, photos["models"][0], kill={"command": at, "halt": True})
                assert lab.halted(job)
                fine(lab.do("change", made, what))
                outcome = lab.end(job)
                assert outcome.error == "RunError" and "deleted" in outcome.message, (at, outcome)
                if what == "delete the vectors":
                    assert fine(lab.do("vectors_of", made)).returned == [None] * 24
                assert fine(lab.do("leftovers")).returned == []
            if what == "delete the vectors":
                fine(lab.do("change", made, "delete the dataset"))
