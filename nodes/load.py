"""Loaders: a face restorer and a face detector, from files or as bundled."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from comfy_api.latest import io

from .. import panini_core as core
from ..panini_core import ATLAS_SUFFIX, ONNX_SUFFIX
from . import host
from .sockets import PaniniDetector, PaniniModel

if TYPE_CHECKING:
    from ..panini_core import FaceDetector, FaceRestorer

# By the names in the list; None is what the core takes by itself for the device.
BUNDLED_MODELS = {
    "auto": None,
    **{f"panini_{name} (bundled)": name for name in core.BUNDLED_NETWORKS},
}
NAMED_DETECTORS = ("auto", "bundled")  # the core says which files they are


class LoadModel(io.ComfyNode):
    """Model file -> PANINI_MODEL."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniLoadModel",
            menu="Loaders",
            display_name="Load Face Restoration Model",
            description=(
                "Loads a face restoration network: a bundled Panini, or a Panini, GFPGAN, "
                "RestoreFormer, CodeFormer or GPEN file of models/facerestore_models."
            ),
            aliases=[
                "face restore model",
                "panini",
                "facerestore",
                "gfpgan",
                "codeformer",
                "restoreformer",
                "gpen",
                "load panini model",
            ],
            inputs=[
                io.Combo.Input(
                    "model_name",
                    options=[*BUNDLED_MODELS, *_model_files()],
                    default="auto",
                    tooltip="auto: panini_mobile, the better of the bundled networks, but on slow "
                    "CPUs panini_compact, which is several times quicker. Or a file of "
                    "models/facerestore_models (and of the folders that extra_model_paths.yaml "
                    "adds), as other packs keep them. CodeFormer needs the Python package "
                    "spandrel_extra_arches, files in ONNX (GPEN) need onnxruntime.",
                ),
                io.Combo.Input(
                    "dtype",
                    options=list(core.DTYPE_NAMES),
                    default="auto",
                    tooltip="Precision of the network. auto: what is fastest on your device "
                    "without a difference that shows. fp32: exact. fp16 or bf16: half the memory, "
                    "quicker on recent GPUs, slower on most CPUs. Other methods than Panini are "
                    "fp32 by auto, and know bf16.",
                ),
            ],
            outputs=[PaniniModel.Output(display_name="model", tooltip="The network.")],
        )

    @classmethod
    def fingerprint_inputs(cls, model_name: str, dtype: str) -> str:
        if model_name in BUNDLED_MODELS:
            return f"{_find_model(model_name)} {dtype}"
        return f"{host.fingerprint(host.MODEL_FOLDER, model_name)} {dtype}"

    @classmethod
    def execute(cls, model_name: str, dtype: str) -> io.NodeOutput:
        path = _find_model(model_name)
        device = host.compute_device()
        precision = None if dtype == "auto" else core.choose_dtype(dtype, device)
        network = core.load_restorer(path, dtype=precision, runs_on=device)
        return io.NodeOutput(host.manage(network, path))


def _model_files() -> list[str]:
    """The folder's files without the atlases that lie beside models."""
    files = host.list_files(host.MODEL_FOLDER, also=ONNX_SUFFIX)
    return [name for name in files if not name.endswith(ATLAS_SUFFIX)]


class LoadDetector(io.ComfyNode):
    """Detector file -> PANINI_DETECTOR."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniLoadDetector",
            menu="Loaders",
            display_name="Load Face Detector",
            description=(
                "Loads a face detector: the bundled RetinaFace, or a RetinaFace file from "
                "models/facedetection, where other face restoration packs keep theirs."
            ),
            aliases=["retinaface", "face detection model"],
            inputs=[
                io.Combo.Input(
                    "detector_name",
                    options=[*NAMED_DETECTORS, *host.list_files(host.DETECTOR_FOLDER)],
                    default="auto",
                    tooltip="auto: detection_Resnet50_Final.pth if it is there (more accurate, "
                    "slower), else the bundled one. bundled: RetinaFace mobile0.25, small and "
                    "quick. Or a RetinaFace file of models/facedetection.",
                ),
            ],
            outputs=[PaniniDetector.Output(display_name="detector", tooltip="The detector.")],
        )

    @classmethod
    def fingerprint_inputs(cls, detector_name: str) -> str:
        if detector_name in NAMED_DETECTORS:
            return host.fingerprint_file(_find_detector(detector_name))
        return host.fingerprint(host.DETECTOR_FOLDER, detector_name)

    @classmethod
    def execute(cls, detector_name: str) -> io.NodeOutput:
        path = _find_detector(detector_name)
        return io.NodeOutput(host.manage(core.load_detector(path), path))


def network_inputs() -> list[io.Input]:
    """The networks of nodes that need no loader: see `default_model`, `default_detector`."""
    return [
        PaniniModel.Input(
            "model",
            optional=True,
            tooltip="From Load Face Restoration Model. Without it: a bundled one, by its auto.",
        ),
        PaniniDetector.Input(
            "detector",
            optional=True,
            tooltip="From Load Face Detector. Without it: the best one that is there, else the "
            "bundled one.",
        ),
    ]


@cache
def default_model() -> host.ManagedNetwork[FaceRestorer]:
    """The network that `auto` stands for, for nodes without a loader; read once."""
    path = _find_model("auto")
    return host.manage(core.load_panini(path, runs_on=host.compute_device()), path)


def default_detector() -> host.ManagedNetwork[FaceDetector]:
    """The detector that `auto` stands for now, for nodes without a loader; read once."""
    return _load_detector(_find_detector("auto"))


@cache
def _load_detector(path: Path) -> host.ManagedNetwork[FaceDetector]:
    return host.manage(core.load_detector(path), path)


def _find_model(name: str) -> Path:
    """The file that a model's name stands for on the device that networks run on."""
    if name in BUNDLED_MODELS:
        return core.find_weights(BUNDLED_MODELS[name], runs_on=host.compute_device())
    return host.find_file(host.MODEL_FOLDER, name)


def _find_detector(name: str) -> Path:
    """The file that a detector's name stands for now."""
    if name in NAMED_DETECTORS:
        return core.find_detector(name, folders=host.places(host.DETECTOR_FOLDER))
    return host.find_file(host.DETECTOR_FOLDER, name)
