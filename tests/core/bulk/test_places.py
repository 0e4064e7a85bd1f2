"""Files are found again by any of their addresses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from panini_core.bulk.places import Places, is_below, is_same


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a.png").write_bytes(b"a")
    (tmp_path / "in" / "b.png").write_bytes(b"b")
    try:
        (tmp_path / "link").symlink_to("in", target_is_directory=True)
        (tmp_path / "file.png").symlink_to("in/deep/a.png")
    except OSError:
        pytest.skip("makes no links here")
    return tmp_path


@pytest.mark.parametrize(
    "spelling", ["in/deep/a.png", "link/deep/a.png", "in/../link/deep/a.png", "file.png"]
)
def test_a_file_is_known_through_links(tree: Path, spelling: str) -> None:
    address = f"{tree}/{spelling}"
    assert Places([f"{tree}/in/deep/a.png"]).hold(address)
    assert Places([address]).hold(f"{tree}/link/deep/a.png")
    assert not Places([address]).hold(f"{tree}/in/b.png")
    assert is_same(address, f"{tree}/in/deep/a.png")
    assert is_below(address, f"{tree}/link")
    assert not is_below(address, address)
    assert not is_below(f"{tree}/in/b.png", f"{tree}/in/deep")
    for root in (f"{tree}/in/..", f"{tree}/link/../.", f"{tree}/"):
        assert is_same(root, str(tree)) and is_below(address, root)


def test_names_that_differ_by_case_are_one_file_where_the_file_system_says_so(
    tmp_path: Path,
) -> None:
    for name in ("photos", "Photos"):
        (tmp_path / name).mkdir(exist_ok=True)
    one = tmp_path / "photos" / "a.png"
    other = tmp_path / "Photos" / "A.PNG"
    one.write_bytes(b"1")
    if not other.exists():  # here it would be another file: make it the same one
        assert not Places([str(one)]).hold(str(other))
        other.write_bytes(b"2")
        assert not is_same(str(tmp_path / "photos"), str(tmp_path / "Photos"))
        assert not is_below(str(other), str(tmp_path / "photos"))
        alone = tmp_path / "photos" / "a.Png"
        os.link(one, alone)
        other = alone
    assert Places([str(one)]).hold(str(other))


def test_a_file_system_that_tells_no_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def same(one: str, other: str) -> bool:
        return str(one).casefold() == str(other).casefold()

    monkeypatch.setattr(os.path, "samefile", same)
    photos, spelled = f"{tmp_path}/Photos", f"{tmp_path}/pHOTOS"
    assert is_same(photos, spelled)
    assert is_below(f"{spelled}/Deep/a.png", photos)
    assert not is_below(f"{spelled}2/a.png", photos)
    assert Places([f"{photos}/a.png"]).hold(f"{spelled}/A.png")


@pytest.mark.parametrize("name", ["\0", "x" * 5000, "\udce9", "a/../b", "", "//", "s3://b/k"])
def test_names_that_no_file_system_takes_are_no_error(tmp_path: Path, name: str) -> None:
    address = f"{tmp_path}/{name}/a.png"
    assert Places([address]).hold(address)
    assert not Places([f"{tmp_path}/c.png"]).hold(address)


def test_addresses_of_stores_are_compared_as_they_are() -> None:
    assert Places(["s3://bucket/a.png"]).hold("s3://bucket/a.png")
    assert not Places(["s3://bucket/a.png"]).hold("s3://bucket/A.png")
    assert is_below("s3://bucket/in/a.png", "s3://bucket/in/")
    assert not is_below("s3://bucket/in2/a.png", "s3://bucket/in")
    assert not is_below("gs://bucket/in/a.png", "s3://bucket/in")
