"""What degradations are drawn from, and the presets.

The presets cover what was measured on real and published examples. Two orders occur: small
pictures with noise and JPEG that somebody enlarged afterwards (by repeating pixels, or bilinear
or bicubic), with a blur of up to about one pixel of the small picture; and the inputs published
with the paper, whose noise and JPEG lie on the final grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

Range = tuple[float, float]

# The image size at which blur is stated in px.
REFERENCE_SIZE = 512


@dataclass(frozen=True, slots=True)
class FamilyWeights:
    """How often each family of blur kernels occurs; weights need not sum to 1."""

    gaussian: float = 0.7
    generalised_gaussian: float = 0.12
    plateau: float = 0.1
    sinc: float = 0.08


@dataclass(frozen=True, slots=True)
class FilterWeights:
    """How often each filter for resizing occurs; weights need not sum to 1.

    Bilinear, bicubic and lanczos3 are antialiased as in Pillow; the aliased ones are those of
    OpenCV. When enlarging there is nothing to antialias: the bilinear ones are equal, the bicubic
    ones differ in their parameter.
    """

    bilinear: float = 0.0
    bicubic: float = 0.0
    aliased_bilinear: float = 0.0
    aliased_bicubic: float = 0.0
    area: float = 0.0
    nearest: float = 0.0
    lanczos3: float = 0.0


@dataclass(frozen=True, slots=True)
class PassRanges:
    """What one pass draws from: uniform within a range unless stated; (a, a) is the value a."""

    weight: float = 1.0  # how often this one is drawn among its alternatives

    blur_probability: float = 1.0
    blur_sigma: Range = (0.0, 4.0)  # px in an image of 512 px; scaled with the image's size
    anisotropic_probability: float = 0.5
    blur_families: FamilyWeights = FamilyWeights()
    generalised_shape: Range = (0.5, 4.0)
    plateau_shape: Range = (1.0, 2.0)
    sinc_cutoff: Range = (math.pi / 3, math.pi)  # radians per px

    resize_probability: float = 1.0
    down: Range = (1.0, 8.0)  # factor, log-uniform
    down_filters: FilterWeights = FilterWeights(
        bilinear=0.3, bicubic=0.2, aliased_bilinear=0.15, aliased_bicubic=0.15, area=0.2
    )
    up_filters: FilterWeights = FilterWeights(
        bilinear=0.4, bicubic=0.1, aliased_bicubic=0.2, nearest=0.3
    )

    noise_probability: float = 0.85
    shot_noise_probability: float = 0.3  # Poisson instead of Gaussian
    noise_sigma: Range = (0.0, 10.0)  # of 255; for Poisson noise at white
    grey_noise_probability: float = 0.4

    jpeg_probability: float = 1.0
    jpeg_quality: Range = (50.0, 95.0)  # rounded
    chroma_subsampling_probability: float = 0.8  # 4:2:0, else 4:4:4

    low_resolution_probability: float = 0.7  # noise and JPEG come before the up-sampling
    final_sinc_probability: float = 0.0  # an extra sinc filter before JPEG

    # What not every picture has; these are off unless a preset asks for them.

    whole_down_probability: float = 0.0  # the factor rounded: blocks of pixels, all of one size

    dots_probability: float = 0.0  # a print's
    dot_period: Range = (4.0, 10.0)  # px in an image of 512 px, as all below; log-uniform
    dot_strength: Range = (0.3, 1.0)  # 1: ink and paper and nothing between
    dot_blur: Range = (0.4, 1.5)  # px
    grey_dots_probability: float = 0.4  # black only, else cyan, magenta and yellow

    stripes_probability: float = 0.0  # a screen's
    stripe_period: Range = (3.0, 16.0)  # px; log-uniform
    stripe_contrast: Range = (0.03, 0.2)  # of the light
    stripe_bend: Range = (-3.0, 3.0)  # periods off the straight at the border
    stripe_colour: Range = (0.0, 2 * math.pi / 3)  # radians between the channels

    sharpen_probability: float = 0.0
    sharpen_amount: Range = (0.2, 1.8)  # of an unsharp mask
    sharpen_sigma: Range = (0.4, 2.5)  # px
    sharpen_enlarged_probability: float = 0.5  # after the up-sampling, else before

    tones_probability: float = 0.0
    tones: Range = (8.0, 48.0)  # values of a channel; log-uniform, rounded
    dither_probability: float = 0.4

    earlier_jpeg_probability: float = 0.0  # of a file that the picture was cut out of
    earlier_jpeg_quality: Range = (35.0, 90.0)  # rounded

    web_probability: float = 0.0  # WebP or AVIF, after JPEG if there is one
    web_quality: Range = (10.0, 80.0)  # rounded
    avif_probability: float = 0.25

    @property
    def has_further(self) -> bool:
        """Whether any of what not every picture has can be drawn."""
        return any(
            probability > 0
            for probability in (
                self.whole_down_probability,
                self.dots_probability,
                self.stripes_probability,
                self.sharpen_probability,
                self.tones_probability,
                self.earlier_jpeg_probability,
                self.web_probability,
            )
        )


@dataclass(frozen=True, slots=True)
class DegradationRanges:
    """What `sample_degradations` draws from: a first pass among alternatives, perhaps a second."""

    first: tuple[PassRanges, ...] = (PassRanges(),)
    second: tuple[PassRanges, ...] = (PassRanges(),)
    second_probability: float = 0.0
    clean_probability: float = 0.0  # no pass at all, only JPEG of the quality below
    clean_jpeg_quality: Range = (85.0, 100.0)


# Small pictures, most of them compressed before somebody enlarged them.
_MILD = PassRanges(
    blur_sigma=(0.3, 3.0), down=(1.5, 4.0), noise_sigma=(0.0, 12.0), jpeg_quality=(58.0, 92.0)
)
_MEDIUM = PassRanges(
    blur_sigma=(1.5, 6.0), down=(4.0, 8.0), noise_sigma=(0.0, 15.0), jpeg_quality=(40.0, 80.0)
)
_HEAVY = PassRanges(
    blur_sigma=(3.0, 10.0), down=(8.0, 18.0), noise_sigma=(0.0, 18.0), jpeg_quality=(30.0, 60.0)
)
# The whole range, each parameter independent of the others.
_WIDE = PassRanges(
    blur_probability=0.9,
    blur_sigma=(0.0, 8.0),
    down=(1.0, 24.0),
    noise_sigma=(0.0, 20.0),
    jpeg_probability=0.9,
    jpeg_quality=(30.0, 95.0),
    low_resolution_probability=0.5,
)
# Grain has the size of a few pixels because the picture is enlarged after it.
_FILM_GRAIN = PassRanges(
    blur_sigma=(0.5, 2.5),
    down=(1.3, 2.5),
    up_filters=FilterWeights(bilinear=0.5, bicubic=0.5),
    noise_probability=1.0,
    shot_noise_probability=0.0,
    noise_sigma=(12.0, 30.0),
    grey_noise_probability=1.0,
    jpeg_quality=(80.0, 97.0),
    low_resolution_probability=1.0,
)
_LOW_LIGHT = PassRanges(
    blur_sigma=(0.5, 3.0),
    down=(1.5, 4.0),
    noise_probability=1.0,
    shot_noise_probability=1.0,
    noise_sigma=(20.0, 45.0),
    grey_noise_probability=0.0,
    jpeg_quality=(60.0, 92.0),
    low_resolution_probability=0.7,
)
# As measured on the inputs that were published with the paper.
_OFFICIAL = PassRanges(
    blur_sigma=(2.0, 8.0),
    blur_families=FamilyWeights(1.0, 0.0, 0.0, 0.0),
    down=(1.0, 16.0),
    down_filters=FilterWeights(bilinear=1.0),
    up_filters=FilterWeights(bilinear=0.4, aliased_bicubic=0.4, nearest=0.2),
    noise_probability=1.0,
    shot_noise_probability=0.0,
    noise_sigma=(0.0, 12.0),
    grey_noise_probability=0.0,
    jpeg_quality=(57.0, 95.0),
    chroma_subsampling_probability=1.0,
    low_resolution_probability=0.0,
)
# The second order: what happens to a picture that is passed on.
_AGAIN = PassRanges(
    blur_probability=0.5,
    blur_sigma=(0.0, 1.5),
    resize_probability=0.5,
    down=(1.0, 2.0),
    noise_probability=0.5,
    noise_sigma=(0.0, 5.0),
    jpeg_quality=(50.0, 95.0),
    low_resolution_probability=0.2,
    final_sinc_probability=0.15,
)

# What photographs from the web, from prints and from screens have besides. Not presets: they make
# a part of `training`.
FURTHER_KINDS: dict[str, PassRanges] = {
    # A small picture shown large, pixel for pixel; no blur hides its blocks.
    "pixelated": PassRanges(
        blur_probability=0.0,
        down=(2.0, 20.0),
        whole_down_probability=0.75,
        down_filters=FilterWeights(bilinear=0.2, bicubic=0.2, area=0.4, nearest=0.2),
        up_filters=FilterWeights(nearest=1.0),
        noise_probability=0.3,
        noise_sigma=(0.0, 8.0),
        jpeg_probability=0.7,
        jpeg_quality=(55.0, 95.0),
        low_resolution_probability=0.6,
    ),
    # Made smaller and sharper, cut out and saved again and again.
    "web": PassRanges(
        blur_probability=0.6,
        blur_sigma=(0.0, 3.0),
        down=(1.0, 6.0),
        down_filters=FilterWeights(lanczos3=0.6, bicubic=0.2, area=0.2),
        up_filters=FilterWeights(
            lanczos3=0.5, bicubic=0.15, bilinear=0.15, aliased_bicubic=0.1, nearest=0.1
        ),
        noise_probability=0.5,
        noise_sigma=(0.0, 8.0),
        sharpen_probability=0.6,
        earlier_jpeg_probability=0.4,
        jpeg_probability=0.6,
        jpeg_quality=(35.0, 92.0),
        web_probability=0.5,
    ),
    "print": PassRanges(
        blur_sigma=(0.0, 2.5),
        dots_probability=1.0,
        down=(1.0, 2.5),
        noise_probability=0.6,
        noise_sigma=(0.0, 8.0),
        jpeg_quality=(55.0, 95.0),
        sharpen_probability=0.2,
    ),
    "screen": PassRanges(
        blur_sigma=(0.5, 3.0),
        stripes_probability=1.0,
        down=(1.0, 3.0),
        noise_sigma=(0.0, 12.0),
        jpeg_quality=(50.0, 92.0),
    ),
    "few tones": PassRanges(
        blur_sigma=(0.0, 2.5),
        down=(1.0, 4.0),
        noise_probability=0.2,
        noise_sigma=(0.0, 4.0),
        tones_probability=1.0,
        jpeg_probability=0.5,
        jpeg_quality=(70.0, 95.0),
        low_resolution_probability=0.6,
    ),
}
# How often each is drawn in `training`, where the other kinds together weigh 1.
_FURTHER_WEIGHTS = {
    "pixelated": 0.12,
    "web": 0.12,
    "print": 0.05,
    "screen": 0.03,
    "few tones": 0.03,
}

PRESETS: dict[str, DegradationRanges] = {
    "mild": DegradationRanges((_MILD,)),
    "medium": DegradationRanges((_MEDIUM,)),
    "heavy": DegradationRanges((_HEAVY,)),
    "training": DegradationRanges(
        first=(
            replace(_MILD, weight=0.26),
            replace(_MEDIUM, weight=0.2),
            replace(_HEAVY, weight=0.17),
            replace(_WIDE, weight=0.19),
            replace(_OFFICIAL, weight=0.1),
            replace(_FILM_GRAIN, weight=0.04),
            replace(_LOW_LIGHT, weight=0.04),
            *(replace(FURTHER_KINDS[name], weight=w) for name, w in _FURTHER_WEIGHTS.items()),
        ),
        second=(_AGAIN,),
        second_probability=0.2,
        clean_probability=0.08,
    ),
    "second-order": DegradationRanges((_WIDE,), (_AGAIN,), second_probability=1.0),
    "film-grain": DegradationRanges((_FILM_GRAIN,)),
    "low-light": DegradationRanges((_LOW_LIGHT,)),
    "official": DegradationRanges((_OFFICIAL,)),
}


def exact_degradation(
    *, blur: float, downscale: float, noise: float, jpeg: float
) -> DegradationRanges:
    """One pass with nothing left to chance but the noise itself.

    blur: standard deviation of a Gaussian blur, px of a 512 px image. downscale: factor, at least
    1, area averaged and enlarged bicubically. noise: standard deviation of Gaussian noise on the
    final grid, of 255. jpeg: quality 1 to 100. 0 (for `downscale` 1) leaves a step out.
    """
    only = FilterWeights(area=1.0)
    return DegradationRanges(
        (
            PassRanges(
                blur_probability=float(blur > 0),
                blur_sigma=(blur, blur),
                anisotropic_probability=0.0,
                blur_families=FamilyWeights(1.0, 0.0, 0.0, 0.0),
                resize_probability=float(downscale > 1),
                down=(downscale, downscale),
                down_filters=only,
                up_filters=FilterWeights(bicubic=1.0),
                noise_probability=float(noise > 0),
                shot_noise_probability=0.0,
                noise_sigma=(noise, noise),
                grey_noise_probability=0.0,
                jpeg_probability=float(jpeg > 0),
                jpeg_quality=(jpeg, jpeg),
                chroma_subsampling_probability=1.0,
                low_resolution_probability=0.0,
            ),
        )
    )
