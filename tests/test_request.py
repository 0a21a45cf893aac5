"""One request, four doors: the same can be chosen from each, one check says what does not fit, Python compares folders."""

from __future__ import annotations

import inspect
import json
import warnings
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import latentdiff
from latentdiff import CompareConfig, CompareRequest, DescribeConfig, Engine, InputError, MethodConfig
from latentdiff.demo import load_sae, setting_shift_pair
from latentdiff.inputs.folders import image_files
from latentdiff.inputs.named import DatasetView
from tests.planted import DOG, WIDTH, WORDS, vectors

NAMES = ("snow", "beach", "forest", "dog", "bus", "city")
CHOICES = ("groups", "sae", "sae_trainer", "alpha", "seed", "skip_bad", "engine", "config")
"""Fields of a request that do not hang on where its sides lie."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Thirty drawn scenes a side: snow in most of "winter", in few of "summer"; each also as a zip file."""
    root = tmp_path_factory.mktemp("scenes")
    pair = setting_shift_pair(30, 3, setting="snow", rates=(0.8, 0.1))
    for side, name in (("A", "winter"), ("B", "summer")):
        (root / name).mkdir()
        with zipfile.ZipFile(root / f"{name}.zip", "w") as archive:
            for i, (image, _) in enumerate(pair.draw(side, size=64)):
                image.save(root / name / f"{i:02}.png")
                archive.write(root / name / f"{i:02}.png", f"{i:02}.png")
    return root / "winter", root / "summer"


@pytest.fixture(scope="module")
def encoder() -> Any:
    return latentdiff.load_encoder("demo")


def told(comparison: latentdiff.Comparison) -> list[tuple[str, str, float, tuple[int, ...]]]:
    return [(h.text, h.side, h.q_value, h.exemplars) for h in comparison.candidates]


def test_folders_are_compared_as_their_vectors_are(folders, encoder, tmp_path) -> None:
    given = {"encoder": encoder, "vocabulary": NAMES, "sae": load_sae(), "config": CompareConfig(alpha=0.04)}
    ours = latentdiff.compare_folders(*folders, **given, report=tmp_path / "r.html")
    a, b = (encoder.encode_images(image_files(folder)).vectors for folder in folders)
    words = latentdiff.load_vocabulary(encoder, words=(), phrases=NAMES)
    expected = latentdiff.compare(a, b, vocabulary=words, sae=load_sae(), config=CompareConfig(alpha=0.04))
    assert ours.hypotheses[0].text == "snow"
    assert told(ours) == told(expected) and ours.differs
    assert ours.info["names"] == ["winter", "summer"] and ours.info["encoder"] == dict(encoder.fingerprint)
    assert "data:image/jpeg" in (tmp_path / "r.html").read_text(encoding="utf8")
    zipped = latentdiff.compare_folders(*(f.with_suffix(".zip") for f in folders), **given)
    listed = latentdiff.compare_folders(*(list(image_files(f)) for f in folders), **given, names=("x", "y"))
    assert told(zipped) == told(listed) == told(ours)
    assert zipped.info["names"] == ["winter", "summer"] and listed.info["names"] == ["x", "y"]


def test_what_was_unpacked_goes_with_the_outcome(folders, encoder, monkeypatch, tmp_path) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    request = CompareRequest(
        folders[0].with_suffix(".zip"), folders[1], encoder=encoder, vocabulary=NAMES, method=MethodConfig("mean")
    )
    outcome = request.run()
    assert outcome.items is not None and all(Path(p).is_file() for p in outcome.items[0]) and len(list(tmp_path.iterdir())) == 1
    del outcome
    assert list(tmp_path.iterdir()) == []

    def stop(fraction: float, label: str) -> None:
        if fraction > 0.2:
            raise latentdiff.Cancelled("stopped")

    with pytest.raises(latentdiff.Cancelled):
        request.run(stop)
    assert list(tmp_path.iterdir()) == []


