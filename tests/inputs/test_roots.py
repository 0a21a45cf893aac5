"""Which files a form may name: below the roots, or for one person anything but hidden and system folders; links are followed before."""

from __future__ import annotations

from pathlib import Path

import pytest

from latentdiff.errors import InputError
from latentdiff.inputs.roots import reachable


def test_one_person_reaches_anything_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for named in ("/data/photos", "~/words.txt", str(tmp_path / "x.npz"), "/mnt/disk/a b", "relative.txt"):
        if named != "relative.txt" or not any(part.startswith(".") for part in Path.cwd().parts):
            assert reachable(named, None, "") == Path(named).expanduser().resolve()


@pytest.mark.parametrize("named", ["/etc/hosts", "/proc/self/environ", "/usr/../etc/hosts", "~/.netrc", "~/.a/b.txt", "/srv/.git/config"])
def test_hidden_and_system_folders_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"hidden|system.*and so on"):
        reachable(named, None, "and so on")


def test_a_link_counts_as_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(InputError, match="system"):
        reachable(tmp_path / "link" / "hosts", None, "")
    with pytest.raises(InputError, match="outside"):
        reachable(tmp_path / "link" / "hosts", (tmp_path,), "")


def test_with_roots_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    assert reachable(tmp_path / ".hidden" / "x", (tmp_path,), "") == tmp_path / ".hidden" / "x"
    for named in (tmp_path.parent / "other", f"{tmp_path}/../other", f"{tmp_path}-beside"):
        with pytest.raises(InputError, match="and so on"):
            reachable(named, (tmp_path,), "and so on")
    for named in ("", " ", "a\0b"):
        with pytest.raises(InputError, match="is no path"):
            reachable(named, (tmp_path,), "")
