"""Restorers of other methods with random weights, in the layouts of their real files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn


def gfpgan() -> nn.Module:
    """As of GFPGAN 1.2 to 1.4, in full: spandrel reads no other size."""
    return pytest.importorskip("spandrel.architectures.GFPGAN").GFPGAN()


def restore_former() -> nn.Module:
    """Narrower than the real one, and with a small dictionary."""
    module = pytest.importorskip("spandrel.architectures.RestoreFormer")
    return module.RestoreFormer(n_embed=16, embed_dim=32, ch=32, num_res_blocks=1, z_channels=32)


def code_former() -> nn.Module:
    """With one layer of nine, and a small dictionary."""
    module = pytest.importorskip("spandrel_extra_arches.architectures.CodeFormer")
    made = module.CodeFormer(
        dim_embd=64,
        n_head=8,
        n_layers=1,
        codebook_size=16,
        latent_size=256,
        connect_list=["32", "64", "128", "256"],
        fix_modules=["quantize", "generator"],
    )
    with torch.no_grad():
        made.position_emb.normal_()
    return made


def image_upscaler() -> nn.Module:
    """A small network of the kind of realesr-general-x4v3, but x2."""
    module = pytest.importorskip("spandrel.architectures.Compact")
    return module.Compact(num_feat=8, num_conv=1, upscale=2)


def write_as_published(network: nn.Module, target: Path, key: str | None) -> Path:
    """A .pth with the weights below a key, a .safetensors with them as they are; half precision,
    to be quick."""
    tensors = {name: tensor.half() for name, tensor in network.state_dict().items()}
    if target.suffix == ".safetensors":
        save_file(tensors, target)
    else:
        torch.save(tensors if key is None else {key: tensors}, target)
    return target