def test_a_question_in_python_is_that_of_the_command_line(folders, encoder, tmp_path, capsys, monkeypatch) -> None:
    from latentdiff.cli import main

    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))
    (tmp_path / "words.txt").write_text("\n".join(NAMES), encoding="utf8")
    (found,) = latentdiff.ask(*folders, "snow", encoder=encoder, vocabulary=NAMES, images=3)
    options = ["--encoder", "demo", "--vocabulary", str(tmp_path / "words.txt"), "--images", "3", "--json"]
    assert main(["ask", *map(str, folders), "snow", *options]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["answers"]
    assert (answer["auroc"], answer["q_value"], answer["rows_a"]) == (found.auroc, found.q_value, list(found.rows_a))
    a, b = (encoder.encode_images(image_files(folder)).vectors for folder in folders)
    words = latentdiff.load_vocabulary(encoder, words=(), phrases=NAMES)
    (plain,) = latentdiff.verify(a, b, ["snow"], encoder.encode_texts(["snow"]), vocabulary=words, rows=3)
    assert found == plain and found.auroc > 0.7


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"names": ("x",)}, "two texts"),
        ({"names": "ab"}, "two texts"),
        ({"method": "mean"}, r"write MethodConfig\('mean'\)"),
        ({"engine": "slurm"}, "engine"),
        ({"alpha": "x"}, "CompareConfig.alpha must be a number"),
        ({"seed": -1}, "CompareConfig.seed must be a whole number"),
    ],
)
def test_what_is_of_the_wrong_kind_is_said_before_anything_is_read(choices, said) -> None:
    with pytest.raises(InputError, match=said):
        CompareRequest(*ARRAYS, **choices).check()


def test_a_config_of_another_class_is_told_where_it_goes() -> None:
    with pytest.raises(InputError, match=r"MethodConfig goes with compare_with"):
        latentdiff.compare(*ARRAYS, config=MethodConfig("mean"))
    with pytest.raises(InputError, match=r"write MethodConfig\('mean'\)"):
        latentdiff.compare_with("mean", *ARRAYS)
    assert CompareRequest(*ARRAYS, engine="ray").engine.kind == "ray"
    assert CompareRequest(*ARRAYS, method=latentdiff.CompareConfig(alpha=0.01)).config.compare.alpha == 0.01


def arguments(*options: str) -> CompareRequest:
    from latentdiff.cli.compare import request_of
    from latentdiff.cli.main import _parser

    return request_of(_parser().parse_args(["compare", "data:summer", "data:winter", "--embeddings", "clip", *options]))


def form(**params: Any) -> CompareRequest:
    from fiftyone_plugin.forms.comparison import request_of

    given = {"embeddings": "clip", "run": "r", **params}
    return request_of(SimpleNamespace(params=given, dataset="data", secret=lambda name: None), ("summer", "winter"))


def page(**inputs: Any) -> dict[str, Any]:
    from fiftyone_plugin.panels.page.asked import VIEWS, Asked, choices
    from fiftyone_plugin.panels.page.settings import PageSettings

    return choices(Asked(way=VIEWS, **inputs), PageSettings(roots=(Path.cwd(),)))


SERVER = {"llm_url": "http://localhost:1/v1", "llm_model": "m"}
ASKED = [
    (["--sae", "pach"], {"concepts": "pach"}, CompareRequest(None, sae="pach")),
    (["--sae", "mine"], {"concepts": "own", "sae": "mine"}, CompareRequest(None, sae="mine")),
    (["--sae-trainer", "matryoshka"], {"concepts": "train a tree"}, CompareRequest(None, sae_trainer="matryoshka")),
    (["--alpha", "0.01", "--seed", "7", "--skip-bad"], {"alpha": 0.01, "seed": 7, "skip_bad": True},
     CompareRequest(None, alpha=0.01, seed=7, skip_bad=True)),
    (["--groups", "scene"], {"groups": "scene"}, CompareRequest(None, groups="scene")),
    (["--method", "gsclip"], {"method": "gsclip"}, CompareRequest(None, method=MethodConfig("gsclip"))),
    (["--engine", "ray", "--exchange", "x"], {"engine": "ray", "exchange": "x"}, CompareRequest(None, engine=Engine("ray", exchange="x"))),
    (["--captioner", "vocabulary"], {"describe": "words"}, CompareRequest(None, method=MethodConfig(describe=DescribeConfig()))),
    (["--captioner", "git"], {"describe": "model", "captioner": "git"},
     CompareRequest(None, method=MethodConfig(describe=DescribeConfig("image-to-text", "git")))),
    (["--captioner", "endpoint", "--llm-url", SERVER["llm_url"], "--llm-model", "m"], {"describe": "server", **SERVER},
     CompareRequest(None, method=MethodConfig(describe=DescribeConfig("endpoint", language="endpoint", language_model="m",
                                                                      base_url=SERVER["llm_url"])))),
    (["--captioner", "vocabulary", "--llm-url", SERVER["llm_url"], "--llm-model", "m"], {"describe": "words", "ask_model": True, **SERVER},
     CompareRequest(None, method=MethodConfig(describe=DescribeConfig(language="endpoint", language_model="m",
                                                                      base_url=SERVER["llm_url"])))),
]  # fmt: skip


