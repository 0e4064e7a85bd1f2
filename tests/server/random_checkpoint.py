"""Writes a checkpoint of random numbers that ComfyUI takes for Stable Diffusion 1.5.

A script, to be run with ComfyUI's folder in PYTHONPATH: random_checkpoint.py TARGET. The names and
shapes come from ComfyUI's own classes. The text encoder and the autoencoder are whole, since their
sizes are fixed; the denoiser has one level with one block in place of four with two.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from comfy.cli_args import args

args.cpu = True  # before anything asks for the device

import comfy.clip_model  # noqa: E402
import comfy.ops  # noqa: E402
from comfy.ldm.models.autoencoder import AutoencoderKL  # noqa: E402
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from torch import Tensor, nn  # noqa: E402

OPERATIONS = comfy.ops.disable_weight_init


def denoiser() -> nn.Module:
    return UNetModel(
        image_size=32,
        in_channels=4,
        out_channels=4,
        model_channels=320,  # this and the context are what ComfyUI knows the family by
        context_dim=768,
        channel_mult=(1,),
        num_res_blocks=[1],
        transformer_depth=[1],
        transformer_depth_output=[1, 1],
        transformer_depth_middle=1,
        num_heads=8,
        use_spatial_transformer=True,
        operations=OPERATIONS,
    )


def text_encoder() -> nn.Module:
    file = Path(comfy.clip_model.__file__).with_name("sd1_clip_config.json")
    config = json.loads(file.read_text(encoding="utf-8"))
    return comfy.clip_model.CLIPTextModel(config, torch.float16, "meta", OPERATIONS)


def autoencoder() -> nn.Module:
    sizes = {"in_channels": 3, "out_ch": 3, "z_channels": 4, "resolution": 256, "double_z": True}
    layers = {"ch": 128, "ch_mult": [1, 2, 4, 4], "num_res_blocks": 2, "attn_resolutions": []}
    return AutoencoderKL(ddconfig={**sizes, **layers, "dropout": 0.0}, embed_dim=4)


def random_tensor(name: str, shape: torch.Size) -> Tensor:
    """Weights that keep the size of what goes through them; norms and biases that do nothing."""
    if len(shape) < 2:
        return torch.full(shape, 0.0 if name.endswith("bias") else 1.0, dtype=torch.float16)
    return torch.randn(shape, dtype=torch.float16) * shape[1:].numel() ** -0.5


def main() -> None:
    torch.manual_seed(0)
    with torch.device("meta"):
        parts = {
            "model.diffusion_model.": denoiser(),
            "cond_stage_model.transformer.": text_encoder(),
            "first_stage_model.": autoencoder(),
        }
    tensors = {
        prefix + name: random_tensor(name, tensor.shape)
        for prefix, part in parts.items()
        for name, tensor in part.state_dict().items()
    }
    save_file(tensors, sys.argv[1])


if __name__ == "__main__":
    main()
