"""What the page lets a visitor choose: as far as its folders and its server reach, and no further."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fiftyone_plugin.panels.page.asked import FOLDERS, TABLE, VIEWS, ZIPS, Asked, choices
from fiftyone_plugin.panels.page.inputs import _sent
from fiftyone_plugin.panels.page.settings import PageSettings
from fiftyone_plugin.panels.page.work import _unkept, answer, groups_of_table, named_sides
from PIL import Image

from latentdiff.errors import InputError
from latentdiff.progress import silent
from tests.describe.chat_server import ChatServer, says

OURS, MODEL = "http://localhost:8000/v1", "ours"
SERVER = {"llm_url": OURS, "llm_model": MODEL}


def settings(root: Path, **more: Any) -> PageSettings:
    return PageSettings(host="0.0.0.0", password="long enough", roots=(root,), **more)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"concepts": "own", "sae": "/etc"}, "outside the folders"),
        ({"concepts": "own", "sae": "owner/repository"}, "outside the folders"),
        ({"concepts": "pach"}, "fetches nothing for its visitors"),
        ({"encoder": "paper"}, "no other encoder"),
        ({"describe": "model", "captioner": "owner/model"}, "outside the folders"),
        ({"describe": "field", "captions": "/etc/passwd"}, "outside the folders"),
        ({"describe": "server", "llm_url": "http://10.0.0.1/v1", "llm_model": MODEL}, "no other server"),
        ({"describe": "words", "ask_model": True, "llm_url": OURS, "llm_model": "another"}, "no other server"),
        ({"way": ZIPS, "describe": "field", "captions": "c.csv"}, "name the folders"),
        ({"way": VIEWS, "engine": "ray", "address": "ray://far:10001"}, "its own machine alone"),
    ],
)
def test_off_loopback_nothing_beyond_its_folders_and_its_server(tmp_path, asked, said) -> None:
    with pytest.raises(InputError, match=said):
        choices(Asked(**asked), settings(tmp_path, **SERVER))


def test_what_is_within_reach_is_allowed(tmp_path, monkeypatch) -> None:
    (tmp_path / "captions.csv").write_text("path,caption\na.png,a boat\n", encoding="utf8")
    here = settings(tmp_path, **SERVER)
    assert choices(Asked(concepts="own", sae=str(tmp_path)), here)["sae"] == str(tmp_path)
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache/sae/pach").mkdir(parents=True)
    assert choices(Asked(concepts="pach"), here)["sae"] == "pach"
    assert choices(Asked(concepts="msae", encoder="paper"), PageSettings())["sae"] == "msae"  # on loopback the owner alone asks
    assert choices(Asked(encoder="demo"), here) and choices(Asked(way=VIEWS, encoder="paper"), here)
    given = choices(Asked(describe="field", captions=str(tmp_path / "captions.csv")), here)
    assert given["captions"] == tmp_path / "captions.csv" and given["method"].describe.captioner == "given"
    assert choices(Asked(describe="server", **SERVER), here)["method"].describe.base_url == OURS
    views = choices(Asked(way=VIEWS, describe="field", captions="said", groups="scene"), here)
    assert (views["captions"], views["groups"]) == ("said", "scene")
    assert choices(Asked(way=FOLDERS, groups="scene", engine="ray"), here)["groups"] is None


def test_the_environments_key_goes_to_the_pages_own_server_alone(tmp_path) -> None:
    here = PageSettings(roots=(tmp_path,), **SERVER)
    assert choices(Asked(describe="server", **SERVER), here)["key"] is None  # from the environment
    elsewhere = {"describe": "server", "llm_url": "http://localhost:9/v1", "llm_model": "m"}
    assert choices(Asked(**elsewhere), here)["key"] == ""
    assert choices(Asked(**elsewhere, llm_key=" typed "), here)["key"] == "typed"
    assert "typed" not in repr(Asked(**elsewhere, llm_key="typed"))


def test_an_empty_key_is_no_key(monkeypatch) -> None:
    from latentdiff.describe.endpoint import ChatEndpoint

    monkeypatch.setenv("LATENTDIFF_API_KEY", "sk-of-the-environment")
    monkeypatch.setenv("LATENTDIFF_BASE_URL", "http://localhost:9/v1")
    assert ChatEndpoint("http://localhost:9/v1", "m", key="")._key == ""
    assert ChatEndpoint("http://localhost:9/v1", "m")._key == "sk-of-the-environment"


def test_the_page_says_what_will_be_sent(tmp_path) -> None:
    here = PageSettings(roots=(tmp_path,))
    assert _sent({"describe": "no"}, here) == ""
    assert "Nothing leaves this machine." in _sent({"describe": "words"}, here)
    assert f"the captions of about 40 images to {OURS} ({MODEL})" in _sent({"describe": "words", "ask_model": True, **SERVER}, here)
    assert "about 80 images to" in _sent({"describe": "server", **SERVER}, here)
    assert "Name the server" in _sent({"describe": "server"}, here)
    untouched = {"captions": None, "captioner": None, "ask_model": None, "llm_url": None, "llm_model": None}  # as Gradio hands them over
    assert "Nothing leaves this machine." in _sent({"describe": "words", **untouched}, here)
    assert "<b>" not in _sent({"describe": "server", "llm_url": OURS, "llm_model": "<b>"}, here)


def test_a_server_needs_both_its_names(tmp_path) -> None:
    with pytest.raises(InputError, match="needs both"):
        PageSettings(roots=(tmp_path,), llm_url=OURS)


def test_two_groups_of_a_table_with_more_are_chosen(tmp_path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jpg").write_bytes(b"")
    table = tmp_path / "t.csv"
    table.write_text("path,group_name\na.jpg,sea\nb.jpg,old  town\nlost.jpg,snow\n", encoding="utf8")
    assert groups_of_table(str(table)) == ["sea", "old town", "snow"]
    asked, here = {"way": TABLE, "table": str(table), "table_base": str(tmp_path)}, settings(tmp_path)

    def sides(**groups: str) -> list[tuple[str, list[str]]]:
        return [(s.name, [p.name for p in s.paths]) for s in named_sides(Asked(**asked, **groups), here, tmp_path, silent)]

    assert sides(group_a="old town", group_b="sea") == [("old town", ["b.jpg"]), ("sea", ["a.jpg"])]
    for groups, said in (({}, "Group A and Group B"), ({"group_a": "sea"}, "choose both groups"),
                         ({"group_a": "sea", "group_b": "sea"}, "two different groups")):  # fmt: skip
        with pytest.raises(InputError, match=said):
            sides(**groups)
    table.write_bytes(b"\xff\xfe\x00")
    assert groups_of_table(str(table)) == groups_of_table(None) == groups_of_table(str(tmp_path / "gone.csv")) == []


def test_what_visitors_compare_is_kept_nowhere(tmp_path: Path) -> None:
    """Off loopback the SAE of both sides alone takes the place of a kept one, and of none; one that is named, and baselines, stay."""
    here, away = PageSettings(), settings(tmp_path)
    for sae in (None, "kept"):
        assert _unkept(sae, Asked(), here) == sae and _unkept(sae, Asked(), away) == "pair"
    assert _unkept("pach", Asked(), away) == "pach" and _unkept(None, Asked(method="mean"), away) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_captions_of_visitors_pictures_are_kept_nowhere(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    for side, colour in (("a", (220, 30, 30)), ("b", (40, 60, 210))):
        (tmp_path / side).mkdir()
        for i in range(20):
            pixels = np.clip(np.array(colour) + rng.normal(0, 25, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / side / f"{i}.png")
    (tmp_path / "work").mkdir()
    server = ChatServer()
    server.script = [says("a secret red bus")]
    named = {"llm_url": server.url, "llm_model": "m"}
    asked = Asked(folder_a=str(tmp_path / "a"), folder_b=str(tmp_path / "b"), encoder="demo", photographs=True, describe="server", **named)
    here = PageSettings(host=host, password="long enough", roots=(tmp_path,), encoder="demo", **named)
    found = answer(asked, here, tmp_path / "work", silent)
    server.close()
    assert server.requests and found.comparison.info["describe"]["captioner"] == "m"
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and b"secret red bus" in path.read_bytes()]
    assert bool(kept) == (host == "127.0.0.1")