@pytest.mark.parametrize(("options", "answers", "expected"), ASKED, ids=[" ".join(a[0][:2]) for a in ASKED])
def test_command_line_form_page_and_python_ask_for_the_same(options, answers, expected) -> None:
    defaults = {"alpha": 0.05, "seed": 0}

    def chosen(request: CompareRequest) -> list[Any]:
        return [getattr(request, name) if getattr(request, name) is not None else defaults.get(name) for name in CHOICES]

    on_page = CompareRequest("data:summer", "data:winter", embeddings="clip", **page(**answers))
    assert chosen(arguments(*options)) == chosen(form(**answers)) == chosen(on_page) == chosen(expected)


@pytest.mark.parametrize(
    ("options", "groups", "table_sides"),
    [
        (["--sides", "sea", "old town"], None, ["sea", "old town"]),
        (["--groups", "sea, old town"], None, ("sea", "old town")),
        (["--groups", "sea"], "sea", None),  # which is refused, as what it names is not for tables
        (["--groups", "a.txt", "b.txt"], ("a.txt", "b.txt"), None),
    ],
)
def test_two_groups_of_a_table_on_the_command_line(options: list[str], groups: Any, table_sides: Any) -> None:
    from latentdiff.cli.compare import request_of
    from latentdiff.cli.main import _parser

    asked = request_of(_parser().parse_args(["compare", "sheet.csv", *options]))
    assert (asked.groups, asked.table_sides) == (groups, table_sides)


V = DatasetView("d", "summer"), DatasetView("d", "winter")
ARRAYS = np.zeros((30, 4)), np.ones((30, 4))


