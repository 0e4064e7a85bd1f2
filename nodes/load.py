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

BUNDLED_MODEL = "panini_compact (bundled)"
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
                "Loads a face restoration network: the bundled one, or a Panini, GFPGAN, "
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
                    options=[BUNDLED_MODEL, *_model_files()],
                    default=BUNDLED_MODEL,
                    tooltip="The bundled Panini, or a file of models/facerestore_models (and of "
                    "the folders that extra_model_paths.yaml adds), as other packs keep them. "
                    "CodeFormer needs the Python package spandrel_extra_arches, files in ONNX "
                    "(GPEN) need onnxruntime.",
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
        if model_name == BUNDLED_MODEL:
            return f"{model_name} {dtype}"
        return f"{host.fingerprint(host.MODEL_FOLDER, model_name)} {dtype}"

    @classmethod
    def execute(cls, model_name: str, dtype: str) -> io.NodeOutput:
        path = None
        if model_name != BUNDLED_MODEL:
            path = host.find_file(host.MODEL_FOLDER, model_name)
        device = host.compute_device()
        precision = None if dtype == "auto" else core.choose_dtype(dtype, device)
        network = core.load_restorer(path, dtype=precision, runs_on=device)
        return io.NodeOutput(host.manage(network, path or core.DEFAULT_WEIGHTS))


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
            tooltip="From Load Face Restoration Model. Without it: the bundled one.",
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
    """The bundled network, for nodes without a loader; read once."""
    return host.manage(core.load_panini(), core.DEFAULT_WEIGHTS)


def default_detector() -> host.ManagedNetwork[FaceDetector]:
    """The detector that `auto` stands for now, for nodes without a loader; read once."""
    return _load_detector(_find_detector("auto"))


@cache
def _load_detector(path: Path) -> host.ManagedNetwork[FaceDetector]:
    return host.manage(core.load_detector(path), path)


def _find_detector(name: str) -> Path:
    """The file that a detector's name stands for now."""
    if name in NAMED_DETECTORS:
        return core.find_detector(name, folders=host.places(host.DETECTOR_FOLDER))
    return host.find_file(host.DETECTOR_FOLDER, name)
