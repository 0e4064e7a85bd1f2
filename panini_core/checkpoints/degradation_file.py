"""Degradation representations as files, to treat one face as if it were degraded like another."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ..faces import DegradationRepresentation
from ..models.panini import PaniniNet
from . import CheckpointError
from .fingerprint import encoder_fingerprint
from .tensor_file import read_tensor_file, write_tensor_file

_KIND = "degradation"
_FINGERPRINT = "encoder"


def save_degradation(
    path: str | PathLike[str],
    degradation: DegradationRepresentation,
    fingerprint: str,
) -> None:
    """Write a degradation representation as `.safetensors`, for `load_degradation`.

    `fingerprint` is the `encoder_fingerprint` of the model that made it. The file appears when it
    is whole. Raises ValueError without a face, or for vectors that are not finite.
    """
    if len(degradation) == 0:
        raise ValueError("There is no face whose degradation could be saved.")
    vectors = degradation.vectors.detach().float()
    write_tensor_file(Path(path), _KIND, {"vectors": vectors}, {_FINGERPRINT: fingerprint})


def load_degradation(path: str | PathLike[str], model: PaniniNet) -> DegradationRepresentation:
    """The saved vectors (F, D) float32, on the CPU, for `model`.

    Raises CheckpointError if the file cannot be used, or another encoder made it.
    """
    path = Path(path)
    file = read_tensor_file(path, _KIND, {"vectors": 2}, (_FINGERPRINT,))
    vectors, size = file.tensors["vectors"], model.config.degradation_size
    if vectors.shape[1] != size or file.metadata[_FINGERPRINT] != encoder_fingerprint(model):
        raise CheckpointError(
            path,
            f"another model's degradation encoder made it (vectors of {vectors.shape[1]} numbers; "
            f"this model's have {size}); representations of different encoders do not compare. "
            "Load the model that it was saved with, or extract the degradation anew.",
        )
    return DegradationRepresentation(vectors)
