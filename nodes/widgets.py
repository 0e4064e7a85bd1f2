"""Widgets that several nodes have. Defaults are the core's."""

from __future__ import annotations

from comfy_api.latest import io

from ..panini_core import LARGEST_SEED, RestoreOptions, parse_rule

DEFAULTS = RestoreOptions()
LARGEST_SIZE = 16384  # px, of a face
LARGEST_UPSCALE = 4.0


def ratio_input(name: str, default: float, tooltip: str, *, most: float = 1.0) -> io.Float.Input:
    """A ratio between nothing and `most`."""
    return io.Float.Input(
        name, default=float(default), min=0.0, max=most, step=0.01, tooltip=tooltip
    )


def seed_input(name: str, default: int, tooltip: str) -> io.Int.Input:
    """A seed that stays as it is from run to run."""
    return io.Int.Input(
        name,
        default=default,
        min=0,
        max=LARGEST_SEED,
        control_after_generate=False,
        tooltip=tooltip,
    )


def face_size_input(name: str, default: float, tooltip: str) -> io.Int.Input:
    """A bound on the longer side of a face's box, px of the image."""
    return io.Int.Input(name, default=int(default), min=0, max=LARGEST_SIZE, tooltip=tooltip)


def selection_input() -> io.String.Input:
    return io.String.Input(
        "selection",
        default=DEFAULTS.faces,
        tooltip="Which faces of each image: all, largest, centre, none, or their numbers, such "
        "as 0,2,4-6. A click on the face board writes it.",
    )


def validate_selection(selection: str | None) -> bool | str:
    """True, or what is wrong with the text; None comes over a wire and is checked later."""
    if selection is not None:
        try:
            parse_rule(selection)
        except ValueError as error:
            return str(error)
    return True


def threshold_input() -> io.Float.Input:
    return ratio_input(
        "threshold",
        DEFAULTS.threshold,
        "Least score of a face, 0 to 1. Lower finds more faces, and more that are none.",
    )


def min_size_input() -> io.Int.Input:
    return face_size_input(
        "min_size",
        DEFAULTS.min_size,
        "Least longer side of a face's box, px of the image. A high value saves time.",
    )


def smoothing_input(default: float = DEFAULTS.smoothing) -> io.Float.Input:
    return io.Float.Input(
        "smoothing",
        default=default,
        min=0.0,
        max=30.0,
        step=0.5,
        tooltip="For the frames of a clip: follows the faces, also through frames that miss them, "
        "and steadies them and what is restored over time, in frames (2 or 3 is plenty). 0: single "
        "pictures.",
    )


def paste_inputs() -> list[io.Input]:
    """What can be chosen wherever faces are pasted."""
    return [
        ratio_input(
            "feather",
            DEFAULTS.feather,
            "Width of the mask's soft border, as a share of the crop's side (0 to 0.5).",
            most=0.5,
        ),
        io.Boolean.Input(
            "match_colour",
            default=DEFAULTS.match_colour,
            tooltip="Take colours and light from the image, only detail from the crop. Grey "
            "photographs stay grey, and sepia keeps its tone, either way.",
        ),
        ratio_input(
            "strength",
            DEFAULTS.strength,
            "Share of the crop in the result: 1 is the crop, 0 the image as it was.",
        ),
        ratio_input(
            "keep_detail",
            DEFAULTS.keep_detail,
            "For faces larger than their crop: how much of the image's finest detail, which the "
            "crop cannot hold, is kept, so that the face is not softer than its surroundings.",
        ),
        io.Float.Input(
            "upscale",
            default=float(DEFAULTS.upscale),
            min=1.0,
            max=LARGEST_UPSCALE,
            step=0.25,
            tooltip="Size of the result. The background is enlarged bicubically; to use an "
            "upscale model, enlarge the image with it and connect that image here.",
        ),
    ]
