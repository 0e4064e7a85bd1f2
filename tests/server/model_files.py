"""Model files and clips that tests need, written on the spot: nothing is downloaded."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors import safe_open

from .server import PROJECT_ROOT, Server, comfyui_folder, environment

WEIGHTS = PROJECT_ROOT / "panini_core" / "weights"
COMPACT_WEIGHTS = WEIGHTS / "panini_compact.safetensors"
DETECTOR_WEIGHTS = WEIGHTS / "retinaface_mobile025.safetensors"
SECONDS = 300  # for a script, on a busy machine


@contextmanager
def installed(server: Server, name: str, write: Callable[[Path], object]) -> Generator[Path]:
    """A file below the server's models, as long as the `with` statement runs."""
    target = server.base / "models" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        write(target)
        yield target
    finally:
        target.unlink(missing_ok=True)


def default_weights_have_a_mean_latent() -> bool:
    """Whether the bundled networks can pull faces toward the average one."""
    with safe_open(COMPACT_WEIGHTS, "pt") as file:
        return "mean_latent" in set(file.keys())


def write_checkpoint(target: Path) -> None:
    """What ComfyUI loads as Stable Diffusion 1.5, of random numbers; about 0.5 GB."""
    subprocess.run(
        [sys.executable, str(Path(__file__).with_name("random_checkpoint.py")), str(target)],
        env={**environment(), "PYTHONPATH": str(comfyui_folder())},
        check=True,
        timeout=SECONDS,
    )


def write_gfpgan(target: Path) -> None:
    """What spandrel loads as GFPGAN 1.4, of random numbers; about 0.2 GB."""
    architectures = pytest.importorskip("spandrel.architectures.GFPGAN")
    torch.manual_seed(0)
    network = architectures.GFPGAN(
        out_size=512,
        num_style_feat=512,
        channel_multiplier=2,
        num_mlp=8,
        input_is_latent=True,
        different_w=True,
        narrow=1,
        sft_half=True,
    )
    torch.save({"params_ema": network.half().state_dict()}, target)


def write_restore_former(target: Path) -> None:
    """What spandrel loads as RestoreFormer, narrow and of random numbers."""
    architectures = pytest.importorskip("spandrel.architectures.RestoreFormer")
    torch.manual_seed(0)
    network = architectures.RestoreFormer(
        n_embed=16, embed_dim=32, ch=32, num_res_blocks=1, z_channels=32
    )
    torch.save({"params": network.half().state_dict()}, target)


def write_inverter(target: Path) -> None:
    """A face restorer in ONNX, for one face of 512 px at a time, that makes a negative of it."""
    onnx = pytest.importorskip("onnx")
    shape = [1, 3, 512, 512]
    values = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name in ("input", "output")
    ]
    node = onnx.helper.make_node("Neg", ["input"], ["output"])
    graph = onnx.helper.make_graph([node], "inverter", values[:1], values[1:])
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), str(target))


def write_upscaler(target: Path) -> None:
    """What spandrel loads as a x2 upscaler; all zeros, so that it repeats every pixel."""
    architectures = pytest.importorskip("spandrel.architectures.Compact")
    network = architectures.Compact(num_feat=4, num_conv=1, upscale=2)
    tensors = {name: torch.zeros_like(value) for name, value in network.state_dict().items()}
    torch.save({"params": tensors}, target)


def write_clip(target: Path, frames: Iterable[npt.NDArray[np.uint8]], rate: int) -> None:
    """A silent H.264 clip of frames (H, W, 3)."""
    av = pytest.importorskip("av")
    with av.open(os.fspath(target), "w") as container:
        stream = container.add_stream("h264", rate=rate, options={"crf": "10"})
        for number, pixels in enumerate(frames):
            if number == 0:
                stream.height, stream.width = pixels.shape[:2]
                stream.pix_fmt = "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


def read_clip(file: Path) -> tuple[npt.NDArray[np.uint8], float]:
    """The frames (N, H, W, 3) of a clip, and their rate per second."""
    av = pytest.importorskip("av")
    with av.open(os.fspath(file)) as container:
        rate = float(container.streams.video[0].average_rate)
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.stack(frames), rate
