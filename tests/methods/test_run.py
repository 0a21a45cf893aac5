"""One config for every method and part: ablations are loops, and configs travel as JSON."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import latentdiff
from latentdiff import CompareConfig, DescribeConfig, MethodConfig, compare_with
from latentdiff.cli import main
from latentdiff.errors import EndpointError, InputError
from latentdiff.methods.config import PROPOSERS, RANKERS, read_method
from latentdiff.methods.difference_of_means import difference_of_means
from latentdiff.methods.gsclip import gsclip
from latentdiff.methods.register import METHODS
from latentdiff.methods.visdiff import VisDiffConfig
from tests.describe.captioners import save_captioner
from tests.describe.chat_server import ChatServer, answers, says, status
from tests.planted import WIDTH, vectors

NAMES = ("boat", "tree", "house", "dog", "cup", "road", "lamp", "chair", "bird", "hat", "bike", "apple", "sign", "door", "ball", "book")
VOCABULARY = latentdiff.Vocabulary(NAMES, np.eye(WIDTH))
A, B = vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2)
EYE = np.eye(WIDTH, dtype=np.float32)
SAE = latentdiff.SparseAutoencoder(EYE, np.zeros(WIDTH), EYE, np.zeros(WIDTH), np.full(WIDTH, 0.5, np.float32))
KEYS = [f"a{i}" for i in range(60)], [f"b{i}" for i in range(80)]
CAPTIONS = {k: ", ".join(NAMES[j] for j in np.flatnonzero(row > 0.5)) for k, row in zip([*KEYS[0], *KEYS[1]], [*A, *B], strict=True)}
PROMPTS = {k: f"prompt {int(k[1:]) % 40}" for k in CAPTIONS}


def encode(texts) -> np.ndarray:
    """Sum of the axes of the words that a text holds, negated behind a "not"; else an axis that no image has."""
    rows = []
    for text in texts:
        words = text.split()
        row = sum((EYE[NAMES.index(w)] for w in words if w in NAMES), np.zeros(WIDTH, np.float32))
        rows.append((0.3 * row.sum() / WIDTH - 0.5 * row if words[0] == "not" else row) if row.any() else np.full(WIDTH, 0.5))
    return np.array(rows, np.float32)


def oracle(body) -> str:
    """A model that reads: phrases from captions, grids and pairs; yes and no from a caption or picture."""
    content = body["messages"][-1]["content"]
    asked = json.loads(content if isinstance(content, str) else content[0]["text"])
    if "concept" in asked:
        return "yes" if asked["concept"] in asked.get("caption", "dog") else "no"
    return '{"phrases": ["dog", "tree"]}'


@pytest.fixture
def server():
    running = ChatServer()
    running.script = [answers(oracle)]
    yield running
    running.close()


@pytest.fixture(scope="module")
def blip2(tmp_path_factory) -> Path:
    return save_captioner(tmp_path_factory.mktemp("blip2"), "blip-2")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LATENTDIFF_API_KEY", raising=False)


def run(config: MethodConfig, **changes) -> latentdiff.Comparison:
    captioner = config.describe and config.describe.captioner
    given = {
        "sae": SAE if config.method == "latentdiff" else None,
        "vocabulary": VOCABULARY,
        "encode_texts": encode,
        "images": KEYS,
        "captions": CAPTIONS if captioner == "given" else None,
        "prompts": PROMPTS,
    }
    return compare_with(config, A, B, **given | changes)


def test_the_papers_ablations_are_loops_over_configs(server) -> None:
    """Captioner, language model, exemplars, rounds, ranker, mix: each variant is a config, through JSON, and does what it says."""
    base = MethodConfig(describe=DescribeConfig(language="endpoint", base_url=server.url, language_model="m", captioner="given"))
    lists = {}
    for mix in [(p, 5 - p) for p in range(6)]:
        c = run(MethodConfig(compare=CompareConfig(mix=mix)))
        lists[mix] = sum(h.source == "sae" for h in c.top("A", 5, gated=False))
    assert lists[5, 0] > lists[3, 2] >= lists[0, 5]
    for captioner, language, exemplars, rounds in itertools.product(("given", "vocabulary"), ("statistics", "endpoint"), (5, 10), (1, 2)):
        changed = dataclasses.replace(base.describe, captioner=captioner, language=language, exemplars=exemplars, rounds=rounds)
        config = MethodConfig(**json.loads(json.dumps(dataclasses.replace(base, describe=changed).to_dict())))
        before, told = len(server.requests), run(config).info["describe"]
        assert len(told["exemplar_captions"]["A"]) == exemplars * rounds and "error" not in told
        assert len(server.requests) - before == (2 * rounds if language == "endpoint" else 0)
        assert told["language"] == ("m" if language == "endpoint" else "word statistics")
        assert told["captioner"] == ("given captions" if captioner == "given" else "vocabulary")
    for ranker, rounds in itertools.product(RANKERS[:2], (1, 3)):
        config = dataclasses.replace(base, method="visdiff", ranker=ranker, visdiff=VisDiffConfig(rounds=rounds, sample=12))
        c = run(config)
        assert c.top("A", 1)[0].text == "dog" and c.info["visdiff"]["rounds"] == rounds
        (account,) = c.info["describe"]["sent"].values()
        assert account["calls"] == 2 * rounds + (2 * 140 if ranker == "caption-qa" else 0)


def test_baselines_are_what_their_functions_say() -> None:
    for method, want in (
        ("mean", difference_of_means(A, B, VOCABULARY)),
        ("gsclip", gsclip(A, B, VOCABULARY, negations=encode([f"not a {w}" for w in NAMES]))),
    ):
        found = run(MethodConfig(method))
        assert [(h.text, h.q_value) for h in found.candidates] == [(h.text, h.q_value) for h in want.candidates]
    plain = run(MethodConfig("gsclip"), encode_texts=None)
    without = [h.score for h in gsclip(A, B, VOCABULARY).candidates]
    assert [h.score for h in plain.candidates] == without != [h.score for h in found.candidates]
    closed = run(MethodConfig("gsclip", closed_set=("dog", "hat")))
    assert {h.text for h in closed.candidates} <= {"dog", "hat"} and closed.info["closed_set"] is True


@pytest.mark.parametrize(("proposer", "ranker"), itertools.product(PROPOSERS, RANKERS))
def test_every_proposer_goes_with_every_ranker(server, blip2, tmp_path, proposer, ranker) -> None:
    """Files that are pictures and keys at once; of the feature proposer's model captions are not asked."""
    rng, files = np.random.default_rng(0), tuple([str(tmp_path / f"{k}.png") for k in side] for side in KEYS)
    for file in (*files[0], *files[1]):
        Image.fromarray(rng.integers(0, 256, (20, 20, 3)).astype(np.uint8)).save(file)
    own: dict = {"captioner": "image-to-text", "captioner_model": str(blip2)} if proposer == "feature" else {"captioner": "given"}
    describe = DescribeConfig(**own, language="endpoint", base_url=server.url, language_model="m", calls=5000)
    values = {"describe": describe, "proposer": proposer, "ranker": ranker, "visdiff": VisDiffConfig(rounds=1, sample=8, phrases=4)}
    if (proposer, ranker) == ("feature", "caption-qa"):
        with pytest.raises(InputError, match="the feature proposer writes no captions"):
            MethodConfig("visdiff", **values)
        return
    by_file = [{file: known[Path(file).stem] for side in files for file in side} for known in (CAPTIONS, PROMPTS)]
    reads = proposer in ("caption", "paired-prompts") or ranker == "caption-qa"
    c = run(MethodConfig("visdiff", **values), images=files, captions=by_file[0] if reads else None, prompts=by_file[1], device="cpu")
    assert c.info["ranker"].lower().startswith(ranker.replace("-", " "))
    if proposer == "feature":
        assert c.info["proposer"] == "feature (BLIP-2)" and len(c.info["describe"]["phrases"]["A"]) > 1
    else:
        assert c.info["describe"]["phrases"]["A"] == ["dog", "tree"] and c.info["describe"]["sent"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"method": "magic"}, "method must be one of latentdiff, visdiff"),
        ({"method": "visdiff", "ranker": "oracle"}, "ranker must be one of"),
        ({"ranker": "caption-qa"}, "latentdiff has none"),
        ({"method": "visdiff", "proposer": "grid"}, "asks a model on a server"),
        ({"method": "visdiff", "proposer": "feature"}, "needs a BLIP-2 model"),
        ({"method": "mean", "describe": {}}, "reads no captions"),
        ({"closed_set": ["dog"]}, "a closed set is for gsclip"),
        ({"visdiff": {"round": 3}}, "has no choice 'round'; there are rounds"),
        ({"visdiff": {"rounds": "three"}}, "wrong kind"),
        ({"compare": {"alpha": 2}}, "alpha must be a level"),
    ],
)
def test_choices_that_do_not_fit(values, message, tmp_path) -> None:
    with pytest.raises(InputError, match=message):
        MethodConfig(**values)
    (tmp_path / "c.json").write_text(json.dumps(values), encoding="utf8")
    with pytest.raises(InputError, match=message):
        read_method(tmp_path / "c.json")


