"""How steady restored faces are in a film, and what steadying them costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from panini_core.degrading.degrade import degrade_images
from panini_core.models.face_detector import FaceDetector
from panini_core.models.panini import PaniniNet
from panini_core.options import FILM_SMOOTHING, RestoreOptions
from panini_core.pipeline import restore_images_with_report

PRESET, SEED = "mild", 3  # of the degradation that all frames share
NOISE = 0.01  # standard deviation of what differs from frame to frame, of [0, 1]
FRAMES = 16
INSIDE = 0.99  # of the paste mask, from which a pixel counts as face
SETTLED = 4  # frames at both ends that are left out, where fewer frames help
BAR_SHARE = 0.25  # of the face's width that is behind the bar
BAR_SPEED = 0.15  # of the face's width by which it moves in a frame


@dataclass(frozen=True, slots=True)
class FlickerStudy:
    """Figures of one face in a film; differences are of values in 0..255."""

    frames: int
    smoothing: float
    flicker_of_input: float  # mean difference of one frame's face and the next one's
    flicker_without: float  # likewise, restored without smoothing
    flicker_with: float
    texture_kept: float  # the fine detail with smoothing, as a share of that without
    ghost: float  # change by smoothing where a bar passes, as a share of the bar's contrast

    @property
    def reduction(self) -> float:
        """How many times less the restored face flickers with smoothing."""
        return self.flicker_without / max(self.flicker_with, 1e-9)


def study_flicker(
    model: PaniniNet,
    detector: FaceDetector,
    photograph: Tensor,
    *,
    frames: int = FRAMES,
    smoothing: float = FILM_SMOOTHING,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[FlickerStudy, Tensor]:
    """Restores a photograph (1, 3, H, W) with one face as a film in which it stands still.

    The frames are degraded alike and differ by noise. Then a dark bar passes in front of the face.
    Returns the figures, and a picture (3, h, w) of one row of pixels over time: of the input, of
    what is restored without smoothing, and with it. Raises ValueError where no face is found.
    """
    clip = _standing(photograph, frames)
    still = RestoreOptions(batch=1)
    steady = RestoreOptions(batch=1, smoothing=smoothing)
    runs = [(clip, still), (clip, steady)]
    results: list[Tensor] = []
    masks: list[Tensor] = []
    for images, options in runs:
        done = restore_images_with_report(detector, model, images, options, keep_faces=False)
        results.append(done.images)
        masks.append(done.masks)
        on_progress(len(results), 4)
    inside = (torch.stack(masks).amin((0, 1)) > INSIDE).expand(3, -1, -1)
    if not inside.any():
        raise ValueError("No face was found in the photograph: choose another one.")
    without, within = results
    moving, bars = _with_bar(clip, inside)
    passing: list[Tensor] = []
    for options in (still, steady):
        done = restore_images_with_report(detector, model, moving, options, keep_faces=False)
        passing.append(done.images)
        on_progress(2 + len(passing), 4)
    inner = slice(SETTLED, frames - SETTLED)
    contrast = (clip[:, inside].mean() - moving[bars].mean()).abs()
    changed = (passing[0] - passing[1]).abs()
    ghost = changed[_edges(bars) & inside].mean() - (without - within).abs()[:, inside].mean()
    study = FlickerStudy(
        frames=frames,
        smoothing=smoothing,
        flicker_of_input=_flicker(clip[inner], inside),
        flicker_without=_flicker(without[inner], inside),
        flicker_with=_flicker(within[inner], inside),
        texture_kept=_detail(within[inner], inside) / _detail(without[inner], inside),
        ghost=max(float(ghost / contrast), 0.0),
    )
    return study, _over_time([clip, without, within], inside)


def _standing(photograph: Tensor, frames: int) -> Tensor:
    degraded = degrade_images(photograph, PRESET, seed=SEED)
    generator = torch.Generator().manual_seed(SEED)
    noise = torch.randn(frames, *photograph.shape[1:], generator=generator)
    return (degraded + NOISE * noise.to(degraded)).clamp(0, 1)


def _with_bar(clip: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
    """The clip with a dark bar that passes in front of the face, and where it is (N, 3, H, W)."""
    columns = torch.nonzero(inside[0].any(0))[:, 0]
    left, width = int(columns.min()), int(columns.max() - columns.min()) + 1
    moving, bars = clip.clone(), torch.zeros_like(clip, dtype=torch.bool)
    for index in range(len(clip)):
        start = left + round(index * BAR_SPEED * width) - round(BAR_SHARE * width)
        stop = min(max(start + round(BAR_SHARE * width), 0), clip.shape[-1])
        bars[index, :, :, max(start, 0) : stop] = True
    moving[bars] = 0.05
    return moving, bars


def _edges(bars: Tensor) -> Tensor:
    """Where the bar was one frame ago or is one frame later, and is not now."""
    near = bars.clone()
    near[1:] |= bars[:-1]
    near[:-1] |= bars[1:]
    return near & ~bars


def _flicker(images: Tensor, inside: Tensor) -> float:
    return 255 * float((images[1:] - images[:-1])[:, inside].abs().mean())


def _detail(images: Tensor, inside: Tensor) -> float:
    """The root mean square of what a mean over 3 px leaves."""
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    fine = images - F.avg_pool2d(padded, 3, stride=1)
    return float(fine[:, inside].square().mean().sqrt())


def _over_time(clips: list[Tensor], inside: Tensor) -> Tensor:
    """The row through the middle of the face, one line a frame, of each clip, enlarged."""
    rows, columns = torch.nonzero(inside[0], as_tuple=True)
    middle = int(rows.float().mean())
    across = slice(int(columns.min()), int(columns.max()) + 1)
    strips = [clip[:, :, middle, across].permute(1, 0, 2) for clip in clips]
    picture = torch.cat([F.pad(strip, (0, 0, 0, 2), value=1.0) for strip in strips], dim=1)
    return picture.repeat_interleave(4, 1).repeat_interleave(4, 2).clamp(0, 1)
