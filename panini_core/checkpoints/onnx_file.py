"""Face restorers in ONNX files, as GPEN, CodeFormer and others are passed on.

onnxruntime is a package of its own and imported on first use: packs for face swaps bring it into
ComfyUI, the extra `restorers` brings it along.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ..models.face_restorer import CropRestorer, RestorerKind
from ..models.value_range import from_network, to_network
from .files import CheckpointError, read_start
from .onnx_network import CPU, NUMBERS, OnnxNetwork

FIDELITY_NAMES = ("w", "weight", "fidelity")  # of CodeFormer's choice, as its exports call it
RANGE_KEY, UNIT_RANGE = "value_range", "[0, 1]"  # of the metadata that our own files have
RESIZED = 512  # px, of faces for a network that takes any size


def load_onnx_restorer(path: Path) -> CropRestorer:
    """The face restorer of a file, on the CPU: one input of faces (N, 3, S, S) RGB in [-1, 1],
    or in the value range that the file's metadata name, perhaps a second one with a single number,
    the fidelity; the first output is the face.

    Raises CheckpointError for another file, ImportError without onnxruntime.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            f"{path}: ONNX files are read by the package onnxruntime: `pip install onnxruntime` "
            "(on NVIDIA GPUs onnxruntime-gpu), within ComfyUI into ComfyUI's Python."
        ) from error
    read_start(path, "an ONNX file")
    try:
        session = onnxruntime.InferenceSession(str(path), providers=[CPU])
    except Exception as error:  # a damaged file may raise anything
        raise CheckpointError(
            path,
            f"onnxruntime cannot read it ({' '.join(str(error).split())[:300]}); it may be "
            "truncated, or made for a newer version. Get the file again, or update onnxruntime.",
        ) from error
    faces, fidelity = _find_inputs(path, session)
    size = _side(faces) or RESIZED
    output = session.get_outputs()[0]
    if len(output.shape) != 4 or output.shape[1] != 3 or _side(output) not in (None, size):
        raise CheckpointError(
            path,
            f"expected a face restorer that gives faces (N, 3, {size}, {size}), found the output "
            f"{output.name} {_shown(output)}.",
        )
    unit_range = session.get_modelmeta().custom_metadata_map.get(RANGE_KEY) == UNIT_RANGE
    call = _call_in_unit_range if unit_range else _call
    kind = RestorerKind(path.stem, call, has_fidelity=fidelity is not None, size=size)
    network = OnnxNetwork(path, session, faces.name, fidelity.name if fidelity else None)
    return CropRestorer(network, kind).eval()


def _call(network: nn.Module, faces: Tensor, fidelity: float) -> Tensor:
    return network(faces, fidelity)


def _call_in_unit_range(network: nn.Module, faces: Tensor, fidelity: float) -> Tensor:
    return to_network(network(from_network(faces), fidelity))


def _find_inputs(path: Path, session: Any) -> tuple[Any, Any]:
    """The input of faces, and that of the fidelity or None."""
    inputs = session.get_inputs()
    pictures = [one for one in inputs if len(one.shape) == 4 and one.shape[1] == 3]
    numbers = [one for one in inputs if one.name.lower() in FIDELITY_NAMES and len(one.shape) < 2]
    known = all(one.type in NUMBERS for one in inputs)
    if len(pictures) != 1 or len(pictures) + len(numbers) != len(inputs) or not known:
        found = ", ".join(f"{one.name} {_shown(one)}" for one in inputs)
        raise CheckpointError(
            path,
            "expected a face restorer with one input of faces (N, 3, S, S), and perhaps a number "
            f"named {' or '.join(FIDELITY_NAMES)}; found {found}.",
        )
    return pictures[0], (numbers or [None])[0]


def _side(value: Any) -> int | None:
    """Height and width of an input or output; None where they are open or differ."""
    height, width = value.shape[2:]
    return height if isinstance(height, int) and height == width else None


def _shown(value: Any) -> str:
    return f"{value.type} {tuple(value.shape)}"