def test_gsclips_generators_and_pairwise_form(server) -> None:
    seen: list[list[str]] = []

    def encoding(texts) -> np.ndarray:
        seen.append(list(texts))
        return encode([t.split()[-1] for t in texts])

    rules = MethodConfig(method="gsclip", form="pairs", generator="rules", subject="animal")
    c = run(rules, encode_texts=encoding)
    assert seen[0][0].startswith("a photo of a animal and a ") and c.top("A", 1)[0].text == "a photo of a animal and a dog"
    assert c.info["form"] == "pairs" and rules.sends == []
    server.script = [answers(lambda body: json.dumps({"phrases": ["an animal with a dog", "an animal in a boat", "an animal on a road"]}))]
    asked = DescribeConfig(language="endpoint", base_url=server.url, language_model="m")
    named = dataclasses.replace(rules, generator="language", describe=asked)
    assert named.sends == [f"the subject (animal) to {server.url} (m)"]
    found = run(MethodConfig(**json.loads(json.dumps(named.to_dict()))), encode_texts=encoding)
    assert json.loads(server.requests[-1]["messages"][-1]["content"]) == {"subject": "animal", "count": 100}
    assert found.top("A", 1)[0].text == "an animal with a dog"
    with pytest.raises(InputError, match="a text encoder has to read"):
        run(rules, encode_texts=None)
    for wrong, message in (
        ({"generator": "rules"}, "needs the subject"),
        ({"generator": "language", "subject": "x"}, "name its address"),
        ({"method": "visdiff", "form": "pairs"}, "are GSCLIP's"),
    ):
        with pytest.raises(InputError, match=message):
            MethodConfig(**{"method": "gsclip", **wrong})


