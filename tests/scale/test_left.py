"""What a comparison is doing, and the seconds that are left."""

from __future__ import annotations

import pytest

from latentdiff import CompareRequest
from latentdiff.scale.left import COMPARING, EMBEDDING, NAMING, PHASES, READING, WORDS, Left, duration
from latentdiff.scale.machine import Machine
from latentdiff.scale.plan import plan

SLOW = Machine(1, 10.0, 10.0, 1.0)


class Told:
    def __init__(self, images: tuple[int, int], encoder: str | None = None) -> None:
        self.now, self.said = 0.0, ""
        self.left = Left(images, 512, self._keep, encoder, SLOW, lambda: self.now)

    def _keep(self, fraction: float, label: str) -> None:
        self.said = label

    def at(self, now: float, fraction: float, label: str) -> str:
        self.now = now
        self.left(fraction, label)
        return self.said


def planned(n: int, encoder: str | None = None) -> dict[str, float]:
    return {stage.name: stage.seconds for stage in plan(n, 512, machine=SLOW, encoder=encoder).stages}


def test_pictures_go_by_their_own_pace_over_both_sides() -> None:
    told, later = Told((1000, 3000)), sum(planned(4000).values())
    assert told.at(100, 0.2, "500 of 1,000 images") == f"embedding pictures: 500 of 1,000 images, {duration(100 / 500 * 3500 + later)} left"
    told.at(200, 0.4, "1,000 of 1,000 images")
    assert told.at(300, 0.5, "500 of 3,000 images").endswith(f"{duration(300 / 1500 * 2500 + later)} left")


def test_what_is_to_come_goes_by_the_plan() -> None:
    told, stages = Told((20_000, 20_000), "fast"), planned(40_000, "fast")
    assert told.at(0, 0.0, "looking for images: 5 so far") == f"{READING}, {duration(sum(stages.values()))} left"
    naming = stages["naming and ranking"] + stages["evidence"]
    comparing = sum(stages.values()) - naming - stages["embedding"]
    told.at(10, 0.5, "encoding")
    assert told.at(11, 0.7, "encoding concepts") == f"{COMPARING}, {duration(comparing - 11 + naming)} left"
    told.at(11.5, 0.93, "density ratio")
    assert told.at(11.5, 0.95, "naming and ranking") == f"{NAMING}, {duration(naming - 0.5)} left"


def test_training_an_sae_goes_by_its_own_pace() -> None:
    told, stages = Told((1000, 1000)), planned(2000)
    told.at(0, 0.5, "training the SAE")
    assert told.at(60, 0.6, "training the SAE") == f"{COMPARING}, {duration(60 / 2 + sum(stages.values()))} left"


def test_the_last_seconds_are_not_told() -> None:
    assert Told((20, 20)).at(1000, 1.0, "evidence") == NAMING


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "about 1 s"), (8, "about 8 s"), (13, "about 15 s"), (200, "about 3 min"), (9000, "about 2 h")]
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_phases_of_a_real_comparison_come_in_order(tmp_path) -> None:
    from latentdiff.demo import setting_shift_pair

    for side in "AB":
        (tmp_path / side).mkdir()
        for i, (image, _) in enumerate(setting_shift_pair(20, 3).draw(side, size=64)):
            image.save(tmp_path / side / f"{i}.png")
    said: list[str] = []
    left = Left((20, 20), 64, lambda fraction, label: said.append(label.partition(":")[0].partition(",")[0]), None, SLOW)
    CompareRequest(str(tmp_path / "A"), str(tmp_path / "B"), encoder="demo").run(left)
    seen = list(dict.fromkeys(said))
    assert seen == sorted(seen, key=PHASES.index) and {EMBEDDING, COMPARING, NAMING} <= set(seen) <= {*PHASES, WORDS}
