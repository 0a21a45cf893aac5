"""The grid, the feature proposer on transformers' real BLIP-2 class, and the paired-prompt variant."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentdiff.describe.captions import GivenCaptions
from latentdiff.describe.endpoint import ChatEndpoint
from latentdiff.describe.phrase_vectors import composed_directions
from latentdiff.embed.sides import Sides
from latentdiff.embed.vocabulary import Vocabulary
from latentdiff.errors import EncoderError, InputError
from latentdiff.methods.features import load_feature_proposer
from latentdiff.methods.grid import BAR, CELL, GAP, image_grid
from latentdiff.methods.image_sets import ImageSets
from latentdiff.methods.proposers import ImageGridProposer, PairedPromptProposer
from latentdiff.methods.rankers import ClipRanker
from latentdiff.methods.visdiff import VisDiffConfig, visdiff
from tests.describe.captioners import save_captioner
from tests.describe.chat_server import ChatServer, says
from tests.planted import WIDTH, WORDS, vectors

A, B = vectors(30, 0.5, seed=1), vectors(40, 0.05, seed=2)
SIDES = Sides(A, B)


@pytest.fixture
def server():
    running = ChatServer()
    yield running
    running.close()


def endpoint(server: ChatServer) -> ChatEndpoint:
    return ChatEndpoint(server.url, "m", timeout=5, retries=0)


def coloured(colours: list[tuple[int, int, int]]) -> list[Image.Image]:
    return [Image.new("RGB", (60, 40), c) for c in colours]


def test_grid_puts_the_first_set_above_the_second() -> None:
    first = coloured([(10 * i, 0, 0) for i in range(20)])
    second = coloured([(0, 10 * i, 0) for i in range(20)])
    grid = np.asarray(image_grid(first, second)).astype(int)
    step = CELL + GAP
    assert grid.shape == (4 * step + BAR, 10 * step, 3)
    for i in range(20):
        y, x = i // 10 * step + CELL // 2, i % 10 * step + CELL // 2
        assert grid[y, x].tolist() == [10 * i, 0, 0]
        assert grid[y + 2 * step + BAR, x].tolist() == [0, 10 * i, 0]
    assert (grid[2 * step + BAR // 2] == 128).all()


def test_grid_leaves_cells_white_and_refuses_what_it_cannot_show(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no image")
    grid = np.asarray(image_grid([tmp_path / "bad.jpg", *coloured([(9, 9, 9)])], coloured([(1, 2, 3)])))
    assert (grid[CELL // 2, CELL // 2] == 255).all() and (grid[CELL // 2, CELL + GAP + CELL // 2] == 9).all()
    with pytest.raises(InputError, match=r"no image of a set can be shown.*bad\.jpg"):
        image_grid([tmp_path / "bad.jpg"], coloured([(0, 0, 0)]))
    with pytest.raises(InputError, match="holds 20 images a set, not 21"):
        image_grid(coloured([(0, 0, 0)] * 21), [])


def test_grid_proposer_sends_one_picture_and_reads_the_phrases(server) -> None:
    server.script = [says("- word 3\n- a lamp")]
    images = (coloured([(255, 0, 0)] * 30), coloured([(0, 0, 255)] * 40))
    sets = ImageSets(SIDES, (30, 40), images)
    found = ImageGridProposer(endpoint(server)).propose(sets, sets.rows_a[:20], sets.rows_b[:20], 10, 0)
    assert found == ["word 3", "a lamp"]
    (part,) = [p for p in server.requests[0]["messages"][-1]["content"] if p["type"] == "image_url"]
    sent = np.asarray(Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].split(",")[1])))).astype(int)
    assert sent.shape == (4 * (CELL + GAP) + BAR, 10 * (CELL + GAP), 3)
    assert sent[CELL // 2, CELL // 2, 0] > 240 and sent[-CELL // 2, CELL // 2, 2] > 240


@pytest.fixture(scope="module", params=["blip-2", "blip-2 t5"])
def blip2(request, tmp_path_factory) -> Path:
    return save_captioner(tmp_path_factory.mktemp("blip2"), request.param)


@pytest.fixture
def noise() -> tuple[list[Image.Image], list[Image.Image]]:
    rng = np.random.default_rng(0)
    sides = [[Image.fromarray(rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)) for _ in range(n)] for n in (30, 40)]
    return sides[0], sides[1]


def test_feature_proposer_subtracts_the_mean_query_outputs(blip2, noise, monkeypatch) -> None:
    import torch

    proposer = load_feature_proposer(str(blip2), device="cpu")
    sets = ImageSets(SIDES, (30, 40), noise)
    seen = []
    monkeypatch.setattr(proposer, "continue_from", lambda difference, count, seed: seen.append(difference) or [])
    proposer.propose(sets, sets.rows_a[:9], sets.rows_b[:11], 10, 0)
    model, processor = proposer.model, proposer._processor

    def queries(images: list[Image.Image]) -> np.ndarray:
        pixels = processor(images=images, return_tensors="pt")["pixel_values"]
        with torch.no_grad():
            states = model.vision_model(pixel_values=pixels).last_hidden_state
            tokens = model.query_tokens.expand(len(images), -1, -1)
            return model.qformer(query_embeds=tokens, encoder_hidden_states=states).last_hidden_state.numpy()

    want = queries(noise[0][:9]).mean(0) - queries(noise[1][:11]).mean(0)
    assert want.shape == (4, 32)
    np.testing.assert_allclose(seen[0], want, atol=1e-5)


def test_feature_proposer_to_the_letter_subtracts_vision_embeddings_before_the_q_former(blip2, noise, monkeypatch) -> None:
    import torch

    proposer = load_feature_proposer(str(blip2), subtract="vision", device="cpu")
    sets = ImageSets(SIDES, (30, 40), noise)
    seen = []
    monkeypatch.setattr(proposer, "continue_from", lambda difference, count, seed: seen.append(difference) or [])
    proposer.propose(sets, sets.rows_a[:9], sets.rows_b[:11], 10, 0)
    model = proposer.model
    with torch.no_grad():
        mean = []
        for images in (noise[0][:9], noise[1][:11]):
            pixels = proposer._processor(images=images, return_tensors="pt")["pixel_values"]
            mean.append(model.vision_model(pixel_values=pixels).last_hidden_state.mean(0, keepdim=True))
        want = model.qformer(query_embeds=model.query_tokens, encoder_hidden_states=mean[0] - mean[1]).last_hidden_state[0].numpy()
    np.testing.assert_allclose(seen[0], want, atol=1e-5)


def test_feature_proposer_samples_as_seeded_and_leaves_torchs_state(blip2, noise) -> None:
    import torch

    proposer = load_feature_proposer(str(blip2), device="cpu")
    sets = ImageSets(SIDES, (30, 40), noise)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    runs = [proposer.propose(sets, sets.rows_a[:20], sets.rows_b[:20], 10, seed) for seed in (1, 1, 2)]
    assert torch.equal(torch.get_rng_state(), before)
    assert runs[0] == runs[1] != runs[2] and 2 <= len(runs[0]) <= 10
    assert all(0 < len(p.split()) <= 20 for p in runs[0])


def test_nucleus_sampling_keeps_to_the_likeliest_tokens(blip2) -> None:
    """A tiny nucleus leaves the one likeliest token at every step, so all samples are alike and equal to greedy decoding."""
    from latentdiff.methods.features import FeatureProposer

    loaded = load_feature_proposer(str(blip2), device="cpu")
    loaded.model.language_model.generation_config.suppress_tokens = [0, 1, 3, 4]  # words only, never an early end
    difference = np.random.default_rng(1).normal(0, 1, (4, 32)).astype(np.float32)
    narrow = FeatureProposer(loaded.model, loaded._processor, loaded._tokenizer, top_p=1e-6)
    wide = FeatureProposer(loaded.model, loaded._processor, loaded._tokenizer, top_p=1.0)
    assert len(narrow.continue_from(difference, 6, 0)) == 1
    assert narrow.continue_from(difference, 6, 0) == narrow.continue_from(difference, 6, 99)
    assert len(wide.continue_from(difference, 6, 0)) == 6
    prompted = FeatureProposer(loaded.model, loaded._processor, loaded._tokenizer, top_p=1e-6, prompt="a photo of")
    assert prompted.continue_from(difference, 2, 0) != narrow.continue_from(difference, 2, 0)
    with pytest.raises(InputError, match="top_p"):
        FeatureProposer(loaded.model, loaded._processor, loaded._tokenizer, top_p=0)


def test_feature_proposer_needs_blip2(tmp_path) -> None:
    with pytest.raises(EncoderError, match="needs BLIP-2"):
        load_feature_proposer(str(save_captioner(tmp_path / "blip", "blip")), device="cpu")


def test_feature_proposer_in_visdiff(blip2, noise) -> None:
    vocabulary = Vocabulary([*(f"w{i}" for i in range(WIDTH))], np.eye(WIDTH))
    proposer = load_feature_proposer(str(blip2), device="cpu")
    ranker = ClipRanker(composed_directions(vocabulary))
    c = visdiff(A, B, proposer=proposer, ranker=ranker, images=noise, options=VisDiffConfig(rounds=1))
    assert sum(map(len, c.info["describe"]["phrases"].values())) > 2 and c.info["proposer"] == "feature (BLIP-2)"


def test_paired_prompts_send_both_images_captions_beside_their_prompt(server) -> None:
    server.script = [says('{"phrases": ["word 3"]}')]
    prompts = ([f"prompt {i % 25}" for i in range(30)], [f"prompt {i}" for i in range(40)])
    images = ([f"a{i}" for i in range(30)], [f"b{i}" for i in range(40)])
    given = GivenCaptions({name: f"caption {name}" for side in images for name in side})
    proposer = PairedPromptProposer(given, endpoint(server))
    ranker = ClipRanker(composed_directions(Vocabulary(WORDS, np.eye(WIDTH))))
    visdiff(A, B, proposer=proposer, ranker=ranker, images=images, prompts=prompts, options=VisDiffConfig(rounds=2, sample=12))
    assert len(server.requests) == 4
    for number, request in enumerate(server.requests):
        sent = json.loads(request["messages"][-1]["content"])
        assert len(sent["pairs"]) == 12 == len({p["prompt"] for p in sent["pairs"]})
        for pair in sent["pairs"]:
            one, other = (pair["first"], pair["second"]) if number % 2 == 0 else (pair["second"], pair["first"])
            assert int(one.removeprefix("caption a")) % 25 == int(pair["prompt"].split()[1]) == int(other.removeprefix("caption b"))


def test_paired_prompts_need_common_prompts(server) -> None:
    ranker = ClipRanker(composed_directions(Vocabulary(WORDS, np.eye(WIDTH))))
    proposer = PairedPromptProposer(GivenCaptions({}), endpoint(server))
    images = (["x"] * 30, ["y"] * 40)
    with pytest.raises(InputError, match="no prompt is common"):
        visdiff(A, B, proposer=proposer, ranker=ranker, images=images, prompts=(["p"] * 30, ["q"] * 40))
    with pytest.raises(InputError, match="needs the prompts"):
        visdiff(A, B, proposer=proposer, ranker=ranker, images=images)
    assert not server.requests
