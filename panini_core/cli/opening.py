"""The detector, model and parser that arguments name.

What cannot be opened is the arguments' fault: each function raises UsageError.
"""

from __future__ import annotations

import argparse

import torch

from ..checkpoints import default_network, load_panini
from ..checkpoints.detector import load_detector
from ..checkpoints.image_models import load_restorer, load_upscaler
from ..checkpoints.parser import load_parser
from ..compute import choose_device, choose_dtype
from ..models.compiled import compile_restorer
from ..models.face_detector import FaceDetector
from ..models.face_parser import FaceParser
from ..models.face_restorer import FaceRestorer
from ..models.image_upscaler import ImageUpscaler
from ..models.panini import PaniniNet
from ..options import AUTO, PARSER_FILES, NetworkOptions
from ..stages.restore import check_choices
from .console import UsageError, usage_errors


def open_device(arguments: argparse.Namespace) -> torch.device:
    with usage_errors():
        return choose_device(arguments.device)


def open_detector(arguments: argparse.Namespace) -> FaceDetector:
    with usage_errors():
        return load_detector(arguments.detector, device=choose_device(arguments.device))


def model_of(arguments: argparse.Namespace) -> str:
    """What `--model` names, a file or a bundled network; without it the default where it runs."""
    name: str = arguments.device
    return arguments.model or default_network(choose_device() if name == AUTO else name)


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


def upscale_model_of(arguments: argparse.Namespace) -> str | None:
    """What `--upscale-model` names."""
    file: str | None = arguments.upscale_model
    if arguments.aligned and file is not None:
        raise UsageError("--upscale-model draws what is around faces, which --aligned leaves out.")
    return file


def open_upscaler(arguments: argparse.Namespace) -> ImageUpscaler | None:
    """The image model of `upscale_model_of`."""
    file = upscale_model_of(arguments)
    if file is None:
        return None
    with usage_errors():
        return load_upscaler(file, device=choose_device(arguments.device))


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
