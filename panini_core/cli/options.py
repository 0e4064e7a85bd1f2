"""Arguments that several commands share, and the detector and model that they name.

Defaults are read from the core functions, where each lives once.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable
from typing import Any

import torch

from ..checkpoints import load_panini
from ..checkpoints.detector import BEST_FILE, load_detector
from ..checkpoints.image_models import load_restorer, load_upscaler
from ..checkpoints.parser import PARSER_FILES, load_parser
from ..compute import AUTO, DTYPE_NAMES, choose_device, choose_dtype
from ..models.compiled import compile_restorer
from ..models.face_detector import FaceDetector
from ..models.face_parser import FaceParser
from ..models.face_restorer import FaceRestorer
from ..models.image_upscaler import ImageUpscaler
from ..models.panini import PaniniNet
from ..options import NetworkOptions, RestoreOptions
from ..stages.restore import check_choices
from ..stages.selection import OTHER_SPELLINGS, SORT_ORDERS
from .console import UsageError, usage_errors

FORMATS = ("png", "jpg", "webp", "tiff", "bmp")
DEFAULTS = RestoreOptions()


def default_of(function: Callable[..., object], parameter: str) -> Any:
    """The default of a core function's parameter."""
    return inspect.signature(function).parameters[parameter].default


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="pictures, folders of pictures, or quoted patterns such as 'photos/*.jpg'",
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
        default=default_of(choose_device, "name"),
        metavar="NAME",
        help="where to compute: auto, cpu, cuda, cuda:1 or mps. auto: the fastest there is, CUDA, "
        "else MPS, else the CPU (default: %(default)s)",
    )


def add_detector_arguments(parser: argparse.ArgumentParser) -> None:
    add_device_argument(parser)
    parser.add_argument(
        "--detector",
        default=default_of(load_detector, "name_or_path"),
        metavar="NAME|FILE",
        help=f"auto, bundled, a RetinaFace file in facexlib's layout, or a folder with one. auto: "
        f"{BEST_FILE} where a folder of models is known, as in ComfyUI, else the bundled one "
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


def add_model_arguments(parser: argparse.ArgumentParser, *, others: bool = False) -> None:
    """others: whether restorers of other methods serve as well (see `open_restorer`)."""
    also = ", or GFPGAN, RestoreFormer or CodeFormer (needs spandrel)" if others else ""
    parser.add_argument(
        "--model",
        default=default_of(load_panini, "path"),
        metavar="FILE",
        help=f"a checkpoint: ours (.safetensors) or an official .pth of Panini{also} (default: the "
        "weights that come with the package)",
    )
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


# What cannot be opened is the arguments' fault: each raises UsageError.


def open_device(arguments: argparse.Namespace) -> torch.device:
    with usage_errors():
        return choose_device(arguments.device)


def open_detector(arguments: argparse.Namespace) -> FaceDetector:
    with usage_errors():
        return load_detector(arguments.detector, device=choose_device(arguments.device))


def open_model(arguments: argparse.Namespace) -> PaniniNet:
    with usage_errors():
        device = choose_device(arguments.device)
        dtype = choose_dtype(arguments.dtype, device)
        model = load_panini(arguments.model, device=device, dtype=dtype)
    if arguments.compile:
        compile_restorer(model)
    return model


def open_restorer(arguments: argparse.Namespace, options: NetworkOptions) -> FaceRestorer:
    """The model, of whichever method, that is to restore with these options."""
    with usage_errors():
        device = choose_device(arguments.device)
        name: str = arguments.dtype
        dtype = None if name == AUTO else choose_dtype(name, device)
        model = load_restorer(arguments.model, device=device, dtype=dtype)
        check_choices(model, options)
    if arguments.compile:
        compile_restorer(model)
    return model


def open_upscaler(arguments: argparse.Namespace) -> ImageUpscaler | None:
    """What `--upscale-model` names."""
    if arguments.upscale_model is None:
        return None
    with usage_errors():
        return load_upscaler(arguments.upscale_model, device=choose_device(arguments.device))


def parser_of(arguments: argparse.Namespace) -> str | None:
    """The face parser's file, where one is given and `--mask-source` may use it."""
    if arguments.parser is None and arguments.mask_source == "parse":
        raise UsageError(
            f"--mask-source parse needs a face parser: give --parser {' or '.join(PARSER_FILES)} "
            "(of facexlib's releases), or choose auto, oval or soft."
        )
    file: str | None = arguments.parser
    return file if arguments.mask_source in ("auto", "parse") else None


def open_parser(arguments: argparse.Namespace) -> FaceParser | None:
    """The face parser of `parser_of`."""
    file = parser_of(arguments)
    if file is None:
        return None
    with usage_errors():
        return load_parser(file, device=choose_device(arguments.device))


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
