"""One schema of what is stored: every field there and back, older files, later files, damaged ones."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
import scipy.sparse as sp

from fiftyone_plugin.store.document import from_document, to_document
from latentdiff import CheckpointError, CompareConfig, Comparison, ConceptTable, Hypothesis, InputError, TwoSampleTest, load_sae
from latentdiff.results.hypothesis import UNKNOWN
from latentdiff.results.schema import Share, check, hints, pack, unpack
from latentdiff.results.storage import too_new

EARLIER = Path(__file__).parent / "data" / "0.1.0"
KINDS = (Hypothesis, ConceptTable, TwoSampleTest, CompareConfig, Comparison)
HYPOTHESIS = Hypothesis("dog", "A", "sae", 0.25, 0.5, 0.25, 0.001, 0.01, 0.625, 0.4, 1 / 3)


def comparison(**changes: Any) -> Comparison:
    table = ConceptTable(np.array([3, 7], np.int32), *(np.array([0.1 * i, 0.2 * i]) for i in range(1, 8)), ("three", "seven"))
    base = Comparison(
        candidates=(HYPOTHESIS, dataclasses.replace(HYPOTHESIS, text="cat", side="B")),
        log_ratio_a=np.array([0.5, np.nan, -1.25], np.float32),
        log_ratio_b=np.array([-2.0, 0.125], np.float32),
        shows_a=sp.csr_array(np.array([[1, 0], [0, 1], [1, 1]], bool)),
        shows_b=sp.csr_array(np.array([[0, 0], [0, 1]], bool)),
        two_sample=TwoSampleTest(0.75, 1e-3),
        differs=True,
        smallest_detectable=0.125,
        concepts=table,
        config=CompareConfig(),
    )
    return dataclasses.replace(base, **changes)


def folder_and_back(one: Comparison, folder: Path) -> Comparison:
    return Comparison.load(one.save(folder))


def document_and_back(one: Comparison, _: Path) -> Comparison:
    ids = [np.array([f"{side}{i:023x}" for i in range(n)]) for side, n in ((1, 3), (2, 2))]
    document = json.loads(json.dumps(to_document(one, *ids), allow_nan=False))
    two, *read = from_document(document)
    assert [names.tolist() for names in read] == [names.tolist() for names in ids]
    return two


WAYS = pytest.mark.parametrize("and_back", [folder_and_back, document_and_back])


@WAYS
def test_what_could_not_be_read_again_is_not_stored(and_back: Any, tmp_path: Path) -> None:
    kept = comparison().save(tmp_path)
    before = (kept / "comparison.json").read_bytes()
    for text in ("", "\ud800"):
        with pytest.raises(InputError, match="cannot be stored, as it could not be read again: text cannot be"):
            and_back(comparison(candidates=(dataclasses.replace(HYPOTHESIS, text=text),) * 2), tmp_path)
    assert (kept / "comparison.json").read_bytes() == before


def others(value: Any) -> list[Any]:
    """Values that no field has by default, of which a field may refuse some."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, np.ndarray):
        return [(value + 1).astype(value.dtype)]
    if isinstance(value, tuple):
        return [("one", "two ❄"), (-0.5, 0.25), (0.5, 2.0), (1, 0), ()]
    if isinstance(value, dict):
        return [{"n_a": 3, "nested": [1, {"x": None}]}]
    return [f"{value} ❄", "B"] if isinstance(value, str) else [0.375, 12, 3, 1]


def another(holder: Any, name: str) -> Any:
    """The same dataclass with another valid value of one field, of its kind."""
    values = others(getattr(holder, name))
    for value in values:
        try:
            made = dataclasses.replace(holder, **{name: value})
            check(made)
            return made
        except (ValueError, TypeError) as e:  # a refusal may name what there is to choose from
            values += [word for word in re.findall(r'"(\w+)"', str(e)) if word != getattr(holder, name) and word not in values]
    raise AssertionError(f"no value of {name} but {getattr(holder, name)!r} is known to this test")


