"""Work on many chunks, in threads, in order."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from latentdiff.compute.parallel import IN_FLIGHT, one_thread, ordered_map


@pytest.mark.parametrize("workers", [1, 2, 5, None])
def test_results_come_in_the_items_order(workers: int | None) -> None:
    def slow_first(i: int) -> int:
        time.sleep(0.02 if i % 3 == 0 else 0)
        return i * i

    assert list(ordered_map(slow_first, range(20), workers)) == [i * i for i in range(20)]


def test_items_are_taken_only_as_they_are_needed() -> None:
    taken: list[int] = []

    def items():
        for i in range(1000):
            taken.append(i)
            yield i

    results = ordered_map(lambda i: i, items(), 3)
    assert [next(results) for _ in range(10)] == list(range(10))
    assert len(taken) <= 10 + IN_FLIGHT * 3
    results.close()
    assert len(taken) <= 10 + IN_FLIGHT * 3


def test_an_error_comes_out_and_no_thread_stays() -> None:
    def fails(i: int) -> int:
        if i == 4:
            raise ValueError("item 4")
        return i

    before = threading.active_count()
    with pytest.raises(ValueError, match="item 4"):
        list(ordered_map(fails, range(50), 2))
    assert threading.active_count() == before


def test_torch_keeps_its_threads() -> None:
    import torch

    before = torch.get_num_threads()
    list(ordered_map(lambda i: torch.ones(3).sum().item(), range(8), 2))
    assert torch.get_num_threads() == before


def test_one_thread_is_one_and_then_as_many_as_before() -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_one_thread_holds_for_a_torch_that_was_not_loaded_yet() -> None:
    code = "from latentdiff.compute.parallel import one_thread\nwith one_thread():\n    import torch\n    print(torch.get_num_threads())"
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout == "1\n"
