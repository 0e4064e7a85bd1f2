"""Arguments that several commands share; read without loading torch (`opening` opens what they
name).

Defaults are those of the core, where each lives once.
"""

from __future__ import annotations

import argparse

from ..options import (
    AUTO,
    BEST_DETECTOR,
    DTYPE_NAMES,
    LARGEST_TILE,
    SMALLEST_TILE,
    TILE,
    RestoreOptions,
)
from ..stages.selection import OTHER_SPELLINGS, SORT_ORDERS

FORMATS = ("png", "jpg", "webp", "tiff", "bmp")
DEFAULTS = RestoreOptions()


def add_input_arguments(parser: argparse.ArgumentParser, *, films: bool = False) -> None:
    """films: whether they are taken as well, where they are named."""
    more = "; films, by name or pattern" if films else ""
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help=f"pictures, folders of pictures, or quoted patterns such as 'photos/*.jpg'{more}",
    )
    parser.add_argument("--recursive", action="store_true", help="sub-folders of folders too")
    parser.add_argument(
        "--force", action="store_true", help="overwrite existing files (inputs never)"
    )


def add_format_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="the format of all results in a folder (default: that of each picture). png and tiff "
        "keep every pixel; JPEG cannot, except where nothing was changed",
    )


def suffix_of(arguments: argparse.Namespace) -> str | None:
    """The suffix of the results, as `--format` names it; None: that of each picture."""
    return None if arguments.format is None else f".{arguments.format}"


def add_device_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device",
        default=AUTO,
        metavar="NAME",
        help="where to compute: auto, cpu, cuda, cuda:1 or mps. auto: the fastest there is, CUDA, "
        "else MPS, else the CPU (default: %(default)s)",
    )


def add_detector_arguments(parser: argparse.ArgumentParser) -> None:
    add_device_argument(parser)
    parser.add_argument(
        "--detector",
        default=AUTO,
        metavar="NAME|FILE",
        help=f"auto, bundled, a RetinaFace file in facexlib's layout, or a folder with one. auto: "
        f"{BEST_DETECTOR} where a folder of models is known, as in ComfyUI, else the bundled one "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--threshold",
        type=ratio,
        default=DEFAULTS.threshold,
        metavar="0..1",
        help="the score from which something counts as a face; lower finds more, also what is "
        "none (default: %(default)s)",
    )
    for name, extreme, default in (
        ("min", "least", DEFAULTS.min_size),
        ("max", "largest", DEFAULTS.max_size),
    ):
        parser.add_argument(
            f"--{name}-size",
            type=float,
            default=default,
            metavar="PX",
            help=f"the {extreme} longer side of a face's box; 0: no limit (default: %(default)s)",
        )
    parser.add_argument(
        "--sort",
        type=lambda text: OTHER_SPELLINGS.get(text, text),
        choices=SORT_ORDERS,
        default=DEFAULTS.sort,
        metavar="ORDER",
        help=f"the order in which faces are numbered: {', '.join(SORT_ORDERS)} "
        "(default: %(default)s, from left to right)",
    )


def add_checkpoint_argument(parser: argparse.ArgumentParser, *, others: bool = False) -> None:
    """others: whether restorers of other methods serve as well (see `opening.open_restorer`)."""
    also = (
        ", or GFPGAN, RestoreFormer, CodeFormer (need spandrel), or a restorer in ONNX"
        if others
        else ""
    )
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="a network that comes with the package, mobile (the better one) or compact (several "
        f"times quicker), or a checkpoint: ours (.safetensors) or an official .pth of Panini{also} "
        "(default: mobile; compact on CPUs of less than four threads, or two with bf16)",
    )


def add_model_arguments(parser: argparse.ArgumentParser, *, others: bool = False) -> None:
    """The checkpoint, and how its network computes."""
    add_checkpoint_argument(parser, others=others)
    parser.add_argument(
        "--dtype",
        choices=DTYPE_NAMES,
        default=AUTO,
        help="precision of the network. auto: what is fastest on the device without a difference "
        "that shows; fp32 is exact (default: %(default)s)",
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        help="compile the network first, which takes a minute or more and a C++ compiler (on a GPU "
        "Triton, and the network runs as CUDA graphs); pays for thousands of faces",
    )


def add_upscale_model_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--upscale-model",
        metavar="FILE",
        help="draw what is around the faces with an image model (ESRGAN, SwinIR, …; needs "
        "spandrel), so that it is not softer than they are. --upscale says how large the result "
        "is; at 1 the picture is enlarged, and shrunk again",
    )


def add_tile_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tile",
        type=_tile,
        default=TILE,
        metavar="PX",
        help=f"side of a face on the sheet, {SMALLEST_TILE} to {LARGEST_TILE}; smaller ones make "
        "room for more (default: %(default)s)",
    )


def ratio(text: str) -> float:
    """A number from 0 to 1, for argparse."""
    value = _number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text}")
    return value


def positive_integer(text: str) -> int:
    """A whole number from 1, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text}")
    return int(text)


def positive_number(text: str) -> float:
    """A number above 0, for argparse."""
    value = _number(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected a number, got {text!r}") from error


def _tile(text: str) -> int:
    """The side of a tile, for argparse."""
    if not text.isdecimal() or not SMALLEST_TILE <= int(text) <= LARGEST_TILE:
        expected = f"a whole number from {SMALLEST_TILE} to {LARGEST_TILE}"
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text}")
    return int(text)
