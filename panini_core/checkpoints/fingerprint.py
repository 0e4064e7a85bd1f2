"""Which degradation encoder made a degradation representation, and which network it is part of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from ..models.panini import PaniniNet

_TRAINING_ONLY = "projection."  # UDRL's head; the representation does not depend on it
_NOT_THE_NETWORK = (f"degradation_encoder.{_TRAINING_ONLY}", "mean_latent")  # it may be estimated


def encoder_fingerprint(model: PaniniNet) -> str:
    """A hash of the model's degradation encoder (or learned degradation), 64 hexadecimal digits.

    It is made of the names, shapes and signs of the encoder's numbers. Signs survive every
    rounding, so that neither precision nor device matters; training changes some of them.
    """
    if model.degradation_encoder is None:
        tensors = {"learned_degradation": model.learned_degradation.detach()}
    else:
        tensors = dict(model.degradation_encoder.state_dict())
    return _hash_signs(tensors, but=(_TRAINING_ONLY,))


def network_fingerprint(model: PaniniNet) -> str:
    """Likewise a hash of the whole network; two that restore differently have different ones."""
    return _hash_signs(model.state_dict(), but=_NOT_THE_NETWORK)


def _hash_signs(tensors: Mapping[str, Tensor], *, but: tuple[str, ...]) -> str:
    """A hash of the tensors' names, shapes and signs, without names that begin with `but`."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        if name.startswith(but) or not tensor.is_floating_point():
            continue
        negative = torch.signbit(tensor).cpu().numpy()
        digest.update(f"{name} {tuple(tensor.shape)} ".encode())
        digest.update(np.packbits(negative).tobytes())
    return digest.hexdigest()
