"""Loaders: a Panini network and a face detector, from files or as bundled."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from comfy_api.latest import io

from .. import panini_core as core
from ..panini_core import ATLAS_SUFFIX
from . import host
from .sockets import PaniniDetector, PaniniModel

if TYPE_CHECKING:
    from ..panini_core import FaceDetector, PaniniNet

BUNDLED_MODEL = "panini_compact (bundled)"
NAMED_DETECTORS = ("auto", "bundled")  # the core says which files they are


class LoadModel(io.ComfyNode):
    """Model file -> PANINI_MODEL."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="PaniniLoadModel",
            menu="Loaders",
            display_name="Load Panini Model",
            description=(
                "Loads a face restoration network: the bundled one, or an official Panini-Net "
                "checkpoint or a converted one from models/facerestore_models."
            ),
            aliases=["face restore model", "panini", "facerestore"],
            inputs=[
                io.Combo.Input(
                    "model_name",
                    options=[BUNDLED_MODEL, *_model_files()],
                    default=BUNDLED_MODEL,
                    tooltip="The bundled weights, or a file of models/facerestore_models (and of "
                    "the folders that extra_model_paths.yaml adds). GFPGAN and CodeFormer files "
                    "go into ComfyUI's own upscale model loader instead.",
                ),
                io.Combo.Input(
                    "dtype",
                    options=list(core.DTYPE_NAMES),
                    default="auto",
                    tooltip="Precision of the network. auto: what is fastest on your device "
                    "without a difference that shows. fp32: exact. fp16 or bf16: half the memory, "
                    "quicker on recent GPUs, slower on most CPUs.",
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
        try:
            device = host.compute_device()
            precision = core.choose_dtype(dtype, device)
            network = core.load_panini(path, dtype=precision, runs_on=device)
        except core.CheckpointError as error:
            problem = str(error).removeprefix(f"{error.path}: ")
            raise core.CheckpointError(
                error.path,
                f"{problem} Other face restorers (GFPGAN, CodeFormer) belong into "
                "models/upscale_models: use Load Upscale Model and Restore Crops with Other Model.",
            ) from error
        return io.NodeOutput(host.manage(network, path or core.DEFAULT_WEIGHTS))


def _model_files() -> list[str]:
    """The folder's files without the atlases that lie beside models."""
    files = host.list_files(host.MODEL_FOLDER)
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


@cache
def default_model() -> host.ManagedNetwork[PaniniNet]:
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
