from __future__ import annotations

import dataclasses

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data
from torch import Tensor

from panini_core.degrading.blur_kernels import trim_kernels
from panini_core.degrading.degrade import (
    FILTERS,
    PRESETS,
    DegradationParameters,
    DegradationPass,
    DegradationRanges,
    PassRanges,
    degrade,
    degrade_images,
    degrade_with,
    degraded_batches,
    sample_degradations,
    shot_noise,
)
from panini_core.degrading.ranges import FURTHER_KINDS

SIZE = 96


@pytest.fixture(scope="module")
def faces() -> Tensor:
    """Two square pictures (2, 3, SIZE, SIZE), whole 8-bit levels."""
    photograph = torch.from_numpy(data.astronaut()).permute(2, 0, 1)[None] / 255
    crops = torch.cat([photograph[..., :200, 140:340], photograph[..., 200:400, 0:200]])
    return (F.interpolate(crops, size=(SIZE, SIZE), mode="area") * 255).round() / 255


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def neutral_but(count: int = 1, **values: float | int | bool) -> DegradationParameters:
    """One pass that changes nothing, but for the given values."""
    one = DegradationPass.neutral(count)
    changes = {
        name: torch.full((count,), value, dtype=getattr(one, name).dtype)
        for name, value in values.items()
    }
    return DegradationParameters((dataclasses.replace(one, **changes),))


def draw(preset: str, count: int, seed: int = 0, image_size: int = SIZE) -> DegradationParameters:
    return sample_degradations(
        PRESETS[preset], count, generator=seeded(seed), image_size=image_size
    )


def assert_equal(a: DegradationPass, b: DegradationPass) -> None:
    for item in dataclasses.fields(a):
        values, expected = getattr(a, item.name), getattr(b, item.name)
        if values.ndim == 3:  # kernels, stored with room for the widest of a batch
            values, expected = trim_kernels(values), trim_kernels(expected)
        assert torch.equal(values, expected), item.name


# --- drawing parameters ---


@settings(deadline=None, max_examples=15)
@given(
    preset=st.sampled_from(sorted(PRESETS)),
    seed=st.integers(0, 2**31),
    few=st.integers(1, 4),
    more=st.integers(1, 4),
)
def test_a_sample_does_not_depend_on_how_many_are_drawn(
    preset: str, seed: int, few: int, more: int
) -> None:
    alone, among = draw(preset, few, seed), draw(preset, few + more, seed)
    for i, one in enumerate(alone.passes):
        assert_equal(one, among.passes[i].select(slice(0, few)))
    for extra in among.passes[len(alone.passes) :]:
        neutral = DegradationPass.neutral(few)
        for name in ("down", "gaussian_sigma", "shot_sigma", "jpeg_quality"):
            assert torch.equal(getattr(extra, name)[:few], getattr(neutral, name))


def test_draws_stay_inside_their_ranges() -> None:
    ranges = PassRanges(
        down=(2.0, 6.0), noise_sigma=(3.0, 9.0), noise_probability=1.0, jpeg_quality=(40.0, 70.0)
    )
    one = sample_degradations(
        DegradationRanges((ranges,)), 300, generator=seeded(), image_size=64
    ).passes[0]
    noise = one.gaussian_sigma + one.shot_sigma
    for values, (low, high) in (
        (one.down, ranges.down),
        (noise, ranges.noise_sigma),
        (one.jpeg_quality, ranges.jpeg_quality),
    ):
        assert low <= values.min() < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < values.max() <= high
    assert torch.equal(one.jpeg_quality, one.jpeg_quality.round())
    # Log-uniform: as many below the geometric mean as above it.
    assert (one.down < 12**0.5).float().mean() == pytest.approx(0.5, abs=0.1)


def test_weights_decide_what_is_drawn() -> None:
    one = draw("training", 600).passes[0]
    untouched = (one.down == 1) & (one.gaussian_sigma == 0) & (one.shot_sigma == 0)
    assert untouched.float().mean() == pytest.approx(0.05, abs=0.03)
    used = {FILTERS[i] for i in one.up_filter.tolist()}
    assert used == {"bilinear", "bicubic", "aliased_bicubic", "nearest", "lanczos3"}
    assert 0.4 < one.low_resolution.float().mean() < 0.8


def test_blur_scales_with_the_image() -> None:
    def deviation(image_size: int) -> float:
        ranges = DegradationRanges((PassRanges(blur_sigma=(6.0, 6.0)),))
        kernels = sample_degradations(
            ranges, 200, generator=seeded(), image_size=image_size
        ).passes[0]
        gaussian = kernels.kernels[kernels.kernels.amin(dim=(1, 2)) >= 0]
        position = torch.arange(gaussian.shape[-1]) - gaussian.shape[-1] // 2
        return float(((gaussian.sum(1) * position**2).sum(1).median()).sqrt())

    assert deviation(512) == pytest.approx(2 * deviation(256), rel=0.05)


