"""A Panini network as an ONNX file, for applications outside Python."""

from __future__ import annotations

import copy
import json
import warnings
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from .checkpoints.fingerprint import encoder_fingerprint, network_fingerprint
from .checkpoints.onnx_file import RANGE_KEY, UNIT_RANGE
from .checkpoints.own_format import CONFIG_KEY
from .checkpoints.whole_file import whole_file
from .models.panini import PaniniNet
from .models.value_range import from_network, to_network
from .stages.align import template

if TYPE_CHECKING:
    import onnx

REQUIRED = ("onnx", "onnxscript")
OPSET = 18  # the exporter's own; onnxruntime reads the file since 1.18
CHOSEN = -1.0  # an alpha below 0: the network chooses

FACES, ALPHA = "faces", "alpha"
RESTORED, ALPHA_USED = "restored", "alpha_used"
MEANINGS = {
    FACES: "aligned faces (N, 3, S, S), RGB in [0, 1]",
    ALPHA: "optional: the GAN prior's share in [0, 1] per level, coarse first, and channel, "
    "(1 or N, L, 1 or C); below 0, as where it is left out, the network chooses",
    RESTORED: "restored faces (N, 3, R, R), RGB in [0, 1]",
    ALPHA_USED: "the alpha that was used, (N, L, C)",
}


def export_onnx(path: str | PathLike[str], model: PaniniNet) -> None:
    """Write a network as one ONNX file, for any number of faces at a time.

    What goes in and comes out is in `MEANINGS`. `alpha` is an initializer of -1 that is a graph
    input too: what runs the file may leave it out, give one number a level, or give back the
    `alpha_used` of an earlier run, edited. Level l uses the first `alpha_channels[l]` channels.
    Noise images are the stored ones, W+ codes are not pulled: as `restore_faces` does by default.

    The file's metadata say `value_range`, `colour_order`, `noise`; as JSON `landmarks` (where an
    aligned face's eyes, nose and mouth corners lie, x and y in px of `faces`, pixel i covering
    [i, i + 1)), `alpha_channels` and `panini_config`; and `network_fingerprint` and
    `encoder_fingerprint` (see there). The file appears under its name only when it is whole.

    Raises ImportError without the packages of the extra `export`, ValueError for a network that
    does not compute in float32.
    """
    _require_packages()
    if model.dtype != torch.float32:
        raise ValueError(
            f"A network in float32 is exported, got {model.dtype}; load it with "
            "load_panini(path, dtype=torch.float32)."
        )
    import onnx

    file = _trace(model)
    _make_alpha_optional(file, len(model.config.interpolated_channels))
    _describe(file, model)
    onnx.checker.check_model(file)
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(target) as temporary:
        onnx.save(file, temporary)


def _require_packages() -> None:
    missing = [name for name in REQUIRED if find_spec(name) is None]
    if missing:
        raise ImportError(
            f"Exporting to ONNX needs {' and '.join(missing)}, not installed here: "
            'pip install "panini-face-restoration[export]"'
        )


class _Exported(nn.Module):
    """The network in the value range of files, with an alpha that may leave the choice to it."""

    def __init__(self, network: PaniniNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, faces: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
        images = to_network(faces)
        own = self.network.predict_alpha(self.network.encode_degradation(images))
        used = torch.where(alpha < 0, own, alpha)
        return from_network(self.network(images, used)), used


def _trace(model: PaniniNet) -> onnx.ModelProto:
    """The network as ONNX, for N faces and an alpha of N faces."""
    network = _Exported(copy.deepcopy(model).cpu()).eval()
    size, channels = model.input_size, model.config.interpolated_channels
    faces = torch.full((2, 3, size, size), 0.5)  # two, since a single one would be taken for fixed
    alpha = torch.full((2, len(channels), max(channels)), CHOSEN)
    count = torch.export.Dim("N")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # what the exporter has to say of its own ways
        program = torch.export.export(
            network, (faces, alpha), dynamic_shapes=({0: count}, {0: count})
        )
        exported = torch.onnx.export(
            program,
            input_names=[FACES, ALPHA],
            output_names=[RESTORED, ALPHA_USED],
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert exported is not None  # as it is for a file
    return exported.model_proto


def _make_alpha_optional(file: onnx.ModelProto, levels: int) -> None:
    """Let alpha be left out, and be one number a level: it is only looked at by operations that
    repeat it as often as needed."""
    import numpy as np
    from onnx import numpy_helper

    default = np.full((1, levels, 1), CHOSEN, dtype=np.float32)
    graph = file.graph
    graph.initializer.append(numpy_helper.from_array(default, ALPHA))
    for value in (*graph.input, *graph.output):
        dimensions = value.type.tensor_type.shape.dim
        dimensions[0].dim_param = "N"
        if value.name == ALPHA:
            dimensions[0].dim_param, dimensions[2].dim_param = "alpha_N", "alpha_C"
    del graph.value_info[:]  # shapes for an alpha of N faces


def _describe(file: onnx.ModelProto, model: PaniniNet) -> None:
    """Say what the file is, and take out what tells of the machine it was made on."""
    from onnx import helper

    graph = file.graph
    graph.name = "panini"
    for node in graph.node:
        del node.metadata_props[:]  # the source lines behind it, with the folders they lie in
    for value in (*graph.input, *graph.output):
        del value.metadata_props[:]
        value.doc_string = MEANINGS[value.name]
    landmarks = template(model.input_size).tolist()
    helper.set_model_props(
        file,
        {
            RANGE_KEY: UNIT_RANGE,
            "colour_order": "RGB",
            "landmarks": json.dumps(landmarks),
            "alpha_channels": json.dumps(model.config.interpolated_channels),
            "noise": "fixed",
            "network_fingerprint": network_fingerprint(model),
            "encoder_fingerprint": encoder_fingerprint(model),
            CONFIG_KEY: json.dumps(model.config.to_dict()),
        },
    )
