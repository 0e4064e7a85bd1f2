"""Widgets that several nodes have. Defaults are the core's."""

from __future__ import annotations

from comfy_api.latest import io

from ..panini_core import LARGEST_SEED, MASK_SOURCES, RestoreOptions, parse_regions, parse_rule

DEFAULTS = RestoreOptions()
LARGEST_SIZE = 16384  # px, of a face
LARGEST_UPSCALE = 4.0


def ratio_input(
    name: str, default: float | str, tooltip: str, *, most: float = 1.0, optional: bool = False
) -> io.Float.Input:
    """A ratio between nothing and `most`."""
    return io.Float.Input(
        name,
        default=float(default),
        min=0.0,
        max=most,
        step=0.01,
        optional=optional,
        tooltip=tooltip,
    )


def fidelity_input(*, optional: bool = False) -> io.Float.Input:
    return ratio_input(
        "fidelity",
        DEFAULTS.fidelity,
        "0.5: as the network chose. Toward 1 closer to the picture, toward 0 closer to the prior, "
        "the network's own idea of faces (prettier, more invented). panini_mobile uses the whole "
        "range, panini_compact 0.3 to 0.7.",
        optional=optional,
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


def per_face_input(name: str, of: str) -> io.String.Input:
    """Exceptions, by the numbers of faces, from the value that the widget `of` gives to all."""
    return io.String.Input(
        name,
        default="",
        optional=True,
        tooltip=f"Another {of} for single faces, by their numbers, such as 2: 0.5; 4-6: 0.3. "
        f"Empty: {of} is for all.",
    )


def per_face(usual: float, others: str) -> float | str:
    """The value of a widget and the text of its `per_face_input` as one option of the core."""
    return f"{usual}; {others}" if others.strip() else usual


def validate_per_face(*others: str | None) -> bool | str:
    """True, or what is wrong with texts of `per_face_input`; None comes over a wire."""
    for text in others:
        try:
            RestoreOptions(strength=per_face(1.0, text or ""))
        except ValueError as error:
            return str(error).replace("strength must", "Values of single faces must")
    return True


def regions_input() -> io.String.Input:
    """Parts of faces that are drawn less; an option of nodes that are older than it."""
    return io.String.Input(
        "regions",
        default=DEFAULTS.regions,
        optional=True,
        tooltip="Parts of the faces that are restored less, each with its strength from 0 to 1: "
        "eyes, brows, nose, mouth, skin (the rest), such as eyes: 0; mouth: 0.5. Empty: all of a "
        "face.",
    )


def validate_regions(text: str | None) -> bool | str:
    """True, or what is wrong with a text of `regions_input`; None comes over a wire."""
    try:
        parse_regions(text or "")
    except ValueError as error:
        return str(error)
    return True


def validate_choices(selection: str | None, regions: str | None, *others: str | None) -> bool | str:
    """True, or the first thing that is wrong with a selection, with a text of `regions_input` and
    with texts of `per_face_input`."""
    answers = (validate_selection(selection), validate_regions(regions), validate_per_face(*others))
    return next((answer for answer in answers if answer is not True), True)


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


def smoothing_input(
    default: float = DEFAULTS.smoothing, *, steadies: str = "them and what is restored"
) -> io.Float.Input:
    return io.Float.Input(
        "smoothing",
        default=default,
        min=0.0,
        max=30.0,
        step=0.5,
        tooltip="For the frames of a clip: follows the faces, also through frames that miss them, "
        f"and steadies {steadies} over time, in frames (2 or 3 is plenty). 0: single pictures.",
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
            tooltip="Size of the result. The background is enlarged bicubically, or by the "
            "upscale_model.",
        ),
    ]


def upscale_model_input() -> io.Input:
    """What draws the background, wherever faces are pasted."""
    return io.UpscaleModel.Input(
        "upscale_model",
        optional=True,
        tooltip="From Load Upscale Model: draws what is around the faces, so that it is not softer "
        "than they are. upscale says how large the result is, whatever the model's factor: 2 with "
        "a 4x model is shrunk from 4. At 1 the picture is enlarged and shrunk again.",
    )


def match_grain_input() -> io.Boolean.Input:
    """An option of nodes that are older than it."""
    return io.Boolean.Input(
        "match_grain",
        default=DEFAULTS.match_grain,
        optional=True,
        tooltip="Put the photograph's grain back into the restored face, as strong, coarse and "
        "coloured as beside it. Without grain around nothing changes. Every frame of a clip gets "
        "its own.",
    )


def mask_source_input(*, given: str | None = None, optional: bool = False) -> io.Combo.Input:
    """Where faces are drawn; `given`: the name of a mask that is an input of the node."""
    more = "" if given is None else f" {given}: the mask input."
    return io.Combo.Input(
        "mask_source",
        options=[*MASK_SOURCES, *([] if given is None else [given])],
        default=DEFAULTS.mask_source,
        optional=optional,
        tooltip="soft: a rounded square. oval: from the hair line to the chin. parse: skin and "
        "features only, so that hair, hands and glasses in front stay (needs parsing_parsenet.pth "
        "or parsing_bisenet.pth in models/facedetection, and facexlib). auto: parse where these "
        f"are, else soft.{more}",
    )
