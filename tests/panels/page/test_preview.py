"""What a folder holds is said before anything is compared."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fiftyone_plugin.panels.page.preview import preview
from fiftyone_plugin.panels.page.settings import PageSettings
from fiftyone_plugin.panels.page.work import Asked, named_sides
from PIL import Image

from latentdiff.errors import InputError
from latentdiff.progress import silent


@pytest.fixture
def settings(tmp_path: Path) -> PageSettings:
    (tmp_path / "in").mkdir()
    for i in range(12):
        Image.new("RGB", (20, 20), (20 * i, 0, 0)).save(tmp_path / "in" / f"{i:02d}.png")
    return PageSettings(roots=(tmp_path / "in",))


def test_count_and_thumbnails(settings: PageSettings, tmp_path: Path) -> None:
    said = preview(f" {tmp_path / 'in'} ", settings)
    assert ">12 images.<" in said and len(re.findall('<img src="data:image/jpeg', said)) == 5
    assert preview("  ", settings) == ""


def test_what_cannot_be_looked_into_says_why(settings: PageSettings, tmp_path: Path) -> None:
    assert "no folder" in preview(str(tmp_path / "in" / "none"), settings)
    outside = preview(str(tmp_path), settings)
    assert "<img" not in outside and "images." not in outside
    (tmp_path / "in" / "a<b>").mkdir()
    assert "<b>" not in preview(str(tmp_path / "in" / "a<b>"), settings)


def test_a_zip_in_a_folders_box_is_told(settings: PageSettings, tmp_path: Path) -> None:
    given = str(tmp_path / "in" / "a.zip")
    assert "tab “Two zip files”" in preview(given, settings)
    with pytest.raises(InputError, match="tab “Two zip files”"):
        named_sides(Asked(folder_a=given, folder_b=str(tmp_path / "in")), settings, tmp_path, silent)
