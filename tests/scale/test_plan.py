"""What a comparison will cost: against numbers worked out by hand, and against runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from latentdiff.cli import main
from latentdiff.cli.scale import duration
from latentdiff.errors import InputError
from latentdiff.scale import plan as planning
from latentdiff.scale.machine import Machine, measure
from latentdiff.scale.plan import check, plan

MACHINE = Machine(cores=2, float32_gflops=200.0, bf16_gflops=1000.0, memory_gb_per_s=10.0)


def stage(p: planning.Plan, name: str) -> planning.Stage:
    return next(s for s in p.stages if s.name == name)


def test_encoding_by_hand() -> None:
    # 10^6 x 768 x 8192: 1.536 GB of float16 at 0.4 ns a number on two cores; 12,583 Gflop at 1,000 a second; a scan of 8.2e9 activations;
    # 20 of an image measured in float32, at 750 ns each.
    seconds = 1e6 * 768 * 0.4e-9 / 2 + 2 * 1e6 * 768 * 8192 / 1e12 + 1e6 * (8192 * 1.0e-9 + 20 * 750e-9) / 2
    assert stage(plan(1_000_000, machine=MACHINE), "encoding").seconds == pytest.approx(seconds)
    slow = Machine(cores=2, float32_gflops=200.0, bf16_gflops=1000.0, memory_gb_per_s=0.5)
    assert stage(plan(1_000_000, machine=slow), "encoding").seconds == pytest.approx(seconds + 1.536 / 0.5 - 0.1536)


def test_small_work_is_planned_in_float32_as_it_is_done() -> None:
    # 10^5 x 768 x 8192 is below the 10^12 multiplications from which compare() takes bf16.
    seconds = 1e5 * 768 * 0.4e-9 / 2 + 2 * 1e5 * 768 * 8192 / 200e9 + 1e5 * 8192 * 1.0e-9 / 2
    assert stage(plan(100_000, machine=MACHINE), "encoding").seconds == pytest.approx(seconds)


def test_cost_is_linear_in_images_and_disk_is_vectors_and_codes() -> None:
    small, large = (plan(n, machine=MACHINE, images_per_second=100.0) for n in (10_000_000, 100_000_000))
    assert large.seconds == pytest.approx(10 * small.seconds, rel=1e-4)  # but for what does not grow
    assert large.disk_gb == pytest.approx(153.6 + 2 * 16)
    assert plan(1_000_000, machine=MACHINE).disk_gb == 0  # its codes fit into memory
    assert stage(large, "embedding").seconds == pytest.approx(1e6)
    assert [s.name for s in small.stages] == list(planning.STAGES)


def test_memory_is_that_of_the_images_beyond_codes_on_disk() -> None:
    # 64 words of 10^6 images at 8 bytes, 40 bytes an image, 20 codes of 8 bytes; 0.6 GB and the SAE before.
    base = 0.6 + 14 * 768 * 8192 / 1e9
    assert plan(1_000_000, machine=MACHINE).memory_gb == pytest.approx(base + 0.512 + 0.04 + 0.16)
    assert plan(100_000_000, machine=MACHINE).memory_gb == pytest.approx(base + 16 * 0.8 + 4)


def test_more_machines_share_the_passes_and_not_the_rest() -> None:
    one, ten = (plan(100_000_000, machine=MACHINE, machines=m) for m in (1, 10))
    assert stage(ten, "density ratio").seconds == pytest.approx(stage(one, "density ratio").seconds * 1.05 / 10)
    assert stage(ten, "divergence").seconds == stage(one, "divergence").seconds
    assert any("10 equal machines" in text for text in ten.assumptions)


def test_stages_are_those_of_a_comparison() -> None:
    import numpy as np

    import latentdiff
    from tests.planted import WIDTH, WORDS, vectors

    eye, zero = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zero, eye, zero, zero + 0.5)
    done = latentdiff.compare(vectors(60, 0.5, 1), vectors(60, 0.1, 2), sae=sae, vocabulary=latentdiff.Vocabulary(list(WORDS), eye))
    assert set(done.info["seconds"]) == {s.name for s in plan(120, WIDTH, WIDTH, machine=MACHINE).stages}


def test_a_plan_is_held_against_runs() -> None:
    planned = plan(1_000_000, 768, 8192, machine=MACHINE)
    gflop = 2 * 1e6 * 768 * 8192 / 1e9
    run = {
        "rows": 1_000_000, "concepts": 8192, "seconds": 2 * planned.seconds, "bare_float32_seconds": gflop / 200,
        "bare_bf16_seconds": gflop / 1000, "memory_gb_per_s": 10.0, "peak_anonymous_gb": 2.5,
        "stages": {s.name: 1.0 for s in planned.stages},
    }  # fmt: skip
    (row,) = check({"machine": "x86_64, 2 cores", "width": 768, "runs": [run]})
    assert row["planned_over_measured"] == pytest.approx(0.5)
    assert (row["memory_gb"], row["planned_memory_gb"]) == (2.5, planned.memory_gb)
    assert row["stages"]["encoding"] == [round(stage(planned, "encoding").seconds, 3), 1.0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": 10}, "images must be at least 40"),
        ({"images": 100, "concepts": 0}, "concepts must be at least 1"),
        ({"images": 100, "machines": 0}, "machines must be at least 1"),
        ({"images": 100, "encoder": "mine"}, "'mine' is not known"),
        ({"images": 100, "images_per_second": -1.0}, "must be positive"),
    ],
)
def test_sizes_that_cannot_be(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan(**options, machine=MACHINE)


def test_this_machine_is_measured() -> None:
    found = measure(0.15)
    assert 0.1 < found.float32_gflops <= found.bf16_gflops
    assert found.cores >= 1
    assert 0.05 < found.memory_gb_per_s < 10_000


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    machine = json.dumps({"cores": 2, "float32_gflops": 200, "bf16_gflops": 1000, "memory_gb_per_s": 10})
    assert main(["plan", "--images", "1M", "1B", "--machine", machine, "--machines", "8", "--json"]) == 0
    million, billion = json.loads(capsys.readouterr().out)
    assert (million["images"], billion["images"]) == (10**6, 10**9)
    assert 1000 < billion["seconds"] / million["seconds"] < 2000  # 16 words a reading of all vectors, in place of 64
    assert main(["plan", "--images", "100k", "--machine", machine]) == 0
    assert "density ratio" in capsys.readouterr().out
    assert main(["plan", "--images", "100k", "--machine", "{}"]) == 2
    assert "--machine is JSON with" in capsys.readouterr().err
    (tmp_path / "scale.json").write_text("{}")
    assert main(["plan", "--check", str(tmp_path / "scale.json")]) == 2
    assert "does not hold runs" in capsys.readouterr().err


@pytest.mark.parametrize(("seconds", "text"), [(0.42, "0.4 s"), (12.4, "12 s"), (180, "3 min"), (9000, "2.5 h"), (1036800, "12.0 days")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
