"""Checkpoint files: safe reading, recognition by keys, official layouts, our own format."""

from .files import CheckpointError
from .gan_prior import fill_gan_prior, load_gan_prior
from .layouts import Layout, recognise
from .loading import (
    DEFAULT_WEIGHTS,
    convert_checkpoint,
    load_degradation_encoder,
    load_panini,
)
from .own_format import save_panini

__all__ = [
    "DEFAULT_WEIGHTS",
    "CheckpointError",
    "Layout",
    "convert_checkpoint",
    "fill_gan_prior",
    "load_degradation_encoder",
    "load_gan_prior",
    "load_panini",
    "recognise",
    "save_panini",
]
