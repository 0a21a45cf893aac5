"""The hand-written step equals autograd's on the equations, and keeps exactly the largest activations of a batch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from latentdiff.embed.vocabulary import unit_rows
from latentdiff.sae import trainer
from latentdiff.sae.trainer import Trainer

WIDTH, UNITS, ACTIVE, BATCH = 12, 40, 3, 64


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Float32 products, whatever the hardware has."""
    monkeypatch.setattr("latentdiff.embed.gains.bf16_pays", lambda device: False)


def build(groups: tuple[int, ...], seed: int = 0) -> tuple[Trainer, torch.Tensor]:
    rng = np.random.default_rng(seed)
    made = Trainer(unit_rows(rng.standard_normal((UNITS, WIDTH))), rng.standard_normal(WIDTH).astype(np.float32), ACTIVE, groups, "cpu")
    with torch.no_grad():
        made.b_enc += torch.from_numpy(rng.normal(0, 0.2, UNITS).astype(np.float32))
        made.w_enc += torch.from_numpy(rng.normal(0, 0.2, (UNITS, WIDTH)).astype(np.float32))
    return made, torch.from_numpy(rng.standard_normal((BATCH, WIDTH)).astype(np.float32) * 2)


def reference_loss(made: Trainer, x: torch.Tensor, groups: tuple[int, ...]) -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor]:
    """The mean over rows, prefixes and dimensions of the squared error, densely, in float64."""
    w_enc, b_enc, w_dec, b_dec = leaves = [p.detach().double().requires_grad_() for p in made.parameters]
    x = x.double()
    a = torch.relu((x - b_dec) @ w_enc.T + b_enc)
    z = a * (a >= a.flatten().sort().values[-ACTIVE * len(x)])
    loss = torch.stack([(z[:, :g] @ w_dec[:g] + b_dec - x).square().mean() for g in np.cumsum(groups)]).mean()
    return loss, leaves, z


@pytest.mark.parametrize("groups", [(UNITS,), (5, 8, 27)])
def test_gradients_are_autograds(exact: None, groups: tuple[int, ...]) -> None:
    made, x = build(groups)
    loss, leaves, z = reference_loss(made, x, groups)
    loss.backward()
    with torch.no_grad():
        codes = made._select(made._activations(x))
        errors = made._errors(x, codes)
        gradients = made._gradients(x, codes, errors)
    np.testing.assert_allclose(errors.square().mean(), loss.item(), rtol=1e-5)
    dense = torch.zeros(BATCH, UNITS).index_put_((codes.rows, codes.columns), codes.values)
    np.testing.assert_allclose(dense, z.detach(), atol=1e-5)
    for got, leaf in zip(gradients, leaves, strict=True):
        np.testing.assert_allclose(got, leaf.grad, atol=1e-6)


def test_auxiliary_gradient_is_autograds(exact: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "AUX_UNITS", 4)
    made, x = build((UNITS,))
    dead = torch.arange(3, 20)
    residual = torch.randn(BATCH, WIDTH, generator=torch.Generator().manual_seed(0))
    leaves = [p.detach().clone().requires_grad_() for p in made.parameters]
    w_enc, b_enc, w_dec, b_dec = leaves
    pre = ((x - b_dec.detach()) @ w_enc.T + b_enc)[:, dead]
    top = pre.topk(4, dim=1)
    rebuilt = torch.zeros_like(pre).scatter(1, top.indices, top.values.relu()) @ w_dec[dead]
    loss = trainer.AUX_WEIGHT * (rebuilt - residual).square().sum() / (residual - residual.mean(0)).square().sum()
    loss.backward()
    got = [torch.zeros_like(p) for p in made.parameters]
    with torch.no_grad():
        made._add_auxiliary(got, x, made._activations(x), dead, residual)
    for g, leaf in zip(got[:3], leaves[:3], strict=True):
        np.testing.assert_allclose(g, leaf.grad, atol=1e-6)


def test_selection_does_not_depend_on_the_last_batch(exact: None) -> None:
    """The floor left by an easy batch only saves time: a batch far below it is selected from in full."""
    made, x = build((UNITS,))
    with torch.no_grad():
        pre = made._activations(x)
        fresh = made._select(pre)
        for factor in (100.0, 0.01):
            made._select(pre * factor)
            again = made._select(pre)
            for one, two in ((fresh.rows, again.rows), (fresh.columns, again.columns), (fresh.values, again.values)):
                np.testing.assert_array_equal(one, two)
    assert len(fresh.values) == ACTIVE * BATCH
    assert fresh.values.min() >= np.sort(np.maximum(pre.numpy(), 0).ravel())[-ACTIVE * BATCH]


def test_dictionary_stays_of_unit_norm_and_silence_is_counted(exact: None) -> None:
    made, x = build((UNITS,))
    before = made.w_dec.detach().clone()
    with torch.no_grad():
        fires = np.isin(np.arange(UNITS), made._select(made._activations(x)).columns)
    made.step(x, 1.0)
    np.testing.assert_allclose(made.w_dec.detach().norm(dim=1), 1, rtol=1e-6)
    assert not torch.equal(before, made.w_dec)
    np.testing.assert_array_equal(made.silent_for, np.where(fires, 0, BATCH))
    assert fires.any()


def test_bf16_products_change_little() -> None:
    """Where the hardware has bf16, its gradients point where float32's do."""
    made, x = build((5, 8, 27))
    made.dtype = torch.float32
    with torch.no_grad():
        codes = made._select(made._activations(x))
        exact_ones = made._gradients(x, codes, made._errors(x, codes))
        made.dtype = torch.bfloat16
        fast = made._gradients(x, codes, made._errors(x, codes))
    for one, two in zip(exact_ones, fast, strict=True):
        assert torch.nn.functional.cosine_similarity(one.ravel(), two.ravel(), dim=0) > 0.9999


@pytest.mark.parametrize("scale", [1e-3, 10.0])
def test_steps_are_adams_under_unit_norm(scale: float) -> None:
    """Beside the optimiser class, with gradients below and above the norm at which they are clipped."""
    made, _ = build((UNITS,))
    theirs = [p.clone().requires_grad_() for p in made.parameters]
    adam = torch.optim.Adam(theirs, lr=trainer.LEARNING_RATE, betas=trainer.BETAS)
    generator = torch.Generator().manual_seed(0)
    for rate in (0.3, 1.0, 0.5):
        gradients = [scale * torch.randn(p.shape, generator=generator) for p in made.parameters]
        adam.param_groups[0]["lr"] = rate * trainer.LEARNING_RATE
        for p, g in zip(theirs, gradients, strict=True):
            p.grad = g.clone()
        dec = theirs[2].detach()
        theirs[2].grad -= (theirs[2].grad * dec).sum(1, keepdim=True) * dec
        torch.nn.utils.clip_grad_norm_(theirs, 1.0)
        adam.step()
        with torch.no_grad():
            theirs[2] /= theirs[2].norm(dim=1, keepdim=True)
            made._update(gradients, rate)
    for ours, other in zip(made.parameters, theirs, strict=True):
        np.testing.assert_allclose(ours.numpy(), other.detach().numpy(), atol=2e-6)


def test_training_does_without_the_compiler(root: Path) -> None:
    """``torch._dynamo`` takes longer to import than a small SAE to train."""
    code = (
        "import sys, numpy as np\nfrom latentdiff.sae.training import train_sae\n"
        "train_sae(np.random.default_rng(0).normal(size=(60, 8)), steps=2, device='cpu')\n"
        "print('torch._dynamo' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True)
    assert told.stdout.split() == ["False"]
