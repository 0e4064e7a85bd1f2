"""The usual pipeline: facexlib's helper around GFPGAN's network; both packages are optional.

No weights are downloaded: the networks are as large as always and hold random numbers, which cost
the same. What the detector finds is therefore replaced by the faces that are known.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from panini_core import Face

NETWORK = "spandrel.architectures.GFPGAN"
DETECTORS = {"resnet50": "retinaface_resnet50", "mobile0.25": "retinaface_mobile0.25"}


class UsualPipeline:
    """Detection, alignment, GFPGAN and pasting back, as the packs around GFPGAN do it.

    Raises ImportError where facexlib or spandrel is not installed.
    """

    def __init__(self, detector: str = "resnet50") -> None:
        helpers: Any = importlib.import_module("facexlib.utils.face_restoration_helper")
        retinaface: Any = importlib.import_module("facexlib.detection.retinaface")
        self.detector = _Detector(retinaface.RetinaFace(detector, device="cpu").eval())
        with (
            mock.patch.object(helpers, "init_detection_model", return_value=self.detector),
            mock.patch.object(helpers, "init_parsing_model", return_value=None),
        ):
            self.helper = helpers.FaceRestoreHelper(1, det_model=DETECTORS[detector], device="cpu")
        self.network = gfpgan()

    @torch.inference_mode()
    def __call__(self, image: Tensor, faces: Sequence[Face], *, network: bool = True) -> Any:
        """A picture (3, H, W) in [0, 1] with its faces restored, as the helper gives it (BGR)."""
        helper = self.helper
        self.detector.faces = faces
        helper.clean_all()
        helper.read_image(_bgr(image))
        helper.get_face_landmarks_5(only_center_face=False, eye_dist_threshold=5)
        helper.align_warp_face()
        for crop in helper.cropped_faces:
            helper.add_restored_face(_bgr(self.restore(crop)) if network else crop)
        helper.get_inverse_affine(None)
        return helper.paste_faces_to_input_image()

    @torch.inference_mode()
    def restore(self, crop: Any) -> Tensor:
        """One crop (512, 512, 3) BGR 0..255 -> (3, 512, 512) RGB in [0, 1]."""
        rgb = torch.from_numpy(np.ascontiguousarray(crop[..., ::-1], np.float32)).permute(2, 0, 1)
        result = self.network(rgb[None] / 127.5 - 1, return_rgb=False)[0][0]
        return (result.clamp(-1, 1) + 1) / 2

    @torch.inference_mode()
    def detect(self, image: Tensor) -> Any:
        """What the detector's network takes for a picture (3, H, W)."""
        return self.detector.detect_faces(_bgr(image), 0.97)


class _Detector:
    """facexlib's detector, whose answer is the faces that are known."""

    def __init__(self, network: Any) -> None:
        self.network = network
        self.faces: Sequence[Face] = ()

    def detect_faces(self, image: Any, threshold: float) -> Any:
        inputs, _ = self.network.transform(image, True)
        self.network(inputs - self.network.mean_tensor)
        rows = [
            [*face.box.tolist(), face.score, *face.landmarks.flatten().tolist()]
            for face in self.faces
        ]
        return np.array(rows).reshape(-1, 15)


def gfpgan(size: int = 512) -> Any:
    """GFPGAN's network, the clean one of versions 1.3 and 1.4; `size` of its faces, px.

    Raises ImportError where spandrel is not installed.
    """
    package: Any = importlib.import_module(f"{NETWORK}.__arch.gfpganv1_clean_arch")
    torch.manual_seed(0)
    return package.GFPGANv1Clean(
        out_size=size, channel_multiplier=2, different_w=True, input_is_latent=True, sft_half=True
    ).eval()


def _bgr(image: Tensor) -> Any:
    """(3, H, W) RGB in [0, 1] -> (H, W, 3) BGR 0..255."""
    values = (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    return np.ascontiguousarray(values[..., ::-1])
