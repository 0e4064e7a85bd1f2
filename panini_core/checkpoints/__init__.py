"""Checkpoint files: safe reading, recognition by keys, official layouts, our own format."""

from .bundled import DEFAULT_WEIGHTS, default_network, find_weights
from .files import CheckpointError
from .gan_prior import fill_gan_prior, load_gan_prior
from .layouts import Layout, recognise
from .loading import convert_checkpoint, load_degradation_encoder, load_panini
from .own_format import save_panini

__all__ = [
    "DEFAULT_WEIGHTS",
    "CheckpointError",
    "Layout",
    "convert_checkpoint",
    "default_network",
    "fill_gan_prior",
    "find_weights",
    "load_degradation_encoder",
    "load_gan_prior",
    "load_panini",
    "recognise",
    "save_panini",
]