def equal(one: Any, two: Any) -> None:
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(two, one)
        assert two.dtype == one.dtype
    elif sp.issparse(one):
        np.testing.assert_array_equal(two.toarray(), one.toarray())
    elif dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            equal(getattr(one, field.name), getattr(two, field.name))
    elif isinstance(one, tuple) and one and dataclasses.is_dataclass(one[0]):
        assert len(one) == len(two)
        for a, b in zip(one, two, strict=True):
            equal(a, b)
    else:
        assert (repr(two), type(two)) == (repr(one), type(one))


def changed(kind: type, name: str) -> Comparison:
    """A comparison in which that field of that dataclass is another than elsewhere."""
    one = comparison()
    holder = {Hypothesis: one.candidates[0], ConceptTable: one.concepts, TwoSampleTest: one.two_sample, CompareConfig: one.config}.get(kind)
    if holder is None:
        value = getattr(one, name)
        plain = not isinstance(value, (np.ndarray, tuple)) and not sp.issparse(value) and not dataclasses.is_dataclass(value)
        return another(one, name) if plain else one
    new = dataclasses.replace(one.concepts, name=()) if (kind, name) == (ConceptTable, "name") else another(holder, name)
    where = {ConceptTable: "concepts", TwoSampleTest: "two_sample", CompareConfig: "config"}
    return comparison(candidates=(new, one.candidates[1])) if kind is Hypothesis else comparison(**{where[kind]: new})


