"""The published arrays of MobileStyleGAN as our generator."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor

from panini_core.checkpoints import CheckpointError, fill_gan_prior, load_gan_prior
from panini_core.checkpoints.mobile_prior import PriorSizes, band_by_band
from panini_core.models.mobile_stylegan import MobileGenerator
from panini_core.models.panini import PaniniConfig, build_gan_prior

from .published_prior import (
    IMAGE_SIZE,
    ROWS,
    SMALL,
    Arrays,
    plain_codes,
    plain_picture,
    published_arrays,
    write_published,
)
from .small_files import SMALL_MFR, small_net

NAME = "published.safetensors"


def load(path: Path, *, dtype: torch.dtype = torch.float32) -> MobileGenerator:
    prior = load_gan_prior(path, dtype=dtype)
    assert isinstance(prior, MobileGenerator)
    return prior


def codes(count: int = 2) -> Tensor:
    return torch.randn(count, ROWS, SMALL.code, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def arrays() -> Arrays:
    return published_arrays()


def test_sizes_are_read_from_the_arrays(tmp_path: Path, arrays: Arrays) -> None:
    prior = load(write_published(tmp_path / NAME, arrays))
    assert not prior.training
    assert (prior.resolutions, prior.w_plus_rows) == ((4, 8, 16, 32), ROWS)
    assert (prior.image_size, prior.style_size) == (IMAGE_SIZE, SMALL.code)
    assert len(prior.mapping.layers) == SMALL.mapping_layers
    assert torch.equal(prior.mean_latent, arrays["mean_latent"])


def test_it_computes_what_was_published(tmp_path: Path, arrays: Arrays) -> None:
    prior = load(write_published(tmp_path / NAME, arrays))
    z = torch.randn(3, SMALL.code)
    with torch.no_grad():
        torch.testing.assert_close(prior.mapping(z), plain_codes(arrays, z, 3))
        for large in (False, True):
            out = prior(codes(), size=IMAGE_SIZE * (1 + large))
            expected = plain_picture(arrays, codes(), 3, large=large)
            assert out.shape == expected.shape
            assert (out - expected).abs().max() < 1e-4 * expected.std()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_files_of_other_precisions(tmp_path: Path, arrays: Arrays, dtype: torch.dtype) -> None:
    arrays = {name: array.to(dtype) for name, array in arrays.items()}
    prior = load(write_published(tmp_path / NAME, arrays))
    expected = plain_picture({k: a.float() for k, a in arrays.items()}, codes(), 3, large=True)
    with torch.no_grad():
        error = (prior(codes(), size=2 * IMAGE_SIZE) - expected).abs().max()
    assert error < 1e-4 * expected.std()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_in_half_precision(tmp_path: Path, arrays: Arrays, dtype: torch.dtype) -> None:
    prior = load(write_published(tmp_path / NAME, arrays), dtype=dtype)
    assert {tensor.dtype for tensor in prior.state_dict().values()} == {dtype}
    expected = plain_picture(arrays, codes(), 3, large=False)
    with torch.no_grad():
        out = prior(codes())
    assert (out - expected).abs().mean() < 0.03 * expected.std()


@pytest.mark.parametrize("value", [0.0, 0.3], ids=["none", "even"])
def test_noise_without_a_pattern(tmp_path: Path, arrays: Arrays, value: float) -> None:
    arrays["blocks.1.conv1.noise"].fill_(value)
    path = write_published(tmp_path / NAME, arrays)
    expected = plain_picture(arrays, codes(), 3, large=False)
    with torch.no_grad():
        assert (load(path)(codes()) - expected).abs().max() < 1e-4 * expected.std()
        assert load(path, dtype=torch.float16)(codes()).isfinite().all()


def test_large_kernels_after_small_modulations_fit_half_precision(
    tmp_path: Path, arrays: Arrays
) -> None:
    # The published ones are like that: what one is too large the other is too small.
    arrays["blocks.0.conv2.depthwise"] *= 1e6
    for part in ("mod_weight", "mod_bias"):
        arrays[f"blocks.0.conv2.{part}"] *= 1e-6
    path = write_published(tmp_path / NAME, arrays)
    expected = plain_picture(arrays, codes(), 3, large=False)
    with torch.no_grad():
        out = load(path, dtype=torch.float16)(codes())
    assert (out - expected).abs().mean() < 0.03 * expected.std()


def test_bands_come_one_after_another() -> None:
    beside = ["low a", "low b", "lh a", "hl a", "hh a", "lh b", "hl b", "hh b"]
    order = band_by_band(torch.arange(8)).tolist()
    assert [beside[index] for index in order] == [
        *("low a", "low b", "lh a", "lh b"),
        *("hl a", "hl b", "hh a", "hh b"),
    ]


def test_the_default_sizes_are_the_published_ones(shared: Path) -> None:
    from safetensors import safe_open

    path = shared / "data" / "weights" / "mobilestylegan_ffhq.safetensors"
    with safe_open(path, framework="pt") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    assert PriorSizes().shapes() == shapes
    preset = PaniniConfig.preset("mobile")
    assert preset.prior_channels == (PriorSizes().start, *PriorSizes().widths)


# Files that are not whole


def test_every_missing_array_is_named(tmp_path: Path, arrays: Arrays) -> None:
    path = tmp_path / NAME
    for name in arrays:
        write_published(path, {other: array for other, array in arrays.items() if other != name})
        with pytest.raises(CheckpointError) as caught:
            load_gan_prior(path)
        assert str(path) in str(caught.value)
        assert name in str(caught.value)


def test_every_misshapen_array_is_named(tmp_path: Path, arrays: Arrays) -> None:
    path = tmp_path / NAME
    for name, array in arrays.items():
        for wrong in (array.new_zeros(array.shape[0] + 1, *array.shape[1:]), array[..., None]):
            write_published(path, {**arrays, name: wrong.contiguous()})
            with pytest.raises(CheckpointError) as caught:
                load_gan_prior(path)
            assert str(path) in str(caught.value)
            # What tells a width decides which of the others are wrong.
            assert name in str(caught.value) or name.endswith(("conv2.bias", "const", "latent"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"blocks.1.conv1.extra": torch.zeros(1)}, "1 unexpected: blocks.1.conv1.extra"),
        ({"extra": torch.zeros(1)}, "1 unexpected: extra"),
        ({"mapping.3.weight": torch.zeros(16, 16)}, "1 missing: mapping.3.bias"),
        ({"blocks.4.up.mod_bias": torch.zeros(6)}, "lacks blocks.3.conv2.bias"),
        ({"const": torch.zeros(12)}, "const should have 4 axes, it is (12,)"),
        ({"mean_latent": torch.tensor(0.0)}, "mean_latent should have 1 axes, it is ()"),
        ({"mean_latent": torch.zeros(1, 16)}, "mean_latent should have 1 axes, it is (1, 16)"),
        ({"conv1.bias": torch.zeros(12, dtype=torch.int64)}, "conv1.bias holds torch.int64"),
        ({"const": torch.zeros(1, 10, 4, 4)}, "must divide; got [10]"),
        ({"const": torch.zeros(1, 0, 4, 4)}, "conv1.mod_weight is (12, 16), not (0, 16)"),
        ({"mean_latent": torch.zeros(0)}, "sizes describe no MobileStyleGAN prior"),
        ({"conv1.bias": torch.full((12,), float("nan"))}, "hold NaN or infinity: conv1.bias"),
    ],
)
def test_errors_say_what_is_wrong(
    tmp_path: Path, arrays: Arrays, changes: Arrays, message: str
) -> None:
    path = write_published(tmp_path / NAME, {**arrays, **changes})
    with pytest.raises(CheckpointError) as caught:
        load_gan_prior(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_numbers_beyond_the_precision_are_refused(tmp_path: Path, arrays: Arrays) -> None:
    arrays["const"][0, 0, 0, 0] = 1e6
    path = write_published(tmp_path / NAME, arrays)
    with pytest.raises(CheckpointError, match=r"beyond torch.float16: constant; load it in bfloat"):
        load_gan_prior(path, dtype=torch.float16)
    assert load_gan_prior(path, dtype=torch.bfloat16).constant.isfinite().all()
    with pytest.raises(ValueError, match="floating-point"):
        load_gan_prior(path, dtype=torch.int8)


# Into a generator that is there


def test_it_fills_a_generator_of_its_sizes(tmp_path: Path, arrays: Arrays) -> None:
    path = write_published(tmp_path / NAME, arrays)
    config = dataclasses.replace(
        PaniniConfig.preset("tiny-mobile"),
        prior_channels=(12, 8, 8, 6),
        mapping_layers=3,
        picture_bands=0,
    )
    generator = build_gan_prior(config)
    fill_gan_prior(path, generator)
    assert torch.equal(generator(codes()), load(path)(codes()))


@pytest.mark.parametrize(
    "changes",
    [{"prior_channels": (12, 8, 8)}, {"prior_channels": (12, 8, 8, 8)}, {"style_size": 8}],
)
def test_a_generator_of_other_sizes_does_not_change(
    tmp_path: Path, arrays: Arrays, changes: dict[str, object]
) -> None:
    path = write_published(tmp_path / NAME, arrays)
    values = PaniniConfig.preset("tiny-mobile").to_dict()
    sizes = {"prior_channels": (12, 8, 8, 6), "mapping_layers": 3, "picture_bands": 0}
    generator = build_gan_prior(PaniniConfig.from_dict({**values, **sizes, **changes}))
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    with pytest.raises(CheckpointError, match=r"does not match a MobileStyleGAN prior"):
        fill_gan_prior(path, generator)
    for name, tensor in generator.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_no_stylegan2_takes_it(tmp_path: Path, arrays: Arrays) -> None:
    path = write_published(tmp_path / NAME, arrays)
    generator = small_net(SMALL_MFR).gan_prior
    with pytest.raises(CheckpointError, match=r"expected a StyleGAN2 prior.*found a MobileStyle"):
        fill_gan_prior(path, generator)
