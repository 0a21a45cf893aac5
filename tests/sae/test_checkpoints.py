"""Every published format, written with known weights: recognised, and encoded as its own equation says."""

from __future__ import annotations

import dataclasses
import json
import pickle
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from latentdiff import CheckpointError, InputError, SparseAutoencoder, load_sae
from latentdiff.sae import hub
from latentdiff.sae import public as registry
from latentdiff.sae.loading import check_encoder
from tests.sae.writers import published
from tests.sae.writers.published import WRITERS, D, K

X = np.random.default_rng(5).standard_normal((40, D)).astype(np.float32)


def opened(written: published.Published) -> SparseAutoencoder:
    return load_sae(written.path, **written.options)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("seed", [0, 1])
def test_codes_are_those_of_the_published_equation(name: str, seed: int, tmp_path: Path) -> None:
    recognised, writer = WRITERS[name]
    written = writer(tmp_path, seed)
    sae = opened(written)
    got, want = sae.encode(X), written.codes(X)
    assert 0.05 < np.mean(want > 0) < 0.9
    np.testing.assert_allclose(got.toarray(), want, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(sae.decode(got, X), written.rebuilt(X), rtol=3e-6, atol=3e-6)
    assert (sae.info["format"], sae.width, sae.concepts, sae.groups) == (recognised, D, K, written.groups)


@pytest.mark.parametrize("name", WRITERS)
def test_converted_to_our_format_it_is_the_same(name: str, tmp_path: Path) -> None:
    (tmp_path / "published").mkdir()
    sae = opened(WRITERS[name][1](tmp_path / "published", 3))
    own = load_sae(sae.save(tmp_path / "own"))
    np.testing.assert_array_equal(own.encode(X).toarray(), sae.encode(X).toarray())
    np.testing.assert_array_equal(own.decode(own.encode(X), X), sae.decode(sae.encode(X), X))
    assert own.info == {**sae.info, "format": "latentdiff-sae-2"}
    assert dataclasses.replace(own, w_enc=sae.w_enc).groups == sae.groups


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "own" and "saelens" not in name and "pkl" not in name])
def test_archives_are_read_as_torch_reads_them(name: str, tmp_path: Path) -> None:
    from latentdiff.sae.formats.archives import read_file

    written = WRITERS[name][1](tmp_path, 0)
    path = written.path if written.path.is_file() else next(p for p in written.path.iterdir() if p.suffix in (".pt", ".pth"))
    config = type("VisionModelSAERunnerConfig", (), {"__module__": "vit_prisma.sae.config"})
    from numpy._core.multiarray import _reconstruct, scalar

    safe: list[Any] = [config, _reconstruct, scalar, np.ndarray, np.dtype, type(np.dtype("f4")), type(np.dtype("f8"))]
    with torch.serialization.safe_globals(safe):
        reference = torch.load(path, weights_only=True)
    compare(read_file(path), reference)


def compare(ours: Any, theirs: Any) -> None:
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for key, value in theirs.items():
            compare(ours[key], value)
    elif isinstance(theirs, (torch.Tensor, np.ndarray, float, np.generic)):
        np.testing.assert_array_equal(ours, np.asarray(theirs))


def test_views_transposes_and_shared_storages_are_read_as_torch_reads_them(tmp_path: Path) -> None:
    from latentdiff.sae.formats.archives import read_file

    base = torch.arange(24.0).reshape(4, 6)
    state = {"t": base.T, "slice": base[1:3, 2:5], "half": base.half(), "bf": base.bfloat16(), "int": base.long()}
    state["none"] = torch.zeros(0, 3)
    torch.save(state | {"p": torch.nn.Parameter(base), "scalar": torch.tensor(3)}, tmp_path / "x.pt")
    got = read_file(tmp_path / "x.pt")
    for name, tensor in state.items():
        np.testing.assert_array_equal(got[name], tensor.float().numpy())
        assert got[name].shape == tuple(tensor.shape)
    np.testing.assert_array_equal(got["p"], base.numpy())
    assert got["scalar"].shape == ()


