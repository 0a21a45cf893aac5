"""Training of the demo's encoder: labels, losses' inputs, schedule, and the same weights from the same seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from latentdiff import demo
from latentdiff.demo import train, training, training_data
from latentdiff.demo.evaluate import auroc
from latentdiff.embed.encoder import load_encoder


@pytest.fixture(scope="module")
def pool() -> training_data.ScenePool:
    return training_data.render_pool(160, 5, train.IMAGE_SIZE, workers=1)


def test_the_pool_is_the_curriculum_in_turn(pool):
    assert pool.pixels.shape == (160, 96, 96, 3)
    assert all(len(s.objects) == 1 for s in pool.scenes[::4])
    image, scene = list(demo.draw(3, 5, size=96, rules=list(training_data.CURRICULUM[:3])))[2]
    assert pool.scenes[2] == scene
    np.testing.assert_array_equal(pool.pixels[2], np.asarray(image))


def test_truth_table_against_a_naive_loop(pool):
    for row, scene in zip(pool.truth, pool.scenes, strict=True):
        true = {scene.setting} | {o.kind for o in scene.objects} | {o.colour for o in scene.objects}
        for value, word in zip(row, demo.words(), strict=True):
            assert value == (0.5 if word in training_data.FILLERS else float(word in true))


def test_coloured_prompts_are_true_where_such_an_object_is(pool):
    some = pool.scenes[:40]
    texts, table = training_data.coloured_prompts(some, 32, np.random.default_rng(0))
    assert table.shape == (40, 32) and len(set(texts)) == 32
    assert (table.sum(0) > 0).sum() >= 16
    for j, text in enumerate(texts):
        for i, scene in enumerate(some):
            assert table[i, j] == any(text.endswith(f"{o.colour} {o.kind}") for o in scene.objects)


def test_prompts_hold_every_word_and_often_the_bare_word():
    rng = np.random.default_rng(0)
    many = [training_data.word_prompts(rng) for _ in range(60)]
    for i, word in enumerate(demo.words()):
        assert word in {row[i] for row in many}


def test_schedule_rises_stays_and_falls():
    config = training.TrainConfig(steps=1000, warm_up=100, decay=0.2)
    assert [training.schedule(s, config) for s in (1, 50, 100, 500, 801, 901, 1000)] == pytest.approx([0.01, 0.5, 1, 1, 1, 0.5, 0.005])


def test_auroc_equals_sklearn_with_ties():
    rng = np.random.default_rng(0)
    scores, positive = rng.integers(0, 7, 300).astype(float), rng.random(300) < 0.2
    assert auroc(scores, positive) == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)


def test_augmentation_without_chance_is_the_configs_normalisation(monkeypatch):
    class Still:
        def random(self, n):
            return np.ones(n)

        def uniform(self, low, high, shape):
            return np.ones(shape)

        def normal(self, mean, std, shape):
            return np.zeros(shape)

    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    mean, std = (np.array(train.MODEL_CONFIG["preprocess_cfg"][k]) for k in ("mean", "std"))
    np.testing.assert_allclose(training.augmented(pixels, Still()), ((pixels / 255 - mean) / std).transpose(0, 3, 1, 2), atol=1e-6)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(pool, tmp_path):
    threads = torch.get_num_threads()
    try:
        models = [training.train_encoder(pool, training.TrainConfig(seed=s, steps=3, batch=16, captions=4), [], dict) for s in (0, 0, 1)]
    finally:
        torch.set_num_threads(threads)
    states = [m.state_dict() for m in models]
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])
    assert not torch.equal(states[0]["visual.layer2.0.conv2.weight"], states[2]["visual.layer2.0.conv2.weight"])
    untrained = training.build_model(0).state_dict()
    assert not torch.equal(states[0]["visual.layer2.0.conv2.weight"], untrained["visual.layer2.0.conv2.weight"])
    # The saved model, read back by the loader of any open_clip model, gives the trained model's vectors up to half precision.
    train.save_encoder(models[0], tmp_path)
    encoder = load_encoder(tmp_path, dtype="float32", device="cpu")
    with torch.inference_mode():
        still = ((torch.from_numpy(pool.pixels[:8]).permute(0, 3, 1, 2) / 255 - 0.5) / 0.25).contiguous()
        expected = models[0].encode_image(still).numpy()
    from PIL import Image

    vectors = encoder.encode_images([Image.fromarray(p) for p in pool.pixels[:8]], workers=1).vectors
    np.testing.assert_allclose(vectors, expected, atol=0.01 * np.abs(expected).max())


def test_tokens_of_all_words_are_kept():
    from open_clip import SimpleTokenizer

    kept = set(train.seen_tokens())
    assert set(SimpleTokenizer(context_length=32)([f"a picture of {w}" for w in demo.words()]).flatten().tolist()) <= kept
    assert len(kept) < 500