def test_configs_travel_as_json_without_a_key(tmp_path) -> None:
    describe = DescribeConfig(language="endpoint", base_url="http://localhost:1/v1", language_model="m", calls=7)
    configs = [MethodConfig(m) for m in METHODS] + [
        MethodConfig("visdiff", CompareConfig(mix=(1, 4), alpha=0.01), describe, "paired-prompts", "caption-qa", VisDiffConfig(most=99)),
        MethodConfig("gsclip", closed_set=("a", "b")),
    ]
    for config in configs:
        (tmp_path / "c.json").write_text(json.dumps(config.to_dict()), encoding="utf8")
        assert read_method(tmp_path / "c.json") == config and '"key"' not in json.dumps(config.to_dict())


def test_what_will_be_sent_is_what_is_sent(server) -> None:
    """Before: in words, with numbers that are not exceeded; after: counted."""
    text = DescribeConfig(captioner="given", language="endpoint", base_url=server.url, language_model="m")
    to = f"to {server.url} (m)"
    config = MethodConfig("visdiff", describe=text, visdiff=VisDiffConfig(rounds=2, sample=10))
    assert config.sends == [f"the captions of up to 40 images {to}"]
    run(config)
    seen = {x for r in server.requests for part in ("first", "second") for x in json.loads(r["messages"][-1]["content"])[part]}
    assert len(seen) <= 40 and MethodConfig("gsclip").sends == MethodConfig().sends == []
    assert dataclasses.replace(config, ranker="caption-qa").sends[1] == f"the captions of all images {to}, once for every phrase"
    assert dataclasses.replace(config, proposer="grid", ranker="image-vqa").sends == [
        f"4 grids of 20 images {to}", f"all images {to}, once for every phrase"]  # fmt: skip
    eye = dataclasses.replace(text, captioner="endpoint", captioner_model="eye")
    assert dataclasses.replace(config, describe=eye).sends[0] == f"up to 40 images to {server.url} (eye)"


def test_questions_beyond_the_budget_are_refused_before_the_first(server) -> None:
    text = DescribeConfig(captioner="given", language="endpoint", base_url=server.url, language_model="m", calls=100)
    with pytest.raises(EndpointError, match=r"2 phrases on 140 images are 280 questions, and the budget has 94 calls left; raise it"):
        run(MethodConfig("visdiff", describe=text, ranker="caption-qa"))
    assert len(server.requests) == 6


def test_material_that_is_missing_is_said() -> None:
    text = DescribeConfig(language="endpoint", base_url="http://127.0.0.1:9/v1", language_model="m")
    paired = MethodConfig("visdiff", describe=text, proposer="paired-prompts")
    for config, changes, message in (
        (paired, {"prompts": None}, "needs the prompts"),
        (paired, {"prompts": {"a0": "x"}}, "139 images have no prompt, first 'a1'"),
        (MethodConfig("mean"), {"vocabulary": None}, "needs words"),
        (MethodConfig("gsclip"), {"sae": SAE}, "no sparse autoencoder"),
    ):
        with pytest.raises(InputError, match=message):
            run(config, **changes)