def test_second_order_has_a_second_pass() -> None:
    parameters = draw("second-order", 8)
    assert len(parameters.passes) == 2
    assert bool((parameters.passes[1].jpeg_quality > 0).any())


def test_samples_may_be_selected_twice() -> None:
    parameters = draw("second-order", 5)
    twice = parameters.select([3, 1, 3, 1])
    assert len(twice) == 4
    for whole, part in zip(parameters.passes, twice.passes, strict=True):
        assert_equal(part, whole.select(torch.tensor([3, 1, 3, 1])))


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        draw("mild", 0)


# --- applying them ---


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_presets_give_images_as_files_hold_them(faces: Tensor, preset: str) -> None:
    images = faces.repeat(3, 1, 1, 1)
    degraded = degrade_images(images, preset, seed=1)
    assert degraded.shape == images.shape
    assert degraded.dtype == images.dtype
    levels = degraded * 255
    assert torch.allclose(levels, levels.round(), atol=1e-4)
    assert levels.min() >= 0
    assert levels.max() <= 255
    assert 0.002 < (degraded - images).abs().mean() < 0.3


def test_presets_are_ordered_by_severity(faces: Tensor) -> None:
    images = faces.repeat(8, 1, 1, 1)
    losses = [
        float((degrade_images(images, preset) - images).square().mean())
        for preset in ("mild", "medium", "heavy")
    ]
    assert losses == sorted(losses)


def test_neutral_parameters_change_nothing(faces: Tensor) -> None:
    assert torch.equal(degrade(faces, neutral_but(2)), faces)
    between = faces + 0.3 / 255
    assert torch.allclose(degrade(between, neutral_but(2)), faces.clamp(0, 1), atol=1e-6)