@pytest.mark.parametrize(
    ("sides", "given", "choice", "said"),
    [
        (("a.npy", "d:view"), {}, "b", "one side is a dataset's view"),
        (("a.npy", "b.parquet"), {}, "b", "both sides must be Parquet"),
        (("words.txt", None), {}, "b", "alone is no comparison"),
        (("a.npy", "./a.npy"), {}, "b", "same file"),
        ((V[0], V[0]), {"embeddings": "clip"}, "b", "same|both sides are the saved view 'summer'"),
        (V, {}, "embeddings", "--embeddings FIELD"),
        (V, {"embeddings": "clip", "encoder": "fast"}, "encoder", "for folders of images"),
        (ARRAYS, {"embeddings": "clip"}, "embeddings", "are for datasets"),
        (ARRAYS, {"stored_as": "run"}, "embeddings", "are for datasets"),
        (ARRAYS, {"engine": Engine("ray")}, "engine", "takes Parquet or views"),
        (V, {"embeddings": "clip", "engine": Engine("ray", "ray://far:10001")}, "exchange", "cluster at ray://far:10001 can read"),
        (V, {"embeddings": "c", "engine": Engine("ray"), "method": MethodConfig("mean"), "vocabulary": "w.npz"}, "engine", "this machine"),
        (("a.pq", "b.pq"), {"engine": Engine("ray", exchange="x")}, "exchange", "is for views"),
        (("a.pq", "b.pq"), {"method": MethodConfig("mean"), "vocabulary": "w.npz"}, "method", "vectors in memory"),
        (("a.pq", "b.pq"), {"method": MethodConfig(describe=DescribeConfig())}, "captions", "need the images"),
        (ARRAYS, {"sae": "pach", "sae_trainer": "matryoshka"}, "sae_trainer", "leave one of them out"),
        (ARRAYS, {"sae_trainer": "matryoshka", "method": MethodConfig("mean"), "vocabulary": "w.npz"}, "sae_trainer", "leave its kind out"),
        (ARRAYS, {"sae": "pach", "method": MethodConfig("mean"), "vocabulary": "w.npz"}, "sae", "no sparse autoencoder"),
        (ARRAYS, {"method": MethodConfig("gsclip")}, "vocabulary", "needs words"),
        (ARRAYS, {"captions": {"a": "b"}}, "captions", "need the images"),
        (ARRAYS, {"prompts": {"a": "b"}}, "captions", "need the images"),
        (V, {"embeddings": "c", "method": MethodConfig(describe=DescribeConfig("given"))}, "captions", "--captions FILE"),
        (V, {"embeddings": "c", "captions": "said", "method": MethodConfig(describe=DescribeConfig())}, "captions", "reads none"),
        (V, {"embeddings": "c", "prompts": "asked"}, "prompts", "paired-prompts alone"),
        (("a.zip", "b.zip"), {"encoder": "demo", "captions": {"a": "b"}}, "captions", "unpack it"),
        (("a.npy", "b.npy"), {"vocabulary": "words.txt"}, "encoder", "--encoder NAME"),
        (("a.zip", "b.zip"), {}, "encoder", "--encoder NAME"),
        (V, {"embeddings": "c", "paired": True}, "paired", "views have none"),
        (V, {"embeddings": "c", "groups": ("a", "b")}, "groups", "one field"),
        (ARRAYS, {"groups": "scene"}, "groups", "two files"),
        (ARRAYS, {"groups": (["x"], ["y"])}, "groups", "one label per row"),
        (ARRAYS, {"groups": (["x"], None)}, "groups", "groups_"),
        ((ARRAYS[0], ARRAYS[1][:-1]), {"paired": True}, "paired", "row i of A"),
        (ARRAYS, {"groups": ([1] * 30, [2] * 30), "method": MethodConfig("mean"), "vocabulary": "w.npz"}, "groups", "image by image"),
        (("a.pq", "b.pq"), {"fields": "measures"}, "fields", "name its columns"),
        (("a.pq", "b.pq"), {"fields": 7}, "fields", "its other columns"),
        (ARRAYS, {"table_sides": ("a", "b")}, "table_sides", "one .csv"),
        (ARRAYS, {"vocabulary": "w.npz", "vocabulary_vectors": "w.npy"}, "vocabulary_vectors", "text file"),
    ],
)
def test_one_check_says_what_does_not_go_together(sides, given, choice, said) -> None:
    request = CompareRequest(*sides, **given)
    with pytest.raises(InputError, match=said):
        request.check()
    assert choice in [name for name, _ in request.refusals()]


@pytest.mark.parametrize("sides", [("a.npy", "b.npy"), ARRAYS, V, ("a.pq", "b.pq"), ("a.csv", None)])
def test_what_fits_is_not_refused(sides) -> None:
    more = {"embeddings": "clip"} if sides is V else {"encoder": "demo"} if sides[1] is None else {}
    assert len(CompareRequest(*sides, vocabulary="w.npz", sae="pach", alpha=0.01, seed=3, skip_bad=True, **more).check()) == 2


@pytest.mark.parametrize(
    ("side", "said"), [(3, "not int"), ([1, 2], "not list"), (np.zeros(3), "not ndarray"), ("nothing", "written as dataset:saved_view")]
)
def test_what_is_no_side(side, said) -> None:
    with pytest.raises(InputError, match=said):
        CompareRequest(side, ARRAYS[1]).check()


def test_folders_take_no_vectors_and_views_go_to_the_plugin(tmp_path, monkeypatch) -> None:
    with pytest.raises(InputError, match="for vectors use compare"):
        latentdiff.compare_folders(*ARRAYS)
    monkeypatch.setattr("latentdiff.inputs.views.entry_points", lambda **_: ())
    with pytest.raises(latentdiff.MissingPackageError, match=r"pip install 'latentdiff\[fiftyone\]'"):
        CompareRequest("d:summer", "d:winter", embeddings="clip").run()
    with pytest.raises(latentdiff.MissingPackageError, match=r"pip install 'latentdiff\[fiftyone\]'"):
        CompareRequest("d:summer", "d:winter", embeddings="clip").open()
    with pytest.raises(InputError, match="there is no file"):
        latentdiff.compare_folders(tmp_path / "a.zip", tmp_path / "b.zip", encoder="demo")
    with pytest.raises(TypeError, match="takes no 'alpha'"):
        latentdiff.compare_folders("a", "b", alpha=0.01)