def test_real_overcomplete_classes_give_the_same_codes(tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib.pyplot")
    pytest.importorskip("einops")
    import matplotlib as mpl

    if not hasattr(matplotlib.cm, "get_cmap"):
        matplotlib.cm.get_cmap = mpl.colormaps.get_cmap  # overcomplete's plots, imported with it, ask for what newer matplotlib lacks
    sae = pytest.importorskip("overcomplete.sae")
    torch.manual_seed(0)
    kinds: dict[Any, dict[str, Any]] = {sae.SAE: {"threshold": 0.0}}
    kinds |= {sae.TopKSAE: {"top_k": 4}, sae.BatchTopKSAE: {"threshold": 0.2}, sae.JumpSAE: {}}
    for kind, options in kinds.items():
        model = kind(D, K, **({"top_k": 4} if "top_k" in kind.__init__.__code__.co_varnames else {})).eval()
        if kind is sae.BatchTopKSAE:
            model.running_threshold = torch.tensor(0.2)
        torch.save(model.state_dict(), tmp_path / "m.pt")
        with torch.no_grad():
            want = model.encode(torch.from_numpy(X))[1].numpy()
        got = load_sae(tmp_path / "m.pt", **options).encode(X).toarray()
        np.testing.assert_allclose(got, want, atol=1e-6)
        assert (want > 0).any()


def saved(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


def state(folder: Path) -> dict[str, Any]:
    return torch.load(folder / "ae.pt", weights_only=True)


def refused(source: Any, match: str, **options: Any) -> None:
    with pytest.raises(CheckpointError, match=match):
        load_sae(source, **options)


def test_thresholds_that_are_missing_or_were_never_learnt(tmp_path: Path) -> None:
    published.pach(tmp_path, 0)
    tensors = state(tmp_path)
    saved(tmp_path / "ae.pt", {k: v for k, v in tensors.items() if k != "threshold"})
    refused(tmp_path, r"has no 'threshold'; pass threshold=")
    np.testing.assert_array_equal(load_sae(tmp_path, threshold=0.5).threshold, np.full(K, 0.5, np.float32))
    saved(tmp_path / "ae.pt", {**tensors, "threshold": torch.tensor(-1.0)})
    refused(tmp_path, r"threshold is -1: it was never learnt")
    saved(tmp_path / "ae.pt", {**tensors, "threshold": torch.tensor(float("nan"))})
    refused(tmp_path, r"threshold is nan")
    np.testing.assert_array_equal(load_sae(tmp_path, threshold=0.5).threshold, np.full(K, 0.5, np.float32))
    (tmp_path / "oc").mkdir()
    published.overcomplete(tmp_path / "oc", 0)
    refused(tmp_path / "oc", r"does not say which SAE it is. Pass top_k=.*threshold=")


def test_configs_that_contradict_the_tensors(tmp_path: Path) -> None:
    published.pach(tmp_path, 0)
    config = json.loads((tmp_path / "config.json").read_text())
    for key, value, match in (
        ("dict_size", 15, r"the config says dict_size = 15, the tensors say 14"),
        ("activation_dim", 7, r"activation_dim = 7, the tensors say 6"),
        ("dict_class", "GatedAutoEncoder", r"dict_class is 'gatedautoencoder'"),
        ("dict_class", ["x"], r"dict_class should be a text"),
    ):
        (tmp_path / "config.json").write_text(json.dumps({"trainer": {**config["trainer"], key: value}}))
        refused(tmp_path, match)
    (tmp_path / "lens").mkdir()
    published.saelens(tmp_path / "lens", 0)
    config = json.loads((tmp_path / "lens" / "cfg.json").read_text())
    for key, value, match in (
        ("d_sae", 3, r"d_sae = 3"),
        ("architecture", "temporal", r"architecture 'temporal' is not read"),
        ("activation_fn_str", "tanh-relu", r"activation 'tanh-relu' is not read"),
        ("normalize_activations", "expected_average_only_in", r"scale is not in the file"),
        ("normalize_activations", True, r"scale is not in the file"),
        ("apply_b_dec_to_input", 1, r"should be true or false"),
    ):
        (tmp_path / "lens" / "cfg.json").write_text(json.dumps({**config, key: value}))
        refused(tmp_path / "lens", match)


def test_scales_of_older_saelens_files(tmp_path: Path) -> None:
    written = published.saelens(tmp_path, 0)
    tensors, file = load_file(tmp_path / "sae_weights.safetensors"), tmp_path / "sae_weights.safetensors"
    save_file({**tensors, "scaling_factor": torch.ones(K)}, file)
    np.testing.assert_allclose(load_sae(tmp_path).encode(X).toarray(), written.codes(X), atol=1e-6)
    save_file({**tensors, "scaling_factor": torch.full((K,), 2.0)}, file)
    refused(tmp_path, r"holds a scaling_factor, its config says finetuning_scaling_factor = false")


def test_classes_of_dictionary_learning_that_the_tensors_are_not_of(tmp_path: Path) -> None:
    for name in ("relu", "gated", "jumprelu"):
        folder = tmp_path / name
        folder.mkdir()
        WRITERS[f"dictionary_learning {name}"][1](folder, 0)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({"trainer": {**config["trainer"], "dict_class": "BatchTopKSAE"}}))
        refused(folder, r"dict_class is 'batchtopksae', the tensors are of the class")
        (folder / "config.json").write_text(json.dumps({"trainer": {**config["trainer"], "dict_size": 15}}))
        refused(folder, r"dict_size = 15, the tensors say 14")


def test_an_overcomplete_encoder_with_layer_norm_is_refused(tmp_path: Path) -> None:
    published.overcomplete(tmp_path, 0)
    tensors = torch.load(tmp_path / "overcomplete.pth", weights_only=True)
    norm = {f"encoder.final_block.1.{name}": torch.ones(K) for name in ("weight", "bias")}
    saved(tmp_path / "overcomplete.pth", {**tensors, **norm})
    refused(tmp_path, r"layer norm over its concepts is not read", threshold=0.25)


def test_damaged_tensors(tmp_path: Path) -> None:
    published.pach(tmp_path, 0)
    good = state(tmp_path)
    bad = {
        "encoder.bias": (torch.full((K,), torch.nan), "b_enc holds NaN"),
        "b_dec": (torch.full((D,), torch.inf), "b_dec holds NaN or infinite"),
        "decoder.weight": (torch.zeros(D, K + 1), r"decoder.weight has shape \(6, 15\), which contradicts"),
        "encoder.weight": (torch.zeros(K), r"encoder.weight should be numbers of shape \(K, d\)"),
        "threshold": (torch.zeros(3), r"threshold should be one number"),
    }
    for name, (tensor, match) in bad.items():
        saved(tmp_path / "ae.pt", {**good, name: tensor})
        refused(tmp_path, match)
    saved(tmp_path / "ae.pt", {k: v for k, v in good.items() if k != "b_dec"})
    refused(tmp_path, r"no tensor 'b_dec'")
    saved(tmp_path / "ae.pt", {**good, "encoder.weight": good["encoder.weight"].double() * 1e300})
    refused(tmp_path, r"w_enc holds NaN or infinite")


def test_half_a_download_and_files_that_are_something_else(tmp_path: Path) -> None:
    published.pach(tmp_path, 0)
    whole = (tmp_path / "ae.pt").read_bytes()
    for data, match in (
        (b"", r"ae.pt is empty; fetch it again"),
        (whole[: len(whole) // 2], r"ae.pt is damaged or only half there"),
        (b"<!doctype html>404", r"ae.pt is not a file of torch.save"),
        (pickle.dumps({"a": 1}), r"ae.pt is of no format .* it holds a"),
        (b"\x80\x02", r"its pickle ends before its end"),
    ):
        (tmp_path / "ae.pt").write_bytes(data)
        refused(tmp_path, match)
    (tmp_path / "ae.pt").write_bytes(whole)
    (tmp_path / "config.json").write_text("{")
    refused(tmp_path, r"config.json cannot be read as JSON")
    (tmp_path / "config.json").write_text("[" * 100_000)
    refused(tmp_path, r"config.json cannot be read as JSON")
    (tmp_path / "other").mkdir()
    saved(tmp_path / "other" / "x.pt", {"layer.weight": torch.zeros(3)})
    refused(tmp_path / "other", r"no format that is read .*it holds layer.weight")
    (tmp_path / "lens").mkdir()
    published.saelens(tmp_path / "lens", 0)
    (tmp_path / "lens" / "cfg.json").unlink()
    refused(tmp_path / "lens", r"its config .* is missing beside it")


def test_folders_with_several_candidates_or_none(tmp_path: Path) -> None:
    published.prisma(tmp_path, 0)
    (tmp_path / "n_images_13.pt").write_bytes((tmp_path / "n_images_2600058.pt").read_bytes())
    refused(tmp_path, r"holds 2 files of weights \(n_images_13.pt, n_images_2600058.pt\); name the one")
    assert load_sae(tmp_path / "n_images_13.pt").info["encoder"]["layer"] == "blocks.9.hook_mlp_out"
    (tmp_path / "empty" / "checkpoints").mkdir(parents=True)
    refused(tmp_path / "empty", r"holds no weights")
    (tmp_path / "empty" / "checkpoints" / "ae_10.pt").write_bytes(b"x")
    refused(tmp_path / "empty", r"some below: checkpoints/ae_10.pt")
    refused(tmp_path / "missing.pt", r"no file or folder")


def test_an_msae_that_lost_its_name(tmp_path: Path) -> None:
    written = published.msae(tmp_path, 0)
    renamed = written.path.rename(tmp_path / "msae.pth")
    refused(renamed, r"only in the file's name")
    np.testing.assert_allclose(load_sae(renamed, top_k=3).encode(X).toarray(), written.codes(X), atol=1e-6)
    for name, match in (("15_6_TopKReLU_3_False_False_0.0_x.pth", "K = 15"), ("14_6_TopKabs_3_False_False_0.0_x.pth", "TopKabs is not")):
        renamed = renamed.rename(tmp_path / name)
        refused(renamed, match)
    refused(renamed.rename(tmp_path / "14_6_ReLU_003_False_True_30.0_x.pth"), r"normalize True and soft cap 30.0 is not read")


class Payload:
    """Pickled, it is a call that would leave a file behind."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("place", ["alone", "beside the weights", "as a tensor", "inside a list"])
def test_a_pickle_that_would_run_code_is_refused_by_name(place: str, tmp_path: Path) -> None:
    import os

    canary = tmp_path / "canary"
    payload = Payload(os.system, f"touch {canary}")
    published.pach(tmp_path, 0)
    good = state(tmp_path)
    content = {"alone": payload, "beside the weights": {**good, "x": payload}, "as a tensor": {**good, "b_dec": payload}}
    saved(tmp_path / "ae.pt", {**content, "inside a list": [payload]}[place])
    refused(tmp_path, r"ae.pt: it is a pickle that would run code: it names (posix|nt|os).system")
    assert not canary.exists()


def test_a_whole_pickled_module_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "ae.pt", torch.nn.Linear(3, 4))
    refused(tmp_path, r"would run code: it names torch.nn.modules.linear.Linear")


@pytest.mark.parametrize("body", [b"ctorch\nTensor\nJ\0\0\x10\0J\0\0\x10\0\x86R.", b"cbuiltins\nbytearray\n\x8a\x06\0\0\0\0\0\x10\x85R."])
def test_what_makes_torch_allocate_terabytes_is_refused(body: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("x/data.pkl", b"\x80\x02" + body)
    refused(tmp_path / "x.pt", r"it names (torch.Tensor|builtins.bytearray)")


def test_archives_that_claim_more_than_they_hold(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", bytes(50_000_000))
    refused(tmp_path / "bomb.pt", r"claims to hold more bytes than it has")
    with zipfile.ZipFile(tmp_path / "directory.pt", "w") as archive:
        archive.writestr("x/data.pkl", b"\x80\x02}.")
    data = (tmp_path / "directory.pt").read_bytes()
    claimed = (0xFFFFFFF0).to_bytes(4, "little")  # size of the directory, in the end record
    (tmp_path / "directory.pt").write_bytes(data[:-10] + claimed + data[-6:])
    tracemalloc.start()
    refused(tmp_path / "directory.pt", r"directory.pt is damaged or only half there")
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()
    saved(tmp_path / "wide.pt", {"W_enc": torch.zeros(1).expand(1 << 20, 1 << 20), "W_dec": torch.zeros(1)})
    refused(tmp_path / "wide.pt", r"does not lie within its 1 stored numbers")
    (tmp_path / "h.safetensors").write_bytes((1 << 40).to_bytes(8, "little") + b"{}")
    refused(tmp_path / "h.safetensors", r"damaged or half there: a header of 1,099,511,627,776 bytes")
    save_file({"W_enc": torch.zeros(2, 2)}, tmp_path / "t.safetensors")
    data = (tmp_path / "t.safetensors").read_bytes()
    (tmp_path / "t.safetensors").write_bytes(data.replace(b"[2,2]", b"[9,9]"))
    refused(tmp_path / "t.safetensors", r"damaged")


def test_options_that_the_file_does_not_need_are_refused(tmp_path: Path) -> None:
    published.topk(tmp_path, 0)
    with pytest.raises(InputError, match=r"threshold does not apply: .* is a dictionary_learning TopK"):
        load_sae(tmp_path, threshold=0.5)
    (tmp_path / "own").mkdir()
    with pytest.raises(InputError, match=r"top_k does not apply: .* \(its own: 5\)"):
        load_sae(published.own(tmp_path / "own", 0).path, top_k=3)


def test_a_bare_state_dict_without_config_is_ambiguous(tmp_path: Path) -> None:
    written = published.topk(tmp_path, 0)
    (tmp_path / "config.json").unlink()
    refused(tmp_path, r"no config.json beside it says whether it is a TopK or a BatchTopK SAE")
    np.testing.assert_allclose(load_sae(tmp_path, top_k=4).encode(X).toarray(), written.codes(X), atol=1e-6)


def test_saelens_nested_widths_are_groups(tmp_path: Path) -> None:
    published.saelens(tmp_path, 0, architecture="jumprelu")
    config = json.loads((tmp_path / "cfg.json").read_text())
    for widths, groups in (([2, 6, K], (2, 4, 8)), ([K], (K,)), ([2, 6], None), ([6, 2, K], None), ("x", None)):
        (tmp_path / "cfg.json").write_text(json.dumps({**config, "matryoshka_widths": widths}))
        assert load_sae(tmp_path).groups == groups


def test_a_dead_direction_of_length_zero_does_not_spoil_the_rest(tmp_path: Path) -> None:
    written = published.saelens(tmp_path, 0, architecture="topk", rescale=True)
    tensors = load_file(tmp_path / "sae_weights.safetensors")
    tensors["W_dec"][3] = 0
    save_file(tensors, tmp_path / "sae_weights.safetensors")
    got = load_sae(tmp_path).encode(X).toarray()
    assert not got[:, 3].any()
    alike = written.codes(X)[:, 3] == 0  # rows in which concept 3 took no place from another
    np.testing.assert_allclose(got[alike], written.codes(X)[alike], atol=1e-6)
    assert alike.sum() > 10


def test_prisma_architectures_that_are_something_else(tmp_path: Path) -> None:
    published.prisma(tmp_path, 0)
    config = json.loads((tmp_path / "config.json").read_text())
    changes = ({"architecture": "jumprelu"}, {"is_transcoder": True})
    for change, match in zip(list[dict[str, Any]](changes), ("architecture .jumprelu. is not read", "is a transcoder"), strict=True):
        (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
        refused(tmp_path, match)


@pytest.mark.parametrize("options", [{"threshold": -1.0}, {"threshold": float("nan")}, {"top_k": 0}, {"top_k": 2.5}, {"layer": "22"}])
def test_options_out_of_range(options: dict[str, Any], tmp_path: Path) -> None:
    published.pach(tmp_path, 0)
    with pytest.raises(InputError, match=next(iter(options))):
        load_sae(tmp_path, **options)


def test_public_names_offline_say_what_to_fetch_and_where_to_put_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path))
    refused("pach", rf"mateuszpach/sae-for-vlm.*fetch .*batch_top_k_20_x64.*post_projection.*put both into {tmp_path}/sae/pach")
    refused("owner/repository", r"could not be fetched from the model hub \(owner/repository\)")
    with pytest.raises(InputError, match=r"'pach' has no layer '12'; its layers are post_projection, 11, 17, 22, 23"):
        load_sae("pach", layer="12")
    with pytest.raises(InputError, match="no layer '7'"):
        load_sae("pach:7")


def test_a_public_name_takes_the_files_that_were_put_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path))
    tiny = dataclasses.replace(registry.REGISTRY["pach"]["22"], width=D, concepts=K)
    monkeypatch.setitem(registry.REGISTRY, "pach", {"22": tiny})
    folder = tmp_path / "sae" / "pach" / "22"
    folder.mkdir(parents=True)
    written = published.pach(folder, 0)
    sae = load_sae("pach:22")
    np.testing.assert_allclose(sae.encode(X).toarray(), written.codes(X), atol=1e-6)
    assert sae.info["encoder"] == {"model": "openai CLIP ViT-L/14 336px", "layer": "22_post_mlp_residual"}
    assert sae.info["origin"]["repository"] == "mateuszpach/sae-for-vlm"
    monkeypatch.setitem(registry.REGISTRY, "pach", {"22": dataclasses.replace(tiny, concepts=K + 1)})
    refused("pach:22", r"known to have 6 and 15")


def test_which_file_of_a_repository_is_taken() -> None:
    run = "batch_top_k_20_x64/imagenet_train_activations_clip-vit-large-patch14-336_{}_batch_top_k_20_x64/trainer_0"
    files = [f"{run.format(layer)}/{f}" for layer in ("22_post_mlp_residual", "-1_post_projection") for f in ("ae.pt", "config.json")]
    files += [f"{run.format('22_post_mlp_residual')}/checkpoints/ae_{n}.pt" for n in (0, 100000)]
    files += [f.replace("batch_top_k", "matroyshka_batch_top_k") for f in files]
    pach = registry.REGISTRY["pach"]
    assert hub.choose(files, pach["22"].patterns, "r") == f"{run.format('22_post_mlp_residual')}/ae.pt"
    assert hub.choose(files, pach["post_projection"].patterns, "r") == f"{run.format('-1_post_projection')}/ae.pt"
    assert hub.choose(["a/ae.pt", "a/config.json"], ("a",), "r") == "a/ae.pt"
    assert hub.choose(["n_images_5.pt", "config.json"], ("",), "r") == "n_images_5.pt"
    ambiguous = (["a.pt", "b.pt"], "", "has 2 files for its root")
    for listing, pattern, match in (ambiguous, (["c/a.pt"], "x", "has no file for 'x'; it has c/a.pt")):
        with pytest.raises(CheckpointError, match=match):
            hub.choose(listing, (pattern,), "r")


def test_the_encoder_is_checked() -> None:
    eye, zeros = np.eye(4), np.zeros(4)

    def sae(**encoder: str) -> SparseAutoencoder:
        return SparseAutoencoder(eye, zeros, eye, zeros, zeros, {"encoder": encoder} if encoder else {})

    public = {"model": "openai CLIP ViT-L/14 336px", "layer": "post_projection"}
    ours = {"library": "open_clip", "model": "ViT-L-14-336", "weights": "a" * 32, "layer": "post_projection", "dtype": "float32"}
    check_encoder(sae(**public), ours, 4)
    check_encoder(sae(**public), {**ours, "library": "transformers", "model": "openai/clip-vit-large-patch14-336"})
    check_encoder(sae(**{**ours, "library": "transformers", "model": "clip-vit-large-patch14-336", "weights": "b"}), ours)
    check_encoder(sae(**{**ours, "dtype": "bfloat16"}), ours)
    check_encoder(sae(), ours)
    check_encoder(sae(**public), None)
    for theirs, match in (
        ({**public, "model": "openai CLIP ViT-L/14"}, "different encoders: model is 'ViT-L-14-336' for the vectors"),
        ({**public, "layer": "22_post_mlp_residual"}, "layer is 'post_projection' for the vectors and '22_post"),
        ({**ours, "weights": "b"}, "weights is"),
    ):
        with pytest.raises(InputError, match=match):
            check_encoder(sae(**theirs), ours)
    with pytest.raises(InputError, match=r"takes vectors of width 4, the vectors have 5"):
        check_encoder(sae(), None, 5)
