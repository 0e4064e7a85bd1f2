"""The ComfyUI nodes in the order of the pipeline; one stage a file."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from . import host
from .align import AlignFaces
from .bridges.boxes import BoxesToFaces, FacesToBoxes, FacesToMask
from .bridges.other_model import ApplyFaceModel
from .bridges.segs import FacesToSegs, SegsToFaces
from .compare import CompareImages
from .degradation import BlendDegradation, ExtractDegradation
from .degrade import DegradeImage
from .detect import DetectFaces
from .load import LoadDetector, LoadModel
from .mixer import DafiMixer
from .paste import PasteFaces
from .regions import DrawFaceRegions
from .restore import RestoreFaces
from .restore_image import RestoreImage
from .sample_photo import SamplePhoto
from .saved_degradation import LoadDegradation, SaveDegradation
from .select import SelectFaces

NODES: list[type[io.ComfyNode]] = [
    RestoreImage,
    LoadModel,
    LoadDetector,
    DetectFaces,
    SelectFaces,
    AlignFaces,
    ExtractDegradation,
    BlendDegradation,
    LoadDegradation,
    SaveDegradation,
    DafiMixer,
    RestoreFaces,
    ApplyFaceModel,
    DrawFaceRegions,
    PasteFaces,
    CompareImages,
    DegradeImage,
    SamplePhoto,
    FacesToMask,
    FacesToSegs,
    SegsToFaces,
    FacesToBoxes,
    BoxesToFaces,
]

if hasattr(io, "Video"):  # ComfyUI's type, which some versions lack
    from .restore_video import RestoreVideo

    NODES.insert(1, RestoreVideo)


class PaniniExtension(ComfyExtension):
    """What ComfyUI asks for the nodes."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        host.register_folders()
        host.register_help_pages()
        return NODES