@pytest.mark.parametrize(
    ("given", "said"),
    [(("spark",), "not 'spark'"), (("local", "auto"), "an address is one of a Ray"), (("ray", None, None, 0), "at least one worker")],
)
def test_an_engine_that_there_is_not(given, said) -> None:
    with pytest.raises(InputError, match=said):
        Engine(*given)


def test_compare_views_has_few_parameters_and_takes_the_old_ones(monkeypatch) -> None:
    import fiftyone_plugin
    from fiftyone_plugin import comparing

    assert len(inspect.signature(fiftyone_plugin.compare_views).parameters) <= 18
    seen: list[CompareRequest] = []
    monkeypatch.setattr(comparing, "compare_request", lambda request, progress, first: seen.append(request))
    describe, sides = DescribeConfig(), {"embeddings": "clip", "run": "r"}

    def asked(**options: Any) -> CompareRequest:
        fiftyone_plugin.compare_views("d", "summer", "winter", **sides, **options)
        return seen.pop()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new = asked(config=MethodConfig(compare=CompareConfig(skip_bad=True), describe=describe), engine=Engine("ray", "auto", "x"))
    with pytest.warns(DeprecationWarning, match="deprecated") as caught:
        old = asked(describe=describe, skip_bad=True, engine="ray", address="auto", exchange="x")
    assert (old.config, old.engine) == (new.config, new.engine)
    assert {w.filename for w in caught} == {__file__} and len(caught) == 4
    with pytest.warns(DeprecationWarning, match=r"method=\) is deprecated.*use config="):
        assert asked(method=MethodConfig("mean")).config == MethodConfig("mean")
    with pytest.warns(DeprecationWarning), pytest.raises(InputError, match="method holds every choice"):
        asked(method=MethodConfig("mean"), config=CompareConfig())
    with pytest.raises(TypeError, match=r"CompareConfig\(alpha=0\.01\)"):
        asked(alpha=0.01)


def test_skipping_bad_images_is_one_choice(folders, encoder, tmp_path) -> None:
    import shutil

    for folder in folders:
        shutil.copytree(folder, tmp_path / folder.name)
    (tmp_path / "winter" / "00.png").write_bytes(b"no picture")
    sides, given = (tmp_path / "winter", tmp_path / "summer"), {"encoder": encoder, "vocabulary": NAMES}
    with pytest.raises(InputError, match=r"1 image of .*winter cannot be read.*--skip-bad"):
        latentdiff.compare_folders(*sides, **given, config=MethodConfig("mean"))
    outcome = CompareRequest(*sides, **given, method=MethodConfig("mean"), skip_bad=True).run()
    assert np.isnan(outcome.comparison.log_ratio_a[0]) and outcome.comparison.config.skip_bad


def test_words_of_a_request(tmp_path) -> None:
    a, b = vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2)
    np.savez(tmp_path / "w.npz", words=np.array(WORDS), vectors=np.eye(WIDTH))
    request = CompareRequest(a, b, vocabulary=tmp_path / "w.npz", method=MethodConfig("mean"), names=("dogs", "none"))
    outcome = request.run()
    assert outcome.comparison.hypotheses[0].text == WORDS[DOG] and outcome.names == ("dogs", "none") and outcome.items == (None, None)
    with pytest.raises(InputError, match="at least two"):
        latentdiff.compare_folders([tmp_path / "a.png"] * 2, [tmp_path / "b.png"], encoder="demo", vocabulary=["dog"])


def test_an_encoder_that_has_an_sae_of_its_own_is_compared_by_it(folders, encoder) -> None:
    given = {"encoder": encoder, "vocabulary": NAMES}
    own, named, pair = (latentdiff.compare_folders(*folders, **given, **more) for more in ({}, {"sae": load_sae()}, {"sae": "pair"}))
    assert told(own) == told(named) and own.info["sae"] == named.info["sae"] != pair.info["sae"]
    tree = latentdiff.compare_folders(*folders, **given, config=CompareConfig(sae_trainer="matryoshka"))
    assert tree.info["sae"] != own.info["sae"]  # another kind was asked for
