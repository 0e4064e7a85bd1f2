"""Which degradation encoder made a degradation representation."""

from __future__ import annotations

import hashlib

import numpy as np
import torch

from ..models.panini import PaniniNet

_TRAINING_ONLY = "projection."  # UDRL's head; the representation does not depend on it


def encoder_fingerprint(model: PaniniNet) -> str:
    """A hash of the model's degradation encoder (or learned degradation), 64 hexadecimal digits.

    It is made of the names, shapes and signs of the encoder's numbers. Signs survive every
    rounding, so that neither precision nor device matters; training changes some of them.
    """
    if model.degradation_encoder is None:
        tensors = {"learned_degradation": model.learned_degradation.detach()}
    else:
        tensors = dict(model.degradation_encoder.state_dict())
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        if name.startswith(_TRAINING_ONLY) or not tensor.is_floating_point():
            continue
        negative = torch.signbit(tensor).cpu().numpy()
        digest.update(f"{name} {tuple(tensor.shape)} ".encode())
        digest.update(np.packbits(negative).tobytes())
    return digest.hexdigest()
