"""Pictures about faces: numbered detections, and before beside after. RGB float32 in [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..faces import Face

PANEL_SIDE = 1024  # px, the longest side of a whole picture on a sheet
ZOOM_SIDE = 320  # px, a face on a sheet with several
ONLY_ZOOM_SIDE = 512  # px, the only face on a sheet
MARGIN = 16  # px, between the rows of a sheet and around it
BACKGROUND = (24, 24, 26)
TEXT = (235, 235, 235)
PAIR_GAP = 4  # px, between pictures that belong together
_CAPTION = 34
_UNSELECTED = (128, 128, 128)
_COLOURS = ((255, 196, 0), (0, 200, 255), (255, 95, 150), (120, 230, 90), (190, 140, 255))


def draw_faces(
    image: Tensor, faces: Sequence[Face], *, selected: Sequence[bool] | None = None
) -> Tensor:
    """(3, H, W) with every face's box, number (its place if it has none) and landmarks drawn on it.

    `selected`: one a face; the others are drawn in grey. None: all are in colour.
    """
    canvas = to_pillow(image)
    draw = ImageDraw.Draw(canvas)
    line = max(round(min(canvas.size) / 300), 1)
    for index, face in enumerate(faces):
        number = index if face.number is None else face.number
        coloured = selected is None or selected[index]
        colour = _COLOURS[number % len(_COLOURS)] if coloured else _UNSELECTED
        x0, y0, x1, y1 = face.box.tolist()
        draw.rectangle((x0, y0, x1, y1), outline=colour, width=line)
        for x, y in face.landmarks.tolist():
            draw.ellipse((x - line, y - line, x + line, y + line), fill=colour)
        font = text_font(min(max(face.size / 5, 10), min(canvas.size) / 10))
        label = str(number)
        width, height = _text_size(font, label)
        left = min(max(x0, 0), canvas.width - width)
        top = min(max(y0 - height, 0), canvas.height - height)
        draw.rectangle((left, top, left + width, top + height), fill=colour)
        draw.text((left + width / 2, top + height / 2), label, (0, 0, 0), font, anchor="mm")
    return from_pillow(canvas)


def comparison_sheet(before: Tensor, after: Tensor, faces: Mapping[int, Face]) -> Tensor:
    """A captioned sheet: both pictures side by side and below them every face, enlarged.

    before (3, H, W); after (3, kH, kW), k >= 1; faces by their number, in the pixels of `before`.
    """
    old, new = at_one_size(before, after)
    scale = new.width / before.shape[-1]
    shrink = min(PANEL_SIDE / max(new.size), 1.0)
    small = (max(round(new.width * shrink), 1), max(round(new.height * shrink), 1))
    pair_rows = [_caption_pair(*(p.resize(small, Image.Resampling.LANCZOS) for p in (old, new)))]

    side = ONLY_ZOOM_SIDE if len(faces) == 1 else ZOOM_SIDE
    zooms = [
        _caption_pair(
            *(zoom_on(picture, face, scale, side) for picture in (old, new)), number=index
        )
        for index, face in faces.items()
    ]
    columns = max(round(pair_rows[0].width / (2 * side + MARGIN)), 2)
    pair_rows += [
        join_row(zooms[start : start + columns], gap=MARGIN)
        for start in range(0, len(zooms), columns)
    ]
    return from_pillow(join_column(pair_rows, gap=MARGIN, border=MARGIN))


def at_one_size(before: Tensor, after: Tensor) -> tuple[Image.Image, Image.Image]:
    """A picture (3, H, W) and its result (3, kH, kW), k >= 1, both in the result's size."""
    old, new = to_pillow(before), to_pillow(after)
    if new.size != old.size:
        old = old.resize(new.size, Image.Resampling.BICUBIC)
    return old, new


def zoom_on(picture: Image.Image, face: Face, scale: float, side: int) -> Image.Image:
    """The surroundings of a face in a square of `side` px; `scale`: picture px per px of its box.

    They are 1.5 times the box, moved into the picture as far as they fit.
    """
    reach = max(round(face.size * scale * 1.5), 1)
    centre_x, centre_y = ((face.box[:2] + face.box[2:]) / 2 * scale).tolist()
    left = max(min(round(centre_x - reach / 2), picture.width - reach), 0)
    top = max(min(round(centre_y - reach / 2), picture.height - reach), 0)
    crop = picture.crop((left, top, left + reach, top + reach))
    return crop.resize((side, side), Image.Resampling.BICUBIC)


def _caption_pair(
    before: Image.Image, after: Image.Image, *, number: int | None = None
) -> Image.Image:
    prefix = "" if number is None else f"face {number}: "
    return join_row(
        [_caption(before, f"{prefix}before"), _caption(after, f"{prefix}after")], gap=PAIR_GAP
    )


def _caption(picture: Image.Image, text: str) -> Image.Image:
    font = text_font(_CAPTION * 0.6)
    width = max(picture.width, _text_size(font, text)[0])
    canvas = Image.new("RGB", (width, picture.height + _CAPTION), BACKGROUND)
    canvas.paste(picture, (0, _CAPTION))
    ImageDraw.Draw(canvas).text((2, _CAPTION / 2), text, TEXT, font, anchor="lm")
    return canvas


def join_row(pictures: Sequence[Image.Image], *, gap: int) -> Image.Image:
    """Side by side on the background, aligned at the bottom, `gap` px apart."""
    width = sum(picture.width for picture in pictures) + gap * (len(pictures) - 1)
    height = max(picture.height for picture in pictures)
    canvas = Image.new("RGB", (width, height), BACKGROUND)
    left = 0
    for picture in pictures:
        canvas.paste(picture, (left, height - picture.height))
        left += picture.width + gap
    return canvas


def join_column(pictures: Sequence[Image.Image], *, gap: int = 0, border: int = 0) -> Image.Image:
    """One below the other on the background, `gap` px apart, with a border of so many px."""
    height = sum(picture.height for picture in pictures) + gap * (len(pictures) - 1)
    width = max(picture.width for picture in pictures)
    canvas = Image.new("RGB", (width + 2 * border, height + 2 * border), BACKGROUND)
    top = border
    for picture in pictures:
        canvas.paste(picture, (border, top))
        top += picture.height + gap
    return canvas


@lru_cache(maxsize=16)  # a font is unpacked anew each time
def text_font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font of captions and labels, about `size` px high."""
    return ImageFont.load_default(math.ceil(max(size, 6)))


def _text_size(font: ImageFont.FreeTypeFont | ImageFont.ImageFont, text: str) -> tuple[int, int]:
    left, top, right, bottom = font.getbbox(text)
    return math.ceil(right - left) + 6, math.ceil(bottom - top) + 6


def to_pillow(image: Tensor) -> Image.Image:
    """(3, H, W) RGB in [0, 1] -> a Pillow image."""
    values = (image.detach().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return Image.fromarray(np.ascontiguousarray(values.permute(1, 2, 0).cpu().numpy()))


def from_pillow(picture: Image.Image) -> Tensor:
    """A Pillow image -> (3, H, W) RGB float32 in [0, 1]."""
    values = torch.from_numpy(np.array(picture.convert("RGB")))
    return values.permute(2, 0, 1).float() / 255
