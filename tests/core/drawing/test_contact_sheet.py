"""Contact sheets: what fits, where it stands, and text that is broken into lines."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from panini_core.drawing import contact_sheet
from panini_core.drawing.contact_sheet import NO_BREAK, ContactSheet, Tile, draw_entry, thumbnail
from panini_core.drawing.faces import from_pillow

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def tile(colour: tuple[int, int, int], label: str = "", side: int = 64) -> Tile:
    return Tile(Image.new("RGB", (side, side), colour), label)


def place(sheet: torch.Tensor, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """The rows and columns (first, last) of the pixels of exactly this colour."""
    wanted = torch.tensor(colour).view(3, 1, 1) / 255
    rows, columns = torch.nonzero((sheet == wanted).all(dim=0), as_tuple=True)
    assert len(rows) > 0
    return int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())


def test_tiles_of_an_entry_stand_side_by_side_at_one_height() -> None:
    sheet = ContactSheet()
    long_label = "a label that needs more than one line"
    assert sheet.add(draw_entry(["name"], [tile(RED, long_label), tile(GREEN, "x"), tile(BLUE)]))
    pixels = sheet.finish(["title"])
    red, green, blue = (place(pixels, colour) for colour in (RED, GREEN, BLUE))
    assert red[:2] == green[:2] == blue[:2]
    assert red[1] - red[0] == red[3] - red[2] == 63
    assert red[3] < green[2] <= green[3] < blue[2]


def test_rows_keep_the_order_and_pictures_of_a_row_stand_at_one_height() -> None:
    sheet = ContactSheet(2)
    assert sheet.add(draw_entry(["a caption of several lines, since it is long"], [tile(RED)]))
    assert sheet.add(draw_entry(["short"], [tile(GREEN)]))
    assert sheet.add(draw_entry(["short"], [tile(BLUE)]))
    red, green, blue = (place(sheet.finish([]), colour) for colour in (RED, GREEN, BLUE))
    assert red[:2] == green[:2]
    assert red[3] < green[2]
    assert blue[0] > red[1]
    assert blue[2:] == red[2:]


def test_text_is_drawn_above_what_it_names() -> None:
    plain = draw_entry([" "], [tile(RED, " ")])
    captioned = draw_entry(["name"], [tile(RED, "label")])
    assert captioned.size == plain.size
    bright = (from_pillow(captioned) > 0.8).all(dim=0)
    top = captioned.height - 64
    assert bright[: top // 2].any()  # the caption
    assert bright[top // 2 : top].any()  # the label
    assert not bright[top:].any()


def test_what_is_kept_together_is_drawn_with_a_plain_space() -> None:
    together, apart = (
        draw_entry([f"PSNR{space}23.4"], [tile(RED, side=112)]) for space in (NO_BREAK, " ")
    )
    assert together.tobytes() == apart.tobytes()
    cases = {f"aaa bbb{NO_BREAK}ccc": ["aaa", "bbb ccc"], "aaa bbb ccc": ["aaa bbb", "ccc"]}
    for text, lines in cases.items():
        broken, given = (draw_entry(caption, [tile(RED)]) for caption in ([text], lines))
        assert broken.tobytes() == given.tobytes()


def test_a_full_sheet_takes_no_more_and_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_sheet, "TALLEST", 300)
    sheet = ContactSheet(2)
    entry = draw_entry(["a"], [tile(RED)])
    added = [sheet.add(entry) for _ in range(9)]
    room = 300 // (entry.height + 16) * 2
    assert added == [True] * room + [False] * (9 - room)
    assert len(sheet.entries) == room
    assert sheet.finish([]).shape[1] <= 300 + 3 * 16


def test_a_sheet_without_entries_is_its_title() -> None:
    pixels = ContactSheet().finish(["No face was found"])
    assert pixels.shape[0] == 3
    assert pixels.max() > 0.8


@given(
    words=st.lists(st.text("abcÄ→漢.-_()", min_size=1, max_size=60), min_size=1, max_size=12),
    side=st.integers(64, 300),
)
@settings(max_examples=25, deadline=None)
def test_no_text_makes_an_entry_wider_than_its_tiles(words: list[str], side: int) -> None:
    text = " ".join(words)
    entry = draw_entry([text], [tile(RED, text, side), tile(RED, NO_BREAK.join(words), side)])
    assert entry.width == 2 * side + 4
    assert entry.height > side


def test_thumbnails_keep_colours_and_average() -> None:
    picture = Image.new("RGB", (100, 100), RED)
    picture.paste(BLUE, (50, 0, 100, 100))
    for side in (64, 300):
        small = thumbnail(picture, side)
        assert small.size == (side, side)
        assert small.getpixel((side // 4, side // 2)) == RED
        assert small.getpixel((3 * side // 4, side // 2)) == BLUE