@WAYS
@pytest.mark.parametrize("kind", KINDS)
def test_every_field_goes_there_and_comes_back(kind: Any, and_back: Any, tmp_path: Path) -> None:
    for i, field in enumerate(dataclasses.fields(kind)):
        one = changed(kind, field.name)
        equal(one, and_back(one, tmp_path / str(i)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_that_was_not_stored_has_its_default(kind: Any) -> None:
    one = comparison()
    example = {Hypothesis: HYPOTHESIS, ConceptTable: one.concepts, TwoSampleTest: one.two_sample, CompareConfig: one.config}.get(kind, one)
    for field in dataclasses.fields(kind):
        arrays: dict[str, np.ndarray] = {}
        plain = pack(example, arrays)
        plain.pop(field.name, None)
        arrays = {name: value for name, value in arrays.items() if not name.startswith(field.name)}
        if field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING:
            fresh = field.default if field.default is not dataclasses.MISSING else field.default_factory()
            equal(fresh, getattr(unpack(kind, plain, arrays), field.name))
        else:
            with pytest.raises(ValueError, match=f"{field.name} is missing"):
                unpack(kind, plain, arrays)


def test_one_more_figure_and_one_more_field_open_in_this_version_and_older_ones_in_theirs(tmp_path: Path) -> None:
    """Both directions of an update, without a line of code beside the field."""
    lift = ("lift", "Column", dataclasses.field(default=UNKNOWN))
    later_table = dataclasses.make_dataclass("Later", [lift], bases=(ConceptTable,), frozen=True)
    later_finding = dataclasses.make_dataclass(
        "LaterFinding", [("rate_c", Share, dataclasses.field(default=0.5)), ("tags", tuple[str, ...], ())], bases=(Hypothesis,), frozen=True
    )
    later_table.__module__ = later_finding.__module__ = "latentdiff.results.hypothesis"
    old = comparison()
    columns = {f.name: getattr(old.concepts, f.name) for f in dataclasses.fields(old.concepts)}
    finding = later_finding(**{f.name: getattr(HYPOTHESIS, f.name) for f in dataclasses.fields(HYPOTHESIS)}, rate_c=0.25, tags=("x",))
    table = later_table(**columns, lift=np.array([1.5, 2.5]))
    new = comparison(concepts=table, candidates=(finding, HYPOTHESIS))
    for and_back in (folder_and_back, document_and_back):
        read = and_back(new, tmp_path)
        equal(comparison(candidates=(HYPOTHESIS, HYPOTHESIS)), read)
    arrays: dict[str, np.ndarray] = {}
    plain = pack(old.concepts, arrays)
    np.testing.assert_array_equal(unpack(later_table, plain, arrays).lift, [np.nan, np.nan])
    assert unpack(later_finding, pack(HYPOTHESIS, {}), {}).rate_c == 0.5
    np.testing.assert_array_equal(unpack(later_table, *packed(table)).lift, [1.5, 2.5])
    assert repr(unpack(later_finding, *packed(finding))) == repr(finding)
    with pytest.raises(ValueError, match=r"rate_c cannot be 1\.5"):
        unpack(later_finding, {**pack(finding, {}), "rate_c": 1.5}, {})


def packed(value: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    arrays: dict[str, np.ndarray] = {}
    return pack(value, arrays), arrays


def test_every_type_of_a_stored_field_is_known() -> None:
    """A field of a type that cannot be stored is seen here, not by the first user who saves."""
    for kind in KINDS:
        assert set(hints(kind)) == {f.name for f in dataclasses.fields(kind)} == set(get_type_hints(kind))
        wrong = object()
        for field in dataclasses.fields(kind):
            one = comparison()
            example = {Hypothesis: HYPOTHESIS, ConceptTable: one.concepts, TwoSampleTest: one.two_sample, CompareConfig: one.config}
            made = dataclasses.replace(example.get(kind, one))
            object.__setattr__(made, field.name, wrong)
            with pytest.raises(ValueError, match=rf"{field.name} cannot be"):
                check(made)


def test_wrong_values_are_named(tmp_path: Path) -> None:
    for change, said in (
        ({"rate_a": 1.25}, "rate_a"),
        ({"side": "C"}, "side"),
        ({"text": ""}, "text"),
        ({"exemplars": [-1]}, "exemplars"),
        ({"exemplars": [3]}, "exemplars"),
        ({"concept": 2**31}, "concept"),
        ({"weak": 1}, "weak"),
        ({"also": ["\ud800"]}, "also"),
        ({"interval": [0.5]}, "interval"),
    ):
        folder = comparison().save(tmp_path)
        head = json.loads((folder / "comparison.json").read_text(encoding="utf8"))
        head["candidates"][0] |= change
        (folder / "comparison.json").write_text(json.dumps(head), encoding="utf8")
        with pytest.raises(CheckpointError, match=said):
            Comparison.load(folder)


@pytest.mark.parametrize(
    ("name", "value"), [("indices", [0, 1, 0, 2]), ("indices", [0, 1, -1, 1]), ("indptr", [0, 2, 1, 4]), ("shape", [3, 9])]
)
def test_an_index_outside_is_refused(tmp_path: Path, name: str, value: list[int]) -> None:
    """Compiled code would read there."""
    folder = comparison().save(tmp_path)
    arrays = dict(np.load(folder / "arrays.npz"))
    arrays[f"shows_a_{name}"] = np.array(value, arrays[f"shows_a_{name}"].dtype)
    np.savez(folder / "arrays.npz", **arrays)
    with pytest.raises(CheckpointError, match="shows_a cannot be"):
        Comparison.load(folder)


@pytest.mark.parametrize("change", ["an exemplar", "scores"])
def test_rows_that_are_not_there_are_refused(tmp_path: Path, change: str) -> None:
    folder = comparison().save(tmp_path)
    if change == "scores":  # of fewer images than the rows that show something
        arrays = dict(np.load(folder / "arrays.npz"))
        np.savez(folder / "arrays.npz", **{**arrays, "log_ratio_a": arrays["log_ratio_a"][:-1]})
    else:
        stored = json.loads((folder / "comparison.json").read_text(encoding="utf8"))
        stored["candidates"][0]["exemplars"] = [10**6]
        (folder / "comparison.json").write_text(json.dumps(stored), encoding="utf8")
    with pytest.raises(CheckpointError, match="exemplars" if change == "an exemplar" else "cannot be"):
        Comparison.load(folder)


def test_what_a_later_version_made_says_so(tmp_path: Path) -> None:
    folder = comparison().save(tmp_path)
    good = json.loads((folder / "comparison.json").read_text(encoding="utf8"))

    def opened(**changes: Any) -> Comparison:
        (folder / "comparison.json").write_text(json.dumps({**good, **changes}), encoding="utf8")
        return Comparison.load(folder)

    assert opened(version="99.1.0", news={"more": 1}).differs  # only more fields: read
    for changes in ({"version": "99.1.0", "differs": "yes"}, {"version": "99.1.0", "config": {"correction": "new"}}, {"format": 3}):
        with pytest.raises(CheckpointError, match=r"was made by latentdiff .*Update latentdiff\."):
            opened(**changes)
    with pytest.raises(CheckpointError, match="does not hold a saved comparison"):  # this version's own: damaged
        opened(differs="yes")
    assert too_new({"version": "0.0.9"}) == "" == too_new({"version": "0.1"})
    assert "latentdiff 10.0.1" in too_new({"info": {"versions": {"latentdiff": "10.0.1"}}})


@pytest.mark.parametrize("name", ["latentdiff", "mean", "gsclip", "visdiff"])
def test_what_version_0_1_0_saved_is_read(name: str) -> None:
    """Against its files, read by json and numpy alone."""
    head = json.loads((EARLIER / name / "comparison.json").read_text(encoding="utf8"))
    arrays = np.load(EARLIER / name / "arrays.npz")
    read = Comparison.load(EARLIER / name)
    assert len(read.candidates) == len(head["candidates"]) == {"latentdiff": 29, "mean": 16, "gsclip": 16, "visdiff": 0}[name]
    for h, stored in zip(read.candidates, head["candidates"], strict=True):
        for key, value in stored.items():
            assert repr(getattr(h, key)) == repr(tuple(value) if isinstance(value, list) else value)
    for key in ("log_ratio_a", "log_ratio_b"):
        np.testing.assert_array_equal(getattr(read, key), arrays[key])
    for key in ("concept", "rate_a", "rate_b", "gap", "jsd", "jsd_firing", "p_value", "q_value"):
        np.testing.assert_array_equal(getattr(read.concepts, key), arrays[f"concepts_{key}"])
    assert (list(read.concepts.name), repr(read.two_sample.auc)) == (head["concept_names"], repr(head["two_sample"]["auc"]))
    assert {**read.config.to_dict(), **head["config"]} == read.config.to_dict()
    assert read.info == head["info"]
    for h in read.candidates[:3]:
        column = read.candidates.index(h)
        rows = [r for r, (i, j) in enumerate(zip(arrays["shows_a_indptr"], arrays["shows_a_indptr"][1:], strict=False))
                if column in arrays["shows_a_indices"][i:j]]  # fmt: skip
        assert read.rows_showing(h, "A").tolist() == rows


def test_an_sae_that_version_0_1_0_saved_is_read() -> None:
    sae = load_sae(EARLIER / "sae")
    np.testing.assert_array_equal(sae.w_dec, np.eye(16, dtype=np.float32))
    np.testing.assert_array_equal(sae.threshold, np.full(16, 0.5, np.float32))
    np.testing.assert_allclose(sae.monosemanticity, np.linspace(0.1, 0.8, 16), rtol=1e-6)
    assert (sae.groups, sae.info["note"]) == ((4, 12), "the exact dictionary of the planted vectors")
    np.testing.assert_array_equal(sae.encode(np.eye(16, dtype=np.float32)).toarray(), np.eye(16))


def test_what_is_kept_of_earlier_versions_is_small() -> None:
    assert sum(p.stat().st_size for p in EARLIER.parent.rglob("*") if p.is_file()) < 200_000