@pytest.fixture
def folders(tmp_path) -> list[str]:
    """Two folders of scenes drawn from the same prompts, A's with a boat, and words of their own."""
    from latentdiff import demo

    pair, rows = demo.planted_object_pair(24, 3, kind="boat", rate=0.9), ["path,prompt"]
    for side in "AB":
        (tmp_path / side).mkdir()
        for i, (image, _) in enumerate(pair.draw(side, size=96)):
            image.save(tmp_path / side / f"{i:02}.png")
            rows.append(f"{side}/{i:02}.png,a scene {i}")
    (tmp_path / "prompts.csv").write_text("\n".join(rows), encoding="utf8")
    (tmp_path / "words.txt").write_text("\n".join(demo.words()), encoding="utf8")
    return [str(tmp_path / "A"), str(tmp_path / "B"), "--encoder", "demo", "--vocabulary", str(tmp_path / "words.txt")]


def test_the_command_line_takes_a_config_and_options_beside_it(folders, tmp_path, server, capsys, monkeypatch) -> None:
    monkeypatch.setenv("LATENTDIFF_API_KEY", "sk-very-secret-0123456789")
    server.script = [says('{"phrases": ["boat"]}')]
    config = MethodConfig(
        "visdiff",
        describe=DescribeConfig(language="endpoint", base_url=server.url, language_model="m"),
        proposer="paired-prompts",
        visdiff=VisDiffConfig(sample=10, held_out=False),
    )
    (tmp_path / "c.json").write_text(json.dumps(config.to_dict()), encoding="utf8")
    arguments = ["compare", *folders, "--config", str(tmp_path / "c.json"), "--rounds", "2", "--alpha", "0.01"]
    assert main([*arguments, "--prompts", str(tmp_path / "prompts.csv"), "--json", "--report", str(tmp_path / "r.html")]) == 0
    out = capsys.readouterr()
    found = json.loads(out.out)
    assert found["info"]["visdiff"]["rounds"] == 2 and found["config"]["alpha"] == 0.01
    assert found["sides"]["A"]["more_here"][0]["text"] == "boat"
    assert f"latentdiff: will send the prompts and captions of up to 40 images to {server.url} (m)\n" in out.err
    assert out.err.count("will send") == 1 and len(server.requests) == 4
    pairs = json.loads(server.requests[0]["messages"][-1]["content"])["pairs"]
    assert len(pairs) == 10 and all(p["prompt"].startswith("a scene ") for p in pairs)
    page = (tmp_path / "r.html").read_text(encoding="utf8")
    assert f"sent to {server.url}: 4 requests, 0 images, 308 tokens" in page and "sk-very" not in page + out.out + out.err


def test_a_budget_and_a_closed_set_on_the_command_line(folders, tmp_path, server, capsys) -> None:
    (tmp_path / "closed.txt").write_text("boat\nbus\n", encoding="utf8")
    assert main(["compare", *folders, "--method", "gsclip", "--closed-set", str(tmp_path / "closed.txt"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {h["text"] for s in "AB" for h in found["sides"][s]["more_here"]} <= {"boat", "bus"} and found["info"]["closed_set"]
    server.script = [status(500)]
    options = ["--method", "visdiff", "--llm-url", server.url, "--llm-model", "m", "--llm-calls", "1"]
    assert main(["compare", *folders, *options]) == 2
    assert "the budget of 1 calls is spent" in capsys.readouterr().err and len(server.requests) == 1


def test_gsclips_form_and_generator_on_the_command_line(folders, tmp_path, capsys) -> None:
    words = tmp_path / "few.txt"
    words.write_text("boat\nbus\nsnow\n", encoding="utf8")
    options = ["--method", "gsclip", "--form", "pairs", "--generator", "rules", "--subject", "scene", "--vocabulary", str(words)]
    assert main(["compare", *folders, *options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    phrases = {f"a photo of a scene and a {word}" for word in ("boat", "bus", "snow")}
    assert set(found["info"]["partners"]) <= phrases and found["info"]["form"] == "pairs" and found["info"]["partners"]
    for idle in (["--paper-filter"], ["--prompts", str(words)], ["--method", "visdiff", "--prompts", str(words)]):
        assert main(["compare", *folders, *idle]) == 2
        assert "with --method visdiff" in (said := capsys.readouterr().err) or "--proposer paired-prompts" in said


def test_only_data_that_json_has(tmp_path) -> None:
    for text, message in (("[1]", "is no JSON object"), ("{", "cannot be read as JSON"), ('{"metod": "mean"}', "has no choice 'metod'")):
        (tmp_path / "c.json").write_text(text, encoding="utf8")
        with pytest.raises(InputError, match=message):
            read_method(tmp_path / "c.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_method(tmp_path / "missing.json")
