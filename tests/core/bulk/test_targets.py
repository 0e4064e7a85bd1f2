"""What results are called."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from panini_core.bulk.items import Item, Kind
from panini_core.bulk.spelling import printable
from panini_core.bulk.targets import name_results, settle

SUFFIXES = (".png", ".gif", ".tga", ".jpg", ".jpeg", ".PNG", ".gif.png", ".tga.png", ".bmp", "")
names = st.builds(
    lambda folder, stem, suffix: folder + stem + suffix,
    st.sampled_from(["", "d/", "caf\udce9/", "caf%E9/"]),
    st.sampled_from(["photo", "Photo", "photo.gif", "ph\udce9", "ph%E9", "%%ph%E9", "photo.png"]),
    st.sampled_from(SUFFIXES),
)


def item(name: str) -> Item:
    return Item(name, "", Kind.MEMBER, "/in/s.tar", "1", offset=hash(name))


def named(*given_names: str, suffix: str | None = None) -> dict[str, Item]:
    return {one.name: one for one in name_results([item(name) for name in given_names], suffix)}


def test_a_gif_that_may_be_no_animation_has_a_result_of_its_own() -> None:
    items = named("photo.gif")
    assert items["photo.gif"].targets == ("photo.gif", "photo.png")
    items = named("photo.gif", "photo.png")
    assert items["photo.gif"].targets == ("photo.gif", "photo.gif.png")
    items = named("photo.gif", "photo.png", "photo.gif.png")
    assert items["photo.gif"].targets == ("photo.gif", "photo.gif.png.png")
    assert items["photo.gif.png"].targets == ("photo.gif.png",)


def test_pictures_that_would_get_one_name_get_their_own_as_with_panini_restore() -> None:
    items = named("photo.tga", "photo.png", "other.tga")
    assert [one.target for one in items.values()] == ["photo.tga.png", "photo.png", "other.png"]
    items = named("photo.png", "photo.webp", suffix=".jpg")
    assert [one.target for one in items.values()] == ["photo.png.jpg", "photo.webp.jpg"]


@given(st.lists(names, unique=True, max_size=8), st.sampled_from([None, ".png", ".jpg"]))
def test_no_result_gets_into_another_s_way(given_names: list[str], suffix: str | None) -> None:
    items = settle(name_results([item(name) for name in given_names], suffix), "/out")
    assert len({one.name for one in items}) == len(given_names)
    ready = [one for one in items if not one.problem]
    results = [target.casefold() for one in ready for target in one.targets]
    assert len(results) == len(set(results))
    folded = [printable(name).casefold() for name in given_names]
    if len(set(folded)) == len(folded):  # names that file systems tell apart
        assert ready == items
    again = settle(name_results([item(name) for name in given_names], suffix), "/out")
    assert again == items


@given(names, st.lists(names, max_size=5))
def test_a_result_in_the_format_of_its_picture_has_its_name(name: str, others: list[str]) -> None:
    (first, *_) = name_results([item(name), *map(item, others)], None)
    if name.lower().endswith((".png", ".jpg", ".jpeg", ".gif")):
        assert first.target == first.name


def test_what_cannot_be_done_takes_no_result_from_another() -> None:
    bad = replace(item("a.png"), problem="gone")
    items = settle(name_results([bad, item("a.png")], None), "/out")
    assert [one.problem for one in items] == ["gone", ""]
