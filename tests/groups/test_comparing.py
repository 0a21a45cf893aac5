"""compare_groups() on vectors whose groups are known: who differs, by what, and that it is kept and read again as it was."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import latentdiff
from latentdiff import CheckpointError, GroupComparison, InputError
from latentdiff.cli.main import main
from latentdiff.inputs.many import read_groups
from latentdiff.inputs.tables import table_column
from latentdiff.progress import silent
from latentdiff.report.group_figures import row_names, tree_of
from latentdiff.report.writing import is_report
from tests.planted import DOG, WIDTH, WORDS, vectors

SIZES = {"north": 150, "south": 200, "east": 120}
SHOWN = {"north": 0.02, "south": 0.03, "east": 0.4}
EYE = np.eye(WIDTH, dtype=np.float32)


def parts() -> tuple[np.ndarray, list[str]]:
    x = np.concatenate([vectors(n, SHOWN[name], seed=i) for i, (name, n) in enumerate(SIZES.items())])
    return x, [name for name, n in SIZES.items() for _ in range(n)]


@pytest.fixture(scope="module")
def given() -> dict:
    zeros = np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(EYE, zeros, EYE, zeros, np.full(WIDTH, 0.5, np.float32))
    return {"sae": sae, "vocabulary": latentdiff.Vocabulary(WORDS, EYE)}


@pytest.fixture(scope="module")
def found(given) -> GroupComparison:
    return latentdiff.compare_groups(*parts(), **given)


def test_the_group_that_differs_is_named_with_what_it_has_more_of(found) -> None:
    assert found.names == ("east", "north", "south") and found.differs and "east" in found.differing
    first = found.groups["east"].top("A")[0]
    assert first.text == WORDS[DOG] and first.rate_a == pytest.approx(0.4, abs=0.02) and first.rate_b == pytest.approx(9 / 350, abs=0.01)
    assert found.hypotheses[0][0] == "east"
    row = found.rates[found.rate_texts.index(WORDS[DOG])]
    assert row == pytest.approx([0.4, 0.02, 0.03], abs=0.02)


def test_scores_and_distances_are_of_the_rows_as_given(found) -> None:
    x, labels = parts()
    planted = x[:, DOG] > 1
    typical = found.typical["east"]
    assert typical.shape == (470,) and np.isfinite(typical).all()
    assert typical[planted].min() > np.median(typical[~planted])
    assert found.rows("south").tolist() == [i for i, label in enumerate(labels) if label == "south"]
    assert found.distances[0, 1] > 0.6 > found.distances[1, 2] and (found.distances == found.distances.T).all()
    assert found.tree().shape == (2, 4) and set(found.tree()[0, :2]) == {1, 2}
    east = found.groups["east"]
    assert set(found.rows("east")[east.rows_showing(east.top("A")[0], "A")]) <= set(np.flatnonzero(planted))


def test_the_order_of_the_rows_changes_nothing(found, given) -> None:
    x, labels = parts()
    order = np.random.default_rng(0).permutation(len(x))
    again = latentdiff.compare_groups(x[order], np.array(labels)[order], **given)
    assert again.p_value == found.p_value and (again.distances == found.distances).all()
    assert (again.typical["north"] == found.typical["north"][order]).all()
    assert [(g, h.text, h.q_value) for g, h in again.hypotheses] == [(g, h.text, h.q_value) for g, h in found.hypotheses]


def test_equal_groups_claim_nothing(given) -> None:
    x = vectors(300, 0.1, seed=9)[np.random.default_rng(1).permutation(300)]
    equal = latentdiff.compare_groups(x, np.repeat([3, 1, 2], 100), **given)
    assert equal.names == ("1", "2", "3") and not equal.differs and not equal.differing and not equal.hypotheses
    assert np.abs(equal.distances - 0.5).max() < 0.15


def test_rows_in_no_group_and_bad_rows_are_left_out_and_counted(given) -> None:
    x, labels = parts()
    x[5], labels[7:10] = 0, [None, float("nan"), None]
    with pytest.raises(InputError, match=r"1 vectors have NaN.*rows 5"):
        latentdiff.compare_groups(x, labels, **given)
    found = latentdiff.compare_groups(x, labels, **given, config=latentdiff.CompareConfig(skip_bad=True))
    assert found.info["left_out"] == {"unlabelled": 3, "bad": 1}
    north = found.typical["north"]
    assert np.flatnonzero(np.isnan(north)).tolist() == [5, 7, 8, 9] and len(found.groups["north"].log_ratio_a) == 147
    assert found.groups["north"].info["dropped_rows"] == {"A": [5], "B": []}


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["a"] * 40, "there is one group"),
        (["a"] * 30 + ["b"] * 10, r"'b' \(10\)"),
        (["a"] * 39, "40 labels, not 39 labels"),
        ("abc", "'abc'"),
        ([["a"]] * 40, "texts, numbers or dates"),
        (["1"] * 20 + [1] * 20, "read differently"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(labels, said) -> None:
    with pytest.raises(InputError, match=said):
        latentdiff.compare_groups(vectors(40, 0.1, seed=0), labels)


def test_what_is_saved_is_read_as_it_was(found, tmp_path: Path) -> None:
    again = GroupComparison.load(found.save(tmp_path / "kept"))
    assert again.names == found.names and again.p_value == found.p_value and again.info == json.loads(json.dumps(found.info))
    assert (again.distances == found.distances).all() and (again.rates == found.rates).all() and (again.label == found.label).all()
    assert again.hypotheses == found.hypotheses
    assert (again.typical["south"] == found.typical["south"]).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda head: head.update(format=9), "Update latentdiff"),
        (lambda head: head.update(names=["a", "a", "b"]), "names"),
        (lambda head: head["comparisons"].pop(), "names"),
        (lambda head: head.update(p_value=7), "p_value"),
    ],
)
def test_damaged_files_are_told(found, tmp_path: Path, change, said) -> None:
    folder = found.save(tmp_path / "kept")
    head = json.loads((folder / "groups.json").read_text())
    change(head)
    (folder / "groups.json").write_text(json.dumps(head))
    with pytest.raises(CheckpointError, match=said):
        GroupComparison.load(folder)


def test_reports_say_what_was_found(found, tmp_path: Path) -> None:
    texts = {s: latentdiff.write_report(found, tmp_path / f"r{s}").read_text(encoding="utf8") for s in (".html", ".md", ".csv", ".json")}
    assert all(is_report(tmp_path / f"r{s}") for s in texts)  # so that they are replaced unasked
    assert "differ" in texts[".html"] and texts[".html"].count('<table class="ld-heat">') == 2 and "style=" not in texts[".html"]
    assert f"| {WORDS[DOG]} | 40%" in texts[".md"]
    head, first = texts[".csv"].splitlines()[:2]
    assert head.startswith("group,more_or_less,title") and first.startswith(f"east,more,{WORDS[DOG]}")
    told = json.loads(texts[".json"])
    assert told["groups"]["east"]["more"][0]["text"] == WORDS[DOG] and told["rates"][WORDS[DOG]]["east"] == pytest.approx(0.4)


def test_the_command_compares_files_and_one_file_by_labels(given, tmp_path: Path, capsys) -> None:
    x, labels = parts()
    np.save(tmp_path / "all.npy", x)
    (tmp_path / "labels.txt").write_text("\n".join(labels))
    given["sae"].save(tmp_path / "sae")
    np.savez(tmp_path / "words.npz", words=np.array(WORDS), vectors=EYE)
    common = ["--sae", str(tmp_path / "sae"), "--vocabulary", str(tmp_path / "words.npz"), "--json", "--exit-code"]
    for name in SIZES:
        np.save(tmp_path / f"{name}.npy", x[np.array(labels) == name])
    told = []
    for sets in (["all.npy", "--by", "labels.txt"], [f"{name}.npy" for name in SIZES]):
        sets = [s if s.startswith("--") else str(tmp_path / s) for s in sets]
        assert main(["groups", *sets, *common, "--save", str(tmp_path / f"kept{len(told)}")]) == 1
        told.append(json.loads(capsys.readouterr().out))
    assert told[0]["groups"] == told[1]["groups"] and told[0]["p_value"] <= 0.05
    assert GroupComparison.load(tmp_path / "kept0").names == ("east", "north", "south")
    assert main(["show", str(tmp_path / "kept0"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == told[0]
    assert main(["report", str(tmp_path / "kept0"), "-o", str(tmp_path / "kept.md")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "kept.md") and f"| {WORDS[DOG]} | 40%" in (tmp_path / "kept.md").read_text()
    assert main(["groups", str(tmp_path / "all.npy"), "--by", str(tmp_path / "words.npz"), *common]) == 2
    assert main(["groups", str(tmp_path / "all.npy"), *common]) == 2
    said = capsys.readouterr().err
    assert "UTF-8" in said and "two or more sets" in said
    assert main(["groups", *(str(tmp_path / f"{name}.npy") for name in SIZES), *common[:4]]) == 0
    assert "differ from the rest" in " ".join(capsys.readouterr().out.split())


def test_a_column_of_a_table_tells_the_groups(given, found, tmp_path: Path, capsys) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    x, labels = parts()
    table = {"id": [f"{i}" for i in range(len(x))], "vector": list(x), "site": labels, "year": [2020 + len(label) for label in labels]}
    pq.write_table(pa.table(table), tmp_path / "all.parquet")
    given["sae"].save(tmp_path / "sae")
    options = ["--sae", str(tmp_path / "sae"), "--json"]
    assert main(["groups", str(tmp_path / "all.parquet"), "--by", "site", *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["names"] == list(found.names) and told["distances"] == found.distances.tolist()
    assert main(["groups", str(tmp_path / "all.parquet"), "--by", "lens", *options]) == 2
    assert "no column 'lens'; it has id, vector, site, year" in capsys.readouterr().err
    read = read_groups([str(tmp_path / "all.parquet")], "year", None, False, silent)
    assert read.labels == table["year"] and read.items[3] == "3" and (read.vectors == x).all()


def test_a_column_of_a_csv_tells_the_groups_of_its_files(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.jpg").write_bytes(b"")
    side, labels = table_column("path,site\na.jpg,north\nb.jpg,south\nc.jpg,north\n", tmp_path, "site")
    assert [path.name for path in side.paths] == ["a.jpg", "b.jpg", "c.jpg"] and labels == ["north", "south", "north"]
    with pytest.raises(InputError, match="columns path and lens; it has path, site"):
        table_column("path,site\na.jpg,north\n", tmp_path, "lens")


def test_the_report_has_a_tree_that_joins_near_groups_first(found, tmp_path: Path) -> None:
    drawn = tree_of(found)
    assert len(drawn.names) == 3 and set(drawn.names) == set(found.names) and len(drawn.lines) == 2
    near, far = sorted(drawn.lines, key=lambda line: line[1][0])
    assert near[1][0] == pytest.approx(max(found.distances[1, 2], 0.5)) and near[0][0] == 0.5
    assert far[1][0] == pytest.approx((found.distances[0, 1] + found.distances[0, 2]) / 2)  # average linkage
    assert {round(y) for _, y in near} == {drawn.names.index("north"), drawn.names.index("south")}
    page = latentdiff.write_report(found, tmp_path / "sites.html").read_text()
    assert page.count("<polyline") >= 2 and "groups joined where" in page


def test_the_rows_of_a_cell_of_the_map_are_those_that_its_rate_counts(given) -> None:
    """Two concepts have one name; of a group that has more of one, it comes after five that are stronger."""
    words = [*WORDS[:14], "shared"]
    axes = np.vstack([EYE[:14], (EYE[14] + EYE[15]) / np.sqrt(2)]).astype(np.float32)
    usual = np.full(WIDTH, 0.05)
    shares = {"a": usual.copy(), "b": usual.copy(), "c": usual}
    shares["a"][2:7], shares["a"][14:] = 0.6, (0.4, 0.3)  # of the other concept a has as much as b and c together
    shares["b"][15] = 0.6
    rng = np.random.default_rng(3)
    shown = np.concatenate([rng.random((200, WIDTH)) < share for share in shares.values()])
    x = (0.05 * rng.standard_normal(shown.shape) + shown * rng.uniform(0.8, 1.2, shown.shape)).astype(np.float32)
    x[~shown.any(1), 0] += 1.0
    vocabulary = latentdiff.Vocabulary(words, axes)
    found = latentdiff.compare_groups(x, np.repeat(list(shares), 200), sae=given["sae"], vocabulary=vocabulary)
    assert "shared" in [h.text for h in found.groups["a"].hypotheses][5:] and "shared" in found.rate_texts
    for text, rates in zip(found.rate_texts, found.rates, strict=True):
        assert [len(found.rows_showing(text, name)) for name in found.names] == pytest.approx(200 * rates)
    assert found.showing("shared").tolist() == (x[:, 15] > 0.5).tolist()
    row = found.rate_texts.index("shared")
    rates = found.rates.copy()
    rates[row] = [(x[200 * g : 200 * (g + 1), 14] > 0.5).mean() for g in range(3)]
    earlier = dataclasses.replace(found, rates=rates)  # as a version stored it that chose the other one
    assert earlier.showing("shared").tolist() == (x[:, 14] > 0.5).tolist()


@pytest.mark.parametrize(
    ("change", "called"),
    [
        ({"fires_a": 0.1}, "{}"),  # the name's images are counted
        ({"weak": True}, "looks like: {}"),
        ({}, "pattern of {}"),  # rates that are those of the concept
    ],
)
def test_the_table_says_whose_rates_are_not_what_the_name_says(found, tmp_path: Path, change: dict, called: str) -> None:
    text, east = WORDS[DOG], found.comparisons[0]
    mine = {"fires_a": east.top("A")[0].rate_a, "fires_b": east.top("A")[0].rate_b, "weak": False, **change}
    candidates = tuple(dataclasses.replace(h, **mine) if h.text == text else h for h in east.candidates)
    changed = dataclasses.replace(found, comparisons=(dataclasses.replace(east, candidates=candidates), *found.comparisons[1:]))
    wanted = called.format(text)
    assert row_names(changed)[changed.rate_texts.index(text)] == wanted
    assert f"<tr><th>{wanted}</th>" in latentdiff.write_report(changed, tmp_path / "groups.html").read_text(encoding="utf8")
