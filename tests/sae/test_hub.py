"""Hub ids and public names, downloaded by the real hub client from a hub on loopback."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.describe.proxy import Proxy
from tests.model_hub import COMMIT, SECRETS, TOKEN, Hub, running
from tests.sae.writers import published

RUN = "batch_top_k_20_x64/imagenet_train_activations_clip-vit-large-patch14-336_22_post_mlp_residual_batch_top_k_20_x64/trainer_0"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    (tmp_path / "repositories").mkdir()
    with running(tmp_path / "repositories") as hub:
        yield hub


def opened(hub: Hub, source: str, folder: Path, before: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Codes of ``source`` in a process that believes the address to be the hub."""
    code = f"""
import dataclasses, json, sys, numpy as np
from latentdiff import load_sae
from latentdiff.sae import public
{before}
sae = load_sae({source!r})
x = np.load({str(folder / "x.npy")!r})
np.save({str(folder / "codes.npy")!r}, sae.encode(x).toarray())
print(json.dumps(sae.info))
"""
    return hub.opened(code, folder, **more)


def test_public_names_and_hub_ids_are_downloaded_once(hub: Hub, tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((20, published.D)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    folder = hub.root / "mateuszpach" / "sae-for-vlm" / RUN
    folder.mkdir(parents=True)
    written = published.pach(folder, 0)
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "ae_100000.pt").write_bytes(b"an intermediate step, not to be taken")
    sizes = f"width={published.D}, concepts={published.K}"
    tiny = f"public.REGISTRY['pach']['22'] = dataclasses.replace(public.REGISTRY['pach']['22'], {sizes})"
    for source, before in (("pach:22", tiny), (f"mateuszpach/sae-for-vlm/{RUN}", ""), (f"mateuszpach/sae-for-vlm/{RUN}/ae.pt", "")):
        done = opened(hub, source, tmp_path, before)
        assert done.returncode == 0, done.stderr[-2000:]
        np.testing.assert_allclose(np.load(tmp_path / "codes.npy"), written.codes(x), atol=1e-6)
        told = json.loads(done.stdout)
        assert told["format"] == "dictionary_learning BatchTopK" and told["origin"]["revision"] == COMMIT
    assert sorted(hub.fetched) == ["ae.pt", "config.json"]


def test_what_the_hub_does_not_have(hub: Hub, tmp_path: Path) -> None:
    """And what it gets to know."""
    folder = hub.root / "someone" / "saes"
    (folder / "a").mkdir(parents=True)
    published.prisma(folder / "a", 0)
    for source, message in (
        ("someone/saes/b", "someone/saes has no file for 'b'; it has a/n_images_2600058.pt"),
        ("someone/nothing", "could not be fetched from the model hub (someone/nothing)"),
    ):
        done = opened(hub, source, tmp_path, HF_HUB_DISABLE_TELEMETRY="0")
        assert done.returncode == 1
        assert f"CheckpointError: {message}" in done.stderr.replace("'someone/nothing' ", "")
    hub.check("someone/(saes|nothing)", tmp_path)


def test_a_proxy_hears_the_hubs_name_and_no_more(hub: Hub, tmp_path: Path) -> None:
    proxy = Proxy()
    hub.address = "https://hub.example"
    done = opened(hub, "someone/saes/a", tmp_path, HTTPS_PROXY=f"http://{proxy.address}", NO_PROXY="", no_proxy="")
    proxy.close()
    assert done.returncode == 1 and "could not be fetched from the model hub" in done.stderr
    assert proxy.heard and all(heard.startswith(b"CONNECT hub.example:443 ") for heard in proxy.heard)
    assert not [secret for secret in (TOKEN, "someone", *SECRETS.values()) if secret.encode() in b"".join(proxy.heard)]
    assert hub.asked == []


@pytest.mark.parametrize("passed", ["", "127.0.0.1"])
def test_a_hub_over_plain_http_is_asked_as_the_environment_says(hub: Hub, tmp_path: Path, passed: str) -> None:
    """As SECURITY.md warns: the proxy reads the token, unless NO_PROXY names the hub's host."""
    proxy = Proxy()
    opened(hub, "someone/saes/a", tmp_path, http_proxy=f"http://{proxy.address}", NO_PROXY=passed, no_proxy=passed)
    proxy.close()
    assert bool(hub.asked) == bool(passed) and bool(proxy.heard) == (not passed)
    assert (TOKEN.encode() in b"".join(proxy.heard)) == (not passed)
