"""A monitor on streams of which it is known whether, when and how they change."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import latentdiff
from latentdiff import InputError, Monitor
from latentdiff.cli.main import main
from tests.planted import DOG, WIDTH, WORDS, axes, vectors

EYE = np.eye(WIDTH, dtype=np.float32)


@pytest.fixture(scope="module")
def given() -> dict:
    return axes()


def stream(n: int, share: float, seed: int) -> np.ndarray:
    """(n, 16) vectors in random order, a share of them dogs."""
    return vectors(n, share, seed)[np.random.default_rng(seed).permutation(n)]


@pytest.fixture(scope="module")
def reference() -> np.ndarray:
    return stream(600, 0.02, 0)


def test_a_change_sets_off_the_alarm_and_is_named(given, reference) -> None:
    monitor = Monitor(reference, **given)
    quiet = [monitor.update(stream(50, 0.02, 10 + i)) for i in range(10)]
    assert not any(r.alarm for r in quiet) and not any(r.hypotheses for r in quiet)
    changed = [monitor.update(stream(50, 0.3, 50 + i)) for i in range(8)]
    assert changed[-1].alarm and changed[-1].hypotheses[0].text == WORDS[DOG] and changed[-1].hypotheses[0].more
    change = changed[-1].hypotheses[0]
    assert change.rate_reference == pytest.approx(0.02, abs=0.015) and change.rate_recent > 0.12
    assert changed[-1].images == 900 and changed[-1].batch == 18 and changed[-1].p_value <= 0.05
    after = [monitor.update(stream(50, 0.02, 90 + i)) for i in range(3)]
    assert all(r.alarm for r in after)  # what was seen stays seen


def test_few_streams_that_never_change_have_an_alarm_whatever_the_reference_happens_to_hold(given) -> None:
    alarms = 0
    for i in range(20):
        monitor = Monitor(stream(200, 0.05, 1000 + i), **given, seed=i)
        alarms += any(monitor.update(stream(10, 0.05, 5000 + 100 * i + t)).alarm for t in range(30))
    assert alarms <= 3  # 1 is expected at most; more than 3 have probability .016


def test_looking_changes_nothing_and_saving_neither(given, reference, tmp_path: Path) -> None:
    batches = [stream(40, 0.1, 70 + i) for i in range(6)]
    straight, kept = Monitor(reference, **given), Monitor(reference, **given)
    for batch in batches:
        expected = straight.update(batch)
        size = {p.name: p.stat().st_size for p in kept.save(tmp_path / "state").iterdir()}
        kept = Monitor.load(tmp_path / "state")
        kept.reading()
        assert kept.update(batch) == expected == kept.reading()
    assert (kept.history == straight.history).all() and kept.history.shape == (6, 3)
    assert size["monitor.npz"] < 40_000  # counts, and the vectors of at most 500 images


def test_what_changed_is_called_by_the_images_that_show_it(given, reference) -> None:
    """A concept that fires on dogs and on word 5, which is its name: dogs come in."""
    eye = EYE.copy()
    eye[DOG, 5] = 0.9  # concept 5 fires on dogs, too
    zeros = np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zeros, EYE, zeros, np.full(WIDTH, 0.5, np.float32))
    monitor = Monitor(stream(600, 0.0, 0), **{**given, "sae": sae})
    for i in range(6):
        reading = monitor.update(stream(50, 0.5, 50 + i))
    assert reading.alarm and {change.text for change in reading.hypotheses[:1]} == {WORDS[DOG]}
    assert monitor._features.names[5] == WORDS[5]


def test_what_cannot_be_used_is_refused_and_leaves_the_monitor_as_it_was(given, reference) -> None:
    monitor = Monitor(reference, **given)
    before = monitor.update(reference[:30])
    wrong = (np.zeros((3, WIDTH)), "nothing but zeros"), (reference[:5, :4], "width 4"), (reference[:0], "no images")
    for batch, said in wrong:
        with pytest.raises(InputError, match=said):
            monitor.update(batch)
    assert monitor.reading() == before
    with pytest.raises(InputError, match="at least 200"):
        Monitor(reference[:100], **given)
    with pytest.raises(InputError, match="alpha"):
        Monitor(reference, **given, alpha=0.9)


def test_the_command_keeps_a_state_and_tells_ci(given, reference, tmp_path: Path, capsys) -> None:
    np.save(tmp_path / "reference.npy", reference)
    for i in range(4):
        np.save(tmp_path / f"{i}.npy", stream(60, 0.0 if i < 1 else 0.5, 30 + i))
    given["sae"].save(tmp_path / "sae")
    np.savez(tmp_path / "words.npz", words=np.array(WORDS), vectors=EYE)
    state, batch = str(tmp_path / "state"), [str(tmp_path / f"{i}.npy") for i in range(4)]
    assert main(["watch", state, batch[0]]) == 2
    start = ["--reference", str(tmp_path / "reference.npy"), "--sae", str(tmp_path / "sae"), "--vocabulary", str(tmp_path / "words.npz")]
    assert main(["watch", state, batch[0], *start]) == 0
    capsys.readouterr()
    files = ["--junit", str(tmp_path / "j.xml"), "--history", str(tmp_path / "h.html")]
    for one in batch[1:]:
        status = main(["watch", state, one, "--json", *files])
        told = json.loads(capsys.readouterr().out)
    assert status == 1 and told["alarm"] and told["hypotheses"][0]["text"] == WORDS[DOG] and told["images"] == 240
    suite = ElementTree.parse(tmp_path / "j.xml").getroot()
    assert suite.get("failures") == "1" and WORDS[DOG] in suite.find("testcase/failure").get("message")
    page = (tmp_path / "h.html").read_text()
    assert "has changed" in page and "<polyline" in page and f"more {WORDS[DOG]}" in page
    assert main(["watch", state, "--annotations"]) == 1
    assert capsys.readouterr().out.startswith("::error title=latentdiff watch::The stream has changed")
    assert main(["watch", state, batch[0], *start]) == 2


def test_a_watch_draws_deep_pictures_of_every_batch_as_the_references(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    for name, count, top in (("usual", 200, 4095), ("bright", 20, 60000)):
        (tmp_path / name).mkdir()
        for i in range(count):
            Image.fromarray(np.kron(rng.integers(0, top, (4, 4)), np.ones((8, 8))).astype(np.uint16)).save(tmp_path / name / f"{i}.tif")
    state = str(tmp_path / "state")
    assert main(["watch", state, "--reference", str(tmp_path / "usual"), "--encoder", "demo"]) == 0
    kept = (tmp_path / "state" / "deep.json").read_text()
    assert json.loads(kept) == {"whole": [0.0, 4095.0]}
    capsys.readouterr()
    main(["watch", state, str(tmp_path / "bright"), "--encoder", "demo"])
    assert "in deep pictures 0 is black and 4,095 white" in capsys.readouterr().out
    assert (tmp_path / "state" / "deep.json").read_text() == kept