def test_the_same_seed_gives_the_same_pixels(faces: Tensor) -> None:
    first, again, other = (degrade_images(faces, "training", seed=s) for s in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_an_image_does_not_depend_on_its_batch(faces: Tensor) -> None:
    images = faces.repeat(2, 1, 1, 1)
    parameters, seeds = draw("second-order", 4), torch.tensor([11, 12, 13, 14])
    together = degrade(images, parameters, generator=seeds)
    for i in (0, 3):
        alone = degrade(images[i : i + 1], parameters.select([i]), generator=seeds[i : i + 1])
        assert torch.equal(together[i : i + 1], alone)


def test_the_same_parameters_on_another_face_get_fresh_noise(faces: Tensor) -> None:
    parameters = neutral_but(2, gaussian_sigma=10.0)
    generator = seeded()
    once, twice = (degrade(faces, parameters, generator=generator) for _ in range(2))
    assert not torch.equal(once, twice)
    for noisy in (once, twice):
        assert float((noisy - faces).std()) == pytest.approx(10 / 255, rel=0.1)


def test_without_a_generator_the_global_seed_counts(faces: Tensor) -> None:
    parameters = neutral_but(2, gaussian_sigma=10.0)
    torch.manual_seed(3)
    once = degrade(faces, parameters)
    torch.manual_seed(3)
    assert torch.equal(degrade(faces, parameters), once)


@pytest.mark.parametrize("kind", ["gaussian_sigma", "shot_sigma"])
def test_noise_has_its_deviation_and_grey_noise_no_colour(kind: str) -> None:
    light = 0.5
    images = torch.full((1, 3, 200, 200), light)
    for grey in (False, True):
        parameters = neutral_but(grey_noise=grey, **{kind: 20.0})
        noise = degrade(images, parameters, generator=seeded()) - images
        expected = 20 / 255 * (light**0.5 if kind == "shot_sigma" else 1)
        assert float(noise.std()) == pytest.approx(expected, rel=0.03)
        assert float(noise.mean()) == pytest.approx(0, abs=0.6 / 255)
        coloured = float((noise[:, 0] - noise[:, 1]).abs().max())
        assert coloured == pytest.approx(0, abs=1e-6) if grey else coloured > 0.1


@pytest.mark.parametrize("photons", [6.0, 40.0, 400.0])
def test_shot_noise_has_the_moments_of_the_poisson_distribution(photons: float) -> None:
    light = torch.ones(400_000)
    normal = torch.randn(len(light), generator=seeded())
    counts = (light + shot_noise(light, photons, normal)) * photons
    assert torch.allclose(counts, counts.round(), atol=1e-2)
    away = counts - counts.mean()
    assert float(counts.mean()) == pytest.approx(photons, rel=0.01)
    assert float(away.square().mean()) == pytest.approx(photons, rel=0.05)
    skewness = float((away**3).mean() / away.square().mean() ** 1.5)
    assert skewness == pytest.approx(photons**-0.5, abs=0.06)


# What turns each further effect on, by a small amount.
FURTHER_EFFECTS = {
    "dots": {"dot_period": 5.0, "dot_angle": 0.4, "dot_strength": 1.0},
    "black dots": {"dot_period": 5.0, "dot_strength": 1.0, "grey_dots": True},
    "stripes": {"stripe_period": 6.0, "stripe_contrast": 0.2},
    "sharpening": {"sharpen_amount": 1.0, "sharpen_sigma": 1.0},
    "tones": {"tones": 12.0},
    "earlier JPEG": {"earlier_jpeg_quality": 40.0},
    "WebP": {"web_quality": 30.0},
    "AVIF": {"web_quality": 30.0, "avif": True},
}


@pytest.mark.parametrize("effect", FURTHER_EFFECTS)
def test_further_effects_show_each_by_itself(faces: Tensor, effect: str) -> None:
    degraded = degrade(faces, neutral_but(2, **FURTHER_EFFECTS[effect]))
    assert 0.003 < (degraded - faces).abs().mean() < 0.3
    levels = degraded * 255
    assert torch.allclose(levels, levels.round(), atol=1e-4)


@pytest.mark.parametrize("kind", FURTHER_KINDS)
def test_further_kinds_are_seeded_and_independent_of_the_batch(faces: Tensor, kind: str) -> None:
    images, seeds = faces.repeat(2, 1, 1, 1), torch.tensor([11, 12, 13, 14])
    parameters = sample_degradations(
        DegradationRanges((FURTHER_KINDS[kind],)), 4, generator=seeded(), image_size=SIZE
    )
    together = degrade(images, parameters, generator=seeds)
    assert torch.equal(together, degrade(images, parameters, generator=seeds))
    for i in range(4):
        alone = degrade(images[i : i + 1], parameters.select([i]), generator=seeds[i : i + 1])
        assert torch.equal(together[i : i + 1], alone)
    assert (together - images).abs().mean() > 0.003


@pytest.mark.parametrize(("down", "factor"), [(2.0, 2), (5.3, 5), (6.6, 7), (40.0, 40)])
def test_whole_factors_make_blocks_of_one_size(faces: Tensor, down: float, factor: int) -> None:
    values = {"down": down, "up_filter": FILTERS.index("nearest"), "whole_down": True}
    degraded = degrade(faces, neutral_but(2, **values))
    whole = SIZE // factor * factor
    blocks = degraded[..., :whole, :whole].unfold(2, factor, factor).unfold(3, factor, factor)
    assert float(blocks.flatten(4).std(dim=-1).max()) < 1e-6
    # Also the last ones, of which the border leaves a part.
    rest = degraded[..., whole:, :factor].flatten(2)
    assert rest.numel() == 0 or float((rest.amax(dim=-1) - rest.amin(dim=-1)).max()) < 1e-6


def test_black_dots_leave_the_colours(faces: Tensor) -> None:
    inside = faces * 0.4 + 0.3
    degraded = degrade(inside, neutral_but(2, dot_period=6.0, dot_strength=0.3, grey_dots=True))
    change = degraded - inside
    assert float((change[:, 0] - change[:, 2]).abs().max()) < 2 / 255
    assert float(change.std()) > 0.05


def test_dots_are_as_strong_and_as_blurred_as_asked(faces: Tensor) -> None:
    def change(**values: float) -> float:
        images = torch.full((1, 3, SIZE, SIZE), 0.6)
        return float((degrade(images, neutral_but(dot_period=4.0, **values)) - images).std())

    assert change(dot_strength=0.0) == pytest.approx(0, abs=1e-6)
    assert change(dot_strength=0.5) == pytest.approx(change(dot_strength=1.0) / 2, rel=0.02)
    assert change(dot_strength=1.0, dot_blur=1.5) < 0.5 * change(dot_strength=1.0)


def test_fewer_tones_leave_as_many_values_as_asked(faces: Tensor) -> None:
    for tones in (4, 9):
        for low_resolution in (False, True):
            values = {"down": 3.0, "up_filter": FILTERS.index("nearest"), "tones": float(tones)}
            degraded = degrade(faces, neutral_but(2, low_resolution=low_resolution, **values))
            assert degraded.unique().numel() <= tones


def test_halos_of_small_pictures_are_enlarged_with_them() -> None:
    edge = torch.tensor([0.4, 0.6]).repeat_interleave(48).expand(1, 3, 96, 96)

    def reach(enlarged: bool) -> int:
        values = {"down": 4.0, "down_filter": FILTERS.index("area"), "sharpen_amount": 1.5}
        degraded = degrade(
            edge, neutral_but(sharpen_sigma=1.0, sharpen_enlarged=enlarged, **values)
        )
        return int((degraded[0, 0, 48] > 0.61).sum())

    assert reach(False) > 1.5 * reach(True)


def test_a_picture_saved_twice_has_both_grids_of_blocks(faces: Tensor) -> None:
    def edges(**values: float) -> Tensor:
        parameters = neutral_but(2, **values)
        if values.get("earlier_jpeg_quality"):
            origin = torch.tensor([[3.0, 0.0], [3.0, 0.0]])
            one = dataclasses.replace(parameters.passes[0], earlier_jpeg_origin=origin)
            parameters = DegradationParameters((one,))
        steps = degrade(faces, parameters).mean(dim=(0, 1)).diff(dim=1).abs().mean(dim=0)
        return F.pad(steps, (1, 0)).view(-1, 8)[1:].mean(dim=0)

    once, twice = edges(jpeg_quality=60), edges(jpeg_quality=60, earlier_jpeg_quality=6.0)
    assert int(twice.argmax()) == 5  # where 3 + 5 is a multiple of 8
    assert twice[5] > 1.3 * once[5]


def test_down_sampling_loses_detail_and_keeps_the_size(faces: Tensor) -> None:
    losses = []
    for down in (1.0, 1.5, 3.0, 6.0, 12.0):
        degraded = degrade(faces, neutral_but(2, down=down))
        assert degraded.shape == faces.shape
        losses.append(float((degraded - faces).square().mean()))
    assert losses[0] == 0
    assert losses == sorted(losses)


def test_at_low_resolution_noise_and_jpeg_are_enlarged_with_the_picture(faces: Tensor) -> None:
    values = {"down": 4.0, "up_filter": FILTERS.index("nearest"), "jpeg_quality": 50}
    small_first, final_grid = (
        degrade(
            faces,
            neutral_but(2, low_resolution=low, gaussian_sigma=8.0, **values),
            generator=seeded(),
        )
        for low in (True, False)
    )

    def variation_in_blocks(images: Tensor) -> float:
        blocks = images.unfold(2, 4, 4).unfold(3, 4, 4)
        return float(blocks.flatten(4).std(dim=-1).mean())

    assert variation_in_blocks(small_first) == 0
    assert variation_in_blocks(final_grid) > 0.01


@pytest.mark.parametrize("size", [(61, 97), (200, 5), (1, 1)])
def test_any_size(size: tuple[int, int]) -> None:
    images = torch.rand(3, 3, *size)
    assert degrade_images(images, "training").shape == images.shape


def test_ranges_and_a_generator_are_parameters_drawn_and_applied(faces: Tensor) -> None:
    generator = seeded(3)
    parameters = sample_degradations(
        PRESETS["training"], len(faces), generator=generator, image_size=SIZE
    )
    expected = degrade(faces, parameters, generator=generator)
    for ranges in ("training", PRESETS["training"]):
        assert torch.equal(degrade_with(ranges, faces, generator=seeded(3)), expected)
    assert torch.equal(degrade_images(faces, "training", seed=3), expected)


def test_an_unknown_preset_is_refused(faces: Tensor) -> None:
    with pytest.raises(ValueError, match="mild"):
        degrade_images(faces, "gentle")


def test_as_many_parameters_as_images_are_demanded(faces: Tensor) -> None:
    with pytest.raises(ValueError, match=r"\(3, 3, H, W\)"):
        degrade(faces, neutral_but(3))
    with pytest.raises(ValueError, match="one seed per sample"):
        degrade(faces, neutral_but(2), generator=torch.tensor([1]))


def test_batches_degrade_every_face_by_itself() -> None:
    faces = torch.randint(0, 256, (5, 3, 64, 64), dtype=torch.uint8, generator=seeded(1))
    parts = list(degraded_batches(faces, PRESETS["medium"], generator=seeded(2), batch=2))
    assert [len(clean) for clean, _ in parts] == [2, 2, 1]
    assert torch.equal(torch.cat([clean for clean, _ in parts]), faces.float() / 255)
    degraded = torch.cat([one for _, one in parts])
    generator = seeded(2)
    parameters = sample_degradations(PRESETS["medium"], 5, generator=generator, image_size=64)
    first = degrade(faces[:2].float() / 255, parameters.select(slice(2)), generator=generator)
    assert torch.equal(degraded[:2], first)
    assert degraded.shape == faces.shape
