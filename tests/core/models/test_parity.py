"""Both official networks, from a checkpoint in their own layout, against recorded results.

The recipe of weights and inputs, and how the recorded arrays came about, is in the README beside
the fixtures. Output deviations are relative to the output's standard deviation.
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from panini_core.checkpoints import load_panini
from panini_core.models.panini import PaniniConfig, PaniniNet

SEED = 1
OUTPUT_TOLERANCE = 1e-4  # of the output's standard deviation
ALPHA_TOLERANCE = 1e-5
PROBE_TOLERANCE = 1e-4  # of the feature's standard deviation


# The recipe


def random_numbers(name: str) -> np.random.Generator:
    return np.random.default_rng((zlib.crc32(name.encode()) ^ SEED) & 0xFFFFFFFF)


def weight(name: str, shape: list[int]) -> np.ndarray[Any, Any]:
    """The value of an official state dict's entry."""
    if name.endswith((".blur.kernel", ".upsample.kernel")):
        taps = np.array([1.0, 3.0, 3.0, 1.0])
        return (np.outer(taps, taps) / 64 * 4).astype(np.float32)
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    rng = random_numbers(name)
    if name.endswith("running_var"):
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    return scaled(name, rng.standard_normal(shape)).astype(np.float32)


def scaled(name: str, normal: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if name.endswith(("running_mean", "noise_injector.weight")):
        return 0.1 * normal
    if (
        "injected_noise_" in name
        or name.endswith("constant_input.input")
        or name == "choice_vector"
    ):
        return normal
    if name.endswith("style_modulation.bias"):
        return 1 + 0.1 * normal
    if name.endswith("weight_orig"):
        return normal * (100 if "style_mapping" in name else 1)
    if name.endswith("weight") and normal.ndim == 1:
        return 1 + 0.1 * normal
    if name.endswith("weight"):
        he = math.sqrt(2 / math.prod(normal.shape[1:]))
        return normal * he * (0.05 if name.endswith("conv_body.weight") else 1)
    assert name.endswith("bias"), name
    return 0.1 * normal


def network_input(kind: str, sample: int, size: int) -> Tensor:
    fine = random_numbers(f"input:{kind}:{sample}:fine").uniform(-1, 1, (3, size, size))
    for axis in (1, 2, 1, 2):
        taps = zip((1, 4, 6, 4, 1), range(-2, 3), strict=True)
        fine = sum(tap / 16 * np.roll(fine, shift, axis) for tap, shift in taps)
    fine = fine / np.abs(fine).max()
    coarse = random_numbers(f"input:{kind}:{sample}:coarse").uniform(-1, 1, (3, 8, 8))
    coarse = coarse.repeat(size // 8, axis=1).repeat(size // 8, axis=2)
    return torch.from_numpy((0.5 * fine + 0.5 * coarse).astype(np.float32))


@pytest.mark.parametrize(
    ("name", "shape", "values"),
    [
        ("encoder.0.0.conv_first.weight", [8, 3, 3, 3], (0.04761516, -0.3257457, -0.03869928)),
        ("deg_encoder.E.1.running_var", [64], (1.300932, 0.9655594, 1.242033)),
        ("deg_encoder.E.1.weight", [64], (1.109864, 1.010031, 1.135573)),
        ("generator.injected_noise_0", [1, 1, 4, 4], (-1.271535, 0.08257727, 1.852215)),
        ("encoder.0.0.conv_body.weight", [8, 8, 3, 3], (0.008128396, -0.001281392, -0.01327805)),
        (
            "generator.style_mapping.1.linear.weight_orig",
            [512, 512],
            (66.42063, 15.04959, -30.76041),
        ),
        (
            "generator.convs.0.conv.style_modulation.bias",
            [512],
            (0.9126933, 1.011064, 1.063967),
        ),
        ("generator.conv1.noise_injector.weight", [1], (0.09233486,)),
    ],
)
def test_recipe_of_the_weights(name: str, shape: list[int], values: tuple[float, ...]) -> None:
    np.testing.assert_allclose(weight(name, shape).flatten()[:3], values, rtol=1e-6)


# The runs


@dataclass
class Run:
    """What one official network gave here, and what is recorded."""

    network: PaniniNet
    inputs: Tensor
    single: Tensor  # sample 0 alone
    pair: Tensor  # samples 0 and 1 in one batch
    features: dict[str, Tensor]  # of the pair
    recorded: dict[str, Tensor]
    probes: dict[str, list[tuple[float, float]]]  # mean and deviation of features, per sample
    output_std: float

    def relative(self, ours: Tensor, theirs: Tensor) -> float:
        """The largest difference of an output, over the recorded standard deviation."""
        return float((ours - theirs).abs().max()) / self.output_std


def write_official_checkpoint(path: Path, keys: dict[str, list[int]], folder: Path) -> None:
    tensors = {f"generator.{k}": torch.from_numpy(weight(k, s)) for k, s in keys.items()}
    critic = json.loads((folder / "disc_keys.json").read_text())
    tensors |= {f"discriminator.{k}": torch.zeros(1).expand(s) for k, s in critic.items()}
    tensors["perceptual_loss.vgg.vgg_layers.0.weight"] = torch.zeros(64, 3, 3, 3)
    tensors["perceptual_loss.vgg.mean"] = torch.zeros(1, 3, 1, 1)
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    torch.save({"meta": {"iter": 1}, "state_dict": tensors, "optimizer": {}}, path)


def watch(network: PaniniNet, features: dict[str, Tensor]) -> list[Any]:
    """Record the features that the fixtures probe, under their names."""

    def output(name: str) -> Any:
        return lambda module, inputs, result: features.update({name: result})

    def first_input(name: str) -> Any:
        return lambda module, inputs: features.update({name: inputs[0]})

    blocks: Any = network.gan_prior.blocks
    handles = [blocks["4"].conv.register_forward_hook(output("gen4"))]
    for index, resolution in enumerate(network.gan_prior.resolutions[1:]):
        hook = first_input(f"fused_in{index}")
        handles.append(blocks[str(resolution)].up.register_forward_pre_hook(hook))
    stages: list[nn.Module] = [network.image_encoder.stem, *network.image_encoder.levels]
    stages.append(network.image_encoder.latent_head)
    for index, stage in enumerate(stages):
        handles.append(stage.register_forward_hook(output(f"enc{index}")))
    return handles


@pytest.fixture(scope="module", params=["mfr", "sr"])
def run(
    request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    kind, folder = request.param, shared / "fixtures"
    keys = json.loads((folder / f"{kind}_keys.json").read_text())
    checkpoint = tmp_path_factory.mktemp(kind) / "official.pth"
    write_official_checkpoint(checkpoint, keys, folder)
    network = load_panini(checkpoint, dtype=torch.float32)
    checkpoint.unlink()  # half a gigabyte

    size = PaniniConfig.preset(f"official-{kind}").input_size
    inputs = torch.stack([network_input(kind, sample, size) for sample in (0, 1)])
    features: dict[str, Tensor] = {}
    with torch.inference_mode():
        single = network(inputs[:1])
        handles = watch(network, features)
        pair = network(inputs)
        for handle in handles:
            handle.remove()
    with np.load(folder / f"{kind}_seed{SEED}.npz") as arrays:
        meta = json.loads(str(arrays["meta"]))
        recorded = {n: torch.from_numpy(a) for n, a in arrays.items() if a.dtype == np.float32}
    output_std = min(std for _, std in meta["out_mean_std"])
    return Run(network, inputs, single, pair, features, recorded, meta["probes"], output_std)


def pool64(images: Tensor) -> Tensor:
    return nn.functional.adaptive_avg_pool2d(images, 64)


def test_sizes_come_from_the_file(run: Run) -> None:
    kind = "official-sr" if run.network.config.learned_degradation else "official-mfr"
    assert run.network.config == PaniniConfig.preset(kind)


def test_input(run: Run) -> None:
    assert (pool64(run.inputs) - run.recorded["input_pool64"]).abs().max() < 1e-6


def test_degradation_representation_and_alpha(run: Run) -> None:
    with torch.inference_mode():
        degradation = run.network.encode_degradation(run.inputs)
        alpha = run.network.predict_alpha(degradation)
    expected = run.recorded["deg_style"]
    assert (degradation - expected).abs().max() / expected.abs().max() < ALPHA_TOLERANCE
    prior, image = (run.recorded[f"afs_mask{i}"][..., 0, 0] for i in (1, 2))
    assert (alpha - prior).abs().max() < ALPHA_TOLERANCE
    assert (1 - alpha - image).abs().max() < ALPHA_TOLERANCE


def test_w_plus(run: Run) -> None:
    ours, theirs = run.features["enc5"], run.recorded["latent"]
    assert (ours - theirs).abs().max() / theirs.std() < OUTPUT_TOLERANCE


def test_features_on_the_way(run: Run) -> None:
    deviations: dict[str, float] = {}
    for name, samples in run.probes.items():
        for feature, (mean, std) in zip(run.features[name], samples, strict=True):
            found = max(abs(feature.mean().item() - mean), abs(feature.std().item() - std)) / std
            deviations[name] = max(found, deviations.get(name, 0.0))
    assert deviations.keys() >= {"enc0", "gen4", "fused_in0", "fused_in7"}
    assert {name: d for name, d in deviations.items() if d > PROBE_TOLERANCE} == {}


def test_output(run: Run) -> None:
    crop = (..., slice(480, 544), slice(480, 544))
    assert run.relative(run.pair[crop], run.recorded["out_crop64"]) < OUTPUT_TOLERANCE
    assert run.relative(run.pair[crop], run.recorded["out_batch2_crop64"]) < OUTPUT_TOLERANCE
    assert run.relative(run.single[crop], run.recorded["out_crop64"][:1]) < OUTPUT_TOLERANCE
    assert run.relative(pool64(run.pair), run.recorded["out_pool64"]) < OUTPUT_TOLERANCE


def test_a_batch_equals_single_samples(run: Run) -> None:
    assert run.relative(run.single, run.pair[:1]) < OUTPUT_TOLERANCE
